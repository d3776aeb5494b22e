// A whole server on a free port, with a folder of its own.
import { mkdirSync } from 'node:fs'
import { type App, type AppOptions, startApp } from '../../server/app.ts'
import type { AddressToTest, CameraTests } from '../../server/camera/camera-routes.ts'
import { readConfig } from '../../server/config.ts'
import type { OnvifProbeRequest } from '../../shared/camera.ts'
import { TestClient } from './test-client.ts'
import { silentLogger } from './test-database.ts'
import { makeTestFolder } from './test-folder.ts'

export interface TestApp {
  app: App
  folder: string
  /** The administrator's password. */
  password: string
  /** Not logged in. */
  client(): TestClient
  /** Logged in as the administrator. */
  administrator(): Promise<TestClient>
  /** Stops the server and starts it again on the same folder. */
  restart(env?: Record<string, string>): Promise<void>
  close(): Promise<void>
}

/** What tries of cameras were asked for. */
export interface AskedTests extends CameraTests {
  addresses: AddressToTest[]
  probes: OnvifProbeRequest[]
}

/** Tries of cameras that find nobody, and note what they were asked. The real ones are tested in their own folder. */
export function nobodyThere(): AskedTests {
  const addresses: AddressToTest[] = []
  const probes: OnvifProbeRequest[] = []
  return {
    addresses,
    probes,
    async testConnection(address) {
      addresses.push(address)
      return { isReachable: false, fault: 'connection', detail: 'nobody is there' }
    },
    async probeOnvif(request) {
      probes.push(request)
      return { isReachable: false, fault: 'connection', detail: 'nobody is there' }
    },
  }
}

export interface TestAppOptions extends Partial<Omit<AppOptions, 'config'>> {
  env?: Record<string, string>
  folder?: string
}

export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { env = {}, folder = makeTestFolder(), ...rest } = options
  mkdirSync(`${folder}/volume`, { recursive: true })
  const start = (more: Record<string, string> = {}): Promise<App> => {
    const config = readConfig({
      NIGHTJAR_PORT: '0',
      NIGHTJAR_HTTPS_PORT: 'off',
      NIGHTJAR_HOST: '127.0.0.1',
      NIGHTJAR_DATA_DIR: `${folder}/data`,
      NIGHTJAR_VOLUME: `${folder}/volume`,
      NIGHTJAR_SPACE_BYTES: String(256 * 1024 * 1024),
      NIGHTJAR_SETUP: 'done',
      ...env,
      ...more,
    })
    return startApp({ logger: silentLogger, tests: nobodyThere(), checksAnswers: true, ...rest, config })
  }
  const app = await start()
  const made: TestApp = {
    app,
    folder,
    password: app.firstPassword ?? '',
    client: () => new TestClient(made.app.url),
    async administrator() {
      const client = made.client()
      const { status } = await client.logIn('admin', made.password)
      if (status !== 200) throw new Error(`log in: ${status}`)
      return client
    },
    async restart(more) {
      await made.app.close()
      made.app = await start(more)
    },
    close: () => made.app.close(),
  }
  return made
}

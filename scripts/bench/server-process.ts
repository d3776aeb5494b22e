// A server in a process of its own, so that what it costs is nobody else's, and a client that is logged in to it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { TestClient } from '../../test/support/test-client.ts'
import { ownChild } from './own-processes.ts'

/** The environment of a server that keeps all it has below `folder` and is reached from this machine alone. */
export function serverEnvironment(folder: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    NIGHTJAR_PORT: '0',
    NIGHTJAR_HOST: '127.0.0.1',
    NIGHTJAR_DATA_DIR: path.join(folder, 'data'),
    NIGHTJAR_VOLUME: path.join(folder, 'volume'),
    NIGHTJAR_SPACE_BYTES: String(256 * 1024 * 1024),
    ...more,
  }
}

export class ServerProcess {
  /** Logged in as the administrator. */
  readonly client: TestClient
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, client: TestClient) {
    this.#child = child
    this.client = client
  }

  /** Starts a server in an environment of `serverEnvironment`, for the first time on its data. */
  static async start(environment: Record<string, string>): Promise<ServerProcess> {
    const program = path.join(import.meta.dirname, 'server-alone.ts')
    const env = { ...process.env, ...environment }
    // What it logs goes where the bench talks: standard output is for figures.
    const child = ownChild(spawn(process.execPath, [program], { env, stdio: ['ignore', 2, 2, 'ipc'] }))
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the server ended at once, with ${code}`)
    })
    const [told] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string; password: string }]
    ended.catch(() => undefined)
    const client = new TestClient(told.url)
    const { status } = await client.logIn('admin', told.password)
    if (status !== 200) throw new Error(`log in: ${status}`)
    return new ServerProcess(child, client)
  }

  get pid(): number {
    return this.#child.pid!
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

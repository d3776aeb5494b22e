// A server that records: with its recorder, which is ended with it here, and the cameras it was given.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Camera } from '../../../shared/camera.ts'
import type { StreamHealth } from '../../../shared/stream.ts'
import { killAtExit } from '../own-processes.ts'
import { ServerProcess } from '../server-process.ts'

/** How long a recorder may take to close its files. */
const closePatienceMs = 10_000
const startPatienceMs = 30_000
const lookEveryMs = 50

export class RecordingServer {
  readonly server: ServerProcess
  readonly recorderPid: number
  readonly #forgetRecorder: () => void

  private constructor(server: ServerProcess, recorderPid: number) {
    this.server = server
    this.recorderPid = recorderPid
    this.#forgetRecorder = killAtExit(recorderPid)
  }

  /** `former` is the server that ran on the same data before. */
  static async start(environment: Record<string, string>, former?: RecordingServer): Promise<RecordingServer> {
    const password = former === undefined ? {} : { password: former.server.password }
    const server = await ServerProcess.start(environment, { hasRecorder: true, ...password })
    const pidFile = path.join(environment['NIGHTJAR_DATA_DIR']!, 'recorder.pid')
    return new RecordingServer(server, await pidOfRecorder(pidFile, former?.recorderPid))
  }

  /** From the server's start to its recorder's, to ten milliseconds. */
  recorderSpawnedMs(): number {
    return startMs(this.recorderPid) - startMs(this.server.pid)
  }

  /** Adds a camera for each address, recorded; gives their ids. */
  async addCameras(urls: readonly string[]): Promise<string[]> {
    const ids: string[] = []
    for (const [i, url] of urls.entries()) {
      const wanted = { name: `Camera ${i + 1}`, streams: [{ stream: 1, url }] }
      ids.push((await this.server.client.must<Camera>('POST', 'api/cameras', wanted)).id)
    }
    return ids
  }

  /** Resolves when the server says that so many streams are recorded; it hears of it once a second. */
  async waitForRecording(streams: number): Promise<void> {
    await until(`${streams} streams are recorded`, async () => {
      const health = await this.server.client.must<StreamHealth[]>('GET', 'api/health')
      return health.filter((stream) => stream.isRecording).length === streams ? true : undefined
    })
  }

  /** Ends server and recorder, files closed. */
  async stop(): Promise<void> {
    await this.server.stop()
    const untilMs = performance.now() + closePatienceMs
    try {
      process.kill(this.recorderPid, 'SIGTERM')
      while (performance.now() < untilMs) {
        process.kill(this.recorderPid, 0)
        await sleep(lookEveryMs)
      }
    } catch {
      // It has ended.
      this.#forgetRecorder()
      return
    }
    process.kill(this.recorderPid, 'SIGKILL')
    throw new Error(`the recorder did not end within ${closePatienceMs} ms`)
  }
}

/** The server answers before its recorder does; one that ran before leaves its number behind. */
function pidOfRecorder(file: string, former: number | undefined): Promise<number> {
  return until('the recorder runs', async () => {
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
    return pid > 0 && pid !== former ? pid : undefined
  })
}

/** When a process was made, in milliseconds since the machine's start; the kernel counts hundredths of a second. */
function startMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in brackets, which may hold anything; the time is the 22nd.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return Number(fields[19]) * 10
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const endMs = performance.now() + startPatienceMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > endMs) throw new Error(`not within ${startPatienceMs} ms: ${what}`)
    await sleep(lookEveryMs)
  }
}

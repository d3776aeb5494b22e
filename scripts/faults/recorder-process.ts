// The recorder as a process of its own, spoken to over its socket as the server does (recorder-protocol.ts).
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type {
  FromRecorder,
  RecorderEvent,
  RecorderSettings,
  ToRecorder,
} from '../../server/recording/recorder-protocol.ts'

const recorderMain = new URL('../../server/recorder-main.ts', import.meta.url).pathname
const connectPatienceMs = 15_000

export class RecorderProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #onEvent: (event: RecorderEvent) => void
  #socket: Socket | undefined
  #received = Buffer.alloc(0)
  #errors = ''

  private constructor(dataDir: string, onEvent: (event: RecorderEvent) => void) {
    this.#onEvent = onEvent
    this.#child = spawn(process.execPath, [recorderMain], {
      env: { ...process.env, NIGHTJAR_DATA_DIR: dataDir, NIGHTJAR_LOG_LEVEL: 'error', UV_THREADPOOL_SIZE: '64' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const keep = (text: Buffer) => {
      this.#errors = (this.#errors + text.toString()).slice(-2000)
    }
    this.#child.stdout!.on('data', keep)
    this.#child.stderr!.on('data', keep)
    this.#exited = once(this.#child, 'exit')
  }

  /** Starts one on `dataDir`. Without `settings` it goes by its last ones. Every event is acknowledged. */
  static async start(
    dataDir: string,
    settings: RecorderSettings | undefined,
    onEvent: (event: RecorderEvent) => void,
  ): Promise<RecorderProcess> {
    const recorder = new RecorderProcess(dataDir, onEvent)
    recorder.#socket = await recorder.#connect(join(dataDir, 'recorder.sock'))
    recorder.#send({ type: 'hello', protocol: 1, serverVersion: 'fault-rig' })
    if (settings !== undefined) recorder.#send({ type: 'configure', settings })
    return recorder
  }

  /** What it wrote to its log, the last of it. */
  get lastWords(): string {
    return this.#errors
  }

  async #connect(path: string): Promise<Socket> {
    for (const untilMs = Date.now() + connectPatienceMs; ; ) {
      const socket = connect(path)
      try {
        await once(socket, 'connect')
      } catch {
        socket.destroy()
        if (this.#child.exitCode !== null || Date.now() > untilMs) {
          await this.kill()
          throw new Error(`the recorder does not answer: ${this.#errors}`)
        }
        await new Promise((resolve) => setTimeout(resolve, 25))
        continue
      }
      socket.on('data', (chunk: Buffer) => this.#receive(chunk))
      socket.on('error', () => socket.destroy())
      return socket
    }
  }

  #send(message: ToRecorder): void {
    const text = Buffer.from(JSON.stringify(message))
    const head = Buffer.alloc(5)
    head.writeUInt32BE(1 + text.length)
    head[4] = 1
    this.#socket?.write(Buffer.concat([head, text]))
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readUInt32BE(0)
      if (this.#received.length < end) return
      const message = JSON.parse(this.#received.toString('utf8', 5, end)) as FromRecorder
      this.#received = this.#received.subarray(end)
      if (message.type !== 'event') continue
      this.#onEvent(message.event)
      this.#send({ type: 'acknowledge', eventNumber: message.eventNumber })
    }
  }

  /** `kill -9`. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
    this.#socket?.destroy()
  }

  /** SIGTERM; how long it took to end, in milliseconds. Killed where it takes longer than `patienceMs`. */
  async stop(patienceMs: number): Promise<number> {
    const beganMs = performance.now()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs)
    this.#child.kill('SIGTERM')
    await this.#exited
    clearTimeout(timer)
    this.#socket?.destroy()
    return performance.now() - beganMs
  }
}

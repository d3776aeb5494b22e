// A server in a process of its own, so that what it costs is nobody else's, and a client that is logged in to it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { TestClient } from '../../test/support/test-client.ts'
import { ownChild } from './own-processes.ts'
import type { LoopDelay, LoopDelayOrder } from './server/loop-delay.ts'

/** As `scripts/server` starts it. */
export const serverNodeOptions = ['--max-semi-space-size=2']

/** The environment of a server that keeps all it has below `folder` and is reached from this machine alone. */
export function serverEnvironment(folder: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    NIGHTJAR_PORT: '0',
    NIGHTJAR_HTTPS_PORT: 'off',
    NIGHTJAR_HOST: '127.0.0.1',
    NIGHTJAR_DATA_DIR: path.join(folder, 'data'),
    NIGHTJAR_VOLUME: path.join(folder, 'volume'),
    NIGHTJAR_SPACE_BYTES: String(256 * 1024 * 1024),
    ...more,
  }
}

export interface ServerOptions {
  /** Whether it starts a recorder, which outlives it. */
  hasRecorder?: boolean
  /** The administrator's, where the server was started on its data before. */
  password?: string
}

export class ServerProcess {
  /** Logged in as the administrator. */
  readonly client: TestClient
  /** The administrator's. */
  readonly password: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, client: TestClient, password: string) {
    this.#child = child
    this.client = client
    this.password = password
  }

  /** Starts a server in an environment of `serverEnvironment`, and logs in. */
  static async start(environment: Record<string, string>, options: ServerOptions = {}): Promise<ServerProcess> {
    const program = path.join(import.meta.dirname, 'server-alone.ts')
    const env = { ...process.env, ...environment }
    // What it logs goes where the bench talks: standard output is for figures.
    const args = [...serverNodeOptions, program, ...(options.hasRecorder ? ['--recorder'] : [])]
    const child = ownChild(spawn(process.execPath, args, { env, stdio: ['ignore', 2, 2, 'ipc'] }))
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the server ended at once, with ${code}`)
    })
    const [told] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string; password?: string }]
    ended.catch(() => undefined)
    const client = new TestClient(told.url)
    const password = told.password ?? options.password ?? ''
    const { status } = await client.logIn('admin', password)
    if (status !== 200) throw new Error(`log in: ${status}`)
    return new ServerProcess(child, client, password)
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** How late the server's own thread is, over a window that begins now. */
  async loopDelay(seconds: number): Promise<LoopDelay> {
    const told = once(this.#child, 'message')
    this.#child.send({ seconds } satisfies LoopDelayOrder)
    const [delay] = (await told) as [LoopDelay]
    return delay
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

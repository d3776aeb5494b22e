// The server as it is deployed: a process of its own with its recorder, spoken to over its API.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../../../shared/account.ts'
import type { Camera } from '../../../shared/camera.ts'
import type { StreamHealth } from '../../../shared/stream.ts'
import { killAtExit, ownChild } from '../own-processes.ts'
import { serverNodeOptions } from '../server-process.ts'

/** How long a recorder may take to close its files. */
const recorderPatienceMs = 10_000

export class ServerProcess {
  /** With its base path, ends with `/`. */
  readonly url: string
  /** The folder that the recording space is in. */
  readonly volume: string
  readonly recorderPid: number
  /** The login's cookie, as a request sends it. */
  cookie = ''
  #token = ''
  readonly #child: ChildProcess
  readonly #forgetRecorder: () => void

  private constructor(child: ChildProcess, url: string, volume: string, recorderPid: number) {
    this.#child = child
    this.url = url
    this.volume = volume
    this.recorderPid = recorderPid
    this.#forgetRecorder = killAtExit(recorderPid)
  }

  /** Starts a server whose data are below `folder`, and logs in. `nodeOptions` are the runtime's own. */
  static async start(folder: string, nodeOptions: string[] = []): Promise<ServerProcess> {
    const volume = path.join(folder, 'volume')
    mkdirSync(volume, { recursive: true })
    const main = path.join(import.meta.dirname, '../../../server/main.ts')
    const child = ownChild(
      spawn(process.execPath, [...serverNodeOptions, ...nodeOptions, main], {
        env: {
          ...process.env,
          NIGHTJAR_DATA_DIR: path.join(folder, 'data'),
          NIGHTJAR_PORT: '0',
          NIGHTJAR_HTTPS_PORT: 'off',
          NIGHTJAR_HOST: '127.0.0.1',
          NIGHTJAR_VOLUME: volume,
          NIGHTJAR_SPACE_BYTES: String(8 * 1024 ** 3),
          NIGHTJAR_LOG_LEVEL: 'warn',
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
    const { url, password } = await greeting(child)
    const recorderPid = await pidOfRecorder(path.join(folder, 'data/recorder.pid'))
    const server = new ServerProcess(child, url, volume, recorderPid)
    await server.#logIn(password)
    return server
  }

  get pid(): number {
    return this.#child.pid!
  }

  async #request<T>(method: string, place: string, body?: unknown): Promise<T> {
    const response = await fetch(new URL(place, this.url), {
      method,
      headers: { cookie: this.cookie, 'x-csrf-token': this.#token, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const [cookie] = response.headers.getSetCookie()
    if (cookie !== undefined) this.cookie = cookie.split(';')[0]!
    if (!response.ok) throw new Error(`${method} ${place}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  async #logIn(password: string): Promise<void> {
    const session = await this.#request<Session>('POST', 'api/login', { username: 'admin', password })
    this.#token = session.csrfToken
  }

  /** Adds a camera whose streams, the main one first, are recorded; gives its id. */
  async addCamera(name: string, urls: readonly string[]): Promise<string> {
    const streams = urls.map((url, i) => ({ stream: i + 1, url }))
    const { id } = await this.#request<Camera>('POST', 'api/cameras', { name, streams })
    return id
  }

  /** Waits until so many streams are recorded. */
  async waitForRecording(streams: number): Promise<void> {
    for (let tries = 0; tries < 120; tries++) {
      const health = await this.#request<StreamHealth[]>('GET', 'api/health')
      if (health.filter((stream) => stream.isRecording).length === streams) return
      await sleep(250)
    }
    throw new Error(`${streams} streams were to be recorded within 30 s`)
  }

  /** Ends server and recorder, files closed. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit')
      this.#child.kill('SIGTERM')
      await ended
    }
    const untilMs = performance.now() + recorderPatienceMs
    try {
      process.kill(this.recorderPid, 'SIGTERM')
      while (performance.now() < untilMs) {
        process.kill(this.recorderPid, 0)
        await sleep(50)
      }
    } catch {
      // It has ended.
      this.#forgetRecorder()
      return
    }
    process.kill(this.recorderPid, 'SIGKILL')
    throw new Error(`the recorder did not end within ${recorderPatienceMs} ms`)
  }
}

/** The server answers before its recorder does. */
async function pidOfRecorder(file: string): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
    if (pid > 0) return pid
    await sleep(50)
  }
  throw new Error('the recorder did not start within 10 s')
}

/** What a server prints when it is ready for the first time. */
async function greeting(child: ChildProcess): Promise<{ url: string; password: string }> {
  let text = ''
  return await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${text}`)))
    child.stdout!.on('data', (bytes: Buffer) => {
      text += bytes.toString()
      const url = /Nightjar is at (\S+)/.exec(text)?.[1]
      const password = /password (\S+)/.exec(text)?.[1]
      if (url !== undefined && password !== undefined) resolve({ url, password })
    })
  })
}

// The whole product as a user has it: simulated cameras, the server and its recorder as processes of their own.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { readBlockCode } from '../../scripts/cameras/block-code.ts'

const root = resolve(import.meta.dirname, '../..')

export class Product {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'nightjar-product-'))
  url = ''
  /** Under TLS, where that was asked for. */
  httpsUrl = ''
  password = ''
  readonly #env: Record<string, string>
  #server: ChildProcess | undefined

  /** `env` adds to what the server's environment says, or says otherwise. */
  constructor(env: Record<string, string> = {}) {
    this.#env = env
  }

  /** Starts the server; the first time it tells the one-time password. It keeps its port when it is started again. */
  async start(): Promise<void> {
    const port = this.url === '' ? '0' : new URL(this.url).port
    const server = spawn(join(root, 'scripts/server'), {
      env: {
        ...process.env,
        NIGHTJAR_DATA_DIR: this.dataDir,
        NIGHTJAR_PORT: port,
        NIGHTJAR_HTTPS_PORT: 'off',
        NIGHTJAR_HOST: '127.0.0.1',
        NIGHTJAR_VOLUME: this.dataDir,
        NIGHTJAR_SPACE_BYTES: String(1024 ** 3),
        NIGHTJAR_SEGMENT_SEC: '10',
        NIGHTJAR_LOG_LEVEL: 'warn',
        NIGHTJAR_SETUP: 'done',
        ...this.#env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#server = server
    let text = ''
    await new Promise<void>((started, failed) => {
      server.once('exit', (code) => failed(new Error(`the server ended with status ${code}: ${text}`)))
      server.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        const url = /Nightjar is at (\S+)/.exec(text)?.[1]
        if (url === undefined) return
        this.url = url
        this.httpsUrl = /Nightjar under TLS: (\S+)/.exec(text)?.[1] ?? ''
        this.password = /password (\S+)/.exec(text)?.[1] ?? this.password
        started()
      })
    })
  }

  /** Ends the server, and leaves the recorder. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const server = this.#server
    if (server === undefined || server.exitCode !== null) return
    const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
    server.removeAllListeners('exit')
    server.once('exit', () => undefined)
    server.kill(signal)
    await Promise.race([ended, new Promise((wake) => setTimeout(wake, 5000))])
  }

  get recorderPid(): number {
    return Number(readFileSync(join(this.dataDir, 'recorder.pid'), 'utf8'))
  }

  /** Ends everything and removes what it wrote. */
  async remove(): Promise<void> {
    await this.stop()
    const pid = this.recorderPid
    try {
      process.kill(pid, 'SIGTERM')
      for (let tries = 0; tries < 50; tries++) {
        process.kill(pid, 0)
        await new Promise((wake) => setTimeout(wake, 100))
      }
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}

/** The frame number that the picture of the `index`-th video or canvas of an app shows; undefined where none is shown. */
export async function shownFrame(page: Pick<Page, 'evaluate'>, app: string, index = 0): Promise<number | undefined> {
  const picture = await page.evaluate(
    ({ app, index }) => {
      const all = (node: Document | ShadowRoot, selector: string): Element[] => [
        ...node.querySelectorAll(selector),
        ...[...node.querySelectorAll('*')].flatMap((one) => (one.shadowRoot ? all(one.shadowRoot, selector) : [])),
      ]
      const host = all(document, app)[0]
      if (host?.shadowRoot == null) return undefined
      const video = all(host.shadowRoot, 'video')[index] as HTMLVideoElement | undefined
      const drawn = video?.hidden ? (video.parentNode!.querySelector('canvas') ?? undefined) : undefined
      if (video === undefined || (video.hidden && drawn === undefined)) return undefined
      if (drawn === undefined && (video.videoWidth === 0 || video.readyState < 2 || video.seeking)) return undefined
      const canvas = document.createElement('canvas')
      canvas.width = drawn?.width ?? video.videoWidth
      canvas.height = drawn?.height ?? video.videoHeight
      const context = canvas.getContext('2d', { willReadFrequently: true })!
      context.drawImage(drawn ?? video, 0, 0)
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
      const luma = new Array<number>(canvas.width * canvas.height)
      for (let i = 0; i < luma.length; i++) luma[i] = data[i * 4 + 1]!
      return { luma, widthPx: canvas.width, heightPx: canvas.height }
    },
    { app, index },
  )
  if (picture === undefined) return undefined
  return readBlockCode(Uint8Array.from(picture.luma), picture.widthPx, picture.heightPx)
}

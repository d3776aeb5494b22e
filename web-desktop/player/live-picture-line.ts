// Live tiles where answers are held back until they end: one picture after the other, each a request of its own.
import { type LiveRequest, liveFrameKinds, liveHeaderBytes, writeLiveHead } from '../../shared/live.ts'
import { attendanceHeaders } from '../base/activity.ts'
import { addressOf, withQuery } from '../base/address.ts'
import { wordsOf } from '../base/i18n.ts'
import type { LineListener, LiveLine } from './live-line.ts'

const t = wordsOf({
  note: 'single pictures, without sound: the web port holds streams back',
  none: 'the server sent no picture ({status})',
})

type OpenRequest = Extract<LiveRequest, { type: 'open' }>

interface Tile {
  request: OpenRequest
  dueMs: number
  sequence: number
  isShown: boolean
}

/** From one picture of a tile to the next, where the server is quick enough; after a failure. In milliseconds. */
const everyMs = 1000
const afterFailureMs = 4000
/** Pictures under way at once: a browser opens six connections to a server, and the desktop needs the others. */
const atOnce = 3

export class PictureLine implements LiveLine {
  readonly isOpen = true
  readonly #listener: LineListener
  readonly #tiles = new Map<number, Tile>()
  readonly #busy = new Set<Tile>()
  readonly #stopped = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(listener: LineListener) {
    this.#listener = listener
    queueMicrotask(() => {
      if (!this.#stopped.signal.aborted) listener.onOpen()
    })
  }

  send(request: LiveRequest): void {
    if (request.type === 'close') this.#tiles.delete(request.tile)
    if (request.type !== 'open') return
    this.#tiles.set(request.tile, { request, dueMs: performance.now(), sequence: 0, isShown: false })
    this.#next()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#stopped.abort()
    this.#tiles.clear()
  }

  /** Fetches for the tiles that have waited longest; comes back when the next is due. */
  #next(): void {
    clearTimeout(this.#timer)
    const idle = [...this.#tiles.values()].filter((tile) => !this.#busy.has(tile)).sort((a, b) => a.dueMs - b.dueMs)
    for (const tile of idle) {
      if (this.#busy.size >= atOnce) return
      const waitMs = tile.dueMs - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#next(), waitMs)
        return
      }
      void this.#fetch(tile)
    }
  }

  async #fetch(tile: Tile): Promise<void> {
    this.#busy.add(tile)
    const startMs = performance.now()
    tile.dueMs = startMs + everyMs
    const { cameraId, widthPx } = tile.request
    try {
      const path = `api/cameras/${encodeURIComponent(cameraId)}/live.jpg`
      const response = await fetch(addressOf(withQuery(path, { widthPx: Math.min(7680, Math.max(16, widthPx)) })), {
        signal: this.#stopped.signal,
        cache: 'no-store',
        headers: attendanceHeaders(),
      })
      if (response.ok) this.#show(tile, await response.arrayBuffer(), response.headers)
      else await this.#fail(tile, response)
    } catch {
      if (this.#stopped.signal.aborted) return
      // The server is away, and the desktop says so; what stands may stand.
      tile.dueMs = performance.now() + afterFailureMs
    } finally {
      this.#busy.delete(tile)
    }
    this.#next()
  }

  #show(tile: Tile, jpeg: ArrayBuffer, headers: Headers): void {
    const number = this.#numberOf(tile)
    if (number === undefined) return
    if (!tile.isShown) {
      tile.isShown = true
      const { cameraId } = tile.request
      this.#listener.onNotice({
        ...{ type: 'tile', tile: number, cameraId, stream: Number(headers.get('x-stream')), mode: 'jpeg' },
        ...{ sound: { kind: 'none' }, note: t('note') },
      })
    }
    tile.sequence += 1
    const bytes = new Uint8Array(liveHeaderBytes + jpeg.byteLength)
    const utcUs = Number(headers.get('x-frame-us'))
    const head = { tile: number, kind: liveFrameKinds.jpeg, isKey: true, sequence: tile.sequence, utcUs }
    writeLiveHead(new DataView(bytes.buffer), 0, head)
    bytes.set(new Uint8Array(jpeg), liveHeaderBytes)
    this.#listener.onFrame(bytes)
  }

  async #fail(tile: Tile, response: Response): Promise<void> {
    const { message } = (await response.json().catch(() => ({}))) as { message?: string }
    const number = this.#numberOf(tile)
    tile.dueMs = performance.now() + afterFailureMs
    if (number === undefined) return
    const reason = message ?? t('none', { status: response.status })
    tile.isShown = false
    const isRefused = response.status === 403 || response.status === 404
    if (isRefused) {
      this.#tiles.delete(number)
      this.#listener.onNotice({ type: 'refused', tile: number, reason })
    } else this.#listener.onNotice({ type: 'no-picture', tile: number, reason, sinceMs: Date.now() })
  }

  /** The tile's number, where it still shows what was asked for. */
  #numberOf(tile: Tile): number | undefined {
    return this.#tiles.get(tile.request.tile) === tile ? tile.request.tile : undefined
  }
}

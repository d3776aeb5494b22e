// The one line that carries every live tile of a page: a WebSocket, or what takes its place where none passes.
import { type LiveFrameHead, type LiveNotice, type LiveWant, liveHeaderBytes, readLiveHead } from '../../shared/live.ts'
import { probeDelayMs, way } from '../base/passage.ts'
import { type LiveLine, SocketLine } from './live-line.ts'
import { PictureLine } from './live-picture-line.ts'
import { canStream, type PostRequests, StreamLine } from './live-stream-line.ts'
import { playableFamilies } from './media-source.ts'

/** What a tile asks to be shown. */
export interface LiveWish {
  cameraId: string
  want: LiveWant
  /** Device pixels. */
  widthPx: number
  hasSound: boolean
}

/** Who is told what comes for a tile. */
export interface LiveListener {
  onNotice(notice: LiveNotice): void
  onFrame(head: LiveFrameHead, payload: Uint8Array): void
  /** The line closed; it comes back by itself, and the tile is opened anew. */
  onLost(): void
}

const reportEveryMs = 1000
const retryMs = [500, 1000, 2000, 4000, 8000]

interface OpenTile {
  wish: LiveWish
  listener: LiveListener
  sequence: number
  reported: number
}

export class LiveSocket {
  readonly #post: PostRequests
  readonly #tiles = new Map<number, OpenTile>()
  #line: LiveLine | undefined
  #attempt = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #report: ReturnType<typeof setInterval> | undefined
  #probe: ReturnType<typeof setTimeout> | undefined
  #probes = 0
  #undo: (() => void) | undefined

  /** `post` carries requests where no WebSocket does. */
  constructor(post: PostRequests) {
    this.#post = post
  }

  /** Shows `wish` on `tile`, or changes what it shows. The line opens with the first tile. */
  open(tile: number, wish: LiveWish, listener: LiveListener): void {
    this.#undo ??= way.subscribe(() => this.#onWay())
    this.#tiles.set(tile, { wish, listener, sequence: 0, reported: 0 })
    if (this.#line?.isOpen) this.#line.send({ type: 'open', tile, ...wish })
    else if (this.#line === undefined && this.#retry === undefined) this.#connect()
  }

  close(tile: number): void {
    if (!this.#tiles.delete(tile)) return
    if (this.#line?.isOpen) this.#line.send({ type: 'close', tile })
    if (this.#tiles.size === 0) this.closeAll()
  }

  closeAll(): void {
    this.#undo?.()
    this.#undo = undefined
    this.#tiles.clear()
    this.#letGo()
  }

  #letGo(): void {
    clearTimeout(this.#retry)
    clearTimeout(this.#probe)
    clearInterval(this.#report)
    this.#retry = undefined
    this.#line?.close()
    this.#line = undefined
  }

  /** Another way was found: go over to it. */
  #onWay(): void {
    this.#attempt = 0
    for (const { listener } of this.#tiles.values()) listener.onLost()
    this.#connect()
  }

  #connect(): void {
    this.#letGo()
    const listener = {
      onOpen: () => this.#onOpen(),
      onNotice: (notice: LiveNotice) => this.#tiles.get(notice.tile)?.listener.onNotice(notice),
      onFrame: (bytes: Uint8Array<ArrayBuffer>) => this.#onFrame(bytes),
      onClose: () => this.#onClose(),
    }
    if (way.value === 'socket') this.#line = new SocketLine(listener)
    else if (way.value === 'stream') this.#line = new StreamLine(listener, this.#post)
    else {
      this.#line = new PictureLine(listener)
      this.#probeSoon()
    }
  }

  #onOpen(): void {
    const line = this.#line!
    this.#attempt = 0
    line.send({ type: 'hello', canPlay: playableFamilies() })
    for (const [tile, one] of this.#tiles) {
      // The server counts anew on each line.
      one.sequence = 0
      one.reported = 0
      line.send({ type: 'open', tile, ...one.wish })
    }
    this.#report = setInterval(() => this.#reportReceived(), reportEveryMs)
  }

  #onClose(): void {
    this.#letGo()
    for (const { listener } of this.#tiles.values()) listener.onLost()
    const delay = retryMs[Math.min(this.#attempt++, retryMs.length - 1)]!
    this.#retry = setTimeout(() => this.#connect(), delay * (0.8 + 0.4 * Math.random()))
  }

  /** Now and then: a stream may pass where it did not. */
  #probeSoon(): void {
    this.#probe = setTimeout(
      () => {
        const line = this.#line
        void canStream().then((passes) => {
          if (this.#line !== line || way.value !== 'pictures') return
          if (passes) way.set('stream')
          else this.#probeSoon()
        })
      },
      probeDelayMs(this.#probes++),
    )
  }

  #onFrame(bytes: Uint8Array<ArrayBuffer>): void {
    const head = readLiveHead(new DataView(bytes.buffer, bytes.byteOffset))
    const tile = this.#tiles.get(head.tile)
    if (tile === undefined) return
    tile.sequence = Math.max(tile.sequence, head.sequence)
    tile.listener.onFrame(head, bytes.subarray(liveHeaderBytes))
  }

  #reportReceived(): void {
    const newest: { tile: number; sequence: number }[] = []
    for (const [tile, one] of this.#tiles) {
      if (one.sequence === one.reported) continue
      one.reported = one.sequence
      newest.push({ tile, sequence: one.sequence })
    }
    if (newest.length > 0) this.#line?.send({ type: 'received', newest })
  }
}

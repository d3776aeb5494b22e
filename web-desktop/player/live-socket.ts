// The one WebSocket that carries every live tile of a page.
import {
  type LiveFrameHead,
  type LiveNotice,
  type LiveRequest,
  type LiveWant,
  liveHeaderBytes,
  readLiveHead,
} from '../../shared/live.ts'
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
  /** The socket closed; it comes back by itself, and the tile is opened anew. */
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
  readonly #url: string
  readonly #tiles = new Map<number, OpenTile>()
  #socket: WebSocket | undefined
  #attempt = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #report: ReturnType<typeof setInterval> | undefined

  constructor(url: string) {
    this.#url = url
  }

  /** Shows `wish` on `tile`, or changes what it shows. The socket opens with the first tile. */
  open(tile: number, wish: LiveWish, listener: LiveListener): void {
    this.#tiles.set(tile, { wish, listener, sequence: 0, reported: 0 })
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send({ type: 'open', tile, ...wish })
    else if (this.#socket === undefined) this.#connect()
  }

  close(tile: number): void {
    if (!this.#tiles.delete(tile)) return
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send({ type: 'close', tile })
    if (this.#tiles.size === 0) this.closeAll()
  }

  closeAll(): void {
    clearTimeout(this.#retry)
    clearInterval(this.#report)
    this.#tiles.clear()
    const socket = this.#socket
    this.#socket = undefined
    socket?.close()
  }

  #connect(): void {
    clearTimeout(this.#retry)
    const socket = new WebSocket(this.#url)
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    socket.onopen = () => {
      this.#attempt = 0
      this.#send({ type: 'hello', canPlay: playableFamilies() })
      for (const [tile, { wish }] of this.#tiles) this.#send({ type: 'open', tile, ...wish })
      this.#report = setInterval(() => this.#reportReceived(), reportEveryMs)
    }
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return
      if (typeof data === 'string') {
        const notice = JSON.parse(data) as LiveNotice
        this.#tiles.get(notice.tile)?.listener.onNotice(notice)
      } else this.#onFrame(data as ArrayBuffer)
    }
    socket.onclose = () => {
      clearInterval(this.#report)
      if (this.#socket !== socket) return
      this.#socket = undefined
      for (const { listener } of this.#tiles.values()) listener.onLost()
      const delay = retryMs[Math.min(this.#attempt++, retryMs.length - 1)]!
      this.#retry = setTimeout(() => this.#connect(), delay * (0.8 + 0.4 * Math.random()))
    }
  }

  #onFrame(data: ArrayBuffer): void {
    if (data.byteLength < liveHeaderBytes) return
    const head = readLiveHead(new DataView(data))
    const tile = this.#tiles.get(head.tile)
    if (tile === undefined) return
    tile.sequence = Math.max(tile.sequence, head.sequence)
    tile.listener.onFrame(head, new Uint8Array(data, liveHeaderBytes))
  }

  #reportReceived(): void {
    const newest: { tile: number; sequence: number }[] = []
    for (const [tile, one] of this.#tiles) {
      if (one.sequence === one.reported) continue
      one.reported = one.sequence
      newest.push({ tile, sequence: one.sequence })
    }
    if (newest.length > 0) this.#send({ type: 'received', newest })
  }

  #send(request: LiveRequest): void {
    this.#socket?.send(JSON.stringify(request))
  }
}

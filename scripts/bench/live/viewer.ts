// Somebody who looks at live pictures, as far as the server can tell: speaks shared/live.ts and notes what comes.
import { once } from 'node:events'
import WebSocket from 'ws'
import {
  type LiveNotice,
  type LiveRequest,
  liveFrameKinds,
  liveHeaderBytes,
  liveNotice,
  readLiveHead,
} from '../../../shared/live.ts'
import { readFrameMark } from '../../cameras/frame-sei.ts'
import { utcUs } from '../../cameras/wall-clock.ts'

/** How often a browser tells what it has received. */
const reportMs = 1000

/** A frame of video as it came. */
export interface SeenFrame {
  tile: number
  /** Of the camera: see `frame-sei.ts`. */
  sequence: number
  sentUs: number
  arrivedUs: number
}

export class Viewer {
  onFrame: (frame: SeenFrame) => void = () => undefined
  /** Frames missing between those that came, over all tiles. */
  lostFrames = 0
  /** Frames that the server says it left out. */
  droppedFrames = 0
  framesSeen = 0
  readonly #socket: WebSocket
  readonly #newest = new Map<number, number>()
  readonly #lastOfCamera = new Map<number, number>()
  readonly #reporting: NodeJS.Timeout
  #isReporting = true

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.binaryType = 'nodebuffer'
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.#onBinary(data as Buffer)
      else this.#onNotice(liveNotice.parse(JSON.parse(data.toString())))
    })
    socket.on('close', (code) => {
      if (code !== 1000 && code !== 1005) this.#fail(new Error(`the live socket closed with ${code}`))
    })
    this.#reporting = setInterval(() => this.#report(), reportMs)
  }

  /** Connects to a server's live socket with a login's cookie, and greets. */
  static async connect(serverUrl: string, cookie: string): Promise<Viewer> {
    const url = new URL('api/live', serverUrl)
    url.protocol = 'ws:'
    const socket = new WebSocket(url, { headers: { cookie }, perMessageDeflate: false })
    const viewer = new Viewer(socket)
    await once(socket, 'open')
    viewer.#send({ type: 'hello', canPlay: ['h264', 'aac'] })
    return viewer
  }

  #send(request: LiveRequest): void {
    this.#socket.send(JSON.stringify(request))
  }

  open(tile: number, cameraId: string, want: 'main' | 'sub'): void {
    this.#send({ type: 'open', tile, cameraId, want, widthPx: want === 'main' ? 1920 : 640, hasSound: false })
  }

  /** Leaves a tile; frames still under way to it are not missed. */
  closeTile(tile: number): void {
    this.#send({ type: 'close', tile })
    this.#newest.delete(tile)
    this.#lastOfCamera.delete(tile)
  }

  /** Takes nothing more from the socket and says nothing more, as a browser that hangs. */
  stall(): void {
    this.#isReporting = false
    this.#socket.pause()
  }

  /** Goes on where `stall` stopped. */
  goOn(): void {
    this.#isReporting = true
    this.#socket.resume()
  }

  async disconnect(): Promise<void> {
    clearInterval(this.#reporting)
    const closed = once(this.#socket, 'close')
    this.#socket.close(1000)
    await closed
  }

  #report(): void {
    if (!this.#isReporting || this.#socket.readyState !== this.#socket.OPEN) return
    const newest = [...this.#newest].map(([tile, sequence]) => ({ tile, sequence }))
    if (newest.length > 0) this.#send({ type: 'received', newest })
  }

  #onNotice(notice: LiveNotice): void {
    if (notice.type === 'dropped') this.droppedFrames += notice.frames
    if (notice.type === 'refused') this.#fail(new Error(`a tile was refused: ${notice.reason}`))
  }

  #onBinary(bytes: Buffer): void {
    const arrivedUs = utcUs()
    const head = readLiveHead(new DataView(bytes.buffer, bytes.byteOffset, liveHeaderBytes))
    if (head.kind !== liveFrameKinds.video) return
    const mark = readFrameMark(bytes)
    if (mark === undefined) throw new Error('a frame came without its mark')
    this.framesSeen++
    this.#newest.set(head.tile, head.sequence)
    const last = this.#lastOfCamera.get(head.tile)
    if (last !== undefined && mark.sequence > last + 1) this.lostFrames += mark.sequence - last - 1
    this.#lastOfCamera.set(head.tile, mark.sequence)
    this.onFrame({ tile: head.tile, sequence: mark.sequence, sentUs: mark.sentUs, arrivedUs })
  }

  /** A bench whose viewer sees nothing measures nothing: it ends. */
  #fail(error: Error): void {
    clearInterval(this.#reporting)
    throw error
  }
}

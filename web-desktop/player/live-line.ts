// What carries live tiles between page and server. Three do: a WebSocket, a stream of HTTP, single pictures.
import { type LiveNotice, type LiveRequest, liveHeaderBytes } from '../../shared/live.ts'
import { socketAddressOf } from '../base/address.ts'
import { beginMs } from '../base/passage.ts'

/** Who is told what a line brings. After `onClose` nothing more comes. */
export interface LineListener {
  onOpen(): void
  onNotice(notice: LiveNotice): void
  /** A head of `liveHeaderBytes`, then its payload. The bytes are the listener's. */
  onFrame(bytes: Uint8Array<ArrayBuffer>): void
  onClose(): void
}

/** An open line, or one that opens. */
export interface LiveLine {
  readonly isOpen: boolean
  send(request: LiveRequest): void
  /** Ends it; the listener is told nothing more. */
  close(): void
}

/** The WebSocket. */
export class SocketLine implements LiveLine {
  readonly #socket: WebSocket
  #isClosed = false

  constructor(listener: LineListener) {
    const socket = new WebSocket(socketAddressOf('api/live'))
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    const patience = setTimeout(() => socket.close(), beginMs)
    socket.onopen = () => {
      clearTimeout(patience)
      if (!this.#isClosed) listener.onOpen()
    }
    socket.onmessage = ({ data }) => {
      if (this.#isClosed) return
      if (typeof data === 'string') listener.onNotice(JSON.parse(data) as LiveNotice)
      else if ((data as ArrayBuffer).byteLength >= liveHeaderBytes)
        listener.onFrame(new Uint8Array(data as ArrayBuffer))
    }
    socket.onclose = () => {
      clearTimeout(patience)
      if (!this.#isClosed) listener.onClose()
    }
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  send(request: LiveRequest): void {
    this.#socket.send(JSON.stringify(request))
  }

  close(): void {
    this.#isClosed = true
    this.#socket.close()
  }
}

// Live view where no WebSocket passes: one HTTP answer a viewer carries the very frames the socket would, requests are posted.
//
// One answer a viewer, not one a tile: a browser opens six connections to a server, and sixteen tiles would take them all.
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { Failure } from '../../shared/failure.ts'
import { type LiveRequest, liveSignMs } from '../../shared/live.ts'
import type { Actor } from '../http/guard.ts'
import type { LiveLink, LiveSockets, LiveWire } from './live-socket.ts'

/** Streams of one session at once: a browser could not open more beside its other requests. */
const maxStreams = 8
/** Less often, and a proxy may take the answer for a dead one where no camera sends. In milliseconds. */
const pingMs = 15_000

/** A ping and the beginning of a text message, as RFC 6455 §5.2 has them without a mask. */
const ping = Uint8Array.of(0x89, 0)
const textHead = 0x81

/** All live streams over HTTP. Each ends with its answer, its session, or a viewer that gives no sign. */
export class LiveStreams {
  readonly #sockets: LiveSockets<Actor>
  readonly #links = new Map<string, HttpLink>()
  readonly #timer: NodeJS.Timeout

  constructor(sockets: LiveSockets<Actor>) {
    this.#sockets = sockets
    this.#timer = setInterval(() => this.#lookAfter(), pingMs)
    this.#timer.unref()
  }

  get count(): number {
    return this.#links.size
  }

  /** Begins a stream on an answer of which nothing is sent yet. Fails `limit` where the session has too many. */
  open(actor: Actor, response: ServerResponse): void {
    const own = [...this.#links.values()].filter((link) => link.actor.sessionId === actor.sessionId)
    if (own.length >= maxStreams) {
      throw new Failure('limit', `open a live stream: this session has ${maxStreams} open already`)
    }
    const id = randomUUID()
    response.setHeader('X-Live-Stream', id)
    response.setHeader('Content-Type', 'application/octet-stream')
    // Some proxies hold an answer back unless they are told not to, or press it together.
    response.setHeader('Cache-Control', 'no-store, no-transform')
    response.setHeader('X-Accel-Buffering', 'no')
    const link = new HttpLink(actor, response)
    this.#links.set(id, link)
    link.on('close', () => this.#links.delete(id))
    this.#sockets.accept(link, actor, link)
    // The first bytes tell the page that its stream passes.
    link.write(ping)
  }

  /** Takes requests of a stream's viewer. Fails `not-found` where it has ended, or is another session's. */
  take(actor: Actor, id: string, requests: LiveRequest[]): void {
    const link = this.#links.get(id)
    if (link === undefined || link.actor.sessionId !== actor.sessionId) {
      throw new Failure('not-found', 'live stream: it has ended; open another')
    }
    link.take(requests)
  }

  endSession(sessionId: string): void {
    for (const link of this.#links.values()) if (link.actor.sessionId === sessionId) link.close()
  }

  /** Ends every stream to an address that `isOpenTo` does not have any more. */
  endRefused(isOpenTo: (address: string) => boolean): void {
    for (const link of this.#links.values()) if (!isOpenTo(link.actor.address)) link.terminate()
  }

  close(): void {
    clearInterval(this.#timer)
    for (const link of this.#links.values()) link.terminate()
  }

  #lookAfter(): void {
    for (const link of this.#links.values()) {
      if (link.silentMs > 3 * liveSignMs) link.terminate()
      else link.write(ping)
    }
  }
}

/** Stands in for a WebSocket: what is sent goes into an answer, what is posted comes as messages. */
class HttpLink extends EventEmitter implements LiveLink, LiveWire {
  readonly OPEN = 1
  readonly actor: Actor
  readyState = 1
  readonly #response: ServerResponse
  #waiting: Buffer[] = []
  #takenMs = performance.now()

  constructor(actor: Actor, response: ServerResponse) {
    super()
    this.actor = actor
    this.#response = response
    response.on('error', () => response.destroy())
    response.on('close', () => {
      this.readyState = 3
      this.emit('close')
    })
  }

  get bufferedAmount(): number {
    return this.#response.writableLength
  }

  /** For how long the viewer has posted nothing, in milliseconds. */
  get silentMs(): number {
    return performance.now() - this.#takenMs
  }

  take(requests: LiveRequest[]): void {
    this.#takenMs = performance.now()
    for (const request of requests) this.emit('message', JSON.stringify(request), false)
  }

  send(text: string): void {
    this.write(textFrame(text))
  }

  /** Copies: the answer's chunks leave only when this turn of the loop is over, and `bytes` are used again before. */
  write(bytes: Uint8Array): void {
    if (this.readyState !== this.OPEN) return
    if (this.#waiting.push(Buffer.from(bytes)) === 1) queueMicrotask(() => this.#flush())
  }

  close(): void {
    this.#flush()
    this.readyState = 3
    this.#response.end()
  }

  terminate(): void {
    this.readyState = 3
    this.#response.destroy()
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    if (waiting.length > 0 && this.readyState === this.OPEN) this.#response.write(Buffer.concat(waiting))
  }
}

function textFrame(text: string): Buffer {
  const bytes = Buffer.from(text)
  const { length } = bytes
  // Notices are short; a longer one would have to be put otherwise.
  if (length > 65_535) throw new RangeError(`a live notice of ${length} bytes`)
  const head = length < 126 ? [textHead, length] : [textHead, 126, length >> 8, length & 255]
  return Buffer.concat([Uint8Array.from(head), bytes])
}

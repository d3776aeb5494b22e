// The live WebSocket (shared/live.ts): one connection carries all tiles of a page.
import {
  type LiveNotice,
  type LiveRequest,
  liveHeaderBytes,
  liveRequest,
  type playableCodecs,
  writeLiveHead,
} from '../../shared/live.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { LiveHub } from './live-hub.ts'
import type { LiveStreamInfo } from './live-reader.ts'
import { LiveTile, type LiveViewer, type OpenRequest } from './live-tile.ts'

/** What a connection needs of a WebSocket: one, or what stands in for it over HTTP. */
export interface LiveLink {
  readonly OPEN: number
  readonly readyState: number
  readonly bufferedAmount: number
  send(text: string): void
  close(code: number, reason: string): void
  terminate(): void
  on(event: 'message', listener: (data: { toString(): string }, isBinary: boolean) => void): unknown
  on(event: 'error' | 'close', listener: () => void): unknown
}

/** Where whole frames are written. It has taken or copied `bytes` when it returns, unless `bufferedAmount` says otherwise. */
export interface LiveWire {
  write(bytes: Uint8Array): unknown
}

export interface LiveSocketOptions<Actor> {
  hub: LiveHub
  /** The camera's streams as they are now; undefined where there is no such camera. */
  streams: (cameraId: string) => LiveStreamInfo[] | undefined
  /** Whether an actor may see a camera live. */
  mayWatch: (actor: Actor, cameraId: string) => boolean | Promise<boolean>
  /** Called once a connection, when its viewer first says that a picture has arrived. */
  onSeen?: () => void
  clock: Clock
  logger: Logger
}

/** Longest message taken from a viewer, in bytes. */
export const maxLiveRequestBytes = 16 * 1024

/** What may wait for a viewer that takes nothing; and how little must wait before one that was behind goes on. */
const maxUnsentBytes = 8 * 1024 * 1024
const freeBytes = 64 * 1024
/** A socket with anything unsent for so long is stuck. */
const stuckMs = 1000
const reconsiderMs = 2000

/** Close codes (RFC 6455 §7.4.1). */
const policyViolation = 1008

/**
 * Where messages are put together. The kernel nearly always takes one at once, and then the next may use the same bytes:
 * a buffer each would cost more in garbage than the writing does.
 */
let scratch = Buffer.allocUnsafeSlow(64 * 1024)

/** Serves accepted sockets; each ends with its connection. */
export class LiveSockets<Actor> {
  readonly #options: LiveSocketOptions<Actor>
  readonly #connections = new Set<LiveConnection<Actor>>()
  readonly #reconsidering: NodeJS.Timeout

  constructor(options: LiveSocketOptions<Actor>) {
    this.#options = options
    // One for all: a timer a viewer would wake the server as often as there are viewers.
    this.#reconsidering = setInterval(() => this.#reconsider(), reconsiderMs)
  }

  /**
   * Takes a guarded socket and speaks with it until it closes. `wire` is the connection below it; nothing is compressed
   * on it.
   */
  accept(socket: LiveLink, actor: Actor, wire: LiveWire): void {
    const connection = new LiveConnection(this.#options, socket, actor, wire)
    this.#connections.add(connection)
    socket.on('close', () => {
      this.#connections.delete(connection)
      connection.end()
    })
  }

  /** How many viewers are connected. */
  get count(): number {
    return this.#connections.size
  }

  close(): void {
    clearInterval(this.#reconsidering)
    for (const connection of this.#connections) connection.end()
    this.#connections.clear()
  }

  #reconsider(): void {
    for (const connection of this.#connections) connection.reconsider()
  }
}

class LiveConnection<Actor> implements LiveViewer {
  canPlay: ReadonlySet<(typeof playableCodecs)[number]> = new Set()
  readonly #options: LiveSocketOptions<Actor>
  readonly #socket: LiveLink
  readonly #actor: Actor
  readonly #wire: LiveWire
  readonly #tiles = new Map<number, LiveTile>()
  /** Requests are taken one after the other, for a privilege may have to be asked about. */
  #turn: Promise<void> = Promise.resolve()
  /** When last nothing waited to be sent. */
  #emptyMs: number
  #isEnded = false
  #hasSeen = false

  constructor(options: LiveSocketOptions<Actor>, socket: LiveLink, actor: Actor, wire: LiveWire) {
    this.#options = options
    this.#socket = socket
    this.#actor = actor
    this.#wire = wire
    this.#emptyMs = this.nowMs()
    socket.on('message', (data, isBinary) => this.#onMessage(isBinary ? '' : data.toString()))
    socket.on('error', () => socket.terminate())
  }

  /** Called every few seconds. */
  reconsider(): void {
    for (const tile of this.#tiles.values()) tile.reconsider()
  }

  nowMs(): number {
    return this.#options.clock.monotonicUs() / 1000
  }

  utcMs(): number {
    return this.#options.clock.utcUs() / 1000
  }

  streams(cameraId: string): LiveStreamInfo[] | undefined {
    return this.#options.streams(cameraId)
  }

  get isStuck(): boolean {
    const unsent = this.#socket.bufferedAmount
    if (unsent === 0) this.#emptyMs = this.nowMs()
    return unsent > maxUnsentBytes || this.nowMs() - this.#emptyMs > stuckMs
  }

  get isFree(): boolean {
    return this.#socket.bufferedAmount < freeBytes
  }

  send(tile: number, kind: number, isKey: boolean, sequence: number, utcUs: number, payload: Uint8Array): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    // `ws` would write its own head apart from ours: one buffer, copied, is one plain write and a third cheaper.
    const messageBytes = liveHeaderBytes + payload.length
    const headBytes = wireHeadBytes(messageBytes)
    const sizeBytes = headBytes + messageBytes
    const isBacked = this.#socket.bufferedAmount > 0
    if (!isBacked) this.#emptyMs = this.nowMs()
    if (scratch.length < sizeBytes) scratch = Buffer.allocUnsafeSlow(2 * sizeBytes)
    // What must wait is kept in a buffer of its own size.
    const bytes = isBacked ? Buffer.allocUnsafeSlow(sizeBytes) : scratch.subarray(0, sizeBytes)
    const view = new DataView(bytes.buffer, bytes.byteOffset, sizeBytes)
    writeWireHead(view, messageBytes)
    writeLiveHead(view, headBytes, { tile, kind, isKey, sequence, utcUs })
    bytes.set(payload, headBytes + liveHeaderBytes)
    this.#wire.write(bytes)
    if (!isBacked && this.#socket.bufferedAmount > 0) scratch = Buffer.allocUnsafeSlow(scratch.length)
  }

  notify(notice: LiveNotice): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(notice))
  }

  end(): void {
    this.#isEnded = true
    for (const tile of this.#tiles.values()) tile.close()
    this.#tiles.clear()
  }

  #onMessage(text: string): void {
    const request = parseRequest(text)
    if (request === undefined) {
      this.#socket.close(policyViolation, 'not a live request')
      return
    }
    if (request.type === 'received') {
      for (const { tile, sequence } of request.newest) this.#onReceived(this.#tiles.get(tile), sequence)
      return
    }
    this.#turn = this.#turn
      .then(() => this.#take(request))
      .catch((error) => {
        this.#options.logger.error({ err: error }, 'a live request failed')
        this.#socket.close(1011, 'something went wrong in the server')
      })
  }

  #onReceived(tile: LiveTile | undefined, sequence: number): void {
    tile?.received(sequence)
    if (this.#hasSeen || !tile?.hasArrived) return
    this.#hasSeen = true
    this.#options.onSeen?.()
  }

  async #take(request: LiveRequest): Promise<void> {
    if (this.#isEnded) return
    if (request.type === 'hello') {
      this.canPlay = new Set(request.canPlay)
    } else if (request.type === 'close') {
      this.#tiles.get(request.tile)?.close()
      this.#tiles.delete(request.tile)
    } else if (request.type === 'open') {
      await this.#open(request)
    }
  }

  async #open(request: OpenRequest): Promise<void> {
    const mayWatch = await this.#options.mayWatch(this.#actor, request.cameraId)
    if (this.#isEnded) return
    if (!mayWatch) {
      this.#tiles.get(request.tile)?.close()
      this.#tiles.delete(request.tile)
      this.notify({ type: 'refused', tile: request.tile, reason: 'you may not see this camera' })
      return
    }
    let tile = this.#tiles.get(request.tile)
    if (tile === undefined) {
      tile = new LiveTile(this, this.#options.hub, request.tile)
      this.#tiles.set(request.tile, tile)
    }
    tile.open(request)
  }
}

/** Bytes of the head of an unmasked frame with so many bytes of payload (RFC 6455 §5.2). */
function wireHeadBytes(payloadBytes: number): number {
  return payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10
}

/** The head of a whole binary message in one frame (RFC 6455 §5.2): FIN, opcode 2, no mask, the length. */
function writeWireHead(view: DataView, payloadBytes: number): void {
  view.setUint8(0, 0x82)
  if (payloadBytes < 126) {
    view.setUint8(1, payloadBytes)
  } else if (payloadBytes < 65_536) {
    view.setUint8(1, 126)
    view.setUint16(2, payloadBytes)
  } else {
    view.setUint8(1, 127)
    view.setBigUint64(2, BigInt(payloadBytes))
  }
}

function parseRequest(text: string): LiveRequest | undefined {
  try {
    const request: unknown = JSON.parse(text)
    return isReport(request) ? request : liveRequest.safeParse(request).data
  } catch {
    return undefined
  }
}

/** Whether this is what nearly all requests are, told without the schema, which takes ten times as long. */
function isReport(request: unknown): request is Extract<LiveRequest, { type: 'received' }> {
  const { type, newest } = request as { type?: unknown; newest?: unknown }
  return type === 'received' && Array.isArray(newest) && newest.every(isReceipt)
}

function isReceipt(one: unknown): boolean {
  const { tile, sequence } = (one ?? {}) as { tile?: unknown; sequence?: unknown }
  return Number.isInteger(tile) && Number.isSafeInteger(sequence)
}

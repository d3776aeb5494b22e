// One connection to an RTSP server: requests and their answers, the server's own requests, and packets between them.
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Failure } from '../../shared/failure.ts'
import { InterleavedReader, type ReadBuffer } from '../media/rtp/interleaved.ts'
import {
  type RtspMessage,
  RtspMessageParser,
  type RtspResponse,
  rtspHeader,
  rtspRequest,
  rtspResponse,
} from '../media/rtsp/message.ts'
import { tlsServerName } from './source-address.ts'
import { SourceFailure, wordsForSocket } from './source-failure.ts'

/** Where to connect. */
export interface RtspPeer {
  /** IP addresses, tried in turn. */
  addresses: string[]
  port: number
  isTls: boolean
  /** The name the address was given by, for TLS. */
  host: string
}

export interface RtspConnectionEvents {
  /** One packet of a channel that `setChannel` named. `bytes` is valid during the call only. */
  packet(channel: number, bytes: Uint8Array, start: number, end: number): void
  /** A request of the server's, which has been answered already. */
  request(method: string, location: string | undefined): void
  /** The connection is gone, or its owner's code threw; once, and not after `destroy`. */
  lost(failure: SourceFailure): void
}

/** What waits for an answer: one request at a time. */
interface Pending {
  cseq: number
  method: string
  leftMs: number
  resolve(response: RtspResponse): void
  reject(failure: SourceFailure): void
}

/** Of what we send, the most that may wait in memory for a peer that does not read. */
const maxUnsentBytes = 64 * 1024

const userAgent = 'Nightjar'

/** What a server may ask us, and we answer with 200 (RFC 2326 §10; PLAY_NOTIFY of RFC 7826 §13.5). */
const knownMethods = ['OPTIONS', 'ANNOUNCE', 'GET_PARAMETER', 'SET_PARAMETER', 'REDIRECT', 'TEARDOWN', 'PLAY_NOTIFY']

/**
 * An RTSP connection, from `open` to `destroy` or `lost`.
 *
 * It has no timer of its own: `tick` counts the time in which the process ran, so that a process that was stopped for a
 * while does not take that for a silent camera.
 */
export class RtspConnection {
  readonly #events: RtspConnectionEvents
  readonly #readBuffer: ReadBuffer
  /** How the address is shown in failures. */
  readonly #label: string
  readonly #reader: InterleavedReader
  #socket: Socket | undefined
  #isOver = false
  #cseq = 0
  #pending: Pending | undefined
  #connecting: { leftMs: number; reject(failure: SourceFailure): void } | undefined
  #hasSpokenRtsp = false
  /** Set while media flows: messages that cannot be read are then passed over. */
  isLenient = false

  constructor(readBuffer: ReadBuffer, label: string, events: RtspConnectionEvents) {
    this.#readBuffer = readBuffer
    this.#label = label
    this.#events = events
    this.#reader = new InterleavedReader({
      onPacket: (channel, bytes, start, end) => this.#events.packet(channel, bytes, start, end),
      onMessage: (bytes, start, end) => this.#onMessage(bytes, start, end),
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Bytes that were neither packet nor message. */
  get skippedBytes(): number {
    return this.#reader.skippedBytes
  }

  setChannel(channel: number, kind: 'rtp' | 'rtcp'): void {
    this.#reader.setChannel(channel, kind)
  }

  /** Connects to the first address that answers, within `timeoutMs` in all. */
  async open(peer: RtspPeer, timeoutMs: number): Promise<void> {
    if (this.#isOver) throw new SourceFailure('closed-by-camera', `${this.#label}: closed`)
    let failure: SourceFailure | undefined
    let leftMs = timeoutMs
    for (const [i, address] of peer.addresses.entries()) {
      // Half of what is left for each but the last, so that a dead IPv4 address leaves time for the IPv6 one.
      const shareMs = i === peer.addresses.length - 1 ? leftMs : leftMs / 2
      try {
        await this.#openOne(peer, address, shareMs)
        return
      } catch (error) {
        if (!(error instanceof SourceFailure) || this.#isOver) throw error
        // A refused login to TLS would be refused at the host's other address too.
        if (error.fault === 'tls') throw error
        failure = error
        leftMs -= shareMs
      }
    }
    throw failure ?? new SourceFailure('name-resolution', `${this.#label}: no address`)
  }

  #openOne(peer: RtspPeer, address: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const { bytes, readStart, readBytes } = this.#readBuffer
      const onread = {
        buffer: new Uint8Array(bytes.buffer, bytes.byteOffset + readStart, readBytes),
        callback: (size: number) => this.#onRead(socket, size),
      }
      let isConnected = false
      const target = { host: address, port: peer.port, onread }
      const socket: Socket = peer.isTls
        ? connectTls({
            ...target,
            servername: tlsServerName(peer.host),
            // Cameras have self-signed certificates and no others, and old ones speak TLS 1.0 with short keys. TLS keeps
            // eavesdroppers out all the same; who could stand in the middle would have to be in the camera's network.
            rejectUnauthorized: false,
            minVersion: 'TLSv1',
            ciphers: 'DEFAULT@SECLEVEL=0',
          })
        : connectTcp(target)
      this.#socket = socket
      const fail = (fault: 'connection' | 'tls', words: string): void => {
        this.#connecting = undefined
        socket.destroy()
        reject(new SourceFailure(fault, `${this.#label}: ${words}`))
      }
      let isTcpConnected = false
      socket.once('connect', () => {
        isTcpConnected = true
      })
      this.#connecting = {
        leftMs: timeoutMs,
        reject: () => {
          if (isTcpConnected && peer.isTls) fail('tls', 'no answer to the TLS handshake')
          else fail('connection', `no answer from ${address} port ${peer.port}`)
        },
      }
      socket.once(peer.isTls ? 'secureConnect' : 'connect', () => {
        isConnected = true
        this.#connecting = undefined
        socket.setNoDelay(true)
        resolve()
      })
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (socket !== this.#socket || this.#isOver) return
        if (isConnected) this.#lose('closed-by-camera', wordsForSocket(error))
        else if (isTcpConnected && peer.isTls) fail('tls', wordsForTls(error))
        else fail('connection', `${wordsForSocket(error)} at ${address} port ${peer.port}`)
      })
      socket.on('end', () => {
        if (socket === this.#socket && isConnected) this.#lose('closed-by-camera', 'the camera closed the connection')
      })
      socket.on('close', () => {
        if (socket !== this.#socket || this.#isOver) return
        if (isConnected) this.#lose('closed-by-camera', 'the camera closed the connection')
        else if (isTcpConnected && peer.isTls) fail('tls', 'the camera closed the connection in the TLS handshake')
        else fail('connection', `${address} port ${peer.port} closed the connection`)
      })
    })
  }

  /** Sends a request and gives its answer, whatever its status. One at a time. */
  request(method: string, url: string, headers: Record<string, string>, timeoutMs: number): Promise<RtspResponse> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) {
        reject(new SourceFailure('closed-by-camera', `${this.#label}: the connection is closed`))
        return
      }
      const cseq = ++this.#cseq
      let bytes: Uint8Array
      try {
        bytes = rtspRequest(method, url, cseq, { 'User-Agent': userAgent, ...headers })
      } catch (error) {
        // The camera's own description gave the address.
        reject(new SourceFailure('protocol', `${this.#label}: ${(error as Error).message}`))
        return
      }
      // A keep-alive that was never answered gives way to whatever is asked next.
      this.#pending?.reject(new SourceFailure('connection', `${this.#label}: no answer to ${this.#pending.method}`))
      this.#pending = { cseq, method, leftMs: timeoutMs, resolve, reject }
      this.send(bytes)
    })
  }

  /** Sends bytes as they are; drops them where the peer has not read what went before. */
  send(bytes: Uint8Array): void {
    const socket = this.#socket
    if (socket === undefined || this.#isOver || socket.writableLength > maxUnsentBytes) return
    socket.write(bytes)
  }

  /** Stops or resumes reading. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#socket?.pause()
    else this.#socket?.resume()
  }

  /** Counts `elapsedMs` against what is being waited for. */
  tick(elapsedMs: number): void {
    if (this.#connecting !== undefined) {
      this.#connecting.leftMs -= elapsedMs
      if (this.#connecting.leftMs <= 0) {
        const { reject } = this.#connecting
        this.#connecting = undefined
        reject(new SourceFailure('connection', this.#label))
      }
    }
    const pending = this.#pending
    if (pending === undefined) return
    pending.leftMs -= elapsedMs
    if (pending.leftMs > 0) return
    this.#pending = undefined
    pending.reject(this.#silence(`no answer to ${pending.method}`))
  }

  /** Says nothing more and lets go. `farewell` is sent first and given half a second to leave. */
  destroy(farewell?: Uint8Array): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#reader.close()
    const failure = new SourceFailure('closed-by-camera', `${this.#label}: the connection was let go`)
    const { reject } = this.#connecting ?? {}
    this.#connecting = undefined
    reject?.(failure)
    this.#pending?.reject(failure)
    this.#pending = undefined
    const socket = this.#socket
    if (socket === undefined) return
    if (farewell === undefined || socket.connecting || socket.destroyed) {
      socket.destroy()
      return
    }
    // The peer may be dead and never take it.
    const timer = setTimeout(() => socket.destroy(), 500)
    socket.end(farewell, () => {
      clearTimeout(timer)
      socket.destroy()
    })
  }

  /** The bytes of a request that nobody waits for an answer to. */
  farewell(method: string, url: string, headers: Record<string, string>): Uint8Array {
    return rtspRequest(method, url, ++this.#cseq, { 'User-Agent': userAgent, ...headers })
  }

  #onRead(socket: Socket, size: number): boolean {
    if (this.#isOver || socket !== this.#socket) return true
    const { bytes, readStart } = this.#readBuffer
    try {
      this.#reader.push(bytes, readStart, readStart + size)
    } catch (error) {
      if (error instanceof SourceFailure) this.#fail(error)
      else {
        // What the camera sent made no sense to the owner; anything else that it throws is a bug of ours.
        const fault = error instanceof Failure && error.kind === 'corrupt' ? 'protocol' : 'source-failed'
        const cause = fault === 'protocol' ? undefined : error
        this.#fail(new SourceFailure(fault, `${this.#label}: ${(error as Error).message}`, { cause }))
      }
    }
    return true
  }

  #onMessage(bytes: Uint8Array, start: number, end: number): void {
    let message: RtspMessage | undefined
    try {
      const parser = new RtspMessageParser()
      parser.push(bytes, start, end)
      message = parser.take()
      // The head said that more would come, and the reader found that it did not.
      if (message === undefined) throw new Error('read RTSP message: it has no body although it says so')
    } catch (error) {
      // Between packets it is as well garbage that happened to look like a message, and media goes on behind it.
      if (this.isLenient) return
      throw new SourceFailure('protocol', `${this.#label}: ${(error as Error).message}`)
    }
    this.#hasSpokenRtsp = true
    if (message.kind === 'response') this.#onResponse(message)
    else this.#onRequest(message)
  }

  #onResponse(response: RtspResponse): void {
    const pending = this.#pending
    if (pending === undefined) return
    const cseq = rtspHeader(response, 'cseq')
    // Some cameras leave CSeq out of errors; one request is under way at a time, so there is nothing to mistake.
    if (cseq !== undefined && Number.parseInt(cseq, 10) !== pending.cseq) return
    // 1xx: the answer proper is still to come (RFC 2326 §7.1.1).
    if (response.status < 200) return
    this.#pending = undefined
    pending.resolve(response)
  }

  #onRequest(request: RtspMessage & { kind: 'request' }): void {
    const cseq = Number.parseInt(rtspHeader(request, 'cseq') ?? '0', 10) || 0
    const isKnown = knownMethods.includes(request.method)
    const headers: Record<string, string> = request.method === 'OPTIONS' ? { Public: knownMethods.join(', ') } : {}
    this.send(isKnown ? rtspResponse(200, 'OK', cseq, headers) : rtspResponse(501, 'Not Implemented', cseq))
    this.#events.request(request.method, rtspHeader(request, 'location'))
  }

  #lose(fault: 'closed-by-camera', words: string): void {
    const during = this.#pending === undefined ? '' : ` instead of an answer to ${this.#pending.method}`
    const failure = this.#isNotRtsp()
      ? this.#silence('')
      : new SourceFailure(fault, `${this.#label}: ${words}${during}`)
    this.#fail(failure)
  }

  #fail(failure: SourceFailure): void {
    if (this.#isOver) return
    const pending = this.#pending
    this.#pending = undefined
    this.destroy()
    pending?.reject(failure)
    this.#events.lost(failure)
  }

  #isNotRtsp(): boolean {
    return !this.#hasSpokenRtsp && this.#reader.skippedBytes > 0
  }

  #silence(words: string): SourceFailure {
    return this.#isNotRtsp()
      ? new SourceFailure('protocol', `${this.#label}: what answers there does not speak RTSP`)
      : new SourceFailure('connection', `${this.#label}: ${words}`)
  }
}

function wordsForTls(error: NodeJS.ErrnoException): string {
  if (/wrong version number|packet length too long|http request/i.test(error.message)) {
    return 'what answers there does not speak TLS'
  }
  return `TLS handshake failed: ${wordsForSocket(error)
    .replace(/^[0-9A-F]+:error:[0-9A-F]*:/i, '')
    .replace(/\.\.?\/.*$/, '')
    .trim()}`
}

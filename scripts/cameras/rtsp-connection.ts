// One RTSP connection: answers requests, and sends what they asked for (RFC 2326, interleaved only).
import { randomInt } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Camera } from './camera.ts'
import type { DamageOutcome } from './frame-damage.ts'
import { formatResponse, parseInterleaved, type RtspRequest, RtspRequestReader } from './rtsp-request.ts'
import { describeStream } from './sdp.ts'
import { SendLine } from './send-line.ts'
import type { Stream } from './stream.ts'
import type { Timed } from './time-wheel.ts'
import { TrackReader, type TrackReaderStats } from './track-reader.ts'

const METHODS = 'OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN'
const BYTES_PER_MS_OF_MBIT = 125

/** A connection's numbers. */
export interface ConnectionStats {
  stream: string
  isPlaying: boolean
  sentBytes: number
  backlogBytes: number
  tracks: TrackReaderStats[]
}

/** Finds the camera and stream a path names. */
export type FindStream = (path: string) => { camera: Camera; stream: Stream | undefined } | undefined

/** Serves one client until it leaves, is silent too long, or a fault ends it. */
export class RtspConnection implements Timed {
  dueMs = 0
  nextTimed: Timed | null = null
  isScheduled = false
  #socket: Socket
  #find: FindStream
  #line: SendLine | undefined
  #requests = new RtspRequestReader()
  #camera: Camera | undefined
  #stream: Stream | undefined
  #session = ''
  #readers = new Map<number, TrackReader>()
  #isPlaying = false
  #heardMs = performance.now()

  constructor(socket: Socket, find: FindStream) {
    this.#socket = socket
    this.#find = find
    socket.setNoDelay(true)
    socket.on('data', (bytes) => this.#onData(bytes))
    socket.on('error', () => undefined) // 'close' follows
    socket.on('close', () => this.#onClose())
  }

  get stats(): ConnectionStats {
    return {
      stream: this.#stream?.name ?? '',
      isPlaying: this.#isPlaying,
      sentBytes: this.#line?.sentBytes ?? 0,
      backlogBytes: this.#line?.backlogBytes ?? 0,
      tracks: [...this.#readers.values()].map((reader) => reader.stats),
    }
  }

  /** The tracks being sent. */
  get readers(): TrackReader[] {
    return this.#isPlaying ? [...this.#readers.values()] : []
  }

  /** Takes over a changed line rate. */
  followLineRate(): void {
    if (this.#line && this.#camera) this.#line.bytesPerMs = this.#camera.lineMbit * BYTES_PER_MS_OF_MBIT
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** The session's time is up, unless something was heard meanwhile. */
  onDue(nowMs: number): void {
    if (!this.#camera || this.#socket.destroyed) return
    const endMs = this.#heardMs + this.#camera.sessionTimeoutSec * 1000
    if (nowMs >= endMs) this.#socket.destroy()
    else this.#camera.context.wheel.schedule(this, endMs)
  }

  #onData(bytes: Buffer): void {
    try {
      const { requests, hasPacket } = this.#requests.add(bytes)
      if (requests.length > 0 || hasPacket) this.#heardMs = performance.now()
      for (const request of requests) this.#answer(request)
    } catch {
      this.#socket.end(formatResponse(400, undefined))
    }
  }

  #answer(request: RtspRequest): void {
    const found = this.#find(pathOf(request.uri))
    const cseq = request.headers.get('cseq')
    if (found && !this.#camera) this.#adopt(found.camera)
    const camera = this.#camera
    if (!camera || !found || found.camera !== camera) {
      // Nothing but OPTIONS has a meaning without a camera.
      const isAsked = request.method === 'OPTIONS'
      this.#reply(formatResponse(isAsked ? 200 : 404, cseq, isAsked ? { Public: METHODS } : {}))
      return
    }
    const { faults } = camera.context
    if (faults.refuse) {
      this.#socket.destroy()
      return
    }
    if (faults.mute) return
    if (faults.refuseStatus !== null) {
      this.#reply(formatResponse(faults.refuseStatus, cseq))
      return
    }
    const isAdmitted =
      request.method === 'OPTIONS' ||
      (!faults.denyLogin && camera.doorkeeper.admits(request.method, request.uri, request.headers.get('authorization')))
    if (!isAdmitted) {
      const challenges = camera.doorkeeper.challenges()
      const offered = challenges.length > 0 ? challenges : ['Basic realm="nightjar-camera"']
      this.#reply(formatResponse(401, cseq, { 'WWW-Authenticate': offered }))
      return
    }
    this.#reply(this.#perform(request, cseq, camera, found.stream))
    if (request.method === 'TEARDOWN') this.#line!.finish()
    // Only after the reply: media must not come before it.
    if (request.method === 'PLAY' && this.#isPlaying) for (const reader of this.#readers.values()) reader.play()
  }

  #perform(request: RtspRequest, cseq: string | undefined, camera: Camera, stream: Stream | undefined): Buffer {
    const session = { Session: this.#session }
    const needsSession = ['PLAY', 'PAUSE', 'TEARDOWN'].includes(request.method)
    const givenSession = request.headers.get('session')?.split(';')[0]
    if (needsSession && (this.#session === '' || givenSession !== this.#session)) return formatResponse(454, cseq)
    switch (request.method) {
      case 'OPTIONS':
        return formatResponse(200, cseq, { Public: METHODS })
      case 'DESCRIBE':
        return this.#describe(request, cseq, camera, stream)
      case 'SETUP':
        return this.#setup(request, cseq, camera, stream)
      case 'PLAY': {
        this.#isPlaying = true
        const base = request.uri.replace(/\/$/, '')
        const info = [...this.#readers].map(([track, reader]) => {
          const { sequence, timestamp } = reader.playInfo()
          return `url=${base}/trackID=${track};seq=${sequence};rtptime=${timestamp}`
        })
        return formatResponse(200, cseq, { ...session, Range: 'npt=0.000-', 'RTP-Info': info.join(',') })
      }
      case 'PAUSE':
        this.#isPlaying = false
        for (const reader of this.#readers.values()) reader.pause()
        return formatResponse(200, cseq, session)
      case 'GET_PARAMETER':
      case 'SET_PARAMETER':
        return formatResponse(200, cseq, this.#session === '' ? {} : session)
      case 'TEARDOWN':
        this.#stop()
        return formatResponse(200, cseq, session)
      default:
        return formatResponse(405, cseq, { Allow: METHODS })
    }
  }

  #describe(request: RtspRequest, cseq: string | undefined, camera: Camera, stream: Stream | undefined): Buffer {
    const { faults } = camera.context
    if (faults.redirectTo !== null) {
      return formatResponse(faults.redirectStatus, cseq, { Location: faults.redirectTo })
    }
    if (!stream) return formatResponse(404, cseq)
    const host = (this.#socket.localAddress ?? '127.0.0.1').replace(/^::ffff:/, '')
    const headers = { 'Content-Type': 'application/sdp', 'Content-Base': `${request.uri.replace(/\/$/, '')}/` }
    return formatResponse(200, cseq, headers, describeStream(stream, host, faults.sdp))
  }

  #setup(request: RtspRequest, cseq: string | undefined, camera: Camera, stream: Stream | undefined): Buffer {
    if (!stream || (this.#stream && this.#stream !== stream)) return formatResponse(404, cseq)
    if (this.#isPlaying) return formatResponse(455, cseq)
    const asked = parseInterleaved(request.headers.get('transport'))
    if (!asked) return formatResponse(461, cseq)
    const track = Number(/trackID=(\d+)/.exec(request.uri)?.[1] ?? 0)
    const source = stream.tracks[track]
    if (!source && !(camera.context.faults.sdp === 'many' && track < 8)) return formatResponse(404, cseq)
    const [rtpChannel, rtcpChannel] = asked.channels ?? [2 * track, 2 * track + 1]
    if (rtpChannel > 254 || rtcpChannel !== rtpChannel + 1) return formatResponse(461, cseq)
    this.#stream = stream
    if (this.#session === '') this.#session = String(randomInt(10_000_000, 100_000_000))
    if (source) {
      const onBroken = (outcome: DamageOutcome) => this.#break(outcome)
      this.#readers.set(track, new TrackReader(source, camera.context, this.#line!, rtpChannel, onBroken))
    }
    return formatResponse(200, cseq, {
      Transport: `RTP/AVP/TCP;unicast;interleaved=${rtpChannel}-${rtcpChannel}`,
      Session: `${this.#session};timeout=${camera.sessionTimeoutSec}`,
    })
  }

  #adopt(camera: Camera): void {
    this.#camera = camera
    camera.connections.add(this)
    camera.connectionsMade++
    this.#line = new SendLine(this.#socket, camera.context.wheel, camera.lineMbit * BYTES_PER_MS_OF_MBIT)
    camera.context.wheel.schedule(this, performance.now() + camera.sessionTimeoutSec * 1000)
  }

  #reply(bytes: Buffer): void {
    if (this.#socket.destroyed) return
    if (this.#line) this.#line.push(bytes, bytes.length)
    else this.#socket.write(bytes)
  }

  #break(outcome: DamageOutcome): void {
    this.#stop()
    this.#line!.finish()
    // The half packet is with the kernel by then, unless the reader is slow.
    if (outcome === 'reset') setTimeout(() => this.#socket.resetAndDestroy(), 20)
  }

  #stop(): void {
    this.#isPlaying = false
    for (const reader of this.#readers.values()) reader.pause()
  }

  #onClose(): void {
    this.#stop()
    this.#camera?.forget(this)
  }
}

function pathOf(uri: string): string {
  return uri.replace(/^rtsps?:\/\/[^/]*/i, '').replace(/\?.*$/, '')
}

// One session with an RTSP server: from the connection to the last packet.
import type { Clock } from '../base/clock.ts'
import type { Resolver } from '../base/resolver.ts'
import type { LoginGate } from '../base/retry.ts'
import type { ReadBuffer } from '../media/rtp/interleaved.ts'
import { rtspHeader } from '../media/rtsp/message.ts'
import type { SdpTrack } from '../media/rtsp/sdp.ts'
import { interleavedTransport, parseTransport } from '../media/rtsp/transport-header.ts'
import { ReceptionCounter } from './receiver-reports.ts'
import { type DialogueTimes, RtspDialogue } from './rtsp-dialogue.ts'
import type { PacketSink, SourceAddress, SourceEnd, SourceTrack } from './source.ts'
import { displayText } from './source-address.ts'
import { SourceFailure } from './source-failure.ts'
import { sourceTrackFromSdp } from './source-track.ts'

/** Times of an RTSP source, in milliseconds. */
export interface RtspTimes extends DialogueTimes {
  /** From PLAY's answer to the first packet. */
  firstPacketMs: number
  /** Between packets. With `tickMs` of inexactness it makes the 10 s in which a stall must be seen. */
  stallMs: number
  /** Between receiver reports. */
  reportMs: number
  /** How often the clock is looked at. */
  tickMs: number
}

export const defaultRtspTimes: RtspTimes = {
  connectMs: 5000,
  requestMs: 5000,
  describeMs: 10_000,
  firstPacketMs: 10_000,
  stallMs: 9000,
  reportMs: 8000,
  tickMs: 500,
}

export interface RtspSessionOptions {
  address: SourceAddress
  /** Where the session begins, where an earlier one was sent elsewhere by the server; else undefined. */
  redirectedTo: string | undefined
  readBuffer: ReadBuffer
  clock: Clock
  resolver: Resolver
  gate: LoginGate
  times: RtspTimes
  /** Called with all that the server describes, before any of it is chosen. */
  described?: (tracks: readonly SdpTrack[]) => void
  /** Called once, when media follows. */
  open(tracks: SourceTrack[]): PacketSink
}

/** How a session ended. */
export interface SessionResult {
  end: SourceEnd
  /** The instant (monotonic) before which the next try must not be made; 0 for none. */
  notBeforeUs: number
  /** Where the server sent us in the end. */
  redirectedTo: string | undefined
  /** The error of the owner's own code that ended it. */
  cause: unknown
}

/** What was agreed for one track. */
interface SetUpTrack {
  offered: SourceTrack
  rtpChannel: number
  rtcpChannel: number
  reception: ReceptionCounter
}

/** A session's timeout where the server names none (RFC 2326 §12.37), in seconds. */
const defaultTimeoutSec = 60
/** How long TEARDOWN is waited for. */
const teardownMs = 500

/** A session: `run` lasts as long as it does. */
export class RtspSession {
  readonly #options: RtspSessionOptions
  readonly #dialogue: RtspDialogue
  #sink: PacketSink | undefined
  #tracks: SetUpTrack[] = []
  /** By channel: twice the track's place, plus one for RTCP; -1 where there is none. */
  readonly #ofChannel = new Int16Array(256).fill(-1)
  #control = ''
  #phase: 'opening' | 'playing' | 'closing' | 'over' = 'opening'
  #isHeld = false
  #lastTickUs = 0
  #quietMs = 0
  #hasPacket = false
  #keepAliveLeftMs = Number.POSITIVE_INFINITY
  #keepAliveMs = Number.POSITIVE_INFINITY
  #isKeepingAlive = false
  #reportLeftMs: number
  #redirectedTo: string | undefined
  #finish: (result: SessionResult) => void = () => undefined
  readonly #finished: Promise<SessionResult>

  constructor(options: RtspSessionOptions) {
    this.#options = options
    this.#dialogue = new RtspDialogue(options, {
      packet: (channel, bytes, start, end) => this.#onPacket(channel, bytes, start, end),
      request: (method, location) => this.#onServerRequest(method, location),
      lost: (failure) => this.#fail(failure),
    })
    this.#reportLeftMs = options.times.reportMs
    this.#finished = new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  /** Whether any packet of media came. */
  get hasPacket(): boolean {
    return this.#hasPacket
  }

  /** Runs the session to its end; never rejects. */
  async run(): Promise<SessionResult> {
    this.#lastTickUs = this.#options.clock.monotonicUs()
    const timer = setInterval(() => this.#tick(), this.#options.times.tickMs)
    try {
      await this.#handshake()
    } catch (error) {
      this.#fail(error)
    }
    const result = await this.#finished
    clearInterval(timer)
    return result
  }

  /** Ends the session with a verdict of the owner's. The server is told, and not waited for. */
  end(end: SourceEnd): void {
    this.#over({ end, notBeforeUs: 0, redirectedTo: undefined, cause: undefined }, true)
  }

  /** Says TEARDOWN, waits for its answer for half a second at most, and ends. */
  async close(): Promise<void> {
    const wasOpening = this.#phase === 'opening'
    if (this.#phase === 'playing' && !this.#dialogue.connection.isOver) {
      this.#phase = 'closing'
      this.#sink = undefined
      this.#dialogue.connection.hold(false)
      const answer = this.#dialogue.request('TEARDOWN', this.#control, {}, teardownMs)
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, teardownMs)
      })
      await Promise.race([answer.catch(() => undefined), late])
      clearTimeout(timer)
    }
    const end: SourceEnd = { fault: 'closed-by-camera', detail: `${this.#dialogue.label}: closed` }
    this.#over({ end, notBeforeUs: 0, redirectedTo: undefined, cause: undefined }, wasOpening)
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (this.#phase !== 'playing') return
    this.#dialogue.connection.hold(isHeld)
    this.#quietMs = 0
  }

  async #handshake(): Promise<void> {
    const sdp = await this.#dialogue.describe()
    this.#control = sdp.control
    this.#options.described?.(sdp.tracks)
    await this.#setUpTracks(this.#chooseTracks(sdp.tracks))
    if (this.#phase === 'over') return
    this.#phase = 'playing'
    await this.#play()
    this.#openSink()
    if (this.#isHeld) this.#dialogue.connection.hold(true)
  }

  /** The first picture, the first sound and the first metadata that we can take. */
  #chooseTracks(described: SdpTrack[]): { sdp: SdpTrack; offered: SourceTrack }[] {
    const { hasAudio } = this.#options.address
    const media = described.filter((track) => track.kind === 'video' || track.kind === 'audio')
    if (!hasAudio && media.length > 0 && media.every((track) => track.kind === 'audio')) {
      throw new SourceFailure('no-tracks', `${this.#dialogue.label}: it sends sound only, and sound is switched off`)
    }
    if (media.length === 0) {
      throw new SourceFailure('no-tracks', `${this.#dialogue.label}: its description names neither picture nor sound`)
    }
    const chosen: { sdp: SdpTrack; offered: SourceTrack }[] = []
    for (const kind of ['video', 'audio', 'metadata'] as const) {
      if (kind === 'audio' && !hasAudio) continue
      for (const sdp of described) {
        // What the camera marks `sendonly` is sound that it takes from us (ONVIF Streaming Specification §5.3, back channel).
        if (sdp.kind !== kind || (kind === 'audio' && sdp.direction === 'sendonly')) continue
        const offered = sourceTrackFromSdp(sdp)
        if (offered === undefined) continue
        chosen.push({ sdp, offered })
        break
      }
    }
    const hasPicture = chosen.some(({ sdp }) => sdp.kind === 'video')
    const offersPicture = media.some((track) => track.kind === 'video')
    // Sound alone of a camera whose picture we cannot take would look like a camera without keyframes.
    if (offersPicture ? !hasPicture : !chosen.some(({ sdp }) => sdp.kind === 'audio')) {
      const names = media.map((track) => displayText(track.encodingName, '')).join(', ')
      throw new SourceFailure('codec', `${this.#dialogue.label}: sends ${names}, of which none is supported`)
    }
    return chosen
  }

  async #setUpTracks(chosen: { sdp: SdpTrack; offered: SourceTrack }[]): Promise<void> {
    let failure: SourceFailure | undefined
    for (const { sdp, offered } of chosen) {
      const channel = this.#tracks.length * 2
      try {
        await this.#setUp(sdp, offered, channel)
      } catch (error) {
        // A picture without its sound is better than none. What ends the connection or the login ends the session.
        const isRefusal = error instanceof SourceFailure && ['path', 'protocol', 'udp-only'].includes(error.fault)
        if (!isRefusal || this.#dialogue.connection.isOver || offered.config.kind === 'video') throw error
        failure = error
      }
    }
    if (this.#tracks.length === 0 && failure !== undefined) throw failure
  }

  async #setUp(sdp: SdpTrack, offered: SourceTrack, channel: number): Promise<void> {
    const wanted = { Transport: interleavedTransport(channel) }
    const response = await this.#dialogue.request('SETUP', sdp.control, wanted, this.#options.times.requestMs)
    if (response.status === 461) {
      throw new SourceFailure(
        'udp-only',
        `${this.#dialogue.label}: 461 ${this.#dialogue.reason(response)}: it sends by UDP only`,
      )
    }
    this.#dialogue.mustSucceed('SETUP', response)
    const header = rtspHeader(response, 'transport')
    const transport = header === undefined ? undefined : parseTransport(header)
    if (transport?.lower === 'udp' && transport.channels === undefined) {
      throw new SourceFailure('udp-only', `${this.#dialogue.label}: asked for TCP, it answers that it sends by UDP`)
    }
    let [rtpChannel, rtcpChannel] = transport?.channels ?? [channel, channel + 1]
    // A server that answers the same channels for every track means those that were asked for.
    if (this.#ofChannel[rtpChannel] !== -1) [rtpChannel, rtcpChannel] = [channel, channel + 1]
    const [id = '', ...params] = (rtspHeader(response, 'session') ?? '').split(';')
    if (id.trim() !== '') this.#dialogue.sessionId = id.trim()
    this.#noteTimeout(params)
    const place = this.#tracks.push({ offered, rtpChannel, rtcpChannel, reception: new ReceptionCounter() }) - 1
    this.#ofChannel[rtcpChannel] = place * 2 + 1
    this.#dialogue.connection.setChannel(rtcpChannel, 'rtcp')
    this.#ofChannel[rtpChannel] = place * 2
    this.#dialogue.connection.setChannel(rtpChannel, 'rtp')
  }

  #noteTimeout(params: string[]): void {
    const timeout = params
      .map((param) => /^\s*timeout\s*=\s*(\d+)/i.exec(param)?.[1])
      .find((value) => value !== undefined)
    const timeoutSec = Math.max(1, Math.min(3600, Number(timeout ?? defaultTimeoutSec)))
    // Under half of it, so that one keep-alive may be lost; and often enough for routers that forget idle connections.
    this.#keepAliveMs = Math.min(timeoutSec * 450, 30_000)
    this.#keepAliveLeftMs = this.#keepAliveMs
  }

  async #play(): Promise<void> {
    const { requestMs } = this.#options.times
    let response = await this.#dialogue.request('PLAY', this.#control, { Range: 'npt=0.000-' }, requestMs)
    // Some servers of live streams take no range at all.
    if (response.status === 457 || response.status === 400)
      response = await this.#dialogue.request('PLAY', this.#control, {}, requestMs)
    this.#dialogue.mustSucceed('PLAY', response)
  }

  /** Hands the session to its owner: at PLAY's answer, or at the first packet, which may come before it. */
  #openSink(): void {
    if (this.#sink !== undefined || this.#phase !== 'playing') return
    this.#quietMs = 0
    this.#dialogue.connection.isLenient = true
    this.#sink = this.#options.open(this.#tracks.map((track) => track.offered))
  }

  #onPacket(channel: number, bytes: Uint8Array, start: number, end: number): void {
    const place = this.#ofChannel[channel]!
    if (place < 0 || this.#phase !== 'playing') return
    if (this.#sink === undefined) {
      this.#openSink()
      if (this.#sink === undefined) return
    }
    const index = place >> 1
    // RTCP may come on RTP's channel (RFC 5761 §4 tells them apart by the type), and is looked at wherever it comes.
    const type = bytes[start + 1]!
    if (type >= 200 && type <= 207) {
      this.#tracks[index]!.reception.noteRtcp(bytes, start, end, this.#options.clock.monotonicUs())
      this.#sink.rtcp(index, bytes, start, end)
      return
    }
    this.#quietMs = 0
    this.#hasPacket = true
    this.#tracks[index]!.reception.countRtp(bytes, start)
    this.#sink.rtp(index, bytes, start, end)
  }

  #onServerRequest(method: string, location: string | undefined): void {
    if (method === 'REDIRECT' && location !== undefined) {
      // RFC 2326 §10.10: the session is to be made anew at the other place.
      this.#redirectedTo = this.#dialogue.absolute(location)
      this.#fail(new SourceFailure('closed-by-camera', `${this.#dialogue.label}: sent to ${displayText(location, '')}`))
    } else if (method === 'TEARDOWN') {
      this.#fail(new SourceFailure('closed-by-camera', `${this.#dialogue.label}: the camera ended the session`))
    }
  }

  #tick(): void {
    const { clock, times } = this.#options
    const nowUs = clock.monotonicUs()
    // No more than two ticks: time in which the process stood still is no time in which a camera was silent, since what
    // it sent meanwhile is read only after this timer.
    const elapsedMs = Math.min((nowUs - this.#lastTickUs) / 1000, times.tickMs * 2)
    this.#lastTickUs = nowUs
    // While held nothing is read, so nothing can be missed; but the server must hear that we live.
    if (!this.#isHeld || this.#phase !== 'playing') this.#dialogue.connection.tick(elapsedMs)
    if (this.#phase !== 'playing' || this.#sink === undefined) return
    if (!this.#isHeld) this.#quietMs += elapsedMs
    const mostMs = this.#hasPacket ? times.stallMs : times.firstPacketMs
    if (this.#quietMs >= mostMs) {
      const words = this.#hasPacket ? 'no packet for' : 'answered PLAY and sent nothing for'
      this.end({ fault: 'silent', detail: `${this.#dialogue.label}: ${words} ${Math.round(this.#quietMs / 1000)} s` })
      return
    }
    this.#reportLeftMs -= elapsedMs
    if (this.#reportLeftMs <= 0) this.#report(nowUs)
    this.#keepAliveLeftMs -= elapsedMs
    if (this.#keepAliveLeftMs <= 0) void this.#keepAlive()
  }

  #report(nowUs: number): void {
    this.#reportLeftMs = this.#options.times.reportMs
    const frames = this.#tracks.flatMap((track) => {
      const report = track.reception.report(nowUs)
      return report === undefined
        ? []
        : [Uint8Array.of(0x24, track.rtcpChannel, report.length >> 8, report.length & 0xff), report]
    })
    if (frames.length > 0) this.#dialogue.connection.send(Buffer.concat(frames))
  }

  /** Tells the server that we live. What it answers matters little as long as media comes. */
  async #keepAlive(): Promise<void> {
    this.#keepAliveLeftMs = this.#keepAliveMs
    if (this.#isKeepingAlive && !this.#isHeld) return
    this.#isKeepingAlive = true
    const method = this.#dialogue.methods.includes('GET_PARAMETER') ? 'GET_PARAMETER' : 'OPTIONS'
    try {
      const response = await this.#dialogue.request(method, this.#control, {}, this.#options.times.requestMs)
      // Listed, and yet not known.
      if (response.status === 405 || response.status === 501) this.#dialogue.methods = []
    } catch (error) {
      // As long as media comes the session is worth keeping; where it ends, the stall tells. A login that was refused
      // must wait for its time, however often the session would like to be kept alive.
      const waitMs = error instanceof SourceFailure ? (error.notBeforeUs - this.#options.clock.monotonicUs()) / 1000 : 0
      this.#keepAliveLeftMs = Math.max(this.#keepAliveMs, waitMs)
    } finally {
      this.#isKeepingAlive = false
    }
  }

  #fail(error: unknown): void {
    const failure =
      error instanceof SourceFailure
        ? error
        : new SourceFailure('source-failed', `${this.#dialogue.label}: ${(error as Error).message}`, { cause: error })
    this.#over(
      {
        end: failure.end,
        notBeforeUs: failure.notBeforeUs,
        redirectedTo: this.#redirectedTo,
        cause: failure.cause,
      },
      true,
    )
  }

  #over(result: SessionResult, isPolite: boolean): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.#sink = undefined
    const { end } = result
    this.#dialogue.end(isPolite ? this.#control : undefined)
    this.#finish({
      ...result,
      end: { fault: end.fault, detail: displayText(end.detail, this.#options.address.password) },
    })
  }
}

// A stream fetched by RTSP over TCP or TLS (RFC 2326), for ever.
import { Failure } from '../../shared/failure.ts'
import type { Clock } from '../base/clock.ts'
import type { Resolver } from '../base/resolver.ts'
import { Backoff, type LoginGate, loginKey, processLoginGate } from '../base/retry.ts'
import type { ReadBuffer } from '../media/rtp/interleaved.ts'
import type { SdpTrack } from '../media/rtsp/sdp.ts'
import { defaultRtspTimes, RtspSession, type RtspTimes } from './rtsp-session.ts'
import type { Source, SourceAddress, SourceEnd, SourceEvents } from './source.ts'
import { displayText, parseRtspAddress } from './source-address.ts'
import { hopelessFaults, hopelessRetryMs, leastRetryMs, retryDelaysMs, steadyMs } from './source-retry.ts'

export interface RtspSourceOptions {
  times?: Partial<RtspTimes>
  /** Delays between tries, in milliseconds: each in turn, the last one for ever. */
  retryMs?: readonly number[]
  /** Shared by all sources of a process where not given. */
  loginGate?: LoginGate
  /** Told of errors of the owner's own code that ended a session: bugs, to be logged. */
  onBug?: (error: unknown) => void
  /** Told of all tracks that the camera describes, also those that cannot be taken. */
  described?: (tracks: readonly SdpTrack[]) => void
}

export interface RtspSourceParts {
  address: SourceAddress
  readBuffer: ReadBuffer
  clock: Clock
  resolver: Resolver
  events: SourceEvents
  options?: RtspSourceOptions
}

/**
 * Fetches one stream by RTSP, its packets interleaved on the connection; makes the session anew whenever it ends.
 *
 * Sessions follow each other, so that there is never more than one connection to the camera. Media over UDP is not
 * supported: a camera that offers nothing else ends with `udp-only`.
 */
export class RtspSource implements Source {
  readonly #parts: RtspSourceParts
  readonly #times: RtspTimes
  readonly #gate: LoginGate
  readonly #backoff: Backoff
  #session: RtspSession | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #isHeld = false
  #redirectedTo: string | undefined

  constructor(parts: RtspSourceParts) {
    this.#parts = parts
    this.#times = { ...defaultRtspTimes, ...parts.options?.times }
    this.#gate = parts.options?.loginGate ?? processLoginGate
    const delaysMs = parts.options?.retryMs ?? retryDelaysMs
    this.#backoff = new Backoff(delaysMs, Math.min(leastRetryMs, ...delaysMs))
  }

  start(): void {
    if (this.#isClosed || this.#session !== undefined || this.#timer !== undefined) return
    void this.#try()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#session?.close()
  }

  abandon(end: SourceEnd): void {
    this.#session?.end(end)
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#session?.hold(isHeld)
  }

  async #try(): Promise<void> {
    this.#timer = undefined
    const { clock, events, address, readBuffer, resolver } = this.#parts
    const startedUs = clock.monotonicUs()
    let openedUs = Number.POSITIVE_INFINITY
    let end: SourceEnd
    let notBeforeUs = 0
    try {
      events.connecting()
      const redirectedTo = this.#redirectedTo
      this.#redirectedTo = undefined
      const session = new RtspSession({
        address,
        redirectedTo,
        readBuffer,
        clock,
        resolver,
        gate: this.#gate,
        times: this.#times,
        described: this.#parts.options?.described,
        open: (tracks) => {
          openedUs = clock.monotonicUs()
          return events.packetSession(tracks)
        },
      })
      session.hold(this.#isHeld)
      this.#session = session
      const result = await session.run()
      ;({ end, notBeforeUs } = result)
      this.#redirectedTo = result.redirectedTo
      if (result.cause !== undefined) this.#parts.options?.onBug?.(result.cause)
      if (session.hasPacket && clock.monotonicUs() - openedUs >= steadyMs * 1000) this.#backoff.reset()
    } catch (error) {
      const isAddress = error instanceof Failure && error.kind === 'invalid'
      end = {
        fault: isAddress ? 'path' : 'source-failed',
        detail: displayText((error as Error).message, address.password),
      }
      if (!isAddress) this.#parts.options?.onBug?.(error)
    }
    this.#session = undefined
    if (this.#isClosed) return
    const nowUs = clock.monotonicUs()
    const isLive = openedUs !== Number.POSITIVE_INFINITY
    // A delay counts from the start of the try; of a session that stood, from its end.
    const delayMs = this.#backoff.next(isLive ? 0 : (nowUs - startedUs) / 1000)
    const leastMs = hopelessFaults.has(end.fault) ? hopelessRetryMs : 0
    const retryAtUs = Math.max(nowUs + Math.max(delayMs, leastMs) * 1000, notBeforeUs, this.#loginOpenUs())
    this.#timer = setTimeout(() => void this.#try(), (retryAtUs - nowUs) / 1000)
    events.ended(end, retryAtUs)
  }

  /** The instant before which this camera's login must not be tried, whichever stream of it was refused. */
  #loginOpenUs(): number {
    const { url, username, password } = this.#parts.address
    if (username === '') return 0
    try {
      return this.#gate.closedUntilUs(loginKey(parseRtspAddress(url).host, username), password)
    } catch {
      return 0
    }
  }
}

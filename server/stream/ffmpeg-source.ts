// A stream fetched by an ffmpeg of its own: RTMP, MJPEG over HTTP, MPEG-TS over UDP, or a file.
import type { Clock } from '../base/clock.ts'
import { Backoff, type LoginGate, type LoginTry, loginKey, processLoginGate } from '../base/retry.ts'
import { defaultFfmpegTimes, type FfmpegResult, FfmpegSession, type FfmpegTimes } from './ffmpeg-session.ts'
import type { SampleSink, Source, SourceAddress, SourceEnd, SourceEvents } from './source.ts'
import { displayText, displayUrl } from './source-address.ts'
import { hopelessFaults, hopelessRetryMs, leastRetryMs, retryDelaysMs, steadyMs } from './source-retry.ts'

export interface FfmpegSourceOptions {
  times?: Partial<FfmpegTimes>
  /** Delays between tries, in milliseconds: each in turn, the last one for ever. */
  retryMs?: readonly number[]
  /** Shared by all sources of a process where not given. */
  loginGate?: LoginGate
  /** Told of errors of the owner's own code that ended a session: bugs, to be logged. */
  onBug?: (error: unknown) => void
}

export interface FfmpegSourceParts {
  address: SourceAddress
  clock: Clock
  events: SourceEvents
  options?: FfmpegSourceOptions
}

/**
 * Fetches one stream through ffmpeg, its picture untouched; starts another ffmpeg whenever one ends.
 *
 * Sound that is not AAC is made AAC. Frames of a source without a clock (MJPEG over HTTP) are timed by their arrival.
 */
export class FfmpegSource implements Source {
  readonly #parts: FfmpegSourceParts
  readonly #times: FfmpegTimes
  readonly #gate: LoginGate
  readonly #backoff: Backoff
  readonly #key: string
  #session: FfmpegSession | undefined
  #running: Promise<unknown> | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #isHeld = false
  #isAudioCopied = true

  constructor(parts: FfmpegSourceParts) {
    this.#parts = parts
    this.#times = { ...defaultFfmpegTimes, ...parts.options?.times }
    this.#gate = parts.options?.loginGate ?? processLoginGate
    const delaysMs = parts.options?.retryMs ?? retryDelaysMs
    this.#backoff = new Backoff(delaysMs, Math.min(leastRetryMs, ...delaysMs))
    const { url, username } = parts.address
    this.#key = loginKey(URL.canParse(url) ? new URL(url).hostname : url, username)
  }

  start(): void {
    if (this.#isClosed || this.#running !== undefined || this.#timer !== undefined) return
    this.#running = this.#try()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#session?.end({ fault: 'closed-by-camera', detail: 'closed' })
    await this.#running
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
    const { clock, events, address, options } = this.#parts
    const startedUs = clock.monotonicUs()
    let openedUs = Number.POSITIVE_INFINITY
    let end: SourceEnd
    let notBeforeUs = 0
    let login: LoginTry | undefined
    try {
      events.connecting()
      const leave = address.username === '' ? undefined : await this.#gate.enter(this.#key, address.password)
      if (leave?.isGiven === false) {
        notBeforeUs = leave.askAgainUs
        const label = displayUrl(address.url)
        end = { fault: 'login', detail: `${label}: this login was refused a moment ago and is not tried again yet` }
      } else {
        login = leave?.login
        const open = (sink: SampleSink): SampleSink => {
          openedUs = clock.monotonicUs()
          login?.accepted()
          return sink
        }
        const result = await this.#run(open)
        ;({ end } = result)
        if (end.fault === 'login') login?.refused()
        if (result.cause !== undefined) options?.onBug?.(result.cause)
        if (result.hasSample && clock.monotonicUs() - openedUs >= steadyMs * 1000) this.#backoff.reset()
      }
    } catch (error) {
      end = { fault: 'source-failed', detail: displayText((error as Error).message, address.password) }
      options?.onBug?.(error)
    }
    login?.left()
    this.#running = undefined
    if (this.#isClosed) return
    const nowUs = clock.monotonicUs()
    const isLive = openedUs !== Number.POSITIVE_INFINITY
    const delayMs = this.#backoff.next(isLive ? 0 : (nowUs - startedUs) / 1000)
    const leastMs = hopelessFaults.has(end.fault) ? hopelessRetryMs : 0
    const gateUs = address.username === '' ? 0 : this.#gate.closedUntilUs(this.#key, address.password)
    const retryAtUs = Math.max(nowUs + Math.max(delayMs, leastMs) * 1000, notBeforeUs, gateUs)
    this.#timer = setTimeout(
      () => {
        this.#running = this.#try()
      },
      (retryAtUs - nowUs) / 1000,
    )
    events.ended(end, retryAtUs)
  }

  /** One ffmpeg, and another at once where the first one found sound that it may not copy. */
  async #run(open: (sink: SampleSink) => SampleSink): Promise<FfmpegResult> {
    const { clock, events, address } = this.#parts
    for (;;) {
      if (this.#isClosed) {
        return {
          end: { fault: 'closed-by-camera', detail: 'closed' },
          needsAac: false,
          hasSample: false,
          cause: undefined,
        }
      }
      const session = new FfmpegSession({
        address,
        isAudioCopied: this.#isAudioCopied,
        clock,
        times: this.#times,
        open: (tracks) => open(events.sampleSession(tracks)),
      })
      session.hold(this.#isHeld)
      this.#session = session
      const result = await session.run()
      this.#session = undefined
      if (!result.needsAac) return result
      this.#isAudioCopied = false
    }
  }
}

// One camera of a playback: fetches footage ahead of the clock, feeds its video element and keeps it in step.
import type { Cut } from './box-splitter.ts'
import { type Frame, FrameList } from './frame-list.ts'
import { canPlayType, isBuffered } from './media-source.ts'
import { PieceError, readPiece } from './piece-reader.ts'
import { grouped, SinkSlot } from './playback-sink.ts'
import { slave } from './slave.ts'

export interface PieceRequest {
  fromMs: number
  toMs: number
  epochMs: number
  keysOnly: boolean
  sound: boolean
  form: 'as-recorded' | 'h264'
}

export interface PlaybackTrackOptions {
  video: HTMLVideoElement
  /** For the sound of the footage, where it is AAC. */
  audio: HTMLAudioElement
  /** The address of a piece. */
  pieceUrl: (request: PieceRequest) => string
  /** The server's clock. */
  nowMs: () => number
  /** Told at every change of what `status` says. */
  onStatus: () => void
}

/**
 * What a track has for an instant: a picture; nothing, for nothing was recorded; not yet; or nothing, for `reason`.
 */
export type TrackStatus = 'picture' | 'gap' | 'waiting' | 'failed'

const aheadMs = 15_000
const pieceMs = 8000
const keepBehindMs = 30_000
/** Footage younger than this may still be on its way to the disk: that there is none yet means nothing. */
const edgeMs = 12_000
const edgeRetryMs = 1500
const failRetryMs = 3000
const longestGapPieceMs = 86_400_000
/** Media time 0 lies this far before the first instant played, so that one may go back. */
const epochLeadMs = 40 * 86_400_000

export class PlaybackTrack {
  readonly #options: PlaybackTrackOptions
  #epochMs = 0
  readonly #video: SinkSlot
  readonly #audio: SinkSlot
  /** Fetched up to here even where the clock is far behind: someone steps over a gap. */
  #reachMs = 0
  #frames = new FrameList()
  /** Footage is known for `[knownFromMs, knownToMs)`: frames there are all there are. */
  #knownFromMs = 0
  #knownToMs = 0
  #gapPieceMs = pieceMs
  #abort: AbortController | undefined
  #generation = 0
  #keysOnly = false
  #hasSound = false
  #form: 'as-recorded' | 'h264' = 'as-recorded'
  #positionMs = 0
  #rate = 1
  #reason = ''
  #failures = 0
  #mimeType = ''
  #hasAac = false
  #wake: (() => void)[] = []
  #isClosed = false
  /** Set while a piece is refused for its type, to be asked for in another form. */
  #retryForm = false
  #knowsSound = false
  #isConverted = false

  constructor(options: PlaybackTrackOptions) {
    this.#options = options
    this.#video = new SinkSlot(options.video, 'video')
    this.#audio = new SinkSlot(options.audio, 'audio')
  }

  /** Why there is no picture, where `status` is `failed`. */
  get reason(): string {
    return this.#reason
  }

  /** True where what is shown was made anew, because it cannot be played as it was recorded. */
  get isConverted(): boolean {
    return this.#isConverted
  }

  /** Of what is played now. */
  get mimeType(): string {
    return this.#mimeType
  }

  /** True where the footage carries AAC sound; undefined until some was fetched with sound. */
  get hasAac(): boolean | undefined {
    return this.#knowsSound ? this.#hasAac : undefined
  }

  /** What there is for `ms`. */
  status(ms: number): TrackStatus {
    const { video } = this.#options
    if (this.#reason !== '') return 'failed'
    if (ms < this.#knownFromMs || ms >= this.#knownToMs) {
      return this.#frames.at(ms) !== undefined && isBuffered(video.buffered, this.#sec(ms), 0.05)
        ? 'picture'
        : 'waiting'
    }
    if (this.#frames.at(ms) === undefined) return 'gap'
    return video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !video.seeking ? 'picture' : 'waiting'
  }

  /** Where footage begins again after `ms`, as far as it is known. */
  nextFootageMs(ms: number): number | undefined {
    return this.#frames.after(ms)?.startMs
  }

  /** How far there is nothing more to fetch for now: the end of the footage. */
  isAtEdge(ms: number): boolean {
    return ms > this.#options.nowMs() - edgeMs
  }

  setKeysOnly(keysOnly: boolean): void {
    if (keysOnly === this.#keysOnly) return
    this.#keysOnly = keysOnly
    this.#refetch(this.#positionMs)
  }

  setSound(hasSound: boolean): void {
    if (hasSound === this.#hasSound) return
    this.#hasSound = hasSound
    if (hasSound) this.#refetch(this.#positionMs)
    else this.#audio.discard()
  }

  /** Shows the picture of `ms` as soon as it is there, fetching it where it is not. */
  seek(ms: number): void {
    this.#positionMs = ms
    const isHere = this.#frames.at(ms) !== undefined && ms >= this.#knownFromMs && ms < this.#knownToMs
    if (isHere || (ms >= this.#knownFromMs && ms < this.#knownToMs)) this.#show(ms)
    else this.#refetch(ms)
    this.#kick()
  }

  /** Called often: goes on fetching and keeps the elements with the clock. */
  follow(ms: number, rate: number, isRunning: boolean): TrackStatus {
    this.#positionMs = ms
    this.#rate = rate
    this.#kick()
    const { video, audio } = this.#options
    const status = this.status(ms)
    const isHere = this.#frames.at(ms) !== undefined
    slave(video, this.#sec(ms), rate, isRunning && isHere && status !== 'failed')
    if (this.#audio.current !== undefined) {
      const canSound = isBuffered(audio.buffered, this.#sec(ms))
      slave(audio, this.#sec(ms), rate, isRunning && canSound && rate <= 2)
    }
    return status
  }

  /** The frame shown at `ms`. */
  frameAt(ms: number): Frame | undefined {
    return this.#frames.at(ms)
  }

  /** The next frame after `ms`, fetched where needed; undefined at the end of the footage. */
  async frameAfter(ms: number): Promise<Frame | undefined> {
    for (;;) {
      const found = this.#frames.after(ms)
      if (found !== undefined && found.startMs < this.#knownToMs) return found
      if (this.#reason !== '' || this.#isClosed || this.isAtEdge(this.#knownToMs)) return found
      this.#reachMs = this.#knownToMs + aheadMs
      await this.#more(this.#knownToMs)
    }
  }

  /** The last frame before `ms`, fetched where needed; undefined where there is none in that stretch. */
  async frameBefore(ms: number): Promise<Frame | undefined> {
    const found = this.#frames.before(ms)
    if (found !== undefined && found.startMs >= this.#knownFromMs - 20_000) return found
    const fromMs = ms - 2
    this.seek(fromMs)
    await this.#more(fromMs)
    return this.#frames.before(ms)
  }

  /** Draws the exact picture of a frame, paused. */
  showFrame(frame: Frame): void {
    this.#positionMs = frame.startMs
    this.#show(frame.startMs)
  }

  close(): void {
    this.#isClosed = true
    this.#generation += 1
    this.#abort?.abort()
    this.#video.discard()
    this.#audio.discard()
    this.#wakeAll()
  }

  #sec(ms: number): number {
    return (ms - this.#epochMs) / 1000
  }

  /** A paused picture is sought at the middle of its frame, where no rounding can reach the next one. */
  #show(ms: number): void {
    const { video } = this.#options
    const frame = this.#frames.at(ms)
    if (frame === undefined) return
    const want = this.#sec(frame.startMs + frame.durationMs / 2)
    if (Math.abs(video.currentTime - want) > 0.001) video.currentTime = want
  }

  #refetch(ms: number): void {
    this.#generation += 1
    this.#abort?.abort()
    this.#abort = undefined
    this.#frames.clear()
    this.#knownFromMs = ms
    this.#knownToMs = ms
    this.#reachMs = 0
    this.#gapPieceMs = pieceMs
    this.#reason = ''
    this.#failures = 0
    // An epoch is kept while media time stays positive and small enough to be exact.
    const isFar = ms - this.#epochMs < 60_000 || ms - this.#epochMs > 3 * epochLeadMs
    if (this.#epochMs === 0 || isFar) this.#epochMs = Math.floor(ms - epochLeadMs)
    else {
      void this.#video.current?.empty()
      void this.#audio.current?.empty()
    }
    this.#kick()
    this.#options.onStatus()
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Waits until more than `knownToMs` is known, or fetching ended. */
  async #more(knownToMs: number): Promise<void> {
    this.#kick()
    await new Promise<void>((resolve) => {
      const check = (): void => {
        const isDone = this.#isClosed || this.#reason !== '' || this.#knownToMs > knownToMs || this.isAtEdge(knownToMs)
        if (isDone) resolve()
        else this.#wake.push(check)
      }
      check()
    })
  }

  #kick(): void {
    if (this.#abort !== undefined || this.#isClosed || this.#reason !== '' || this.#positionMs === 0) return
    const wantMs = Math.max(this.#reachMs, this.#positionMs + aheadMs * Math.max(1, this.#rate))
    if (this.#knownToMs >= wantMs) return
    void this.#fetchPiece(this.#generation)
  }

  async #fetchPiece(generation: number): Promise<void> {
    const abort = new AbortController()
    this.#abort = abort
    const isStale = (): boolean => generation !== this.#generation
    const fromMs = this.#knownToMs
    const span = Math.max(this.#gapPieceMs, pieceMs * Math.max(1, this.#keysOnly ? this.#rate * 2 : 1))
    const nowMs = this.#options.nowMs()
    const toMs = Math.max(fromMs + 1000, Math.min(fromMs + span, nowMs))
    let nextMs = toMs
    let hasFrames = false
    let isGrowing = false
    let pauseMs = 0
    try {
      const request = {
        fromMs,
        toMs,
        epochMs: this.#epochMs,
        keysOnly: this.#keysOnly,
        sound: this.#hasSound,
        form: this.#form,
      }
      await readPiece(
        this.#options.pieceUrl(request),
        abort.signal,
        (head) => {
          if (isStale()) return false
          nextMs = head.nextMs
          isGrowing = head.isGrowing
          if (head.mimeType !== '') this.#isConverted = head.isConverted
          return head.mimeType === '' || this.#acceptType(head.mimeType)
        },
        async (cuts) => {
          if (isStale()) return
          hasFrames = (await this.#take(cuts, isStale)) || hasFrames
          this.#wakeAll()
          this.#options.onStatus()
        },
      )
      if (isStale()) return
      this.#failures = 0
      if (this.#retryForm) {
        this.#retryForm = false
        return
      }
      pauseMs = this.#advance(fromMs, nextMs, hasFrames, isGrowing)
    } catch (caught) {
      if (isStale() || abort.signal.aborted) return
      pauseMs = this.#onFailure(caught)
    } finally {
      if (!isStale()) this.#settle(generation, pauseMs)
    }
  }

  /** False, and another form asked for, where the browser cannot play this. */
  #acceptType(mimeType: string): boolean {
    const video = mimeType.replace(/,\s*mp4a[^",]*/, '')
    if (canPlayType(video)) {
      this.#mimeType = video
      this.#hasAac = /mp4a/.test(mimeType)
      this.#knowsSound = this.#hasSound
      return true
    }
    if (this.#form === 'as-recorded') {
      this.#form = 'h264'
      this.#retryForm = true
    } else this.#reason = `This browser cannot play ${mimeType}.`
    return false
  }

  /** What is known after a piece; gives how long to wait before the next. */
  #advance(fromMs: number, nextMs: number, hasFrames: boolean, isGrowing: boolean): number {
    const isEdge = !hasFrames && (isGrowing || nextMs > this.#options.nowMs() - edgeMs)
    if (isEdge) {
      // Known to be empty up to where footage may still be written.
      this.#knownToMs = Math.max(fromMs, Math.min(nextMs, this.#options.nowMs() - edgeMs))
      return edgeRetryMs
    }
    this.#gapPieceMs = hasFrames ? pieceMs : Math.min(longestGapPieceMs, this.#gapPieceMs * 4)
    if (nextMs > fromMs) this.#knownToMs = nextMs
    else return edgeRetryMs
    return 0
  }

  #onFailure(caught: unknown): number {
    this.#failures += 1
    const message = caught instanceof Error ? caught.message : String(caught)
    const status = caught instanceof PieceError ? caught.status : -1
    // A server that is away comes back; footage that cannot be decoded does not mend itself.
    if (status === 0 || status >= 500 || status === 401) return failRetryMs
    if (this.#failures >= 3 || status >= 400) this.#reason = message
    else {
      this.#video.discard()
      this.#knownToMs = this.#knownFromMs
      this.#frames.clear()
    }
    return 500
  }

  #settle(generation: number, pauseMs: number): void {
    const again = (): void => {
      if (generation !== this.#generation) return
      this.#abort = undefined
      this.#kick()
    }
    if (pauseMs > 0) setTimeout(again, pauseMs)
    else again()
    this.#wakeAll()
    this.#options.onStatus()
  }

  async #take(cuts: Cut[], isStale: () => boolean): Promise<boolean> {
    const sink = await this.#video.get(this.#mimeType, this.#epochMs)
    const wantsSound = this.#hasSound && this.#hasAac && !this.#keysOnly
    const sound = wantsSound ? await this.#audio.get('audio/mp4; codecs="mp4a.40.2"', this.#epochMs) : undefined
    if (isStale()) return false
    let hasFrames = false
    for (const group of grouped(cuts)) {
      const frames = await sink.take(group)
      if (isStale()) return false
      if (sound !== undefined && this.#hasSound) await sound.take(group)
      if (isStale()) return false
      this.#frames.add(frames)
      hasFrames ||= frames.length > 0
      const last = frames.at(-1)
      // Pictures are shown before the piece is whole.
      if (last !== undefined && last.startMs > this.#knownToMs) this.#knownToMs = last.startMs
      if (this.#options.video.paused) this.#show(this.#positionMs)
    }
    this.#evict()
    return hasFrames
  }

  #evict(): void {
    const beforeMs = this.#positionMs - keepBehindMs * Math.max(1, this.#rate)
    const first = this.#frames.first
    if (first === undefined || first.startMs > beforeMs - keepBehindMs) return
    this.#frames.dropBefore(beforeMs)
    this.#knownFromMs = Math.max(this.#knownFromMs, beforeMs)
    void this.#video.current?.dropBefore(this.#sec(beforeMs))
    void this.#audio.current?.dropBefore(this.#sec(beforeMs))
  }
}

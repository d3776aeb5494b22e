// Several cameras on one clock. The clock is the master: each track follows it, and it waits for those that must load.
import type { Frame } from './frame-list.ts'
import { PcmFeeder } from './pcm-feeder.ts'
import { PlaybackTrack, type PlaybackTrackOptions, type TrackStatus } from './playback-track.ts'

export const speeds = [0.25, 0.5, 1, 2, 4, 8, 16] as const
export type Speed = (typeof speeds)[number]
/** From here on only keyframes are fetched. */
export const keysOnlyFrom = 4

export interface SessionOptions {
  /** The server's clock. */
  nowMs: () => number
  /** The first footage at or after `ms` of any of the cameras; undefined where there is none. */
  nextFootage: (ms: number) => Promise<number | undefined>
  /** Told on each tick while something moves, and at each change. */
  onChange: () => void
}

const tickMs = 50
const edgeSlackMs = 1000

export class PlaybackSession {
  readonly #options: SessionOptions
  #tracks = new Map<string, PlaybackTrack>()
  #positionMs: number
  #speed: Speed = 1
  #isPlaying = false
  #isWaiting = false
  #skipsGaps = true
  #isSkipping = false
  #timer: ReturnType<typeof setInterval> | undefined
  #lastTick = 0
  #statuses = new Map<string, TrackStatus>()
  #stepping: Promise<unknown> = Promise.resolve()
  #sound: { id: string; pcm: PcmFeeder } | undefined

  constructor(positionMs: number, options: SessionOptions) {
    this.#positionMs = positionMs
    this.#options = options
    this.#timer = setInterval(() => this.#tick(), tickMs)
  }

  get positionMs(): number {
    return this.#positionMs
  }

  get isPlaying(): boolean {
    return this.#isPlaying
  }

  /** True while the clock stands because a camera has to load. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  get speed(): Speed {
    return this.#speed
  }

  get skipsGaps(): boolean {
    return this.#skipsGaps
  }

  statusOf(id: string): TrackStatus {
    return this.#statuses.get(id) ?? 'waiting'
  }

  track(id: string): PlaybackTrack | undefined {
    return this.#tracks.get(id)
  }

  addTrack(id: string, options: Omit<PlaybackTrackOptions, 'onStatus' | 'nowMs'>): void {
    const { nowMs } = this.#options
    const track = new PlaybackTrack({ ...options, nowMs, onStatus: () => this.#look() })
    this.#tracks.set(id, track)
    track.setKeysOnly(this.#speed >= keysOnlyFrom)
    track.seek(this.#positionMs)
  }

  removeTrack(id: string): void {
    this.#tracks.get(id)?.close()
    this.#tracks.delete(id)
    this.#statuses.delete(id)
  }

  play(): void {
    this.#isPlaying = true
    this.#lastTick = performance.now()
    this.#options.onChange()
  }

  pause(): void {
    this.#isPlaying = false
    this.#isWaiting = false
    for (const track of this.#tracks.values()) track.follow(this.#positionMs, this.#speed, false)
    this.#sound?.pcm.follow(this.#positionMs, false)
    this.#options.onChange()
  }

  setSpeed(speed: Speed): void {
    this.#speed = speed
    for (const track of this.#tracks.values()) track.setKeysOnly(speed >= keysOnlyFrom)
    this.#options.onChange()
  }

  setSkipsGaps(skipsGaps: boolean): void {
    this.#skipsGaps = skipsGaps
    this.#options.onChange()
  }

  /** Sounds one camera, at up to 2×, or none. `soundUrl` gives the address of telephone-codec sound. */
  setSound(id: string | undefined, soundUrl?: (fromMs: number, toMs: number) => string): void {
    if (this.#sound !== undefined) {
      this.#sound.pcm.close()
      this.#tracks.get(this.#sound.id)?.setSound(false)
    }
    this.#sound = id === undefined || soundUrl === undefined ? undefined : { id, pcm: new PcmFeeder(soundUrl) }
    if (id !== undefined) this.#tracks.get(id)?.setSound(true)
    this.#options.onChange()
  }

  get soundId(): string | undefined {
    return this.#sound?.id
  }

  seek(ms: number): void {
    this.#sound?.pcm.reset()
    this.#positionMs = Math.min(ms, this.#options.nowMs())
    this.#lastTick = performance.now()
    for (const track of this.#tracks.values()) track.seek(this.#positionMs)
    this.#look()
  }

  /**
   * One frame of the camera `id` on or back, exactly; the others are shown at the same instant. Steps asked for
   * meanwhile follow one after the other.
   */
  step(id: string, by: 1 | -1): Promise<void> {
    const done = this.#stepping.then(() => this.#step(id, by))
    this.#stepping = done.catch(() => undefined)
    return done
  }

  async #step(id: string, by: 1 | -1): Promise<void> {
    this.pause()
    const track = this.#tracks.get(id)
    if (track === undefined) return
    for (const one of this.#tracks.values()) one.setKeysOnly(false)
    const now = track.frameAt(this.#positionMs)
    const fromMs = now?.startMs ?? this.#positionMs
    const frame = by === 1 ? await track.frameAfter(fromMs) : await track.frameBefore(fromMs)
    if (frame === undefined || this.#isPlaying) return
    this.#stand(frame)
  }

  #stand(frame: Frame): void {
    this.#positionMs = frame.startMs
    for (const track of this.#tracks.values()) {
      const own = track.frameAt(frame.startMs)
      if (own !== undefined) track.showFrame(own)
      else track.seek(frame.startMs)
    }
    this.#look()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#sound?.pcm.close()
    for (const id of [...this.#tracks.keys()]) this.removeTrack(id)
  }

  #look(): void {
    for (const [id, track] of this.#tracks) this.#statuses.set(id, track.status(this.#positionMs))
    this.#options.onChange()
  }

  #tick(): void {
    const nowMs = performance.now()
    const elapsedMs = Math.min(500, nowMs - this.#lastTick)
    this.#lastTick = nowMs
    if (this.#tracks.size === 0) return
    if (!this.#isPlaying) {
      this.#tickPaused()
      return
    }
    for (const track of this.#tracks.values()) track.setKeysOnly(this.#speed >= keysOnlyFrom)
    const atEdge = this.#positionMs >= this.#options.nowMs()
    if (!this.#isWaiting && !this.#isSkipping && !atEdge) {
      this.#positionMs = Math.min(this.#positionMs + elapsedMs * this.#speed, this.#options.nowMs())
    }
    const run = !this.#isWaiting && !this.#isSkipping
    for (const [id, track] of this.#tracks) {
      this.#statuses.set(id, track.follow(this.#positionMs, this.#speed, run))
    }
    this.#followSound(run)
    const all = [...this.#statuses.values()]
    this.#isWaiting = this.#mustWait()
    const hasNone = all.every((status) => status === 'gap' || status === 'failed')
    if (hasNone && this.#skipsGaps && all.includes('gap')) void this.#skipGap()
    this.#options.onChange()
  }

  /** What is fetched or sought while the clock stands is told when it is there. */
  #tickPaused(): void {
    let hasNews = false
    for (const [id, track] of this.#tracks) {
      const status = track.follow(this.#positionMs, this.#speed, false)
      hasNews ||= status !== this.#statuses.get(id)
      this.#statuses.set(id, status)
    }
    if (hasNews) this.#options.onChange()
  }

  /** Sound that is not AAC goes by WebAudio, which cannot change speed without changing pitch. */
  #followSound(run: boolean): void {
    if (this.#sound === undefined) return
    const { id, pcm } = this.#sound
    const isPcm = this.#tracks.get(id)?.hasAac === false && this.#statuses.get(id) === 'picture'
    pcm.follow(this.#positionMs, run && isPcm && this.#speed === 1)
  }

  /** A camera whose newest footage is still to come holds up the others only where none of them has a picture. */
  #mustWait(): boolean {
    const hasPicture = [...this.#statuses.values()].includes('picture')
    return [...this.#tracks].some(
      ([id, track]) =>
        this.#statuses.get(id) === 'waiting' && !(hasPicture && track.isAtEdge(this.#positionMs + edgeSlackMs)),
    )
  }

  /** To where footage begins again; at the end of all footage the clock stands and waits for more. */
  async #skipGap(): Promise<void> {
    if (this.#isSkipping) return
    this.#isSkipping = true
    const fromMs = this.#positionMs
    try {
      const known = [...this.#tracks.values()].flatMap((track) => track.nextFootageMs(fromMs) ?? [])
      const nextMs = known.length > 0 ? Math.min(...known) : await this.#options.nextFootage(fromMs)
      if (this.#positionMs === fromMs && this.#isPlaying && nextMs !== undefined && nextMs > fromMs) this.seek(nextMs)
      else if (nextMs === undefined) await new Promise((resolve) => setTimeout(resolve, 2000))
    } catch {
      // The server is away: the desktop says so, and this is tried again.
      await new Promise((resolve) => setTimeout(resolve, 2000))
    } finally {
      this.#isSkipping = false
    }
  }
}

// Plays one clip in a loop, at the pace it was taken, to whoever reads it.
import type { RtpClip, RtpFrame } from './rtp-clip.ts'
import type { Timed, TimeWheel } from './time-wheel.ts'

/** Takes the frames of a track as they fall due. */
export interface FrameTaker {
  /**
   * @param frame shared, never to be written to
   * @param next the frame after it in the clip
   * @param sequence frames of the track since it was made
   * @param decodeTicks decode time since the track was made, in ticks of its clock
   */
  takeFrame(frame: RtpFrame, next: RtpFrame, sequence: number, decodeTicks: number): void
}

/**
 * The "encoder" of one track. It counts on whether or not anyone reads, but only wakes while someone does.
 *
 * A late call is made up for frame by frame: no frame is ever left out here.
 */
export class TrackSource implements Timed {
  dueMs = 0
  nextTimed: Timed | null = null
  isScheduled = false
  readonly kind: RtpClip['media']
  /** Frames that fell due while someone read. */
  generated = 0
  #clip: RtpClip
  readonly #wheel: TimeWheel
  readonly #takers = new Set<FrameTaker>()
  #sequence = 0
  #decodeTicks = 0
  #index: number
  #nextMs: number

  /** @param firstIndex frame of the clip that is due at `firstMs`, on `performance.now()`'s scale */
  constructor(wheel: TimeWheel, clip: RtpClip, firstIndex: number, firstMs: number) {
    this.#wheel = wheel
    this.#clip = clip
    this.kind = clip.media
    this.#index = firstIndex % clip.frames.length
    this.#nextMs = firstMs
  }

  get clip(): RtpClip {
    return this.#clip
  }

  /** The frame due next. */
  get clipIndex(): number {
    this.#catchUp(performance.now())
    return this.#index
  }

  /** Goes on with another clip of the same kind and clock, from its first frame, a keyframe. */
  switchClip(clip: RtpClip): void {
    if (clip === this.#clip) return
    this.#catchUp(performance.now())
    this.#clip = clip
    this.#index = 0
  }

  addTaker(taker: FrameTaker): void {
    this.#catchUp(performance.now())
    this.#takers.add(taker)
    this.#wheel.schedule(this, this.#nextMs)
  }

  removeTaker(taker: FrameTaker): void {
    this.#takers.delete(taker)
  }

  /** Presentation time of an instant, in ticks since the track was made: what a sender report pairs with it. */
  ticksAt(nowMs: number): number {
    return this.#decodeTicks + ((nowMs - this.#nextMs) / 1000) * this.#clip.clockRate + this.#clip.leadTicks
  }

  /** Presentation ticks of the next keyframe to be sent. */
  nextKeyTicks(): number {
    this.#catchUp(performance.now())
    const { frames, frameTicks } = this.#clip
    let ahead = 0
    while (ahead < frames.length && !frames[(this.#index + ahead) % frames.length]!.isKey) ahead++
    const frame = frames[(this.#index + ahead) % frames.length]!
    return this.#decodeTicks + ahead * frameTicks + frame.ptsOffsetTicks
  }

  onDue(): void {
    if (this.#takers.size === 0) return
    const { frames } = this.#clip
    const frame = frames[this.#index]!
    const next = frames[(this.#index + 1) % frames.length]!
    this.generated++
    for (const taker of this.#takers) taker.takeFrame(frame, next, this.#sequence, this.#decodeTicks)
    this.#advance(1)
    this.#wheel.schedule(this, this.#nextMs)
  }

  /** Counts the frames that fell due while nobody read. */
  #catchUp(nowMs: number): void {
    if (this.#takers.size > 0) return
    const frameMs = (this.#clip.frameTicks / this.#clip.clockRate) * 1000
    const count = Math.ceil((nowMs - this.#nextMs) / frameMs)
    if (count > 0) this.#advance(count)
  }

  #advance(count: number): void {
    this.#sequence += count
    this.#index = (this.#index + count) % this.#clip.frames.length
    this.#decodeTicks += count * this.#clip.frameTicks
    this.#nextMs += ((count * this.#clip.frameTicks) / this.#clip.clockRate) * 1000
  }
}

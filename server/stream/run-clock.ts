// When a run's media happened, in UTC: by when it arrived, never by the camera's clock (FORMAT.md §8).

/** How fast an error of the estimate is bent away: 500 µs a second. */
const bendRatio = 500e-6
/** An error larger than this ends the run. */
const maxErrorUs = 2_000_000
/** The smallest delay is looked for over six buckets of so long. */
const bucketUs = 5_000_000
const buckets = 6

/**
 * Maps media time of one run to UTC.
 *
 * A frame can only look late, never early: so the smallest (arrival − media time) seen is the best estimate of when media
 * time 0 was. It is taken over the last half minute, so that the drift of the camera's clock shows; the mapping follows
 * it by at most 500 ppm, and times never run back.
 */
export class RunClock {
  /** UTC less monotonic time, in microseconds: moves when the server's clock is set or slewed. */
  #wallUs: number
  #offsetUs: number
  #bentUs: number
  /** Media time up to which the error was bent away; NaN before the first. */
  #bentAtUs = Number.NaN
  readonly #minima: number[] = []
  #bucket = 0

  /** Begins a run whose first media, at media time 0, arrived at this monotonic instant. */
  constructor(arrivalUs: number, wallUs: number) {
    this.#wallUs = wallUs
    this.#offsetUs = arrivalUs
    this.#bentUs = arrivalUs + wallUs
  }

  /** The server's clock as it now stands against the monotonic one. */
  setWall(wallUs: number): void {
    this.#wallUs = wallUs
  }

  /**
   * Media of time `mediaUs` arrived at the monotonic instant `arrivalUs`.
   *
   * False where the two have parted by more than 2 s: the camera's media time jumped, or a clock did, and the run is over.
   */
  observe(mediaUs: number, arrivalUs: number): boolean {
    const offset = arrivalUs - mediaUs
    const bucket = Math.floor(arrivalUs / bucketUs)
    if (bucket !== this.#bucket || this.#minima.length === 0) {
      this.#bucket = bucket
      this.#minima.push(offset)
      if (this.#minima.length > buckets) this.#minima.shift()
      this.#offsetUs = Math.min(...this.#minima)
    } else if (offset < this.#minima[this.#minima.length - 1]!) {
      this.#minima[this.#minima.length - 1] = offset
      if (offset < this.#offsetUs) this.#offsetUs = offset
    }
    return Math.abs(this.#offsetUs + this.#wallUs - this.#bentUs) <= maxErrorUs
  }

  /** UTC of a media time, microseconds. */
  utcUs(mediaUs: number): number {
    const error = this.#offsetUs + this.#wallUs - this.#bentUs
    if (Number.isNaN(this.#bentAtUs)) this.#bentAtUs = mediaUs
    const elapsed = mediaUs - this.#bentAtUs
    if (elapsed > 0) {
      const most = elapsed * bendRatio
      this.#bentUs += Math.max(-most, Math.min(most, error))
      this.#bentAtUs = mediaUs
    }
    return Math.round(this.#bentUs + mediaUs)
  }
}

// The frames of a stretch of footage by the instant they are shown: what stepping and "is there anything here" go by.

export interface Frame {
  /** UTC milliseconds, fractions included. */
  startMs: number
  durationMs: number
}

/** Two frames nearer than this are the same one, fetched twice. */
const sameMs = 0.5
/** A frame missing here and there is no gap. */
const joinMs = 250

/** Frames in the order they are shown. */
export class FrameList {
  #frames: Frame[] = []

  get length(): number {
    return this.#frames.length
  }

  get first(): Frame | undefined {
    return this.#frames[0]
  }

  get last(): Frame | undefined {
    return this.#frames.at(-1)
  }

  /** Adds frames; one already there is replaced. */
  add(frames: readonly Frame[]): void {
    if (frames.length === 0) return
    const isInOrder =
      (this.last?.startMs ?? Number.NEGATIVE_INFINITY) + sameMs < frames[0]!.startMs &&
      frames.every((one, i) => i === 0 || frames[i - 1]!.startMs < one.startMs)
    if (isInOrder) {
      this.#frames.push(...frames)
      return
    }
    const all = [...this.#frames, ...frames].sort((a, b) => a.startMs - b.startMs)
    this.#frames = all.filter((one, i) => i === all.length - 1 || all[i + 1]!.startMs - one.startMs > sameMs)
  }

  clear(): void {
    this.#frames = []
  }

  /** Forgets what ended before `ms`. */
  dropBefore(ms: number): void {
    const keep = this.#frames.findIndex((one) => one.startMs + one.durationMs >= ms)
    if (keep > 0) this.#frames.splice(0, keep)
    else if (keep < 0) this.#frames = []
  }

  #indexAtOrBefore(ms: number): number {
    let low = 0
    let high = this.#frames.length
    while (low < high) {
      const mid = (low + high) >> 1
      if (this.#frames[mid]!.startMs <= ms + sameMs / 2) low = mid + 1
      else high = mid
    }
    return low - 1
  }

  /** The frame shown at `ms`, or undefined where there is none: before the first, or in a gap. */
  at(ms: number): Frame | undefined {
    const index = this.#indexAtOrBefore(ms)
    const frame = this.#frames[index]
    if (frame === undefined) return undefined
    const next = this.#frames[index + 1]
    const endMs = frame.startMs + frame.durationMs
    if (ms < endMs + sameMs) return frame
    return next !== undefined && next.startMs - endMs <= joinMs ? frame : undefined
  }

  /** The first frame that begins after `ms`. */
  after(ms: number): Frame | undefined {
    return this.#frames[this.#indexAtOrBefore(ms) + 1]
  }

  /** The last frame that begins before `ms`. */
  before(ms: number): Frame | undefined {
    let index = this.#indexAtOrBefore(ms)
    while (index >= 0 && this.#frames[index]!.startMs > ms - sameMs) index -= 1
    return this.#frames[index]
  }
}

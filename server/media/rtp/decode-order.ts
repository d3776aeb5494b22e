// Decode times from presentation times. RTP carries only the latter (RFC 6184 §5.1), in decoding order.

const longestReorder = 16

/**
 * Gives each frame its decode time: the presentation times in order, delayed by how many frames are reordered.
 *
 * With a depth of 0 the two are the same. With depth n the i-th frame in decoding order is decoded at the (i − n)-th
 * smallest presentation time, which is known by then, so composition offsets are never negative. Where a stream reorders
 * more than it said, the depth grows and decode times stay increasing.
 */
export class DecodeOrder {
  #depth: number
  /** Presentation times not yet given out as decode times, ascending. */
  #pending: number[] = []
  #seen = 0
  #lastDts = Number.NEGATIVE_INFINITY
  #firstPts = 0
  #stepTicks = 0

  constructor(depth: number) {
    this.#depth = Math.min(depth, longestReorder)
  }

  get depth(): number {
    return this.#depth
  }

  /** The decode time of the next frame in decoding order, whose presentation time this is, in the same ticks. */
  next(ptsTicks: number): number {
    if (this.#depth === 0 && ptsTicks >= this.#lastDts) {
      this.#lastDts = ptsTicks
      return ptsTicks
    }
    if (this.#depth === 0) this.#depth = 1
    return this.#nextReordered(ptsTicks)
  }

  #nextReordered(ptsTicks: number): number {
    const pending = this.#pending
    let at = pending.length
    while (at > 0 && pending[at - 1]! > ptsTicks) at--
    pending.splice(at, 0, ptsTicks)
    if (this.#seen === 0) this.#firstPts = ptsTicks
    this.#seen++
    let dts: number
    if (pending.length > this.#depth) {
      dts = pending.shift()!
      if (this.#lastDts !== Number.NEGATIVE_INFINITY && dts > this.#lastDts) this.#stepTicks = dts - this.#lastDts
    } else {
      const step = this.#stepTicks || 3600
      dts = this.#firstPts - (this.#depth - this.#seen + 1) * step
    }
    if (dts <= this.#lastDts) dts = this.#lastDts + 1
    if (dts > ptsTicks) {
      // More frames were reordered than the stream said.
      this.#depth = Math.min(this.#depth + 1, longestReorder)
      dts = Math.max(Math.min(dts, ptsTicks), this.#lastDts)
    }
    this.#lastDts = dts
    return dts
  }
}

// One timer for all cameras: frames, pieces of frames and sender reports are due on it, to the millisecond.

const SLOTS = 1024

/** Something due at an instant. It is its own list node, so that scheduling allocates nothing. */
export interface Timed {
  /** On `performance.now()`'s scale. Set by `schedule`. */
  dueMs: number
  /** Next of its slot. Kept by the wheel. */
  nextTimed: Timed | null
  /** Whether it waits on the wheel. Kept by the wheel. */
  isScheduled: boolean
  onDue(nowMs: number): void
}

/** A wheel of 1 ms slots that sleeps until the next one with anything in it. */
export class TimeWheel {
  #slots: (Timed | null)[] = new Array(SLOTS).fill(null)
  #count = 0
  /** The last millisecond whose slot was emptied. */
  #doneMs = Math.floor(performance.now())
  #timer: NodeJS.Timeout | undefined
  #wakeMs = Infinity
  #isTurning = false

  /** Has `timed` called once at `dueMs` or soon after. Does nothing where it waits already. */
  schedule(timed: Timed, dueMs: number): void {
    if (timed.isScheduled) return
    timed.dueMs = dueMs
    timed.isScheduled = true
    this.#insert(timed)
    this.#count++
    if (!this.#isTurning && Math.floor(dueMs) < this.#wakeMs) this.#sleep()
  }

  /** Forgets all that waits. */
  close(): void {
    clearTimeout(this.#timer)
    this.#slots.fill(null)
    this.#count = 0
    this.#wakeMs = Infinity
  }

  #insert(timed: Timed): void {
    // What is due in a slot already done goes to the next one.
    const slot = Math.max(Math.floor(timed.dueMs), this.#doneMs + 1) % SLOTS
    timed.nextTimed = this.#slots[slot]!
    this.#slots[slot] = timed
  }

  #turn = (): void => {
    const nowMs = performance.now()
    const lastMs = Math.floor(nowMs)
    this.#isTurning = true
    // After a pause longer than the wheel, once round sees every slot.
    for (let ms = Math.max(this.#doneMs + 1, lastMs - SLOTS + 1); ms <= lastMs; ms++) {
      const slot = ms % SLOTS
      let timed = this.#slots[slot]!
      if (timed === null) continue
      this.#slots[slot] = null
      this.#doneMs = ms
      while (timed !== null) {
        const next: Timed | null = timed.nextTimed
        if (Math.floor(timed.dueMs) > lastMs) {
          this.#insert(timed)
        } else {
          timed.isScheduled = false
          this.#count--
          timed.onDue(nowMs)
        }
        timed = next as Timed
      }
    }
    this.#doneMs = lastMs
    this.#isTurning = false
    this.#sleep()
  }

  #sleep(): void {
    clearTimeout(this.#timer)
    this.#wakeMs = Infinity
    if (this.#count === 0) return
    let ms = this.#doneMs + 1
    while (this.#slots[ms % SLOTS] === null) ms++
    this.#wakeMs = ms
    this.#timer = setTimeout(this.#turn, Math.max(1, Math.ceil(ms - performance.now())))
  }
}

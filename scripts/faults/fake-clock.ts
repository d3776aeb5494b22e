import type { Clock } from '../../server/base/clock.ts'

/** A clock that moves when it is told to. Wall time can be set either way; monotonic time only goes on. */
export class FakeClock implements Clock {
  #utcUs: number
  #monotonicUs = 1_000_000

  constructor(utcUs: number) {
    this.#utcUs = utcUs
  }

  utcUs(): number {
    return this.#utcUs
  }

  monotonicUs(): number {
    return this.#monotonicUs
  }

  advance(us: number): void {
    this.#utcUs += us
    this.#monotonicUs += us
  }

  /** Somebody sets the clock. */
  step(us: number): void {
    this.#utcUs += us
  }
}

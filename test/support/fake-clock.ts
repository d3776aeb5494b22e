// A clock that moves when a test says so.
import type { Clock } from '../../server/base/clock.ts'

export class FakeClock implements Clock {
  #utcUs: number
  #monotonicUs = 5_000_000_000

  constructor(utcUs = Date.UTC(2026, 10, 22, 12) * 1000) {
    this.#utcUs = utcUs
  }

  utcUs(): number {
    return this.#utcUs
  }

  monotonicUs(): number {
    return this.#monotonicUs
  }

  /** Time passes. */
  advance(us: number): void {
    this.#utcUs += us
    this.#monotonicUs += us
  }

  /** Somebody sets the wall clock, either way. */
  step(us: number): void {
    this.#utcUs += us
  }
}

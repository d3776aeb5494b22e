// When to try again: delays that grow, and doors that must not be knocked at too often.
import { type Clock, systemClock } from './clock.ts'

/**
 * The delays between tries at something that failed: each of `delaysMs` in turn, then the last one for ever.
 *
 * A delay counts from the start of the try that failed, less what the try itself took, but is `leastMs` at least: so a
 * peer that is not there (a try of 5 s) is asked as often as one that refuses at once.
 */
export class Backoff {
  readonly #delaysMs: readonly number[]
  readonly #leastMs: number
  readonly #jitterPct: number
  readonly #random: () => number
  #failures = 0

  /** `jitterPct` spreads each delay by up to that much either way, so that many cameras on one switch do not march. */
  constructor(delaysMs: readonly number[], leastMs: number, jitterPct = 10, random: () => number = Math.random) {
    this.#delaysMs = delaysMs
    this.#leastMs = leastMs
    this.#jitterPct = jitterPct
    this.#random = random
  }

  /** How many milliseconds to wait after a try that took `tookMs`. */
  next(tookMs: number): number {
    const delayMs = this.#delaysMs[Math.min(this.#failures, this.#delaysMs.length - 1)]!
    this.#failures++
    const spread = 1 + ((this.#random() * 2 - 1) * this.#jitterPct) / 100
    return Math.max(delayMs * spread - tookMs, this.#leastMs * spread)
  }

  /** A try succeeded: the next delay is the first one again. */
  reset(): void {
    this.#failures = 0
  }
}

/** One try at a login that leave was given for. Exactly one of its methods is called, once; later calls do nothing. */
export interface LoginTry {
  accepted(): void
  refused(): void
  /** The try ended without a verdict: the connection was lost. */
  left(): void
}

/** Leave to try a login, or the earliest instant (monotonic) at which to ask again. */
export type LoginLeave = { isGiven: true; login: LoginTry } | { isGiven: false; askAgainUs: number }

interface Door {
  /** When the last refusal was, or undefined where the last verdict was not one. */
  refusedUs: number | undefined
  /** Refusals since the last time the key was accepted, and the password they were for. */
  refusals: number
  refusedPassword: string
  acceptedUs: number | undefined
  /** The try whose verdict the others wait for. */
  pending: Promise<void> | undefined
}

/** Above this number of keys, those that say nothing any more are forgotten. */
const manyDoors = 512

/**
 * Keeps a wrong password from locking a camera: many lock an account, or the whole address, after a few refusals.
 *
 * A key is a host and a user name. After a refusal nobody tries that key for `gapMs`, and for the same password that
 * grows, doubled from the third refusal on, to `longestGapMs`. Where no login of a key was accepted lately, one try is
 * made at a time, since three streams of a camera would be three refusals at once. One gate serves a whole process.
 */
export class LoginGate {
  readonly #clock: Clock
  readonly #gapUs: number
  readonly #longestGapUs: number
  readonly #trustUs: number
  readonly #doors = new Map<string, Door>()

  /** A key accepted within `trustMs` is tried by any number at once: an NVR with 64 channels must start in seconds. */
  constructor(clock: Clock, gapMs = 10_500, longestGapMs = 60_000, trustMs = 60_000) {
    this.#clock = clock
    this.#gapUs = gapMs * 1000
    this.#longestGapUs = longestGapMs * 1000
    this.#trustUs = trustMs * 1000
  }

  /** The instant (monotonic) before which `key` must not be tried with `password`; 0 where it may be tried now. */
  closedUntilUs(key: string, password: string): number {
    const door = this.#doors.get(key)
    if (door?.refusedUs === undefined) return 0
    const doublings = door.refusedPassword === password ? Math.max(0, Math.min(16, door.refusals - 2)) : 0
    const untilUs = door.refusedUs + Math.max(this.#gapUs, Math.min(this.#gapUs * 2 ** doublings, this.#longestGapUs))
    return untilUs > this.#clock.monotonicUs() ? untilUs : 0
  }

  /** Asks leave to try `key` with `password`, waiting for the verdict of another's try where there is one. */
  async enter(key: string, password: string): Promise<LoginLeave> {
    const door = this.#door(key)
    for (;;) {
      const askAgainUs = this.closedUntilUs(key, password)
      if (askAgainUs > 0) return { isGiven: false, askAgainUs }
      const acceptedAgoUs = this.#clock.monotonicUs() - (door.acceptedUs ?? -Infinity)
      if (acceptedAgoUs < this.#trustUs) return { isGiven: true, login: this.#try(door, password, () => undefined) }
      if (door.pending === undefined) {
        let finish = (): void => undefined
        door.pending = new Promise((resolve) => {
          finish = () => {
            door.pending = undefined
            resolve()
          }
        })
        return { isGiven: true, login: this.#try(door, password, () => finish()) }
      }
      await door.pending
    }
  }

  /** Notes a refusal of a login that had been accepted before, and so needed no leave. */
  noteRefusal(key: string, password: string): void {
    this.#refuse(this.#door(key), password)
  }

  #refuse(door: Door, password: string): void {
    door.refusals = door.refusedPassword === password ? door.refusals + 1 : 1
    door.refusedPassword = password
    door.refusedUs = this.#clock.monotonicUs()
    door.acceptedUs = undefined
  }

  #try(door: Door, password: string, finish: () => void): LoginTry {
    let isOver = false
    const once = (note: () => void) => () => {
      if (isOver) return
      isOver = true
      note()
      finish()
    }
    return {
      accepted: once(() => {
        door.acceptedUs = this.#clock.monotonicUs()
        door.refusedUs = undefined
        door.refusals = 0
      }),
      refused: once(() => this.#refuse(door, password)),
      left: once(() => undefined),
    }
  }

  #door(key: string): Door {
    let door = this.#doors.get(key)
    if (door === undefined) {
      if (this.#doors.size >= manyDoors) this.#forget()
      door = { refusedUs: undefined, refusals: 0, refusedPassword: '', acceptedUs: undefined, pending: undefined }
      this.#doors.set(key, door)
    }
    return door
  }

  #forget(): void {
    const oldUs = this.#clock.monotonicUs() - 2 * Math.max(this.#longestGapUs, this.#trustUs)
    for (const [key, door] of this.#doors) {
      if (door.pending === undefined && Math.max(door.refusedUs ?? 0, door.acceptedUs ?? 0) < oldUs)
        this.#doors.delete(key)
    }
  }
}

/** The gate's key for a host and a user of it. */
export function loginKey(host: string, username: string): string {
  return `${host.toLowerCase()}\n${username}`
}

/** The gate that everything in a process shares which is given no other: a camera counts refusals, not our parts. */
export const processLoginGate = new LoginGate(systemClock)

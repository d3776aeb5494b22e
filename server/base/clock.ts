// The clock as the rest sees it: wall time that may step, and a monotonic one that may not.

export interface Clock {
  /** Wall time, microseconds since the Unix epoch, UTC. May step either way when somebody sets the clock. */
  utcUs(): number
  /** Microseconds since some fixed instant of this boot; never steps, never runs back. */
  monotonicUs(): number
}

/** The machine's clocks. Wall time is read anew at each call: `performance.timeOrigin` would hide a step. */
export const systemClock: Clock = {
  utcUs: () => Date.now() * 1000,
  monotonicUs: () => Math.round(performance.now() * 1000),
}

// The time of day, finer than `Date.now()`.

let offsetUs = performance.timeOrigin * 1000

/** UTC in microseconds since 1970. Follows a step of the machine's clock. */
export function utcUs(): number {
  const nowUs = offsetUs + performance.now() * 1000
  const coarseUs = Date.now() * 1000
  // `timeOrigin` is taken once; where the clock has been set or slewed since, the offset is taken anew.
  if (Math.abs(nowUs - coarseUs) < 2000) return Math.floor(nowUs)
  offsetUs = coarseUs - performance.now() * 1000
  return coarseUs
}

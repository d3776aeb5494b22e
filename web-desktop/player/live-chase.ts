// How a live picture keeps to the live edge: pure decisions, so that they can be tested.

/** How far behind the newest frame to stay, in seconds; more after the picture had to wait for frames. */
export const targetSec = 0.12
const mostTargetSec = 0.6
/** Further behind than this, the picture jumps. */
export const jumpSec = 1.5

export interface Chase {
  /** Where to jump to, if anywhere. */
  jumpTo?: number
  rate: number
}

/**
 * What to do `behindSec` behind the end of what is buffered.
 *
 * `canHurry` is false where another rate would make the browser buffer anew (Safari): there it jumps sooner.
 */
export function chase(endSec: number, behindSec: number, target: number, isFirst: boolean, canHurry: boolean): Chase {
  const jumpAt = isFirst ? target + 0.25 : canHurry ? jumpSec : target + 0.5
  if (behindSec > jumpAt || behindSec < -0.05) return { jumpTo: endSec - target, rate: 1 }
  if (!canHurry) return { rate: 1 }
  if (behindSec > target + 0.35) return { rate: 1.15 }
  if (behindSec > target + 0.06) return { rate: 1.1 }
  return { rate: 1 }
}

/** The target after the picture had to wait, or after `calmSec` without. */
export function nextTarget(target: number, hasWaited: boolean): number {
  return hasWaited ? Math.min(mostTargetSec, target + 0.08) : Math.max(targetSec, target - 0.02)
}

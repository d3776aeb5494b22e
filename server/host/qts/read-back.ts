// QTS says "passed" to a change whether it was made or not: it is believed when it can be seen.
import { type Finding, found, lack } from '../finding.ts'

/** Changes are made in the background: for how many milliseconds they are looked for, by default. */
export const defaultPatienceMs = 4000
const pauseMs = 200

/**
 * Asks `look` until it finds something, for `patienceMs` milliseconds; then the change has failed. A lack that `look`
 * meets is given back.
 */
export async function readBack<T>(
  attempt: string,
  patienceMs: number,
  look: () => Promise<Finding<T | undefined>>,
): Promise<Finding<T>> {
  const untilMs = performance.now() + patienceMs
  for (;;) {
    const seen = await look()
    if (!seen.isFound) return seen
    if (seen.value !== undefined) return found(seen.value)
    if (performance.now() >= untilMs) return lack('failed', `${attempt}: QTS agreed, but nothing changed`)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

// Doing again what may heal by itself, at a widening pace, such as work for a database that is away.
import { setTimeout as sleep } from 'node:timers/promises'

export interface PersistPlan {
  /** The first pause, in milliseconds; each one after it is twice as long. */
  firstMs: number
  /** The longest pause, in milliseconds. */
  longestMs: number
  /** Whether a failure is worth another try; any other is thrown. */
  isWorthwhile: (error: unknown) => boolean
  /** Told of each failure before the pause, with the number of tries so far, from 1. */
  onFailed?: (error: unknown, tries: number) => void
  /** Ends the trying: the last failure is thrown. */
  signal?: AbortSignal
}

/** Runs `attempt` until it succeeds, fails in a way not worth another try, or `signal` is aborted. */
export async function persist<T>(plan: PersistPlan, attempt: () => Promise<T>): Promise<T> {
  let pauseMs = plan.firstMs
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (plan.signal?.aborted || !plan.isWorthwhile(error)) throw error
      plan.onFailed?.(error, tries)
      try {
        await sleep(pauseMs, undefined, plan.signal === undefined ? {} : { signal: plan.signal })
      } catch {
        throw error
      }
      pauseMs = Math.min(pauseMs * 2, plan.longestMs)
    }
  }
}

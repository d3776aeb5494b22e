// How often a stream is tried again, whatever it is fetched by.
import type { StreamFault } from '../../shared/stream.ts'

/**
 * Delays from the start of a try to the next, in milliseconds. A camera that answers again must be recorded within 5 s,
 * and of those its first keyframe may take two.
 */
export const retryDelaysMs: readonly number[] = [1000, 2000, 3000]

/** The shortest pause after a try that took long: SYNs to a camera that is starting must not be far apart. */
export const leastRetryMs = 1000

/** A session that brought media for this long was a good one: the next delay is the first again. */
export const steadyMs = 10_000

/** What only a change of the camera's settings mends: looked at again now and then. */
export const hopelessFaults: ReadonlySet<StreamFault> = new Set(['udp-only', 'no-tracks', 'codec'])
export const hopelessRetryMs = 30_000

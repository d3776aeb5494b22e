// How what the server tells by itself reaches this page: some proxies let no WebSocket through, some hold answers back.
import { Store } from './store.ts'

/** By WebSocket; by answers that go on while they are read; or, where those are held back, picture by picture. */
export type Way = 'socket' | 'stream' | 'pictures'

/** Known for the page's life; whoever finds out otherwise sets it. */
export const way = new Store<Way>('socket')

/** A connection that has not begun after so long does not pass, in milliseconds. */
export const beginMs = 4000

const firstProbeMs = 60_000
const longestProbeMs = 600_000

/** Milliseconds before a better way is tried again, the `attempt`-th time (from 0). */
export function probeDelayMs(attempt: number): number {
  return Math.min(longestProbeMs, firstProbeMs * 2 ** attempt)
}

// Tells the machine's own log what somebody must act on, for its alerts go by that log.
import type { LogEntry } from '../../shared/log.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { EventLogPart } from '../host/event-log.ts'

export interface HostLogOptions {
  eventLog: EventLogPart
  bus: Bus
  clock: Clock
  logger: Logger
}

/** Beside errors: what an administrator of the machine wants to know of, though nothing is broken. */
const important = new Set(['login-blocked', 'power-asked', 'power-failed', 'data-removed', 'setup-finished'])

/** One of a kind in so long: a flapping camera must not fill the machine's log, nor its mail. */
const quietMs = 60_000

/** Follows the durable log. Gives its undoing. */
export function tellHost({ eventLog, bus, clock, logger }: HostLogOptions): () => void {
  const toldMs = new Map<string, number>()
  return bus.on('logged', async ({ entry }) => {
    if (entry.level !== 'error' && !important.has(entry.name)) return
    const key = `${entry.name} ${entry.cameraId ?? ''}`
    const nowMs = Math.floor(clock.utcUs() / 1000)
    if (nowMs - (toldMs.get(key) ?? Number.NEGATIVE_INFINITY) < quietMs) return
    toldMs.set(key, nowMs)
    const told = await eventLog.write(eventOf(entry))
    if (!told.isFound) logger.debug({ reason: told.reason }, 'the machine’s own log was not told')
  })
}

function eventOf({ level, message, username, address }: LogEntry): Parameters<EventLogPart['write']>[0] {
  return { level: level === 'warning' ? 'warn' : level, text: message, user: username, clientAddress: address }
}

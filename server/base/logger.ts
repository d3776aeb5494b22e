// The process's own log: one line of JSON an event on standard output. `error`: someone must act; `warn`: it healed.
import { type Logger, pino } from 'pino'

export type { Logger }

/** Keys whose values never reach a log, wherever they stand in a logged object. */
const secretKeys = ['password', 'username', 'authorization', 'cookie', 'url']

export function createLogger(name: string, level: string): Logger {
  return pino({
    name,
    level,
    base: { name },
    redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '(secret)' },
  })
}

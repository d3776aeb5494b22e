// The durable log: occurrences, log-ins, changed settings and deletions, from the first day.
import type { LogEntry, LogQuery } from '../../shared/log.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { persist } from '../base/persist.ts'
import { isDatabaseAway } from '../db/database.ts'
import type { LogStore } from './log-store.ts'

/** Who did something, and from where. Both absent where the server did it by itself. */
export interface LogAuthor {
  username?: string
  address?: string
}

export type LogRecord = Omit<LogEntry, 'id' | 'atMs' | 'username' | 'address'> & {
  /** Now, where not given. */
  atMs?: number
  by?: LogAuthor
}

export interface LogOptions {
  store: LogStore
  bus: Bus
  clock: Clock
  logger: Logger
  /** How many entries are kept. */
  keptEntries: number
}

/** Entries that may wait for a database that is away; past it the oldest is given up, and printed instead. */
const maxWaiting = 2000

/** Entries between two prunings. */
const pruneEvery = 1000

export class LogService {
  readonly #options: LogOptions
  readonly #waiting: Omit<LogEntry, 'id'>[] = []
  readonly #stop = new AbortController()
  #writing: Promise<void> | undefined
  #sincePrune = 0

  constructor(options: LogOptions) {
    this.#options = options
  }

  /** Adds an entry. Returns at once; entries are written in order, and wait while the database is away. */
  record(record: LogRecord): void {
    const { atMs = Math.floor(this.#options.clock.utcUs() / 1000), by = {}, ...rest } = record
    if (this.#waiting.length >= maxWaiting) {
      this.#options.logger.error({ entry: this.#waiting.shift() }, 'a log entry could not be kept')
    }
    // Picked by name: whoever acts may be a whole actor, and its session's id is a secret.
    const { username, address } = by
    this.#waiting.push({
      ...rest,
      atMs,
      ...(username === undefined ? {} : { username }),
      ...(address === undefined ? {} : { address }),
    })
    this.#writing ??= this.#write()
  }

  /** Newest first; 100 where no `limit` is given. */
  list(query: LogQuery): Promise<LogEntry[]> {
    return this.#options.store.list(query, query.limit ?? 100)
  }

  /** Resolves when all that was recorded is written. */
  async flush(): Promise<void> {
    await this.#writing
  }

  /** Writes what waits, unless the database is away. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#writing
  }

  async #write(): Promise<void> {
    const { store, bus, logger, keptEntries } = this.#options
    // The caller goes on first: nothing it does waits for the database.
    await Promise.resolve()
    try {
      while (this.#waiting.length > 0) {
        const next = this.#waiting[0]!
        const entry = await persist(
          {
            firstMs: 500,
            longestMs: 15_000,
            isWorthwhile: isDatabaseAway,
            onFailed: (error, tries) => {
              if (tries === 1) logger.warn({ err: error }, 'log entries wait for the database')
            },
            signal: this.#stop.signal,
          },
          () => store.create(next),
        )
        if (this.#waiting[0] === next) this.#waiting.shift()
        bus.emit('logged', { entry })
        if (++this.#sincePrune >= pruneEvery) {
          this.#sincePrune = 0
          await store.prune(keptEntries)
        }
      }
    } catch (error) {
      logger.error({ err: error, entries: this.#waiting.splice(0) }, 'log entries could not be kept')
    } finally {
      this.#writing = undefined
    }
  }
}

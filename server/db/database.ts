// The two databases, on SQLite or MariaDB. The only file that knows a dialect's settings (PRAGMA, schemas, error codes).
import { closeSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import knexModule, { type Knex } from 'knex'
import { Failure } from '../../shared/failure.ts'
import type { Logger } from '../base/logger.ts'

export type { Knex }

/** Where a database stands: a file, or a schema on a MariaDB server (10.6 and later). */
export type DatabasePlace = { kind: 'sqlite'; file: string } | { kind: 'mysql'; url: string; schema: string }

/** One step of a schema. Names are fixed once released; `up` may find its work half done on MariaDB (DDL commits). */
export interface Migration {
  name: string
  up(knex: Knex): Promise<void>
}

export interface DatabaseOptions {
  name: 'settings' | 'index'
  place: DatabasePlace
  migrations: Migration[]
  logger: Logger
  /**
   * SQLite's `synchronous`: `FULL` where a commit must outlive a power cut (settings), `NORMAL` where the last commits
   * may be lost and made again from the files (index).
   */
  durability: 'FULL' | 'NORMAL'
  /** Whether checkpoints are left to another connection; see `KnexOptions`. */
  leavesCheckpoints?: boolean
  /** Whether a file that cannot be read is put aside and begun anew: the index can be rebuilt, settings cannot. */
  isRebuildable: boolean
}

/**
 * One open database at its newest schema.
 *
 * `knex` may be another object after `recreate`: take it anew for each piece of work.
 */
export class Database {
  readonly name: string
  readonly place: DatabasePlace
  /** True where the database was empty or unreadable when it was opened: all of it must be made anew. */
  isNew = false
  readonly #options: DatabaseOptions
  readonly #recreatedListeners: (() => void)[] = []
  #recreating: Promise<void> | undefined
  #knex!: Knex

  private constructor(options: DatabaseOptions) {
    this.#options = options
    this.name = options.name
    this.place = options.place
  }

  get knex(): Knex {
    return this.#knex
  }

  /**
   * Opens it, makes it where it is missing, and brings its schema up to date.
   *
   * Fails `corrupt` where it cannot be read and is not rebuildable, or where migrations left a reference dangling;
   * with the driver's error where the database is away (see `isDatabaseAway`).
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const database = new Database(options)
    try {
      await database.#open()
    } catch (error) {
      await database.#knex?.destroy()
      if (!isCorrupt(error)) throw error
      if (!options.isRebuildable) {
        throw new Failure('corrupt', `open database ${options.name}: ${(error as Error).message}`, { cause: error })
      }
      options.logger.error({ err: error, database: options.name }, 'the database is damaged: it is made anew')
      database.#putAside()
      await database.#open()
    }
    return database
  }

  /** Puts a damaged database aside and makes an empty one. For a rebuildable one only. */
  recreate(): Promise<void> {
    this.#recreating ??= this.#recreate().finally(() => {
      this.#recreating = undefined
    })
    return this.#recreating
  }

  /** Calls `listener` after the database was made anew: other connections to it are of no use any more. */
  onRecreated(listener: () => void): void {
    this.#recreatedListeners.push(listener)
  }

  close(): Promise<void> {
    return this.#knex.destroy()
  }

  async #recreate(): Promise<void> {
    await this.#knex.destroy()
    const { place } = this
    if (place.kind === 'sqlite') this.#putAside()
    else await withServer(place.url, (server) => server.raw('DROP DATABASE IF EXISTS ??', [place.schema]))
    await this.#open()
    for (const listener of this.#recreatedListeners) listener()
  }

  async #open(): Promise<void> {
    const { place, durability, leavesCheckpoints = false } = this.#options
    if (place.kind === 'sqlite') makeFile(place.file)
    else await makeSchema(place)
    this.isNew = await this.#migrate()
    this.#knex = openKnex(place, { durability, hasForeignKeys: true, leavesCheckpoints })
    await this.#knex.raw('select 1')
  }

  /**
   * Migrates on a connection of its own with foreign keys off: with them on, SQLite deletes child rows when knex copies
   * a table to alter it (knex issue 6213). Gives whether the database was empty.
   */
  async #migrate(): Promise<boolean> {
    const { place, durability, migrations, name } = this.#options
    const knex = openKnex(place, { durability, hasForeignKeys: false })
    try {
      const isNew = !(await knex.schema.hasTable(migrationTable))
      const settings = { migrationSource: new CodeMigrations(migrations), tableName: migrationTable }
      // A server killed while migrating leaves the lock behind; there is no other server on this database.
      if (!isNew) await knex.migrate.forceFreeMigrationsLock(settings)
      await knex.migrate.latest(settings)
      if (place.kind === 'sqlite') {
        const dangling = await knex.raw('PRAGMA foreign_key_check')
        if (dangling.length > 0) {
          throw new Failure('corrupt', `migrate ${name}: ${dangling.length} rows of ${dangling[0].table} dangle`)
        }
      }
      return isNew
    } finally {
      await knex.destroy()
    }
  }

  #putAside(): void {
    if (this.place.kind !== 'sqlite') return
    const { file } = this.place
    renameSync(file, `${file}.damaged`)
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true })
  }
}

const migrationTable = 'migration'

class CodeMigrations implements Knex.MigrationSource<Migration> {
  readonly #migrations: Migration[]
  constructor(migrations: Migration[]) {
    this.#migrations = migrations
  }
  async getMigrations(): Promise<Migration[]> {
    return this.#migrations
  }
  getMigrationName(migration: Migration): string {
    return migration.name
  }
  async getMigration(migration: Migration): Promise<Knex.Migration> {
    return { up: migration.up, down: async () => {} }
  }
}

export interface KnexOptions {
  durability: 'FULL' | 'NORMAL'
  hasForeignKeys: boolean
  /**
   * True on connections that leave SQLite's checkpoints to another one: a checkpoint syncs, and on the server's own
   * thread that is a stall. Past 64 MiB of log it is made all the same.
   */
  leavesCheckpoints?: boolean
}

/** knex prints what it also throws; whoever catches it logs it, once. */
const quiet = { warn() {}, error() {}, deprecate() {}, debug() {} }

/** A connection (SQLite) or a pool (MariaDB), without migrations: for worker threads, and for `Database` itself. */
export function openKnex(place: DatabasePlace, options: KnexOptions): Knex {
  if (place.kind === 'mysql') {
    return knexModule({
      client: 'mysql2',
      log: quiet,
      connection: mysqlConnection(place.url, place.schema),
      pool: { min: 0, max: 8 },
      acquireConnectionTimeout: 10_000,
    })
  }
  return knexModule({
    client: 'better-sqlite3',
    log: quiet,
    connection: { filename: place.file },
    useNullAsDefault: true,
    pool: {
      min: 1,
      max: 1,
      afterCreate(connection: { pragma(text: string): unknown }, done: (error: unknown, connection: unknown) => void) {
        try {
          connection.pragma('journal_mode = WAL')
          connection.pragma(`synchronous = ${options.durability}`)
          connection.pragma('busy_timeout = 2000')
          connection.pragma(`foreign_keys = ${options.hasForeignKeys ? 'ON' : 'OFF'}`)
          connection.pragma('cache_size = -16384')
          connection.pragma('temp_store = MEMORY')
          if (options.leavesCheckpoints) connection.pragma('wal_autocheckpoint = 16384')
          done(undefined, connection)
        } catch (error) {
          done(error, connection)
        }
      },
    },
  })
}

/** Moves SQLite's log into its file, as far as readers allow; does nothing on MariaDB. May take long: off the server's thread. */
export async function checkpoint(knex: Knex): Promise<void> {
  if (kindOf(knex) === 'sqlite') await knex.raw('PRAGMA wal_checkpoint(PASSIVE)')
}

/**
 * A transaction that writes, begun as one.
 *
 * SQLite gives a transaction that has read and then writes no time to wait where another connection wrote meanwhile
 * (`SQLITE_BUSY_SNAPSHOT`); one that begins by writing waits its turn. So its first statement is a write, of nothing, to
 * `table`. On MariaDB it is a plain transaction.
 */
export function writeTransaction<T>(
  knex: Knex,
  table: string,
  work: (trx: Knex.Transaction) => Promise<T>,
): Promise<T> {
  return knex.transaction(async (trx) => {
    if (kindOf(knex) === 'sqlite') await trx.raw('DELETE FROM ?? WHERE 0', [table])
    return work(trx)
  })
}

export function kindOf(knex: Knex): 'sqlite' | 'mysql' {
  return knex.client.config.client === 'mysql2' ? 'mysql' : 'sqlite'
}

/** Of the connection to MariaDB; mysql2 marks such errors as fatal, which a camera's connection does not. */
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'PROTOCOL_CONNECTION_LOST',
])

const busyCodes = new Set([
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_DISK_FULL',
  'SQLITE_FULL',
  'SQLITE_CANTOPEN',
  'SQLITE_PROTOCOL',
])

/** True for a failure that may heal by itself: the server is away or busy, the disk full. The same work may be tried again. */
export function isDatabaseAway(error: unknown): boolean {
  const { code = '', name, fatal } = (error ?? {}) as { code?: unknown; name?: string; fatal?: boolean }
  if (name === 'KnexTimeoutError') return true
  if (typeof code !== 'string') return false
  if (fatal === true && networkCodes.has(code)) return true
  return busyCodes.has(code) || /^SQLITE_(BUSY|LOCKED|IOERR)/.test(code)
}

/** True where the database's file is damaged, or is no database at all. */
export function isCorrupt(error: unknown): boolean {
  const code = (error as { code?: string } | undefined)?.code ?? ''
  return /^SQLITE_(CORRUPT|NOTADB)/.test(code)
}

/** True where a row with that key is there already. */
export function isDuplicate(error: unknown): boolean {
  const code = (error as { code?: string } | undefined)?.code ?? ''
  return code === 'ER_DUP_ENTRY' || code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY'
}

function mysqlConnection(url: string, schema: string | undefined): Knex.MySql2ConnectionConfig {
  const parsed = new URL(url)
  const socketPath = parsed.searchParams.get('socket')
  return {
    ...(socketPath === null
      ? { host: parsed.hostname, port: parsed.port === '' ? 3306 : Number(parsed.port) }
      : { socketPath }),
    user: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    ...(schema === undefined ? {} : { database: schema }),
    charset: 'utf8mb4',
    timezone: 'Z',
    supportBigNumbers: true,
    connectTimeout: 5000,
  }
}

/** Password hashes and sessions are in there: nobody else may read it. SQLite gives its log files the same mode. */
function makeFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  closeSync(openSync(file, 'a', 0o600))
}

async function withServer<T>(url: string, work: (server: Knex) => Promise<T>): Promise<T> {
  const server = knexModule({
    client: 'mysql2',
    log: quiet,
    connection: mysqlConnection(url, undefined),
    pool: { min: 0, max: 1 },
    acquireConnectionTimeout: 10_000,
  })
  try {
    return await work(server)
  } finally {
    await server.destroy()
  }
}

/** Removes a database that nobody has open, with all that is in it. One that is not there is removed already. */
export async function removeDatabase(place: DatabasePlace): Promise<void> {
  if (place.kind === 'mysql') {
    await withServer(place.url, (server) => server.raw('DROP DATABASE IF EXISTS ??', [place.schema]))
    return
  }
  for (const end of ['', '-wal', '-shm']) rmSync(`${place.file}${end}`, { force: true })
}

async function makeSchema(place: { url: string; schema: string }): Promise<void> {
  await withServer(place.url, async (server) => {
    try {
      await server.raw('CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci', [
        place.schema,
      ])
    } catch (error) {
      // A user without the right to make schemas may own ones made for them: opening shows whether they are there.
      const code = (error as { code?: string }).code
      if (code !== 'ER_DBACCESS_DENIED_ERROR' && code !== 'ER_ACCESS_DENIED_ERROR') throw error
    }
  })
}

// Real databases: SQLite in a file, and a MariaDB server of the tests' own, started when first asked for.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { Database, type DatabasePlace, isDatabaseAway, type Migration, openKnex } from '../../server/db/database.ts'
import { indexMigrations } from '../../server/db/index/migrations.ts'
import { settingsMigrations } from '../../server/db/settings/migrations.ts'
import { makeTestFolder } from './test-folder.ts'

export const silentLogger = pino({ level: 'silent' })

export type DatabaseKind = 'sqlite' | 'mariadb'

/** A MariaDB server on a Unix socket in a folder of its own. */
export interface MariaDb {
  /** Such as `mysql://root@localhost/name?socket=…`. */
  url(name: string): string
  /** Kills it (`SIGKILL`), and starts it again on the same data. */
  kill(): Promise<void>
  start(): Promise<void>
}

let server: Promise<TestMariaDb> | undefined
let lastName = 0

/** The tests' MariaDB server. */
export function testMariaDb(): Promise<MariaDb> {
  server ??= TestMariaDb.create()
  return server
}

after(async function () {
  this.timeout(30_000)
  await (await server)?.destroy()
})

class TestMariaDb implements MariaDb {
  readonly #folder: string
  #child: ChildProcess | undefined

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async create(): Promise<TestMariaDb> {
    // Not a test folder: those are removed by a hook that may run before this server is stopped.
    const maria = new TestMariaDb(mkdtempSync(join(tmpdir(), 'nightjar-mariadb-')))
    execFileSync('mariadb-install-db', [
      '--no-defaults',
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      `--datadir=${maria.#folder}/data`,
    ])
    await maria.start()
    return maria
  }

  url(name: string): string {
    return `mysql://root@localhost/${name}?socket=${encodeURIComponent(`${this.#folder}/socket`)}`
  }

  async start(): Promise<void> {
    const user = process.getuid?.() === 0 ? ['--user=root'] : []
    this.#child = spawn(
      'mariadbd',
      [
        '--no-defaults',
        ...user,
        `--datadir=${this.#folder}/data`,
        `--socket=${this.#folder}/socket`,
        `--pid-file=${this.#folder}/pid`,
        '--skip-networking',
        '--innodb-buffer-pool-size=64M',
        '--innodb-flush-log-at-trx-commit=2',
      ],
      { stdio: 'ignore' },
    )
    const knex = openKnex({ kind: 'mysql', url: this.url('mysql'), schema: 'mysql' }, knexOptions)
    try {
      for (let tries = 0; ; tries++) {
        try {
          await knex.raw('select 1')
          return
        } catch (error) {
          if (tries > 300 || !isDatabaseAway(error)) throw error
          await sleep(50)
        }
      }
    } finally {
      await knex.destroy()
    }
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async destroy(): Promise<void> {
    await this.#end('SIGTERM')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }
}

const knexOptions = { durability: 'NORMAL', hasForeignKeys: true } as const

/** A place for an empty database. */
export async function testPlace(kind: DatabaseKind): Promise<DatabasePlace> {
  if (kind === 'sqlite') return { kind: 'sqlite', file: join(makeTestFolder(), 'test.sqlite') }
  const schema = `test_${++lastName}`
  return { kind: 'mysql', url: (await testMariaDb()).url(schema), schema }
}

const migrationsOf: Record<'settings' | 'index', Migration[]> = {
  settings: settingsMigrations,
  index: indexMigrations,
}

/** An empty `settings` or `index` database. Whoever opens it closes it. */
export async function openTestDatabase(kind: DatabaseKind, name: 'settings' | 'index'): Promise<Database> {
  return Database.open({
    name,
    place: await testPlace(kind),
    migrations: migrationsOf[name],
    durability: 'NORMAL',
    isRebuildable: name === 'index',
    logger: silentLogger,
  })
}

/** The same tests on SQLite and on MariaDB, each with an empty database, opened before each test and closed after it. */
export function describeOnBoth(
  title: string,
  name: 'settings' | 'index',
  tests: (database: () => Database, kind: DatabaseKind) => void,
): void {
  for (const kind of ['sqlite', 'mariadb'] as const) {
    describe(`${title} on ${kind}`, function () {
      this.timeout(30_000)
      let database: Database | undefined
      beforeEach(async () => {
        database = await openTestDatabase(kind, name)
      })
      afterEach(async () => {
        await database?.close()
        database = undefined
      })
      tests(() => database!, kind)
    })
  }
}

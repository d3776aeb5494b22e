import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import {
  Database,
  type DatabasePlace,
  isCorrupt,
  isDatabaseAway,
  type Migration,
  removeDatabase,
} from '../../../server/db/database.ts'
import { indexMigrations } from '../../../server/db/index/migrations.ts'
import { settingsMigrations } from '../../../server/db/settings/migrations.ts'
import { describeOnBoth, silentLogger, testMariaDb, testPlace } from '../../support/test-database.ts'

function open(place: DatabasePlace, migrations: Migration[], isRebuildable = false): Promise<Database> {
  return Database.open({
    name: 'settings',
    place,
    migrations,
    durability: 'NORMAL',
    isRebuildable,
    logger: silentLogger,
  })
}

/** A schema whose second step alters a parent table: what makes knex delete its children on SQLite. */
const family: Migration[] = [
  {
    name: '001',
    async up(knex) {
      await knex.schema.createTable('parent', (table) => {
        table.integer('id').primary()
        table.string('name', 10)
      })
      await knex.schema.createTable('child', (table) => {
        table.integer('parent_id').references('id').inTable('parent').onDelete('CASCADE')
      })
    },
  },
]
const grown: Migration[] = [
  ...family,
  {
    name: '002',
    async up(knex) {
      await knex.schema.alterTable('parent', (table) => table.dropColumn('name'))
    },
  },
]

for (const kind of ['sqlite', 'mariadb'] as const) {
  describe(`migrations on ${kind}`, function () {
    this.timeout(30_000)

    for (const [name, migrations] of Object.entries({ settings: settingsMigrations, index: indexMigrations })) {
      it(`make the whole schema of ${name}, and may be run again over tables that are there`, async () => {
        const place = await testPlace(kind)
        const first = await open(place, migrations)
        // As after a crash between a table and its note, which MariaDB cannot undo.
        await first.knex('migration').del()
        await first.close()

        const second = await open(place, migrations)

        assert.equal(first.isNew, true)
        assert.equal(second.isNew, false)
        assert.equal((await second.knex('migration')).length, migrations.length)
        await second.close()
      })
    }

    it('keep child rows when a parent table is altered', async () => {
      const place = await testPlace(kind)
      const first = await open(place, family)
      await first.knex('parent').insert({ id: 1, name: 'x' })
      await first.knex('child').insert({ parent_id: 1 })
      await first.close()

      const second = await open(place, grown)

      assert.equal((await second.knex('child')).length, 1)
      await second.knex('parent').del()
      assert.equal((await second.knex('child')).length, 0)
      await second.close()
    })

    it('go on after a server that was killed while migrating', async () => {
      const place = await testPlace(kind)
      const first = await open(place, family)
      await first.knex('migration_lock').update({ is_locked: 1 })
      await first.close()

      const second = await open(place, grown)

      assert.equal((await second.knex('migration')).length, 2)
      await second.close()
    })

    it('leave the database as it was where a step fails, as far as it can be undone', async () => {
      const place = await testPlace(kind)
      const broken: Migration = {
        name: '002',
        async up() {
          throw new Error('a step failed')
        },
      }

      await assert.rejects(open(place, [...family, broken]), /a step failed/)

      const again = await open(place, grown)
      assert.equal((await again.knex('migration')).length, 2)
      await again.close()
    })
  })
}

describe('a database file', () => {
  it('is for its owner alone, log and all', async () => {
    const place = await testPlace('sqlite')
    assert.ok(place.kind === 'sqlite')

    const database = await open(place, family)

    for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(place.file + suffix).mode & 0o777, 0o600)
    await database.close()
  })

  it('that is damaged is put aside and begun anew where it can be rebuilt', async () => {
    const place = await testPlace('sqlite')
    assert.ok(place.kind === 'sqlite')
    writeFileSync(place.file, 'this is no database, whatever its name says'.repeat(100))

    const database = await open(place, family, true)

    assert.equal(database.isNew, true)
    assert.ok(existsSync(`${place.file}.damaged`))
    await database.close()
  })

  it('that is damaged is left alone where it cannot be rebuilt', async () => {
    const place = await testPlace('sqlite')
    assert.ok(place.kind === 'sqlite')
    const content = 'this is no database, whatever its name says'.repeat(100)
    writeFileSync(place.file, content)

    await assert.rejects(open(place, family), { kind: 'corrupt' })

    assert.equal(statSync(place.file).size, content.length)
  })
})

describeOnBoth('a database', 'index', (database) => {
  it('made anew is empty, usable and told of', async () => {
    let told = 0
    database().onRecreated(() => told++)
    await database().knex('index_state').insert({ name: 'whole', value: 'true' })

    await Promise.all([database().recreate(), database().recreate()])

    assert.equal(told, 1)
    assert.deepEqual(await database().knex('index_state'), [])
  })

  it('gives instants in microseconds back as the numbers they were', async () => {
    const startUs = 253_402_300_799_999_000
    await database()
      .knex('gap')
      .insert({
        camera_id: 'c',
        stream: 1,
        start_us: Math.min(startUs, Number.MAX_SAFE_INTEGER),
        cause: 'unknown',
        detail: '',
      })

    const [row] = await database().knex('gap')

    assert.strictEqual(row.start_us, Number.MAX_SAFE_INTEGER)
  })
})

describe('a MariaDB server', function () {
  this.timeout(30_000)

  it('that goes away and comes back is away in between, and then answers again', async () => {
    const database = await open(await testPlace('mariadb'), family)
    const server = await testMariaDb()

    await server.kill()
    await assert.rejects(
      async () => database.knex('parent'),
      (error) => isDatabaseAway(error) && !isCorrupt(error),
    )
    await server.start()

    assert.deepEqual(await database.knex('parent'), [])
    await database.close()
  })
})

for (const kind of ['sqlite', 'mariadb'] as const) {
  describe(`removal of a database on ${kind}`, function () {
    this.timeout(30_000)

    it('leaves nothing of it, and is no failure where it is gone', async () => {
      const place = await testPlace(kind)
      const before = await open(place, family)
      await before.knex('parent').insert({ id: 1, name: 'a' })
      await before.close()

      await removeDatabase(place)
      await removeDatabase(place)

      const after = await open(place, family)
      const rows = await after.knex('parent')
      await after.close()
      assert.deepEqual(rows, [])
    })
  })
}

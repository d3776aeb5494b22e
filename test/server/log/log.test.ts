import assert from 'node:assert/strict'
import { Bus } from '../../../server/base/bus.ts'
import { systemClock } from '../../../server/base/clock.ts'
import { LogService } from '../../../server/log/log-service.ts'
import { LogStore } from '../../../server/log/log-store.ts'
import type { LogEntry, LogQuery } from '../../../shared/log.ts'
import { describeOnBoth, silentLogger } from '../../support/test-database.ts'

type Draft = Omit<LogEntry, 'id'>

const entries: Draft[] = [
  { atMs: 1000, kind: 'system', level: 'info', name: 'recorder-started', message: 'the recorder started' },
  {
    atMs: 2000,
    kind: 'connection',
    level: 'warning',
    name: 'login-failed',
    message: 'failed to log in as Eve',
    username: 'Eve',
    address: '203.0.113.9',
  },
  {
    atMs: 3000,
    kind: 'setting',
    level: 'info',
    name: 'camera-updated',
    message: 'camera 100%_Gate was changed: name',
    username: 'admin',
    cameraId: 'gate',
    detail: { name: { from: 'Gate', to: '100%_Gate' } },
  },
  { atMs: 4000, kind: 'deletion', level: 'error', name: 'footage-removed', message: 'Überschrieben', cameraId: 'gate' },
]

const queries: [what: string, query: LogQuery, names: string[]][] = [
  ['everything', {}, ['footage-removed', 'camera-updated', 'login-failed', 'recorder-started']],
  ['a kind', { kind: 'connection' }, ['login-failed']],
  ['a level', { level: 'info' }, ['camera-updated', 'recorder-started']],
  ['a span, its end left out', { fromMs: 2000, toMs: 4000 }, ['camera-updated', 'login-failed']],
  ['a camera', { cameraId: 'gate' }, ['footage-removed', 'camera-updated']],
  ['a text in a message, in any case', { text: 'RECORDER' }, ['recorder-started']],
  ['a text in a user’s name', { text: 'eve' }, ['login-failed']],
  ['a text in an address', { text: '203.0' }, ['login-failed']],
  ['a text with signs that mean something to SQL', { text: '100%_g' }, ['camera-updated']],
  ['a text with such signs that is nowhere', { text: '%' + 'x' }, []],
  ['two things at once', { cameraId: 'gate', level: 'error' }, ['footage-removed']],
]

describeOnBoth('the durable log', 'settings', (database) => {
  let store: LogStore
  beforeEach(async () => {
    store = new LogStore(database())
    for (const entry of entries) await store.create(entry)
  })

  for (const [what, query, names] of queries) {
    it(`finds ${what}, newest first`, async () => {
      const found = await store.list(query, 100)

      assert.deepEqual(
        found.map((entry) => entry.name),
        names,
      )
    })
  }

  it('gives entries back as they were', async () => {
    const found = await store.list({}, 100)

    assert.deepEqual(
      found.reverse().map(({ id: _id, ...entry }) => entry),
      entries,
    )
  })

  it('is read page by page without a gap or a repetition', async () => {
    const names: string[] = []
    let before: number | undefined
    for (;;) {
      const page = await store.list(before === undefined ? {} : { before }, 3)
      if (page.length === 0) break
      names.push(...page.map((entry) => entry.name))
      before = page.at(-1)!.id
    }

    assert.deepEqual(names, entries.map((entry) => entry.name).reverse())
  })

  it('keeps the newest when it is pruned', async () => {
    await store.prune(2)

    assert.deepEqual(
      (await store.list({}, 100)).map((entry) => entry.name),
      ['footage-removed', 'camera-updated'],
    )
  })

  it('cuts what is longer than its column', async () => {
    const entry = await store.create({ ...entries[0]!, message: 'x'.repeat(5000) })

    const [found] = await store.list({}, 1)
    assert.equal(found!.id, entry.id)
    assert.equal(found!.message.length, 1024)
  })

  it('takes entries while the database is away, and writes them in order when it is back', async () => {
    const bus = new Bus(silentLogger)
    const heard: string[] = []
    bus.on('logged', ({ entry }) => void heard.push(entry.name))
    const log = new LogService({ store, bus, clock: systemClock, logger: silentLogger, keptEntries: 1000 })
    let isAway = true
    const create = store.create.bind(store)
    store.create = (entry) =>
      isAway ? Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED', fatal: true })) : create(entry)

    log.record({ kind: 'system', level: 'info', name: 'first', message: '1' })
    log.record({ kind: 'system', level: 'info', name: 'second', message: '2' })
    await new Promise((resolve) => setImmediate(resolve))
    isAway = false
    await log.flush()

    assert.deepEqual(heard, ['first', 'second'])
  })

  it('notes who did it by name and address, and nothing else of them', async () => {
    const log = new LogService({
      store,
      bus: new Bus(silentLogger),
      clock: systemClock,
      logger: silentLogger,
      keptEntries: 1000,
    })
    const actor = { username: 'admin', address: '::1', sessionId: 'a secret', accountId: 'x' }

    log.record({ kind: 'system', level: 'info', name: 'n', message: 'm', by: actor })
    await log.flush()

    const [row] = await database().knex('log').orderBy('id', 'desc').limit(1)
    assert.equal(row.username, 'admin')
    assert.ok(!JSON.stringify(row).includes('a secret'))
  })
})

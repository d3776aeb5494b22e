import assert from 'node:assert/strict'
import { Bus } from '../../../server/base/bus.ts'
import { SettingStore } from '../../../server/db/setting-store.ts'
import { LogService } from '../../../server/log/log-service.ts'
import { LogStore } from '../../../server/log/log-store.ts'
import { BanService } from '../../../server/network/ban-service.ts'
import { BanStore } from '../../../server/network/ban-store.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import type { Ban, Protection } from '../../../shared/network.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'
import { describeOnBoth, silentLogger } from '../../support/test-database.ts'

const stranger = '203.0.113.9'
const minuteUs = 60_000_000

describeOnBoth('bans', 'settings', (database) => {
  let clock: FakeClock
  let log: LogService
  let bans: BanService
  let changes: number

  const open = async (): Promise<BanService> => {
    const service = new BanService({
      store: new BanStore(database()),
      settings: new SettingStore(database()),
      isProxy: (address) => address === '10.0.0.1',
      log,
      clock,
      logger: silentLogger,
      onChanged: () => changes++,
    })
    await service.load()
    return service
  }
  const fail = (address: string, times: number) => {
    for (let tries = 0; tries < times; tries++) bans.noteFailedLogin(address)
  }
  /** Until what was begun without waiting is in the database. */
  const settled = async (count: number) => {
    while ((await database().knex('network_ban')).length !== count) await new Promise(setImmediate)
  }

  beforeEach(async () => {
    clock = new FakeClock()
    changes = 0
    const store = new LogStore(database())
    log = new LogService({ store, bus: new Bus(silentLogger), clock, logger: silentLogger, keptEntries: 1000 })
    bans = await open()
    await bans.setProtection({ isEnabled: true, failedLogins: 3, withinMin: 5, banMin: 30 }, {})
  })
  afterEach(() => log.close())

  it('come with the last failed log-in of the limit, at once, and are over after their time', async () => {
    fail(stranger, 2)
    assert.equal(bans.isBanned(stranger), false)

    fail(stranger, 1)

    assert.equal(bans.isBanned(stranger), true)
    assert.equal(changes, 1)
    assert.equal(bans.isBanned('203.0.113.8'), false)
    clock.advance(30 * minuteUs)
    assert.equal(bans.isBanned(stranger), false)
    assert.deepEqual(bans.list(), [])
    await settled(1)
  })

  it('count only what failed within the time', () => {
    fail(stranger, 2)
    clock.advance(5 * minuteUs)

    fail(stranger, 2)

    assert.equal(bans.isBanned(stranger), false)
  })

  it('are not moved by a wall clock that steps while failures are counted', async () => {
    fail(stranger, 2)
    clock.step(-60 * minuteUs)

    fail(stranger, 1)

    assert.equal(bans.isBanned(stranger), true)
    await settled(1)
  })

  it('hold an IPv6 owner by the whole /64', async () => {
    for (const end of ['1', '2', '3']) bans.noteFailedLogin(`2001:db8:1:2::${end}`)

    assert.equal(bans.isBanned('2001:db8:1:2:ffff::9'), true)
    assert.equal(bans.isBanned('2001:db8:1:3::1'), false)
    assert.deepEqual(
      bans.list().map(({ target }) => target),
      ['2001:db8:1:2::/64'],
    )
    await settled(1)
  })

  it('never come to the machine itself, nor to a proxy that does not tell its clients apart', () => {
    fail('127.0.0.1', 10)
    fail('::1', 10)
    fail('10.0.0.1', 10)

    assert.deepEqual(bans.list(), [])
  })

  it('do not come where protection is off', async () => {
    await bans.setProtection({ ...bans.protection(), isEnabled: false }, {})

    fail(stranger, 10)

    assert.equal(bans.isBanned(stranger), false)
  })

  it('survive a restart, and those for ever stay so', async () => {
    fail(stranger, 3)
    await settled(1)
    await bans.create({ target: '198.51.100.0/24', banMin: null, isConfirmed: false }, { username: 'admin' })

    const again = await open()
    const isStillBanned = again.isBanned(stranger)
    clock.advance(31 * minuteUs)
    const later = await open()

    assert.equal(isStillBanned, true)
    assert.equal(later.isBanned(stranger), false)
    assert.equal(later.isBanned('198.51.100.77'), true)
    assert.equal(later.protection().failedLogins, 3)
    const [kept] = later.list()
    assert.deepEqual([kept!.reason, kept!.username, kept!.untilMs], ['manual', 'admin', undefined])
    await settled(1)
  })

  it('of the same target take each other’s place', async () => {
    await bans.create({ target: stranger, banMin: 5, isConfirmed: false }, {})
    const second = await bans.create({ target: ` ${stranger}`, banMin: null, isConfirmed: false }, {})

    const again = await open()

    assert.deepEqual(again.list(), [second])
  })

  it('can be lifted', async () => {
    const { id } = await bans.create({ target: '203.0.113.0-203.0.113.99', banMin: null, isConfirmed: false }, {})
    assert.equal(bans.isBanned(stranger), true)

    await bans.remove(id, {})

    assert.equal(bans.isBanned(stranger), false)
    assert.deepEqual((await open()).list(), [])
    await assert.rejects(bans.remove(id, {}), { kind: 'not-found' })
  })
})

describe('network access protection', () => {
  let test: TestApp
  let administrator: TestClient

  const clientAt = (address: string): TestClient => {
    const client = test.client()
    client.headers = { 'x-forwarded-for': address }
    return client
  }
  const protect = (change: Partial<Protection>) =>
    administrator.request<Protection & FailureBody>('PUT', 'api/network/protection', {
      isEnabled: true,
      failedLogins: 2,
      withinMin: 10,
      banMin: 30,
      ...change,
    })

  beforeEach(async () => {
    test = await startTestApp()
    administrator = await test.administrator()
  })
  afterEach(() => test.close())

  it('shuts out an address after its failed log-ins, also with the right password then, and says so in the log', async () => {
    await protect({})
    for (let tries = 0; tries < 2; tries++) assert.equal((await clientAt(stranger).logIn('admin', 'wrong')).status, 401)

    const answer = await clientAt(stranger).logIn('admin', test.password)

    assert.equal(answer.status, 403)
    assert.equal((await clientAt('203.0.113.8').logIn('admin', test.password)).status, 200)
    const [ban] = (await administrator.get<Ban[]>('api/network/bans')).body
    assert.deepEqual([ban!.target, ban!.reason, ban!.untilMs! - ban!.sinceMs], [stranger, 'failed-logins', 1_800_000])
    await test.app.log.flush()
    const entries = (await administrator.get<LogEntry[]>('api/logs?kind=connection&text=banned')).body
    assert.match(entries[0]!.message, /203\.0\.113\.9 was banned for 30 minutes after 2 failed log-ins/)
  })

  it('is on from the first day', async () => {
    const { body } = await administrator.get<Protection>('api/network/protection')

    assert.deepEqual(body, { isEnabled: true, failedLogins: 10, withinMin: 10, banMin: 30 })
  })

  it('lets people ban and pardon, and outlives a restart', async () => {
    const made = await administrator.post<Ban>('api/network/bans', { target: stranger, banMin: null })
    await test.restart()
    const after = await clientAt(stranger).get('api/session')
    administrator = await test.administrator()

    const lifted = await administrator.request('DELETE', `api/network/bans/${made.body.id}`)

    assert.equal(made.status, 201)
    assert.equal(made.body.username, 'admin')
    assert.equal(after.status, 403)
    assert.equal(lifted.status, 204)
    assert.equal((await clientAt(stranger).get('api/session')).status, 401)
  })

  it('asks before somebody bans themselves', async () => {
    administrator = clientAt(stranger)
    await administrator.logIn('admin', test.password)

    const refused = await administrator.post<FailureBody>('api/network/bans', { target: '203.0.113.0/24', banMin: 5 })

    assert.equal(refused.status, 409)
    assert.equal(refused.body.field, 'target')
  })

  const refused: [change: Partial<Record<keyof Protection, unknown>>, field: string, says: RegExp][] = [
    [{ failedLogins: 1 }, 'failedLogins', /2 or more/],
    [{ failedLogins: 101 }, 'failedLogins', /100 or fewer/],
    [{ withinMin: 0 }, 'withinMin', /1 minute/],
    [{ withinMin: 1441 }, 'withinMin', /1440 minutes/],
    [{ banMin: 4 }, 'banMin', /5 minutes or more/],
    [{ banMin: 525_601 }, 'banMin', /525600 minutes/],
  ]
  for (const [change, field, says] of refused) {
    it(`refuses ${JSON.stringify(change)}, naming the limit`, async () => {
      const answer = await protect(change as Partial<Protection>)

      assert.equal(answer.status, 400)
      assert.equal(answer.body.field, field)
      assert.match(answer.body.message, says)
    })
  }
})

import assert from 'node:assert/strict'
import { AccountPolicies } from '../../../server/account/account-policy.ts'
import { AccountService } from '../../../server/account/account-service.ts'
import { AccountStore } from '../../../server/account/account-store.ts'
import { SecondFactorStore } from '../../../server/account/second-factor-store.ts'
import { systemClock } from '../../../server/base/clock.ts'
import type { Database } from '../../../server/db/database.ts'
import { SettingStore } from '../../../server/db/setting-store.ts'
import { SessionStore } from '../../../server/http/session.ts'
import { describeOnBoth, silentLogger } from '../../support/test-database.ts'

async function accountsIn(database: Database): Promise<AccountService> {
  const policies = await AccountPolicies.open(new SettingStore(database))
  return new AccountService(new AccountStore(database), policies, systemClock)
}

describeOnBoth('accounts', 'settings', (database) => {
  it('make one administrator at the first start, and none after', async () => {
    const accounts = await accountsIn(database())

    const first = await accounts.createFirst()
    const second = await accounts.createFirst()

    assert.ok(first !== undefined)
    assert.equal(second, undefined)
    assert.equal((await accounts.verify('admin', first)).isRight, true)
  })

  it('keep no password in clear', async () => {
    const accounts = await accountsIn(database())

    const password = await accounts.createFirst()

    const [row] = await database().knex('account')
    assert.match(row.password_hash, /^\$argon2id\$/)
    assert.ok(!JSON.stringify(row).includes(password!))
  })

  it('give the administrator another one-time password where it is reset', async () => {
    const accounts = await accountsIn(database())
    const first = await accounts.createFirst()

    const second = await accounts.resetAdministrator()

    assert.equal((await accounts.verify('admin', first!)).isRight, false)
    const { account, isRight } = await accounts.verify('admin', second)
    assert.deepEqual([isRight, account?.mustChangePassword], [true, true])
  })
})

describeOnBoth('second factors', 'settings', (database) => {
  async function offered(): Promise<{ store: SecondFactorStore; id: string }> {
    await (await accountsIn(database())).createFirst()
    const id = (await new AccountStore(database()).getByUsername('admin'))!.id
    const store = new SecondFactorStore(database())
    await store.offer({ accountId: id, secretSealed: 'sealed', createdMs: 1 })
    return { store, id }
  }

  it('count once they are confirmed, and a new offer takes the place of an old one', async () => {
    const { store, id } = await offered()
    await store.offer({ accountId: id, secretSealed: 'sealed again', createdMs: 2 })

    const before = await store.get(id)
    await store.confirm(id, ['a', 'b'])

    assert.equal(before?.isConfirmed, false)
    assert.equal(before?.secretSealed, 'sealed again')
    assert.deepEqual(await store.listConfirmed(), new Set([id]))
  })

  it('take each time step once, and none before it', async () => {
    const { store, id } = await offered()

    const taken = [await store.takeStep(id, 7), await store.takeStep(id, 7), await store.takeStep(id, 6)]

    assert.deepEqual(taken, [true, false, false])
  })

  it('use each recovery code up, and go with their account', async () => {
    const { store, id } = await offered()
    await store.confirm(id, ['a', 'b'])

    const used = [await store.useCode(id, 'a', 5), await store.useCode(id, 'a', 6), await store.useCode(id, 'c', 7)]
    const left = await store.countCodes(id)
    await new AccountStore(database()).remove(id)

    assert.deepEqual(used, [true, false, false])
    assert.equal(left, 1)
    assert.equal(await store.get(id), undefined)
    assert.equal(await store.countCodes(id), 0)
  })
})

describeOnBoth('sessions', 'settings', (database) => {
  let store: SessionStore
  beforeEach(() => {
    store = new SessionStore(database(), silentLogger)
  })
  afterEach(() => store.stop())

  const data = (accountId: string) =>
    ({
      cookie: { originalMaxAge: 60_000, maxAge: 60_000, path: '/' },
      passport: { user: accountId },
    }) as never

  it('are kept, prolonged and ended', async () => {
    await store.set('sid', data('a'))

    assert.equal(await store.keep('sid', 3_600_000), true)
    const [row] = await database().knex('session').select('sess')
    assert.ok(Date.parse(JSON.parse(row.sess).cookie.expires) > Date.now() + 3_000_000)

    await store.destroy('sid')
    assert.equal(await store.keep('sid', 3_600_000), false)
  })

  it('end for one account but for the session that asks', async () => {
    await store.set('one', data('a'))
    await store.set('two', data('a'))
    await store.set('three', data('b'))

    const ended = await store.endSessionsOf('a', 'one')

    assert.deepEqual(ended, ['two'])
    assert.deepEqual(
      (await database().knex('session').orderBy('sid')).map((row) => row.sid),
      ['one', 'three'],
    )
  })

  it('tell of a database that is away by the callback, and reject nobody', async () => {
    const away = new SessionStore(database(), silentLogger)
    away.stop()
    await database().knex.schema.renameTable('session', 'gone')

    const error = await new Promise((resolve) => void away.get('sid', resolve))

    assert.ok(error instanceof Error)
    await database().knex.schema.renameTable('gone', 'session')
  })
})

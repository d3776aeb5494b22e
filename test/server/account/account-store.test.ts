import assert from 'node:assert/strict'
import { AccountService } from '../../../server/account/account-service.ts'
import { AccountStore } from '../../../server/account/account-store.ts'
import { systemClock } from '../../../server/base/clock.ts'
import { SessionStore } from '../../../server/http/session.ts'
import { describeOnBoth, silentLogger } from '../../support/test-database.ts'

describeOnBoth('accounts', 'settings', (database) => {
  it('make one administrator at the first start, and none after', async () => {
    const accounts = new AccountService(new AccountStore(database()), systemClock)

    const first = await accounts.createFirst()
    const second = await accounts.createFirst()

    assert.ok(first !== undefined)
    assert.equal(second, undefined)
    assert.equal((await accounts.verify('admin', first))?.username, 'admin')
  })

  it('keep no password in clear', async () => {
    const accounts = new AccountService(new AccountStore(database()), systemClock)

    const password = await accounts.createFirst()

    const [row] = await database().knex('account')
    assert.match(row.password_hash, /^\$argon2id\$/)
    assert.ok(!JSON.stringify(row).includes(password!))
  })

  it('give the administrator another one-time password where it is reset', async () => {
    const accounts = new AccountService(new AccountStore(database()), systemClock)
    const first = await accounts.createFirst()

    const second = await accounts.resetAdministrator()

    assert.equal(await accounts.verify('admin', first!), undefined)
    assert.equal((await accounts.verify('admin', second))?.mustChangePassword, true)
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

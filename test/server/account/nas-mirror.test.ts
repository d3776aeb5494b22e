import assert from 'node:assert/strict'
import type { AccountView, Session } from '../../../shared/account.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { AccountMirror } from '../../../shared/nas.ts'
import { NasApp } from '../../support/nas/nas-app.ts'
import type { TestClient } from '../../support/test-client.ts'

describe('the accounts of a NAS', () => {
  let app: NasApp
  let administrator: TestClient
  before(async () => {
    app = await NasApp.start()
    administrator = await app.administrator()
  })
  after(() => app.close())

  async function named(username: string): Promise<AccountView | undefined> {
    return (await administrator.must<AccountView[]>('GET', 'api/accounts')).find((one) => one.username === username)
  }

  const run = () => administrator.must<AccountMirror>('POST', 'api/accounts/mirror')

  const draft = (username: string) => ({ username, password: `${username}-first-1`, mustChangePassword: false })

  describe('in the mirror', () => {
    it('come, change and go as they do on the NAS, and the last reading tells', async () => {
      app.setAccount('bob', {}, 1201)
      const come = await run()
      const added = await named('bob')
      app.setAccount('bob', { isEnabled: false })
      const changed = await run()
      const disabled = await named('bob')
      app.removeAccount('bob')
      const gone = await run()

      assert.ok(come.created.includes('bob'))
      assert.deepEqual([added?.source, added?.isEnabled, added?.isAdministrator], ['nas', true, false])
      assert.deepEqual([changed.changed, changed.isStateKnown, disabled?.isEnabled], [['bob'], true, false])
      assert.deepEqual(gone.removed, ['bob'])
      assert.equal(await named('bob'), undefined)
      assert.deepEqual(await administrator.must('GET', 'api/accounts/mirror'), gone)
    })

    it('end their sessions when they are disabled, and when they are removed', async () => {
      app.setAccount('dora', {}, 1202)
      app.setAccount('emil', {}, 1203)
      await run()
      const [dora, emil] = [await app.loggedIn('dora', 'dora-secret'), await app.loggedIn('emil', 'emil-secret')]

      app.setAccount('dora', { isEnabled: false })
      app.removeAccount('emil')
      await run()

      assert.equal((await dora.get('api/session')).status, 401)
      assert.equal((await emil.get('api/session')).status, 401)
      assert.equal((await administrator.get('api/session')).status, 200)
    })

    it('are somebody else where the same name comes back under another number', async () => {
      app.setAccount('flo', {}, 1204)
      await run()
      const before = await named('flo')
      app.removeAccount('flo')
      app.setAccount('flo', {}, 1205)

      const { removed, created } = await run()

      assert.deepEqual([removed, created], [['flo'], ['flo']])
      assert.notEqual((await named('flo'))?.id, before?.id)
    })

    it('become administrators and cease to be with the group of the NAS', async () => {
      app.setAccount('gina', {}, 1206)
      await run()
      const gina = await app.loggedIn('gina', 'gina-secret')
      const group = (members: string) => {
        const { state } = app.nas
        state.writeRows(
          'group',
          state.rows('group').map((row) => (row[0] === 'administrators' ? [...row.slice(0, 3), members] : row)),
        )
      }

      group('admin,gina')
      await run()
      const risen = (await gina.get<Session>('api/session')).body.isAdministrator
      group('admin')
      await run()

      assert.equal(risen, true)
      assert.equal((await gina.get<Session>('api/session')).body.isAdministrator, false)
    })

    it('stay as they are where the NAS cannot be read, and the reading says why', async () => {
      const { state } = app.nas
      const [passwd, before] = [
        state.read('/etc/passwd'),
        (await administrator.must<unknown[]>('GET', 'api/accounts')).length,
      ]
      try {
        state.write('/etc/passwd', '')
        const { error } = await run()

        assert.match(error ?? '', /lists none of its own/)
        assert.equal((await administrator.must<unknown[]>('GET', 'api/accounts')).length, before)
      } finally {
        state.write('/etc/passwd', passwd)
      }
      assert.equal((await run()).error, undefined)
    })
  })

  describe('changed here', () => {
    it('are made, made an administrator, disabled and removed on the NAS', async () => {
      const { state } = app.nas
      const made = await administrator.must<AccountView>('POST', 'api/accounts', { ...draft('hugo'), phone: '+49 1' })
      const path = `api/accounts/${made.id}`
      const isThere = state.rows('passwd').some(([name]) => name === 'hugo')
      await administrator.must('PATCH', path, { isAdministrator: true })
      const members = state.members('administrators')
      const off = await administrator.must<AccountView>('PATCH', path, { isAdministrator: false, isEnabled: false })
      const isEnabledThere = state.extra.accounts['hugo']?.isEnabled
      await administrator.must('DELETE', path)

      assert.deepEqual([made.source, made.phone, made.mustChangePassword, isThere], ['nas', '+49 1', false, true])
      assert.deepEqual(members, ['admin', 'hugo'])
      assert.deepEqual([off.isEnabled, off.isAdministrator, isEnabledThere], [false, false, false])
      assert.ok(!state.rows('passwd').some(([name]) => name === 'hugo'))
      assert.deepEqual(state.members('administrators'), ['admin'])
    })

    it('get a password from an administrator, which may have to be changed, and change their own', async () => {
      const made = await administrator.must<AccountView>('POST', 'api/accounts', draft('ida'))
      await administrator.must('POST', `api/accounts/${made.id}/password`, { password: 'second-2' })
      const ida = await app.loggedIn('ida', 'second-2')
      const told = (await ida.get<Session>('api/session')).body
      const wrong = await ida.post<FailureBody>('api/account/password', { current: 'no', next: 'third-3' })
      const same = await ida.post<FailureBody>('api/account/password', { current: 'second-2', next: 'second-2' })
      const changed = await ida.post('api/account/password', { current: 'second-2', next: 'third-3' })

      assert.deepEqual([told.canChangePassword, told.isPasswordExpired], [true, true])
      assert.deepEqual([wrong.status, wrong.body.field], [400, 'current'])
      assert.deepEqual([same.status, same.body.field], [400, 'next'])
      assert.equal(changed.status, 204)
      assert.equal(app.nas.state.extra.accounts['ida']?.password, 'third-3')
      assert.equal((await ida.get<Session>('api/session')).body.isPasswordExpired, false)
    })

    it('are not believed changed where the NAS only says so', async () => {
      const alice = (await named('alice'))!
      app.nas.state.change((extra) => {
        extra.ignoresChanges = true
      })
      try {
        const made = await administrator.post<FailureBody>('api/accounts', draft('ghost'))
        const off = await administrator.request<FailureBody>('PATCH', `api/accounts/${alice.id}`, { isEnabled: false })

        assert.deepEqual([made.status, made.body.kind], [502, 'unreachable'])
        assert.deepEqual([off.status, off.body.kind], [502, 'unreachable'])
        assert.deepEqual([await named('ghost'), (await named('alice'))?.isEnabled], [undefined, true])
      } finally {
        app.nas.state.change((extra) => {
          delete extra.ignoresChanges
        })
      }
    })

    it('are refused with the field and the reason', async () => {
      const alice = (await named('alice'))!
      const admin = (await named('admin'))!
      const taken = await administrator.post<FailureBody>('api/accounts', draft('alice'))
      const mail = await administrator.request<FailureBody>('PATCH', `api/accounts/${alice.id}`, {
        email: 'a@example.org',
      })
      const last = await administrator.request<FailureBody>('PATCH', `api/accounts/${admin.id}`, { isEnabled: false })

      assert.deepEqual([taken.status, taken.body.field], [409, 'username'])
      assert.deepEqual([mail.status, mail.body.field], [409, 'email'])
      assert.equal(last.status, 409)
    })

    it('ask for a new log-in once the NAS no longer knows the administrator’s', async () => {
      const other = await app.administrator()
      app.nas.state.change((extra) => {
        extra.sessions = {}
      })

      const denied = await other.post<FailureBody>('api/accounts', draft('late'))
      await run()
      const forgotten = await other.post<FailureBody>('api/accounts', draft('late'))

      assert.deepEqual([denied.status, denied.body.kind], [403, 'forbidden'])
      assert.match(forgotten.body.message, /log out and in again/)
    })
  })

  it('leave room for the administrator that nightjar.sh reset-admin makes', async () => {
    const fresh = await NasApp.start()
    try {
      await fresh.administrator()
      const password = await fresh.resetAdministrator()

      const fallback = await fresh.loggedIn('admin', password)
      const ofNas = await fresh.administrator()

      const accounts = await fallback.must<AccountView[]>('GET', 'api/accounts')
      const sources = Object.fromEntries(accounts.map(({ username, source }) => [username, source]))
      assert.deepEqual([sources['admin'], sources['NAS+admin']], ['local', 'nas'])
      assert.equal((await fallback.get<Session>('api/session')).body.mustChangePassword, true)
      assert.equal((await ofNas.get<Session>('api/session')).body.username, 'NAS+admin')
      const { differences } = await ofNas.must<AccountMirror>('POST', 'api/accounts/mirror')
      assert.deepEqual(
        differences.map(({ username }) => username),
        ['admin'],
      )
      const denied = await fallback.post<FailureBody>('api/accounts', draft('nobody'))
      assert.deepEqual([denied.status, denied.body.kind], [403, 'forbidden'])
    } finally {
      await fresh.close()
    }
  })
})

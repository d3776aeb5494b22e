import assert from 'node:assert/strict'
import type { AccountView, Session } from '../../../../shared/account.ts'
import type { DirectoryPerson, DirectorySettings, DirectoryTest } from '../../../../shared/directory.ts'
import { baseDn, bindDn, bindPassword, groupLdif, personLdif, Slapd } from '../../../support/slapd.ts'
import { startTestApp, type TestApp } from '../../../support/test-app.ts'
import type { TestClient } from '../../../support/test-client.ts'

const dnOf = (uid: string) => `uid=${uid},ou=people,${baseDn}`
const groupDn = (cn: string) => `cn=${cn},ou=groups,${baseDn}`
const crowd = 1200

const ldif = [
  personLdif('alice', { cn: 'Alice Liddell' }),
  personLdif('bob'),
  personLdif('carol'),
  personLdif('zoë', { cn: 'Zoë (night, shift)', mail: 'zoe@example.org' }),
  personLdif('eve'),
  personLdif('admin'),
  ...Array.from({ length: crowd }, (_, i) => personLdif(`p${i}`)),
  // Bob is in the guards by a group within it, which holds the guards in turn.
  groupLdif('night', [dnOf('bob'), groupDn('guards')]),
  groupLdif('guards', [dnOf('alice'), dnOf('zoë'), dnOf('admin'), groupDn('night')]),
  groupLdif('chiefs', [groupDn('chiefs-abroad')]),
  groupLdif('chiefs-abroad', [dnOf('alice')]),
].join('')

describe('a directory (OpenLDAP)', function () {
  this.timeout(60_000)
  let slapd: Slapd
  let test: TestApp
  let administrator: TestClient
  let settings: Record<string, unknown>

  before(async () => {
    slapd = await Slapd.start({ ldif })
    test = await startTestApp()
    administrator = await test.administrator()
    settings = {
      ...{ isOn: true, kind: 'openldap', servers: [slapd.ldap], authorityPem: slapd.authorityPem },
      ...{ bindDn, bindPassword, baseDn, loginGroupDn: groupDn('guards'), administratorsGroupDn: groupDn('chiefs') },
      timeoutSec: 2,
    }
    await administrator.must('PATCH', 'api/directory', settings)
  })

  after(async () => {
    await test?.close()
    await slapd?.stop()
  })

  beforeEach(() => administrator.must('PATCH', 'api/directory', settings))

  const logIn = (username: string, password = `${username}-secret`) => test.client().logIn(username, password)

  it('lets people in with their password there, and makes those of a group administrators', async () => {
    const client = test.client()
    const alice = await client.logIn('alice', 'alice-secret')
    const bob = await logIn('bob')

    assert.equal(alice.status, 200)
    assert.equal((alice.body as unknown as Session).isAdministrator, true)
    assert.equal((alice.body as unknown as Session).canChangePassword, false)
    assert.equal(bob.status, 200)
    assert.equal((bob.body as unknown as Session).isAdministrator, false)
    const accounts = await administrator.must<AccountView[]>('GET', 'api/accounts')
    const account = accounts.find(({ username }) => username === 'alice')!
    assert.deepEqual([account.source, account.email], ['directory', 'alice@example.org'])
  })

  it('lets in nobody else, and says only who has the right password why', async () => {
    const wrong = await logIn('alice', 'alice-wrong')
    const unknown = await logIn('nobody')
    const stranger = await logIn('eve')
    const star = await logIn('al*', 'alice-secret')
    const spare = await logIn('alice)(uid=*', 'alice-secret')

    for (const answer of [wrong, unknown, star, spare]) {
      assert.deepEqual([answer.status, answer.body], [wrong.status, wrong.body])
    }
    assert.equal(wrong.status, 401)
    assert.equal(stranger.status, 403)
    assert.match(stranger.body.message, /not in the group/)
  })

  it('finds names with signs of filters, of names and of other alphabets in them', async () => {
    const test1 = await administrator.must<DirectoryTest>('POST', 'api/directory/test', { username: 'zoë' })
    const outcome = await logIn('zoë')

    assert.match(test1.steps.find(({ step }) => step === 'person')!.detail, /Zoë \(night, shift\)/)
    assert.equal(test1.steps.at(-1)!.detail, 'may log in')
    assert.equal(outcome.status, 200)
  })

  it('does not give an account of this server to a namesake there', async () => {
    const outcome = await logIn('admin')
    assert.equal(outcome.status, 401)

    const view = await administrator.must<AccountView[]>('GET', 'api/accounts')
    assert.equal(view.find(({ username }) => username === 'admin')!.source, 'local')
  })

  it('counts and lists more people than one answer may hold, and takes them in ahead', async () => {
    const tried = await administrator.must<DirectoryTest>('POST', 'api/directory/test', {})
    const people = await administrator.must<DirectoryPerson[]>('GET', 'api/directory/people?search=p11')
    const [first] = people
    const made = await administrator.must<AccountView[]>('POST', 'api/directory/import', { ids: [first!.id] })
    const again = await administrator.must<DirectoryPerson[]>('GET', 'api/directory/people?search=p11')
    const nobody = await administrator.post<{ field: string }>('api/directory/import', { ids: ['no-such'] })

    assert.equal(tried.steps.at(-1)!.detail, `${crowd + 6} people below ${baseDn}`)
    assert.equal(people.length, 111)
    assert.deepEqual([made[0]!.username, made[0]!.source], [first!.username, 'directory'])
    assert.equal(again.find(({ id }) => id === first!.id)!.isKnown, true)
    assert.deepEqual([nobody.status, nobody.body.field], [404, 'ids'])
  })

  it('is asked under TLS of its own, and by StartTLS', async () => {
    await administrator.must('PATCH', 'api/directory', { servers: [slapd.ldaps], bindPassword })
    const secure = await administrator.must<DirectoryTest>('POST', 'api/directory/test', {})
    const outcome = await logIn('alice')

    assert.match(secure.steps[1]!.detail, /certificate of localhost, good until/)
    assert.equal(outcome.status, 200)
  })

  it('is not believed under a certificate of somebody else', async () => {
    const tried = await administrator.must<DirectoryTest>('POST', 'api/directory/test', {
      settings: { authorityPem: '' },
    })

    assert.equal(tried.isPassed, false)
    assert.equal(tried.steps.length, 1)
    assert.match(tried.steps[0]!.detail, /certificate|self-signed|issuer/i)
  })

  it('is not believed under a certificate that has run out', async () => {
    const old = await Slapd.start({ ldif: personLdif('alice'), certificateDays: -1 })
    try {
      const patch = { servers: [old.ldap], authorityPem: old.authorityPem, bindPassword }
      const tried = await administrator.must<DirectoryTest>('POST', 'api/directory/test', { settings: patch })
      assert.match(tried.steps[0]!.detail, /expired/)
    } finally {
      await old.stop()
    }
  })

  it('says at which step a trial failed', async () => {
    const trial = (change: Record<string, unknown>) =>
      administrator.must<DirectoryTest>('POST', 'api/directory/test', { settings: change, username: 'alice' })
    const password = await trial({ bindPassword: 'wrong' })
    const nowhere = await trial({ servers: ['ldap://127.0.0.1:1'], bindPassword })
    const base = await trial({ baseDn: 'dc=nowhere,dc=org' })

    assert.equal(password.steps.at(-1)!.step, 'bind')
    assert.match(nowhere.steps.at(-1)!.detail, /127\.0\.0\.1:1: .*ECONNREFUSED/)
    assert.equal(base.steps.at(-1)!.step, 'search')
    for (const one of [password, nowhere, base]) assert.equal(one.steps.at(-1)!.isPassed, false)
  })

  it('goes on to the next server where one is down', async () => {
    await administrator.must('PATCH', 'api/directory', { servers: ['ldap://127.0.0.1:1', slapd.ldap], bindPassword })

    assert.equal((await logIn('bob')).status, 200)
  })

  it('keeps its password to itself, and gives it to no other server', async () => {
    const told = await administrator.must<DirectorySettings>('GET', 'api/directory')
    const moved = await administrator.must<DirectorySettings>('PATCH', 'api/directory', {
      servers: ['ldap://elsewhere'],
    })

    assert.equal(told.hasBindPassword, true)
    assert.ok(!JSON.stringify(told).includes(bindPassword))
    assert.equal(moved.hasBindPassword, false)
  })

  it('refuses settings that cannot work, naming the field', async () => {
    for (const [change, field] of [
      [{ servers: [] }, 'servers'],
      [{ servers: ['http://x'] }, 'servers.0'],
      [{ baseDn: '' }, 'baseDn'],
      [{ userFilter: '(uid=alice)' }, 'userFilter'],
      [{ timeoutSec: 0 }, 'timeoutSec'],
    ] as const) {
      const answer = await administrator.request<{ field: string }>('PATCH', 'api/directory', change)
      assert.deepEqual([answer.status, answer.body.field], [400, field])
    }
  })

  it('that hangs keeps nobody of this server out', async () => {
    slapd.hang()
    try {
      const local = await test.client().logIn('admin', test.password)
      const remote = await logIn('bob')

      assert.equal(local.status, 200)
      assert.deepEqual([remote.status, remote.body.kind], [502, 'unreachable'])
      assert.equal(remote.body.message, 'the directory cannot be asked now')
    } finally {
      slapd.goOn()
    }
  })

  it('is the affair of who manages accounts alone', async () => {
    const bob = test.client()
    await bob.logIn('bob', 'bob-secret')

    for (const [method, path] of [
      ['GET', 'api/directory'],
      ['PATCH', 'api/directory'],
      ['POST', 'api/directory/test'],
      ['GET', 'api/directory/people'],
      ['POST', 'api/directory/import'],
    ] as const) {
      assert.equal((await bob.request(method, path, method === 'GET' ? undefined : {})).status, 403, path)
    }
  })
})

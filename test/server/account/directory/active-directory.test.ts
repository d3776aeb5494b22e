import assert from 'node:assert/strict'
import type { AccountView, Session } from '../../../../shared/account.ts'
import type { DirectoryPerson, DirectoryTest } from '../../../../shared/directory.ts'
import { administratorPassword, DomainController, domainDn } from '../../../support/domain-controller.ts'
import { startTestApp, type TestApp } from '../../../support/test-app.ts'
import type { TestClient } from '../../../support/test-client.ts'

const password = 'Secret-1234'

describe('a directory (Active Directory)', function () {
  this.timeout(180_000)
  let controller: DomainController
  let test: TestApp
  let administrator: TestClient

  before(async () => {
    controller = await DomainController.start()
    for (const name of ['alice', 'bob', 'gone', 'fresh']) controller.tool('user', 'create', name, password)
    controller.tool('user', 'disable', 'gone')
    controller.tool('user', 'setpassword', 'fresh', `--newpassword=${password}`, '--must-change-at-next-login')
    for (const group of ['Guards', 'Night shift', 'Chiefs']) controller.tool('group', 'add', group)
    controller.tool('group', 'addmembers', 'Guards', 'Night shift,alice,gone,fresh')
    controller.tool('group', 'addmembers', 'Night shift', 'bob')
    controller.tool('group', 'addmembers', 'Chiefs', 'alice')
    test = await startTestApp()
    administrator = await test.administrator()
    await administrator.must('PATCH', 'api/directory', {
      ...{ isOn: true, kind: 'active-directory', servers: [controller.ldap], authorityPem: controller.authorityPem },
      ...{ bindDn: `CN=Administrator,CN=Users,${domainDn}`, bindPassword: administratorPassword, baseDn: domainDn },
      ...{ loginGroupDn: `CN=Guards,CN=Users,${domainDn}`, administratorsGroupDn: `cn=chiefs, cn=users, ${domainDn}` },
    })
  })

  after(async () => {
    await test?.close()
    await controller?.stop()
  })

  it('lets people in by short name, by principal name and with their domain before it, as one account', async () => {
    for (const name of ['alice', 'ALICE', 'alice@example.test', 'EXAMPLE\\alice']) {
      const answer = await test.client().logIn(name, password)
      assert.equal(answer.status, 200, name)
      assert.equal((answer.body as unknown as Session).username, 'alice')
      assert.equal((answer.body as unknown as Session).isAdministrator, true)
    }
    const accounts = await administrator.must<AccountView[]>('GET', 'api/accounts')
    assert.equal(accounts.filter(({ source }) => source === 'directory').length, 1)
  })

  it('follows groups within groups', async () => {
    const bob = await test.client().logIn('bob', password)

    assert.equal(bob.status, 200)
    assert.equal((bob.body as unknown as Session).isAdministrator, false)
  })

  it('says why a right password is not enough, and nothing to a wrong one', async () => {
    const disabled = await test.client().logIn('gone', password)
    const mustChange = await test.client().logIn('fresh', password)
    const wrong = await test.client().logIn('gone', 'Wrong-1234')
    const unknown = await test.client().logIn('nobody', 'Wrong-1234')
    const outside = await test.client().logIn('Administrator', administratorPassword)

    assert.deepEqual([disabled.status, disabled.body.message], [403, 'this account is disabled: ask an administrator'])
    assert.match(mustChange.body.message, /must be changed first/)
    assert.deepEqual([wrong.status, wrong.body], [401, unknown.body])
    assert.match(outside.body.message, /not in the group/)
  })

  it('knows people by an id that outlives their names, and takes them in by it', async () => {
    const people = await administrator.must<DirectoryPerson[]>('GET', 'api/directory/people?search=bo')
    const [bob] = people
    const [made] = await administrator.must<AccountView[]>('POST', 'api/directory/import', { ids: [bob!.id] })
    controller.tool('user', 'rename', 'bob', '--samaccountname=robert')
    const renamed = await test.client().logIn('robert', password)
    const accounts = await administrator.must<AccountView[]>('GET', 'api/accounts')

    assert.deepEqual(
      people.map(({ username }) => username),
      ['bob'],
    )
    assert.match(bob!.id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
    assert.equal(renamed.status, 200)
    assert.equal(accounts.find(({ id }) => id === made!.id)!.username, 'robert')
  })

  it('is asked by ldaps too', async () => {
    const tried = await administrator.must<DirectoryTest>('POST', 'api/directory/test', {
      settings: { servers: [controller.ldaps], bindPassword: administratorPassword },
      username: 'alice',
    })

    assert.deepEqual(
      tried.steps.map(({ step, isPassed }) => `${step} ${isPassed}`),
      ['connect true', 'secure true', 'bind true', 'search true', 'person true', 'groups true'],
    )
    assert.match(tried.steps[1]!.detail, /certificate of dc1.example.test/)
  })
})

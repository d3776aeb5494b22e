import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import type { Finding } from '../../../../server/host/finding.ts'
import type { Host } from '../../../../server/host/host.ts'
import type { HostSession } from '../../../../server/host/host-session.ts'
import { createQtsHost } from '../../../../server/host/qts/qts-host.ts'
import { SimulatedNas } from '../../../support/nas/simulated-nas.ts'
import { makeTestFolder } from '../../../support/test-folder.ts'

const admin = { name: 'admin', password: 'pässwört✓ 1', clientAddress: '192.0.2.1' }

describe('accounts of QTS', () => {
  let nas: SimulatedNas
  let host: Host
  let session: HostSession
  beforeEach(async () => {
    nas = await SimulatedNas.start(makeTestFolder())
    host = createQtsHost({ root: nas.root, baseUrls: [nas.baseUrl], patienceMs: 300, nowMs: Date.now })
    session = await sessionOf(admin)
  })
  afterEach(() => nas.close())

  async function sessionOf(attempt: typeof admin): Promise<HostSession> {
    const outcome = await host.logins.verify(attempt)
    assert.ok(outcome.kind === 'passed')
    return outcome.session
  }

  async function loginKind(name: string, password: string): Promise<string> {
    return (await host.logins.verify({ ...admin, name, password })).kind
  }

  function valueIn<T>(finding: Finding<T>): T {
    assert.ok(finding.isFound, finding.isFound ? '' : finding.reason)
    return finding.value
  }

  const done = { isFound: true, value: undefined }

  describe('listed', () => {
    it('are those of people, by the files of the NAS where nobody is logged in', async () => {
      const accounts = valueIn(await host.accounts.list())

      assert.deepEqual(
        accounts.map(({ name, id, isAdministrator, isEnabled }) => [name, id, isAdministrator, isEnabled]),
        [
          ['admin', 0, true, undefined],
          ['alice', 1000, false, undefined],
        ],
      )
    })

    it('tell more to an administrator', async () => {
      nas.state.change((extra) => {
        extra.accounts['alice']!.isEnabled = false
      })

      const alice = valueIn(await host.accounts.list(session)).find(({ name }) => name === 'alice')

      assert.deepEqual(alice, {
        name: 'alice',
        id: 1000,
        description: 'Front desk',
        email: 'alice@example.org',
        isDomain: false,
        isAdministrator: false,
        isEnabled: false,
      })
    })

    it('are more than a page', async () => {
      const rows = Array.from({ length: 1203 }, (_, i) => [`u${i}`, 'x', String(2000 + i), '100', '', '/', '/bin/sh'])
      nas.state.writeRows('passwd', [...nas.state.rows('passwd'), ...rows])

      const accounts = valueIn(await host.accounts.list(session))

      assert.equal(accounts.length, 1205)
      assert.equal(accounts.at(-1)?.isEnabled, true)
    })

    it('hold those of a domain the NAS has joined', async () => {
      nas.state.write('/etc/config/domain', 'OFFICE')

      const accounts = valueIn(await host.accounts.list())
      const groups = valueIn(await host.accounts.listGroups())

      assert.deepEqual(
        accounts.filter(({ isDomain }) => isDomain).map(({ name }) => name),
        ['OFFICE+carol', 'OFFICE+dave'],
      )
      assert.equal(groups.find(({ name }) => name === 'OFFICE+staff')?.isDomain, true)
    })

    it('do not take number 0 for an administrator', async () => {
      nas.state.writeRows('group', [['administrators', 'x', '0', 'alice'], ...nas.state.rows('group').slice(1)])

      const accounts = valueIn(await host.accounts.list())

      assert.deepEqual(
        accounts.map(({ name, isAdministrator }) => [name, isAdministrator]),
        [
          ['admin', false],
          ['alice', true],
        ],
      )
    })

    it('come with groups and their members', async () => {
      const groups = valueIn(await host.accounts.listGroups())

      assert.deepEqual(
        groups.map(({ name, members }) => [name, members]),
        [
          ['administrators', ['admin']],
          ['everyone', ['admin', 'alice']],
        ],
      )
    })

    it('are a lack where the files are gone or cannot be read', async () => {
      rmSync(nas.state.path('/etc/group'))
      const gone = await host.accounts.list()
      mkdirSync(nas.state.path('/etc/group'))
      const folder = await host.accounts.list()

      assert.equal(!gone.isFound && gone.kind, 'failed')
      assert.equal(!folder.isFound && folder.kind, 'failed')
    })
  })

  it('are made, changed and removed', async () => {
    const bob = { name: 'bob', password: 'bob ✓ secret', description: 'Night shift' }

    const made = valueIn(await host.accounts.create(bob, session))
    const login = await loginKind('bob', bob.password)
    const changed = valueIn(await host.accounts.update('bob', { isEnabled: false }, session))
    const barred = await loginKind('bob', bob.password)
    const removed = await host.accounts.remove('bob', session)

    assert.deepEqual([made.name, made.id, made.description, made.isEnabled], ['bob', 1001, 'Night shift', true])
    assert.equal(login, 'passed')
    assert.deepEqual([changed.description, changed.isEnabled], ['Night shift', false])
    assert.equal(barred, 'disabled')
    assert.deepEqual(removed, done)
    assert.ok(valueIn(await host.accounts.list(session)).every(({ name }) => name !== 'bob'))
  })

  it('keep their last day when something else is changed', async () => {
    nas.state.change((extra) => {
      extra.accounts['alice']!.lastDay = [2099, 12, 31]
    })

    valueIn(await host.accounts.update('alice', { description: 'Back desk' }, session))

    assert.deepEqual(nas.state.extra.accounts['alice']!.lastDay, [2099, 12, 31])
    assert.equal(nas.state.extra.accounts['alice']!.description, 'Back desk')
  })

  it('get a new password, which is tried', async () => {
    const before = Object.keys(nas.state.extra.sessions).length

    const set = await host.accounts.setPassword('alice', 'new-secret', session)

    assert.deepEqual(set, done)
    assert.equal(await loginKind('alice', 'alice-secret'), 'wrong')
    assert.equal(await loginKind('alice', 'new-secret'), 'passed')
    assert.equal(Object.keys(nas.state.extra.sessions).length, before + 1)
  })

  it('come into groups and leave them', async () => {
    valueIn(await host.accounts.createGroup('guards', session))
    valueIn(await host.accounts.setMembers('guards', ['alice', 'admin'], session))
    const both = nas.state.members('guards')
    valueIn(await host.accounts.setMembers('guards', ['alice'], session))
    const one = nas.state.members('guards')
    valueIn(await host.accounts.removeGroup('guards', session))

    assert.deepEqual(both, ['alice', 'admin'])
    assert.deepEqual(one, ['alice'])
    assert.ok(nas.state.rows('group').every(([name]) => name !== 'guards'))
  })

  const changes: [change: string, ask: (session: HostSession | undefined) => Promise<Finding<unknown>>][] = [
    ['create', (as) => host.accounts.create({ name: 'bob', password: 'bob-secret', description: '' }, as)],
    ['update', (as) => host.accounts.update('alice', { description: 'Other' }, as)],
    ['remove', (as) => host.accounts.remove('alice', as)],
    ['set password', (as) => host.accounts.setPassword('alice', 'new-secret', as)],
    ['create group', (as) => host.accounts.createGroup('guards', as)],
    ['remove group', (as) => host.accounts.removeGroup('everyone', as)],
    ['set members', (as) => host.accounts.setMembers('everyone', ['alice'], as)],
  ]
  for (const [change, ask] of changes) {
    it(`do not believe "passed" where nothing changed: ${change}`, async () => {
      nas.state.change((extra) => {
        extra.ignoresChanges = true
      })

      const finding = await ask(session)

      assert.equal(!finding.isFound && finding.kind, 'failed')
      assert.match(finding.isFound ? '' : finding.reason, /QTS agreed, but/)
      assert.doesNotMatch(JSON.stringify(finding), /secret/)
    })

    it(`are denied without an administrator: ${change}`, async () => {
      const nobody = await ask(undefined)
      const alice = await ask(await sessionOf({ ...admin, name: 'alice', password: 'alice-secret' }))
      await host.logins.end(session)
      const ended = await ask(session)

      for (const finding of [nobody, alice, ended]) assert.equal(!finding.isFound && finding.kind, 'denied')
    })
  }

  it('are refused under a name that is taken, and where they are not there', async () => {
    const taken = await host.accounts.create({ name: 'Alice', password: 'x', description: '' }, session)
    const findings = [
      taken,
      await host.accounts.createGroup('everyone', session),
      await host.accounts.update('nobody', {}, session),
      await host.accounts.remove('nobody', session),
      await host.accounts.setPassword('nobody', 'x', session),
      await host.accounts.removeGroup('nothing', session),
      await host.accounts.setMembers('nothing', [], session),
    ]

    for (const finding of findings) assert.equal(!finding.isFound && finding.kind, 'refused')
  })

  const wrong: [what: string, field: string, ask: () => Promise<unknown>][] = [
    ['a name of 33 characters', 'name', () => host.accounts.remove('x'.repeat(33), session)],
    ['a name with a slash', 'name', () => host.accounts.remove('a/b', session)],
    ['a name like an option', 'name', () => host.accounts.remove('-rf', session)],
    ['a password of 65 characters', 'password', () => host.accounts.setPassword('alice', 'x'.repeat(65), session)],
    ['a group’s name of 129 characters', 'name', () => host.accounts.createGroup('x'.repeat(129), session)],
    ['a member with a comma', 'members.1', () => host.accounts.setMembers('everyone', ['alice', 'a,b'], session)],
    ['two lines of description', 'description', () => host.accounts.update('alice', { description: 'a\nb' }, session)],
  ]
  for (const [what, field, ask] of wrong) {
    it(`fail invalid for ${what}`, async () => {
      await assert.rejects(ask(), { kind: 'invalid', field })
    })
  }
})

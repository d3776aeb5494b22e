import assert from 'node:assert/strict'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import type { AccessRule } from '../../../shared/network.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'

const stranger = '203.0.113.9'
const guest = '198.51.100.4'

describe('the security level', () => {
  let test: TestApp
  let administrator: TestClient

  /** A client that a trusted proxy says is at an address. */
  const clientAt = (address: string): TestClient => {
    const client = test.client()
    client.headers = { 'x-forwarded-for': address }
    return client
  }
  const set = (level: AccessRule['level'], entries: string[], more = {}) =>
    administrator.request<AccessRule & FailureBody>('PUT', 'api/network/access', { level, entries, ...more })
  const statusAt = async (address: string) => (await clientAt(address).get('api/session')).status

  beforeEach(async () => {
    test = await startTestApp()
    administrator = await test.administrator()
  })
  afterEach(() => test.close())

  it('lets all connect at first', async () => {
    assert.deepEqual((await administrator.get('api/network/access')).body, { level: 'allow-all', entries: [] })
    assert.equal(await statusAt(stranger), 401)
  })

  it('keeps out what a deny list has, and nobody else', async () => {
    await set('deny-list', ['203.0.113.0/24'])

    const answer = await clientAt(stranger).get<FailureBody>('')

    assert.equal(answer.status, 403)
    assert.equal(answer.headers.get('connection'), 'close')
    assert.match(answer.body.message, /203\.0\.113\.9 are not allowed/)
    assert.equal(await statusAt(guest), 401)
  })

  it('keeps out all that an allow list has not, but never the machine itself', async () => {
    await set('allow-list', [guest])

    assert.equal(await statusAt(guest), 401)
    assert.equal(await statusAt(stranger), 403)
    assert.equal((await administrator.get('api/session')).status, 200)
  })

  it('goes by the address a trusted proxy tells, not by one the client claims before it', async () => {
    await set('deny-list', [stranger])

    assert.equal(await statusAt(`127.0.0.1, ${stranger}`), 403)
  })

  it('refuses WebSockets alike', async () => {
    const client = clientAt(stranger)
    await client.logIn('admin', test.password)
    await set('deny-list', [stranger])

    const push = client.socket('api/push', { 'x-forwarded-for': stranger })

    await assert.rejects(push.opened, (error: { status?: number }) => error.status === 403)
  })

  it('ends WebSockets that are open from an address that may not connect any more, and no others', async () => {
    const client = clientAt(stranger)
    await client.logIn('admin', test.password)
    const theirs = client.socket('api/push', { 'x-forwarded-for': stranger })
    const ours = administrator.socket('api/push')
    await Promise.all([theirs.next('hello'), ours.next('hello')])

    await set('deny-list', [stranger])

    await theirs.closed
    await test.app.log.flush()
    await ours.next('logged', ({ entry }: { entry: LogEntry }) => entry.name === 'network-access-updated')
    ours.close()
  })

  it('is refused where it would lock out who sets it, unless that is confirmed', async () => {
    administrator = clientAt(guest)
    await administrator.logIn('admin', test.password)

    const refused = await set('allow-list', [stranger])
    const rule = (await administrator.get<AccessRule>('api/network/access')).body
    const confirmed = await set('allow-list', [stranger], { isConfirmed: true })

    assert.equal(refused.status, 409)
    assert.equal(refused.body.field, 'entries')
    assert.match(refused.body.message, /lock out 198\.51\.100\.4/)
    assert.equal(rule.level, 'allow-all')
    assert.equal(confirmed.status, 200)
    assert.equal(await statusAt(guest), 403)
  })

  it('names an entry that cannot be read', async () => {
    const answer = await set('deny-list', ['10.0.0.1', 'nas.local'])

    assert.equal(answer.status, 400)
    assert.equal(answer.body.field, 'entries.1')
  })

  it('outlives a restart', async () => {
    await set('deny-list', [stranger])

    await test.restart()

    assert.equal(await statusAt(stranger), 403)
  })

  it('is logged with what it was and who changed it', async () => {
    await set('deny-list', [stranger])
    await test.app.log.flush()

    const [entry] = (await administrator.get<LogEntry[]>('api/logs?kind=setting')).body

    assert.equal(entry!.name, 'network-access-updated')
    assert.equal(entry!.username, 'admin')
    assert.deepEqual(entry!.detail, {
      level: { from: 'allow-all', to: 'deny-list' },
      entries: { from: [], to: [stranger] },
    })
  })
})

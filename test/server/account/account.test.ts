import assert from 'node:assert/strict'
import type { Session } from '../../../shared/account.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'

describe('logging in', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await startTestApp({ loginLimits: { perAccount: 3, perAddress: 5, windowSec: 900 } })
  })
  afterEach(() => test.close())

  it('is open to the administrator with the one-time password of the first start, and says that it must change', async () => {
    const client = test.client()

    const answer = await client.logIn('admin', test.password)

    assert.equal(answer.status, 200)
    assert.match(test.password, /^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/)
    const session = (await client.get<Session>('api/session')).body
    assert.equal(session.username, 'admin')
    assert.equal(session.mustChangePassword, true)
    assert.equal(session.csrfToken, answer.body.csrfToken)
  })

  it('takes the user name without regard to case', async () => {
    const answer = await test.client().logIn('ADMIN', test.password)

    assert.equal(answer.status, 200)
  })

  it('answers a wrong password and an unknown name with the same words', async () => {
    const wrong = await test.client().logIn('admin', 'wrong')
    const unknown = await test.client().logIn('nobody', 'wrong')

    assert.equal(wrong.status, 401)
    assert.deepEqual(unknown.body, wrong.body)
  })

  it('gives the session another id than the one that came with the login', async () => {
    const client = await test.administrator()
    const before = client.cookie

    await client.logIn('admin', test.password)

    assert.notEqual(client.cookie, before)
    const old = test.client()
    old.cookie = before
    assert.equal((await old.get('api/session')).status, 401)
  })

  it('sets a cookie that scripts cannot read and other sites do not send, for the base path', async () => {
    const answer = await test.client().logIn('admin', test.password)

    const cookie = answer.headers.getSetCookie()[0]!
    assert.match(cookie, /; HttpOnly/)
    assert.match(cookie, /; SameSite=Lax/)
    assert.match(cookie, /; Path=\/qvrpro\/;/)
  })

  it('cannot be asked by a page of another origin: as a form it is refused, and JSON needs leave', async () => {
    const login = JSON.stringify({ username: 'admin', password: test.password })

    const form = await test.client().request('POST', 'api/login', login, { 'content-type': 'text/plain' })
    const preflight = await test.client().request('OPTIONS', 'api/login', undefined, {
      origin: 'http://evil.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    })

    assert.equal(form.status, 400)
    assert.equal(preflight.headers.get('access-control-allow-origin'), null)
  })

  it('is limited by account, also with the right password then', async () => {
    for (let tries = 0; tries < 3; tries++) await test.client().logIn('admin', 'wrong')

    const answer = await test.client().logIn('admin', test.password)

    assert.equal(answer.status, 429)
    assert.equal(answer.body.kind, 'rate-limited')
    assert.ok(Number(answer.headers.get('retry-after')) > 800)
  })

  it('is limited by address, whatever the names', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await test.client().logIn(name, 'wrong')

    const answer = await test.client().logIn('f', 'wrong')

    assert.equal(answer.status, 429)
  })

  it('stays open to the owner at the usual place while a stranger spends the account’s tries', async () => {
    await test.administrator()
    const stranger = test.client()
    stranger.headers = { 'x-forwarded-for': '203.0.113.9' }
    for (let tries = 0; tries < 4; tries++) await stranger.logIn('admin', 'wrong')

    const answer = await test.client().logIn('admin', test.password)

    assert.equal(answer.status, 200)
    assert.equal((await stranger.logIn('admin', 'wrong')).status, 429)
  })

  it('is written to the durable log, failed or not, with name and address', async () => {
    await test.client().logIn('admin', 'wrong')
    const client = await test.administrator()
    await test.app.log.flush()

    const { body } = await client.get<LogEntry[]>('api/logs?kind=connection')

    assert.deepEqual(
      body.map(({ name, username, address }) => [name, username, address]),
      [
        ['logged-in', 'admin', '127.0.0.1'],
        ['login-failed', 'admin', '127.0.0.1'],
      ],
    )
  })

  it('outlives a restart of the server', async () => {
    const client = await test.administrator()

    await test.restart()

    const again = test.client()
    again.cookie = client.cookie
    assert.equal((await again.get<Session>('api/session')).body.username, 'admin')
    assert.equal(test.app.firstPassword, undefined)
  })

  it('tells when the login before was', async () => {
    await test.administrator()

    const client = test.client()
    const { body } = await client.post<Session>('api/login', { username: 'admin', password: test.password })

    assert.ok(body.lastLoginMs! > Date.now() - 60_000)
  })
})

describe('logging out', () => {
  it('ends the session and its sockets', async () => {
    const test = await startTestApp()
    const client = await test.administrator()
    const push = client.socket('api/push')
    await push.next('hello')

    const answer = await client.post('api/logout')

    assert.equal(answer.status, 204)
    await push.next('session-ended')
    assert.equal(await push.closed, 4401)
    assert.equal((await client.get('api/session')).status, 401)
    await test.close()
  })
})

describe('changing the password', () => {
  let test: TestApp
  beforeEach(async () => {
    test = await startTestApp()
  })
  afterEach(() => test.close())

  it('asks for the one now, and names the field where it is wrong', async () => {
    const client = await test.administrator()

    const answer = await client.post<FailureBody>('api/account/password', { current: 'wrong', next: 'long enough' })

    assert.equal(answer.status, 400)
    assert.equal(answer.body.field, 'current')
  })

  it('asks for 8 characters', async () => {
    const client = await test.administrator()

    const answer = await client.post<FailureBody>('api/account/password', { current: test.password, next: 'short' })

    assert.equal(answer.status, 400)
    assert.equal(answer.body.field, 'next')
    assert.match(answer.body.message, /8 characters/)
  })

  it('takes effect, ends the other sessions, and keeps this one', async () => {
    const client = await test.administrator()
    const other = await test.administrator()

    const answer = await client.post('api/account/password', { current: test.password, next: 'a new password' })

    assert.equal(answer.status, 204)
    assert.equal((await other.get('api/session')).status, 401)
    assert.equal((await client.get<Session>('api/session')).body.mustChangePassword, false)
    assert.equal((await test.client().logIn('admin', test.password)).status, 401)
    assert.equal((await test.client().logIn('admin', 'a new password')).status, 200)
  })
})

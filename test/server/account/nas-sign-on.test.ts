import assert from 'node:assert/strict'
import type { Session } from '../../../shared/account.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import { NasApp } from '../../support/nas/nas-app.ts'
import { startTestApp } from '../../support/test-app.ts'
import { type Answer, TestClient } from '../../support/test-client.ts'

describe('logging in by way of the desktop of a NAS', () => {
  let app: NasApp
  before(async () => {
    app = await NasApp.start()
    app.setAccount('alice', { rememberToken: 'q-alice' })
  })
  after(() => app.close())

  /** Opens a session at the desktop of the NAS, as its own page does; gives the cookies it leaves. */
  async function desktopOf(user: string, password: string): Promise<string> {
    const body = new URLSearchParams({ user, pwd: Buffer.from(password).toString('base64') })
    const text = await (await fetch(`${app.nas.baseUrl}/cgi-bin/authLogin.cgi`, { method: 'POST', body })).text()
    return `NAS_USER=${user}; NAS_SID=${/<authSid><!\[CDATA\[(\w+)/.exec(text)![1]}`
  }

  /** Asks as a page of ours does, but for `headers`. */
  function ask(
    cookie: string,
    headers: Record<string, string> = {},
    isAsked = false,
  ): Promise<Answer<FailureBody & Session>> {
    const { origin } = new URL(app.test.app.url)
    return app.test
      .client()
      .request('POST', 'api/login/nas', { isAsked }, { origin, 'sec-fetch-site': 'same-origin', cookie, ...headers })
  }

  /** A client that goes on with the session of an answer. */
  function goOn(answer: Answer<Session>): TestClient {
    const client = new TestClient(app.test.app.url)
    client.cookie = answer.headers.getSetCookie()[0]!.split(';')[0]!
    client.token = answer.body.csrfToken
    return client
  }

  it('takes the desktop’s session, with the rights it has there, and leaves it open', async () => {
    const cookie = await desktopOf('admin', 'pässwört✓ 1')
    const answer = await ask(cookie)
    const client = goOn(answer)

    const made = await client.post('api/accounts', { username: 'kim', password: 'kim-first-1' })
    await client.post('api/logout')

    assert.deepEqual([answer.status, answer.body.username, answer.body.isAdministrator], [200, 'admin', true])
    assert.equal(made.status, 201)
    assert.equal((await ask(cookie, {}, true)).status, 200)
  })

  it('takes what the desktop leaves with who asked to be remembered', async () => {
    const answer = await ask('NAS_USER=alice; qtoken=q-alice')

    assert.deepEqual([answer.status, answer.body.username], [200, 'alice'])
  })

  it('is refused for other pages, other people, old cookies and none', async () => {
    const cookie = await desktopOf('admin', 'pässwört✓ 1')
    const refused = await Promise.all([
      ask(cookie, { origin: 'http://evil.example' }),
      ask(cookie, { 'sec-fetch-site': 'same-site' }),
      ask(cookie, { 'sec-fetch-site': 'cross-site' }),
      ask(cookie, { origin: 'null' }),
      app.test.client().request<FailureBody>('POST', 'api/login/nas', {}, { cookie }),
      ask(cookie.replace('admin', 'alice')),
      ask('NAS_USER=admin; NAS_SID=gone'),
      ask('NAS_USER=alice; qtoken=wrong'),
      ask('NAS_USER=alice'),
      ask(''),
    ])

    assert.deepEqual(
      refused.map(({ status }) => status),
      refused.map(() => 401),
    )
    assert.equal((await ask(cookie)).status, 200)
  })

  it('asks the NAS once for cookies it does not know', async () => {
    const asked = () => app.nas.state.requests().filter(({ fields }) => fields['sid'] === 'stale').length
    for (let i = 0; i < 3; i++) await ask('NAS_USER=admin; NAS_SID=stale')

    assert.equal(asked(), 1)
  })

  it('waits for a wish where the person has just logged out', async () => {
    const cookie = await desktopOf('admin', 'pässwört✓ 1')
    const client = goOn(await ask(cookie))
    client.cookie = `${client.cookie}; ${cookie}`
    await client.post('api/logout')

    const unasked = await ask(cookie)
    const asked = await ask(cookie, {}, true)

    assert.deepEqual([unasked.status, asked.status], [401, 200])
    assert.match(unasked.body.message, /just logged out/)
  })

  it('is switched off and on by an administrator', async () => {
    const administrator = await app.administrator()
    const cookie = await desktopOf('admin', 'pässwört✓ 1')

    await administrator.must('PUT', 'api/accounts/nas-sign-on', { isOn: false })
    const off = await ask(cookie, {}, true)
    await administrator.must('PUT', 'api/accounts/nas-sign-on', { isOn: true })
    const on = await ask(cookie)

    assert.deepEqual([off.status, on.status], [401, 200])
    assert.match(off.body.message, /switched off/)
  })

  it('is not there where there is no NAS', async () => {
    const plain = await startTestApp()
    try {
      const answer = await plain.client().post('api/login/nas', {})
      const mirror = await (await plain.administrator()).must<{ isOn: boolean }>('GET', 'api/accounts/mirror')

      assert.equal(answer.status, 404)
      assert.equal(mirror.isOn, false)
    } finally {
      await plain.close()
    }
  })
})

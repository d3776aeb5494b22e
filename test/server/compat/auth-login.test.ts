import assert from 'node:assert/strict'
import { generate } from 'otplib'
import type { AccountView, SecondFactorOffer } from '../../../shared/account.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')

/** Leaves of an answer; QTS wraps each in CDATA. */
function leavesOf(xml: string): Record<string, string> {
  const leaves = xml.matchAll(/<(\w+)>((?:<!\[CDATA\[.*?\]\]>)+)<\/\1>/g)
  return Object.fromEntries(
    Array.from(leaves, ([, name, text]) => [
      name,
      text!.replaceAll(']]]]><![CDATA[>', ']]>').replace(/^<!\[CDATA\[|\]\]>$/g, ''),
    ]),
  )
}

describe('authLogin.cgi', () => {
  let test: TestApp
  let admin: TestClient

  beforeEach(async () => {
    test = await startTestApp({ loginLimits: { perAccount: 5, perAddress: 30, windowSec: 900 } })
    admin = await test.administrator()
    await admin.must('POST', 'api/accounts', {
      username: 'mia',
      password: 'correct horse',
      mustChangePassword: false,
    })
  })
  afterEach(() => test.close())

  async function ask(values: Record<string, string>, method: 'GET' | 'POST' = 'POST', headers = {}) {
    const url = new URL('/cgi-bin/authLogin.cgi', test.app.url)
    const form = new URLSearchParams(values)
    if (method === 'GET') url.search = form.toString()
    const response = await fetch(url, { method, headers, ...(method === 'POST' ? { body: form } : {}) })
    return { status: response.status, type: response.headers.get('content-type'), ...leavesOf(await response.text()) }
  }

  const login = (user: string, password: string, more: Record<string, string> = {}) =>
    ask({ user, pwd: base64(password), serviceKey: '1', ...more })

  for (const method of ['GET', 'POST'] as const) {
    it(`logs in by ${method}, in the form clients of QTS read`, async () => {
      const answer = await ask({ user: 'mia', pwd: base64('correct horse') }, method)

      assert.equal(answer.status, 200)
      assert.equal(answer.type, 'text/xml')
      assert.equal(answer['authPassed' as never], '1')
      assert.match(answer['authSid' as never], /^[0-9a-f]{32}$/)
      assert.equal(answer['isAdmin' as never], '0')
      assert.equal(answer['username' as never], 'mia')
    })
  }

  it('answers a wrong password and an unknown name alike, with 200 and no sid', async () => {
    const wrong = await login('mia', 'wrong')
    const unknown = await login('nobody', 'wrong')

    assert.deepEqual(wrong, unknown)
    assert.equal(wrong.status, 200)
    assert.equal(wrong['authPassed' as never], '0')
    assert.equal(wrong['errorValue' as never], '-1')
    assert.equal(wrong['authSid' as never], undefined)
  })

  it('tells by the sid who is logged in, until it is logged out', async () => {
    const { authSid: sid } = (await login('mia', 'correct horse')) as unknown as Record<string, string>

    const before = await ask({ sid: sid! }, 'GET')
    await fetch(new URL(`/cgi-bin/authLogout.cgi?sid=${sid}&logout=1`, test.app.url))
    const after = await ask({ sid: sid! }, 'GET')

    assert.equal(before['authPassed' as never], '1')
    assert.equal(before['user' as never], 'mia')
    assert.equal(after['authPassed' as never], '0')
  })

  it('ends its sessions when the account is disabled, or its password changes', async () => {
    const { authSid: sid } = (await login('mia', 'correct horse')) as unknown as Record<string, string>
    const mia = (await admin.get<AccountView[]>('api/accounts')).body.find((one) => one.username === 'mia')!

    await admin.must('POST', `api/accounts/${mia.id}/password`, {
      password: 'battery staple',
      mustChangePassword: false,
    })

    assert.equal((await ask({ sid: sid! }))['authPassed' as never], '0')
    const again = (await login('mia', 'battery staple')) as unknown as Record<string, string>
    await admin.must('PATCH', `api/accounts/${mia.id}`, { isEnabled: false })
    assert.equal((await ask({ sid: again['authSid']! }))['authPassed' as never], '0')
  })

  it('asks for the second step by both names that firmware has used, and takes its code', async () => {
    const mia = test.client()
    await mia.logIn('mia', 'correct horse')
    const { secret } = await mia.must<SecondFactorOffer>('POST', 'api/account/second-factor/offer', {
      password: 'correct horse',
    })
    // The code of the step before, so that the one of now is still good for the login.
    const early = await generate({ secret, epoch: Math.floor(Date.now() / 1000) - 30 })
    await mia.must('POST', 'api/account/second-factor/confirm', { code: early })

    const first = await login('mia', 'correct horse')
    const second = await login('mia', 'correct horse', { security_code: await generate({ secret }) })

    assert.equal(first['authPassed' as never], '0')
    assert.equal(first['need_2sv' as never], '1')
    assert.equal(first['need_2_step_verification' as never], '1')
    assert.equal(second['authPassed' as never], '1')
  })

  it('says that a password has expired by its number, and gives no sid', async () => {
    await admin.must('POST', 'api/accounts', { username: 'new', password: 'correct horse' })
    await admin.must('POST', 'api/accounts', { username: 'boss', password: 'correct horse', isAdministrator: true })

    const user = await login('new', 'correct horse')
    const boss = await login('boss', 'correct horse')

    assert.equal(user['errorValue' as never], '-4')
    assert.equal(boss['errorValue' as never], '-3')
    assert.equal(user['authSid' as never], undefined)
  })

  it('takes a plain password from this machine, and not through a proxy', async () => {
    const values = { user: 'mia', plain_pwd: 'correct horse' }

    const here = await ask(values)
    const proxied = await ask(values, 'POST', { 'x-forwarded-for': '192.0.2.7' })

    assert.equal(here['authPassed' as never], '1')
    assert.equal(proxied['authPassed' as never], '0')
  })

  it('is limited as the log-in page is', async () => {
    for (let tries = 0; tries < 5; tries++) await login('mia', 'wrong')

    assert.equal((await login('mia', 'correct horse'))['authPassed' as never], '0')
    assert.equal((await test.client().logIn('mia', 'correct horse')).status, 429)
  })

  for (const [what, values] of [
    ['nothing', {}],
    ['no password', { user: 'mia' }],
    ['a password that is no base64', { user: 'mia', pwd: '*' }],
    ['a name as long as a page', { user: 'm'.repeat(3000), pwd: base64('x') }],
    ['a sid that is none', { sid: "' or 1=1 --" }],
    ['a name with markup', { user: ']]><x>', pwd: base64('x') }],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const answer = await ask(values)

      assert.equal(answer.status, 200)
      assert.equal(answer['authPassed' as never], '0')
    })
  }
})

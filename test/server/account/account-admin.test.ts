import assert from 'node:assert/strict'
import { generate } from 'otplib'
import type { Clock } from '../../../server/base/clock.ts'
import { systemClock } from '../../../server/base/clock.ts'
import type { AccountView, OpenSession, SecondFactorOffer, Session } from '../../../shared/account.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'

/** The machine's clock, moved on by hand. */
class MovedClock implements Clock {
  aheadMs = 0
  utcUs = () => systemClock.utcUs() + this.aheadMs * 1000
  monotonicUs = () => systemClock.monotonicUs() + this.aheadMs * 1000
}

const minuteMs = 60_000
const dayMs = 1440 * minuteMs

describe('accounts', () => {
  let clock: MovedClock
  let test: TestApp
  let admin: TestClient

  beforeEach(async () => {
    clock = new MovedClock()
    test = await startTestApp({ clock })
    admin = await test.administrator()
  })
  afterEach(() => test.close())

  async function make(username: string, more: object = {}): Promise<AccountView> {
    const draft = { username, password: 'correct horse', mustChangePassword: false, ...more }
    return admin.must<AccountView>('POST', 'api/accounts', draft)
  }

  async function loggedIn(username: string, password = 'correct horse'): Promise<TestClient> {
    const client = test.client()
    const answer = await client.logIn(username, password)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return client
  }

  it('are made by administrators, and log in', async () => {
    const made = await make('mia', { email: 'mia@example.org', phone: '+49 30 1234' })

    const mia = await loggedIn('Mia')

    assert.equal(made.email, 'mia@example.org')
    assert.equal((await mia.get<Session>('api/session')).body.username, 'mia')
    const names = (await admin.get<AccountView[]>('api/accounts')).body.map((one) => one.username)
    assert.deepEqual(names, ['admin', 'mia'])
  })

  it('may see but not set anything unless they are administrators', async () => {
    await make('mia')
    const mia = await loggedIn('mia')

    const session = (await mia.get<Session>('api/session')).body
    const refused = await Promise.all([
      mia.get('api/accounts'),
      mia.get('api/logs'),
      mia.post('api/accounts', { username: 'eve', password: 'correct horse', isAdministrator: true }),
      mia.post('api/cameras', { name: 'x', streams: [] }),
      mia.post('api/cameras/any/ptz/move', { pan: 1 }),
      mia.request('PATCH', 'api/account-policy', { idleMinutes: 1 }),
    ])

    assert.deepEqual(session.privileges, ['live.view', 'playback.view', 'system.view', 'account.self'])
    assert.deepEqual([...new Set(refused.map(({ status }) => status))], [403])
    assert.equal((await mia.get('api/cameras')).status, 200)
  })

  for (const [name, fault] of [
    ['', /is required/],
    ['a'.repeat(33), /32 characters or fewer/],
    ['a b', /letters, digits and/],
    ['a/b', /letters, digits and/],
    ['<b>', /letters, digits and/],
  ] as const) {
    it(`cannot be called ${JSON.stringify(name.slice(0, 12))}`, async () => {
      const answer = await admin.post<FailureBody>('api/accounts', { username: name, password: 'correct horse' })

      assert.equal(answer.status, 400)
      assert.equal(answer.body.field, 'username')
      assert.match(answer.body.message, fault)
    })
  }

  it('may be called what the guide allows: in Latin, Cyrillic, Chinese, Japanese and Korean letters', async () => {
    for (const name of ['Ann-Marie_1.{x}', 'Мария', '李小龍', 'さくらサクラー', '김민수', '~!@#$^&()']) await make(name)

    assert.equal((await admin.get<AccountView[]>('api/accounts')).body.length, 7)
  })

  it('have names of their own, whatever the case', async () => {
    await make('mia')

    const answer = await admin.post<FailureBody>('api/accounts', { username: 'MIA', password: 'correct horse' })

    assert.equal(answer.status, 409)
    assert.equal(answer.body.field, 'username')
  })

  it('that are disabled are logged out at once, and told so with the right password only', async () => {
    const { id } = await make('mia')
    const mia = await loggedIn('mia')
    const socket = mia.socket('api/push')
    await socket.opened

    await admin.must('PATCH', `api/accounts/${id}`, { isEnabled: false })

    await socket.closed
    assert.equal((await mia.get('api/session')).status, 401)
    const right = await test.client().logIn('mia', 'correct horse')
    const wrong = await test.client().logIn('mia', 'wrong')
    const unknown = await test.client().logIn('nobody', 'wrong')
    assert.equal(right.status, 403)
    assert.match(right.body.message, /disabled/)
    assert.deepEqual(wrong.body, unknown.body)
  })

  it('that are removed are logged out at once', async () => {
    const { id } = await make('mia')
    const mia = await loggedIn('mia')

    assert.equal((await admin.request('DELETE', `api/accounts/${id}`)).status, 204)

    assert.equal((await mia.get('api/session')).status, 401)
    assert.equal((await test.client().logIn('mia', 'correct horse')).status, 401)
  })

  it('keep `admin` as it is, and one’s own from being removed', async () => {
    const boss = await make('boss', { isAdministrator: true })
    const [own] = (await admin.get<AccountView[]>('api/accounts')).body.filter((one) => one.username === 'admin')
    const bossClient = await loggedIn('boss')

    const answers = await Promise.all([
      bossClient.request('DELETE', `api/accounts/${own!.id}`),
      bossClient.request('PATCH', `api/accounts/${own!.id}`, { isAdministrator: false }),
      bossClient.request('PATCH', `api/accounts/${own!.id}`, { isEnabled: false }),
      bossClient.request('DELETE', `api/accounts/${boss.id}`),
    ])

    assert.deepEqual(
      answers.map(({ status }) => status),
      [409, 409, 409, 409],
    )
  })

  it('must change a password that an administrator gave them, before anything else', async () => {
    await make('mia', { mustChangePassword: true })
    const mia = await loggedIn('mia')
    const before = await mia.get<FailureBody>('api/cameras')

    const { status } = await mia.post('api/account/password', { current: 'correct horse', next: 'battery staple' })

    assert.equal(before.status, 403)
    assert.match(before.body.message, /change your password first/)
    assert.equal(status, 204)
    assert.equal((await mia.get('api/cameras')).status, 200)
  })

  it('must change a password that is older than the policy allows', async () => {
    await make('mia')
    await admin.must('PATCH', 'api/account-policy', { password: { maxAgeDays: 30 } })
    const mia = await loggedIn('mia')
    assert.equal((await mia.get<Session>('api/session')).body.isPasswordExpired, false)

    clock.aheadMs = 31 * dayMs

    const session = (await mia.get<Session>('api/session')).body
    assert.equal(session.isPasswordExpired, true)
    assert.deepEqual(session.privileges, ['account.self'])
    const refused = await mia.get<FailureBody>('api/cameras')
    // By the field the page knows to ask for another one at once.
    assert.deepEqual([refused.status, refused.body.field], [403, 'password'])
  })

  for (const [rule, password, fault] of [
    [{ minLength: 12 }, 'short', /12 characters or more/],
    [{ needsLowerCase: true }, 'UPPER CASE', /lower-case/],
    [{ needsUpperCase: true }, 'lower case', /upper-case/],
    [{ needsDigit: true }, 'no digit here', /digit/],
    [{ needsSpecial: true }, 'abcdefgh1', /sign/],
    [{ forbidsRepeats: true }, 'baaad password', /three times/],
    [{ minLength: 1, forbidsUsername: true }, 'AIM', /user name/],
  ] as const) {
    it(`have passwords that the policy allows: ${JSON.stringify(rule)}`, async () => {
      await admin.must('PATCH', 'api/account-policy', { password: rule })

      const answer = await admin.post<FailureBody>('api/accounts', { username: 'mia', password })

      assert.equal(answer.status, 400)
      assert.equal(answer.body.field, 'password')
      assert.match(answer.body.message, fault)
    })
  }

  it('keep the policy over a restart', async () => {
    await admin.must('PATCH', 'api/account-policy', { password: { needsDigit: true }, idleMinutes: 5 })

    await test.restart()

    const policy = (await (await test.administrator()).get<{ idleMinutes: number }>('api/account-policy')).body
    assert.equal(policy.idleMinutes, 5)
  })

  it('write what was done to the log, with old and new values and no password', async () => {
    const { id } = await make('mia')
    await admin.must('PATCH', `api/accounts/${id}`, { isAdministrator: true })
    await admin.must('POST', `api/accounts/${id}/password`, { password: 'a new secret' })

    const entries = (await admin.get<{ entries: LogEntry[] }>('api/logs?kind=setting')).body
    const text = JSON.stringify(entries)

    assert.match(text, /account-created/)
    assert.match(text, /"isAdministrator":\{"before":false,"after":true\}/)
    assert.match(text, /password-reset/)
    assert.doesNotMatch(text, /correct horse|a new secret/)
  })

  describe('second step', () => {
    const codeOf = (secret: string) => generate({ secret, epoch: Math.floor(clock.utcUs() / 1e6) })

    async function turnOn(client: TestClient): Promise<{ secret: string; recoveryCodes: string[] }> {
      const offer = await client.must<SecondFactorOffer>('POST', 'api/account/second-factor/offer', {
        password: 'correct horse',
      })
      const code = await codeOf(offer.secret)
      const given = await client.must<{ recoveryCodes: string[] }>('POST', 'api/account/second-factor/confirm', {
        code,
      })
      clock.aheadMs += minuteMs
      return { secret: offer.secret, ...given }
    }

    const logInWith = (code?: string) =>
      test.client().post<FailureBody>('api/login', { username: 'mia', password: 'correct horse', code })

    beforeEach(() => make('mia'))

    it('is asked for after the right password only, once it was confirmed', async () => {
      const mia = await loggedIn('mia')
      await mia.must('POST', 'api/account/second-factor/offer', { password: 'correct horse' })
      assert.equal((await logInWith()).status, 200)
      await turnOn(mia)

      const missing = await logInWith()
      const wrongPassword = await test.client().logIn('mia', 'wrong')

      assert.equal(missing.status, 401)
      assert.equal(missing.body.field, 'code')
      assert.equal(wrongPassword.body.field, undefined)
    })

    it('takes a code of the app once, also of a clock that is half a minute off', async () => {
      const { secret } = await turnOn(await loggedIn('mia'))
      const code = await codeOf(secret)
      clock.aheadMs += 25_000

      const first = await logInWith(code)
      const again = await logInWith(code)

      assert.equal(first.status, 200)
      assert.equal(again.status, 401)
      assert.match(again.body.message, /wrong, or was used already/)
    })

    it('lets of two log-ins with one code one through', async () => {
      const { secret } = await turnOn(await loggedIn('mia'))
      const code = await codeOf(secret)

      const both = await Promise.all([logInWith(code), logInWith(code)])

      assert.deepEqual(both.map(({ status }) => status).sort(), [200, 401])
    })

    it('takes each recovery code once, however it is typed', async () => {
      const { recoveryCodes } = await turnOn(await loggedIn('mia'))
      const [first, second] = recoveryCodes

      const statuses = [
        (await logInWith(first)).status,
        (await logInWith(first)).status,
        (await logInWith(second!.toUpperCase().replaceAll('-', ' '))).status,
      ]

      assert.equal(recoveryCodes.length, 10)
      assert.deepEqual(statuses, [200, 401, 200])
    })

    it('is limited as passwords are', async () => {
      await turnOn(await loggedIn('mia'))
      let status = 0
      for (let tries = 0; tries < 40 && status !== 429; tries++) status = (await logInWith('000000')).status

      assert.equal(status, 429)
    })

    it('is turned on and off with the password only, and ends other logins when it comes on', async () => {
      const mia = await loggedIn('mia')
      const other = await loggedIn('mia')

      const refused = await mia.post<FailureBody>('api/account/second-factor/offer', { password: 'wrong' })
      await turnOn(mia)
      const refusedOff = await mia.post<FailureBody>('api/account/second-factor/off', { password: 'wrong' })
      await mia.must('POST', 'api/account/second-factor/off', { password: 'correct horse' })

      assert.equal(refused.body.field, 'password')
      assert.equal(refusedOff.body.field, 'password')
      assert.equal((await other.get('api/session')).status, 401)
      assert.equal((await logInWith()).status, 200)
    })

    it('is turned off by an administrator for somebody who lost the phone', async () => {
      await turnOn(await loggedIn('mia'))
      const [, mia] = (await admin.get<AccountView[]>('api/accounts')).body

      await admin.must('DELETE', `api/accounts/${mia!.id}/second-factor`)

      assert.equal(mia!.hasSecondFactor, true)
      assert.equal((await logInWith()).status, 200)
    })
  })

  describe('open logins', () => {
    it('are listed with address and browser, everybody’s for administrators and one’s own for others', async () => {
      await make('mia')
      const mia = test.client()
      mia.headers['user-agent'] = 'Test browser'
      await mia.logIn('mia', 'correct horse')

      const all = (await admin.get<OpenSession[]>('api/sessions')).body
      const own = (await mia.get<OpenSession[]>('api/sessions')).body

      assert.deepEqual(all.map((one) => one.username).sort(), ['admin', 'mia'])
      assert.equal(own.length, 1)
      assert.equal(own[0]!.userAgent, 'Test browser')
      assert.equal(own[0]!.address, '127.0.0.1')
      assert.equal(own[0]!.isThis, true)
      assert.ok(!mia.cookie.includes(own[0]!.id))
    })

    it('are ended one by one; nobody but administrators ends another’s', async () => {
      await make('mia')
      const mia = await loggedIn('mia')
      const all = (await admin.get<OpenSession[]>('api/sessions')).body
      const idOf = (name: string) => all.find((one) => one.username === name)!.id

      const refused = await mia.request('DELETE', `api/sessions/${idOf('admin')}`)
      const ended = await admin.request('DELETE', `api/sessions/${idOf('mia')}`)

      assert.equal(refused.status, 404)
      assert.equal(ended.status, 204)
      assert.equal((await mia.get('api/session')).status, 401)
    })

    it('end after the idle minutes of the policy, counted from the last request that a person made', async () => {
      await make('mia')
      const idle = await loggedIn('mia')
      const busy = await loggedIn('mia')
      await admin.must('PATCH', 'api/account-policy', { idleMinutes: 10 })
      clock.aheadMs += 8 * minuteMs
      await busy.get('api/cameras')
      await idle.request('GET', 'api/cameras', undefined, { 'x-nightjar-unattended': '1' })

      clock.aheadMs += 3 * minuteMs
      await (await test.administrator()).must('PATCH', 'api/account-policy', { idleMinutes: 10 })

      assert.equal((await idle.get('api/session')).status, 401)
      assert.equal((await busy.get('api/session')).status, 200)
    })
  })
})

import assert from 'node:assert/strict'
import type { AccountView, Session } from '../../../shared/account.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import { NasApp } from '../../support/nas/nas-app.ts'
import type { NasExtra } from '../../support/nas/nas-state.ts'

describe('logging in with the accounts of a NAS', () => {
  let app: NasApp
  before(async () => {
    app = await NasApp.start()
  })
  after(() => app.close())
  afterEach(() => setFault(undefined))

  function setFault(fault: NasExtra['loginFault'], name: NasExtra['secondStepName'] = 'need_2sv'): void {
    app.nas.state.change((extra) => {
      if (fault === undefined) delete extra.loginFault
      else extra.loginFault = fault
      extra.secondStepName = name
      extra.failures = {}
    })
  }

  /** What a log-in is answered: status, kind, field and message. */
  async function outcome(
    username: string,
    password: string,
    code?: string,
  ): Promise<[number, string?, string?, string?]> {
    const answer = await app.test.client().post<FailureBody>('api/login', { username, password, code })
    return answer.status === 200 ? [200] : [answer.status, answer.body.kind, answer.body.field, answer.body.message]
  }

  it('makes no first password, and lets an administrator of the NAS in as an administrator', async () => {
    const session = (await (await app.administrator()).get<Session>('api/session')).body

    assert.equal(app.test.app.firstPassword, undefined)
    assert.equal(session.isAdministrator, true)
    assert.equal(session.canChangePassword, true)
    assert.equal(session.mustChangePassword, false)
  })

  it('mirrors who logs in, tells the NAS the address, and ends the session there with the one here', async () => {
    const administrator = await app.administrator()
    const alice = await app.loggedIn('alice', 'alice-secret')
    const sids = () => Object.values(app.nas.state.extra.sessions).filter(({ user }) => user === 'alice').length
    const opened = sids()

    const listed = (await administrator.get<AccountView[]>('api/accounts')).body.find((one) => one.username === 'alice')
    await alice.post('api/logout')

    assert.equal(listed?.source, 'nas')
    assert.equal(listed.isAdministrator, false)
    assert.equal(
      app.nas.state.requests().findLast(({ fields }) => fields['user'] === 'alice')?.fields['remote_ip'],
      '127.0.0.1',
    )
    assert.equal(opened, 1)
    await until(() => sids() === 0)
  })

  it('says of a log-in that fails what the NAS says, and no more to who has no password', async () => {
    app.setAccount('off', { isEnabled: false }, 1101)
    app.setAccount('old', { lastDay: [2020, 1, 31] }, 1102)
    app.setAccount('stale', { isPasswordExpired: true }, 1103)
    app.setAccount('bare', { isSecondStepForced: true }, 1104)

    const [off, old, stale, bare, wrong, unknown] = await Promise.all([
      outcome('off', 'off-secret'),
      outcome('old', 'old-secret'),
      outcome('stale', 'stale-secret'),
      outcome('bare', 'bare-secret'),
      outcome('alice', 'wrong'),
      outcome('nobody', 'wrong'),
    ])

    assert.deepEqual(off, [403, 'forbidden', undefined, 'this account is disabled: ask an administrator'])
    assert.match(old[3] ?? '', /^this account has expired/)
    assert.match(stale[3] ?? '', /^the password has expired/)
    assert.match(bare[3] ?? '', /second step, and this account has none/)
    assert.deepEqual([old[0], stale[0], bare[0]], [403, 403, 403])
    assert.deepEqual(wrong, [401, 'unauthenticated', undefined, 'the user name or the password is wrong'])
    assert.deepEqual(unknown, wrong)
    const open = Object.values(app.nas.state.extra.sessions).map(({ user }) => user)
    assert.deepEqual(
      open.filter((user) => user !== 'admin'),
      [],
    )
  })

  for (const name of ['need_2sv', 'need_2_step_verification'] as const) {
    it(`asks for the second step where the NAS does, by ${name}`, async () => {
      setFault(undefined, name)
      app.setAccount('zoe', { secondStep: { code: '123456', lostPhone: '1', emergencyTries: 0 } }, 1110)

      const asked = await outcome('zoe', 'zoe-secret')
      const wrong = await outcome('zoe', 'zoe-secret', '654321')
      const noCode = await outcome('zoe', 'zoe-secret', 'abcde-fghij-kmnpq')
      const right = await outcome('zoe', 'zoe-secret', '123456')

      assert.deepEqual(asked.slice(0, 3), [401, 'unauthenticated', 'code'])
      assert.deepEqual(wrong.slice(0, 3), [401, 'unauthenticated', 'code'])
      assert.deepEqual(noCode.slice(0, 3), [401, 'unauthenticated', 'code'])
      assert.deepEqual(right, [200])
    })
  }

  it('lets accounts of a domain in, however its name is written', async () => {
    app.nas.state.write('/etc/config/domain', 'OFFICE\n')
    app.setAccount('OFFICE+carol', { password: 'carol-secret' })

    const session = (await (await app.loggedIn('OFFICE\\carol', 'carol-secret')).get<Session>('api/session')).body

    assert.equal(session.username, 'OFFICE+carol')
    assert.equal(session.isAdministrator, false)
  })

  for (const fault of ['html', 'status-500', 'hang', 'no-sid'] as const) {
    it(`lets nobody in, and says that the NAS is at fault, where it answers a log-in so: ${fault}`, async () => {
      setFault(fault)

      const answer = await outcome('admin', 'pässwört✓ 1')

      assert.deepEqual(answer.slice(0, 2), [502, 'unreachable'])
    })
  }

  it('asks again where the NAS says yes without a session', async () => {
    setFault('no-sid-once')

    assert.deepEqual(await outcome('alice', 'alice-secret'), [200])
  })

  it('counts tries before the NAS is asked, for each account', async () => {
    const limited = await NasApp.start({ loginLimits: { perAccount: 2, perAddress: 50, windowSec: 900 } })
    try {
      const client = limited.test.client()
      await Promise.all([client.logIn('alice', 'wrong'), client.logIn('alice', 'wrong')])
      const before = limited.nas.state.requests().length

      const { status, headers } = await client.logIn('alice', 'alice-secret')

      assert.equal(status, 429)
      assert.ok(Number(headers.get('retry-after')) > 0)
      assert.equal(limited.nas.state.requests().length, before)
    } finally {
      await limited.close()
    }
  })

  it('leaves the NAS’s own address of QVR Pro’s clients to the NAS', async () => {
    const answer = await fetch(new URL('/cgi-bin/authLogin.cgi', app.test.app.url))

    assert.equal(answer.status, 404)
  })

  it('keeps no password and no session of the NAS in its log', async () => {
    const administrator = await app.administrator()

    const log = JSON.stringify((await administrator.get<LogEntry[]>('api/logs?limit=500')).body)

    assert.match(log, /logged in/)
    for (const sid of Object.keys(app.nas.state.extra.sessions)) assert.ok(!log.includes(sid))
    assert.ok(!log.includes('alice-secret') && !log.includes('pässwört'))
  })
})

async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 3000
  while (!isSo()) {
    assert.ok(performance.now() < endMs, 'it did not come about within 3 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

import assert from 'node:assert/strict'
import { loadCertificate } from '../../../../scripts/cameras/certificate.ts'
import type { HostLoginOutcome } from '../../../../server/host/login.ts'
import { createQtsHost } from '../../../../server/host/qts/qts-host.ts'
import type { NasAccount } from '../../../support/nas/nas-state.ts'
import { SimulatedNas } from '../../../support/nas/simulated-nas.ts'
import { makeTestFolder } from '../../../support/test-folder.ts'

const attempt = { name: 'alice', password: 'alice-secret', clientAddress: '192.0.2.7' }

describe('login at QTS', () => {
  let nas: SimulatedNas
  beforeEach(async () => {
    nas = await SimulatedNas.start(makeTestFolder())
  })
  afterEach(() => nas.close())

  function host(timeoutMs = 5000) {
    return createQtsHost({ root: nas.root, baseUrls: [nas.baseUrl], timeoutMs, nowMs: Date.now })
  }

  function setAlice(change: Partial<NasAccount>): void {
    nas.state.change((extra) => {
      Object.assign(extra.accounts['alice']!, change)
    })
  }

  function verify(change: Partial<typeof attempt> & { secondStepCode?: string } = {}): Promise<HostLoginOutcome> {
    return host().logins.verify({ ...attempt, ...change })
  }

  /** The fields of each login that reached the NAS. */
  function asked(): Record<string, string>[] {
    const logins = nas.state.requests().filter(({ url }) => url.startsWith('/cgi-bin/authLogin.cgi'))
    return logins.map(({ fields }) => fields)
  }

  it('passes with the right password, and tells administrators from others', async () => {
    const alice = await verify()
    const admin = await verify({ name: 'admin', password: 'pässwört✓ 1' })

    assert.equal(alice.kind === 'passed' && alice.session.isAdministrator, false)
    assert.equal(admin.kind === 'passed' && admin.session.isAdministrator, true)
    assert.equal(alice.kind === 'passed' && alice.session.accountName, 'alice')
  })

  it('sends the password in the body alone, with who the client is', async () => {
    await verify({ clientAddress: '::ffff:192.0.2.7' })

    const { method, url } = nas.state.requests()[0]!
    assert.deepEqual([method, url], ['POST', '/cgi-bin/authLogin.cgi'])
    const [fields] = asked()
    assert.equal(fields!['remote_ip'], '192.0.2.7')
    assert.equal(fields!['force_to_check_2sv'], '1')
    assert.equal(fields!['pwd'], Buffer.from('alice-secret', 'utf8').toString('base64'))
  })

  it('gives a session that is alive until it is ended', async () => {
    const outcome = await verify()
    assert.ok(outcome.kind === 'passed')
    const { logins } = host()

    const before = await logins.isAlive(outcome.session)
    await logins.end(outcome.session)
    const after = await logins.isAlive(outcome.session)

    assert.deepEqual(
      [before, after],
      [
        { isFound: true, value: true },
        { isFound: true, value: false },
      ],
    )
  })

  it('is wrong with another password, and for a name nobody has', async () => {
    assert.deepEqual(await verify({ password: 'Alice-secret' }), { kind: 'wrong', what: 'password' })
    assert.deepEqual(await verify({ name: 'nobody' }), { kind: 'wrong', what: 'password' })
  })

  it('does not bother the NAS with what cannot be right', async () => {
    for (const change of [{ name: '' }, { password: '' }, { password: 'x'.repeat(300) }, { name: 'a\nb' }]) {
      assert.deepEqual(await verify(change), { kind: 'wrong', what: 'password' })
    }
    assert.deepEqual(await verify({ secondStepCode: '12345' }), { kind: 'wrong', what: 'code' })
    assert.deepEqual(asked(), [])
  })

  const states: [state: string, change: Partial<NasAccount>, outcome: HostLoginOutcome][] = [
    ['disabled', { isEnabled: false }, { kind: 'disabled' }],
    ['expired', { lastDay: [2020, 2, 29] }, { kind: 'expired', what: 'account' }],
    ['whose password has expired', { isPasswordExpired: true }, { kind: 'expired', what: 'password' }],
    ['that must set up a second step', { isSecondStepForced: true }, { kind: 'second-step-not-set-up' }],
  ]
  for (const [state, change, outcome] of states) {
    it(`keeps out an account ${state}, and leaves no session open`, async () => {
      setAlice(change)

      assert.deepEqual(await verify(), outcome)
      assert.deepEqual(nas.state.extra.sessions, {})
    })
  }

  it('passes an account on its last day', async () => {
    const today = new Date()
    setAlice({ lastDay: [today.getFullYear(), today.getMonth() + 1, today.getDate()] })

    assert.equal((await verify()).kind, 'passed')
  })

  it('tells that the password must be changed', async () => {
    setAlice({ mustChangePassword: true })

    const outcome = await verify()

    assert.equal(outcome.kind === 'passed' && outcome.mustChangePassword, true)
  })

  for (const secondStepName of ['need_2sv', 'need_2_step_verification'] as const) {
    describe(`with a second step, called ${secondStepName}`, () => {
      beforeEach(() => {
        nas.state.change((extra) => {
          extra.secondStepName = secondStepName
        })
        setAlice({ secondStep: { code: '123456', lostPhone: '2', emergencyCode: '87654321', emergencyTries: 0 } })
      })

      it('asks for the code, though the NAS would let its own address off', async () => {
        assert.deepEqual(await verify(), { kind: 'needs-second-step', rescue: 'question' })
      })

      it('passes with the code, or with the emergency code', async () => {
        assert.equal((await verify({ secondStepCode: '123456' })).kind, 'passed')
        assert.equal((await verify({ secondStepCode: '87654321' })).kind, 'passed')
      })

      it('passes where the rules force a second step', async () => {
        setAlice({ isSecondStepForced: true })

        assert.equal((await verify({ secondStepCode: '123456' })).kind, 'passed')
      })

      it('is wrong with another code', async () => {
        assert.deepEqual(await verify({ secondStepCode: '654321' }), { kind: 'wrong', what: 'code' })
      })

      it('is locked out once the emergency tries are used up', async () => {
        const outcomes: string[] = []
        for (let i = 0; i < 5; i++) outcomes.push((await verify({ secondStepCode: '00000000' })).kind)

        assert.deepEqual(outcomes, ['wrong', 'wrong', 'wrong', 'wrong', 'locked-out'])
        assert.equal((await verify({ secondStepCode: '87654321' })).kind, 'locked-out')
      })
    })
  }

  it('does not take a code for a second step that was never set up', async () => {
    setAlice({ isSecondStepForced: true })

    assert.deepEqual(await verify({ secondStepCode: '123456' }), { kind: 'second-step-not-set-up' })
  })

  it('is locked out where the NAS has banned the address, and lets others in', async () => {
    for (let i = 0; i < 5; i++) await verify({ password: 'guess' })

    assert.equal((await verify()).kind, 'locked-out')
    assert.equal((await verify({ clientAddress: '198.51.100.9' })).kind, 'passed')
  })

  it('asks again where the NAS says yes and opens no session', async () => {
    nas.state.change((extra) => {
      extra.loginFault = 'no-sid-once'
    })

    assert.equal((await verify()).kind, 'passed')
    assert.equal(asked().length, 2)
  })

  it('does not believe a yes that never comes with a session', async () => {
    nas.state.change((extra) => {
      extra.loginFault = 'no-sid'
    })

    assert.deepEqual(await verify(), { kind: 'unreachable', reason: 'QTS says yes but opens no session' })
  })

  const faults = [
    ['html', /^ask QTS .*read XML/],
    ['status-500', /HTTP status 500/],
    ['hang', /no answer within 300 ms/],
    ['cut', /<authSid> is not closed/],
    ['empty', /not one root element/],
    ['close', /socket hang up/],
    ['redirect', /HTTP status 302/],
  ] as const
  for (const [loginFault, reason] of faults) {
    it(`is unreachable where the answer is ${loginFault}`, async () => {
      nas.state.change((extra) => {
        extra.loginFault = loginFault
      })

      const outcome = await host(300).logins.verify(attempt)

      assert.equal(outcome.kind, 'unreachable')
      assert.match(outcome.kind === 'unreachable' ? outcome.reason : '', reason)
      assert.doesNotMatch(JSON.stringify(outcome), /alice-secret|YWxpY2/)
    })
  }

  it('is unreachable where nobody listens', async () => {
    await nas.close()

    const outcome = await verify()

    assert.equal(outcome.kind, 'unreachable')
    nas = await SimulatedNas.start(makeTestFolder())
  })

  it('tries the next address where nobody listens at the first', async () => {
    const away = await SimulatedNas.start(makeTestFolder())
    await away.close()
    const baseUrls = [away.baseUrl, nas.baseUrl]
    const { logins } = createQtsHost({ root: nas.root, baseUrls, nowMs: Date.now })

    assert.equal((await logins.verify(attempt)).kind, 'passed')
  })

  it('reaches a NAS that has HTTPS alone, under a certificate it signed itself', async () => {
    const secure = await SimulatedNas.start(makeTestFolder(), await loadCertificate(makeTestFolder()))
    const { logins } = createQtsHost({ root: secure.root, nowMs: Date.now })

    const outcome = await logins.verify(attempt)

    await secure.close()
    assert.equal(outcome.kind, 'passed')
  })

  it('goes where a NAS sends it that has HTTPS forced, and nowhere else once it has an answer', async () => {
    const secure = await SimulatedNas.start(makeTestFolder(), await loadCertificate(makeTestFolder()))
    const { logins } = createQtsHost({ root: nas.root, baseUrls: [nas.baseUrl, secure.baseUrl], nowMs: Date.now })

    await logins.verify({ ...attempt, password: 'guess' })
    const before = secure.state.requests().length
    nas.state.change((extra) => {
      extra.loginFault = 'redirect'
    })
    const outcome = await logins.verify(attempt)

    await secure.close()
    assert.equal(before, 0)
    assert.equal(outcome.kind, 'passed')
  })

  it('writes a domain account with the domain’s own separator', async () => {
    nas.state.write('/etc/config/domain', 'OFFICE')
    nas.state.change((extra) => {
      extra.accounts['OFFICE+carol'] = { password: 'carol-secret' }
    })

    const outcome = await verify({ name: 'OFFICE\\carol', password: 'carol-secret' })

    assert.equal(outcome.kind === 'passed' && outcome.session.accountName, 'OFFICE+carol')
  })
})

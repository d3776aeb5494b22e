import assert from 'node:assert/strict'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import { NasApp } from '../../support/nas/nas-app.ts'
import { nasAccounts } from '../../support/nas/simulated-nas.ts'

describe('restart and shutdown of a NAS', () => {
  let app: NasApp
  const { password } = nasAccounts.admin
  before(async () => {
    app = await NasApp.start()
  })
  after(() => app.close())

  it('are asked of QTS by the administrator’s own session, and said in both logs: who, and why', async () => {
    const administrator = await app.administrator()
    const body = { action: 'restart-machine', password, reason: 'new firmware' }

    await administrator.must('POST', 'api/system/power', body)
    await app.test.app.log.flush()

    assert.equal(app.nas.state.read('/tmp/power'), 'restart by request')
    const [entry] = (await administrator.must<LogEntry[]>('GET', 'api/logs?text=new%20firmware')) ?? []
    assert.deepEqual([entry?.name, entry?.username], ['power-asked', 'admin'])
    const endMs = performance.now() + 3000
    while (app.nas.state.read('/etc/event.log') === '' && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const told = app.nas.state.read('/etc/event.log')
    assert.match(
      told,
      /^1\x1fadmin\x1f127\.0\.0\.1\x1f\[Nightjar\] admin asked for a restart of the machine: new firmware$/m,
    )
  })

  it('are refused with a wrong password, an unknown action, too few rights, and where nobody could start the service', async () => {
    const administrator = await app.administrator()
    const alice = await app.loggedIn('alice', 'alice-secret')
    const ask = (body: object) => administrator.post<FailureBody>('api/system/power', body)

    const wrong = await ask({ action: 'shut-down-machine', password: 'wrong' })
    const unknown = await ask({ action: 'explode', password })
    const long = await ask({ action: 'restart-machine', password, reason: 'x'.repeat(201) })
    const service = await ask({ action: 'restart-service', password })
    const denied = await alice.post<FailureBody>('api/system/power', {
      action: 'restart-machine',
      password: 'alice-secret',
    })

    assert.deepEqual([wrong.status, wrong.body.field], [400, 'password'])
    assert.deepEqual([unknown.status, unknown.body.field], [400, 'action'])
    assert.deepEqual([long.status, long.body.field], [400, 'reason'])
    assert.equal(service.status, 409)
    assert.equal(denied.status, 403)
  })
})

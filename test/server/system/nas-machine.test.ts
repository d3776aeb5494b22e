import assert from 'node:assert/strict'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import type { ServerTime } from '../../../shared/setup.ts'
import type { SystemStatus } from '../../../shared/system.ts'
import { NasApp } from '../../support/nas/nas-app.ts'
import type { TestClient } from '../../support/test-client.ts'

for (const isStrict of [true, false]) {
  describe(`the server on a NAS with a ${isStrict ? 'strict' : 'lenient'} getcfg`, () => {
    let app: NasApp
    let administrator: TestClient
    before(async () => {
      app = await NasApp.start({}, isStrict)
      administrator = await app.administrator()
    })
    after(() => app.close())

    it('has the name, the model and the time zone of the NAS', async () => {
      const status = await administrator.must<SystemStatus>('GET', 'api/system/status')

      const { serverName, model, system, hostKind, timeZone } = status
      assert.deepEqual(
        { serverName, model, system, hostKind, timeZone },
        {
          serverName: 'attic',
          model: 'TS-453D',
          system: 'QTS 5.1.0 (20230926)',
          hostKind: 'qts',
          timeZone: 'Asia/Taipei',
        },
      )
    })

    it('shows time in the zone that was chosen, and says where the NAS keeps its own', async () => {
      const shownMs = (await administrator.must<ServerTime>('GET', 'api/setup/time')).nowMs
      const body = { isRight: true, shownMs, timeZone: 'Europe/Rome' }

      const time = await administrator.must<ServerTime>('POST', 'api/setup/time', body)

      assert.deepEqual([time.timeZone, time.hostTimeZone], ['Europe/Rome', 'Asia/Taipei'])
      assert.equal((await administrator.must<SystemStatus>('GET', 'api/system/status')).timeZone, 'Europe/Rome')
      const [entry] = await administrator.must<LogEntry[]>('GET', 'api/logs?text=confirmed')
      assert.match(String(entry?.detail?.['machine']), /Control Panel of QTS/)
    })

    it('leaves ports, HTTPS and the certificate to the NAS, and has a name of its own', async () => {
      const port = await administrator.request<FailureBody>('PATCH', 'api/network/settings', { httpPort: 9000 })
      const https = await administrator.request<FailureBody>('PATCH', 'api/network/settings', { isHttpsForced: true })
      const certificate = await administrator.post<FailureBody>('api/network/certificate/self-signed', {})
      const name = await administrator.request('PATCH', 'api/network/settings', { serverName: 'cellar' })

      assert.deepEqual([port.status, port.body.field], [409, 'httpPort'])
      assert.deepEqual([https.status, https.body.field], [409, 'isHttpsForced'])
      assert.match(port.body.message, /the NAS keeps this/)
      assert.match(certificate.body.message, /the NAS keeps the certificate/)
      assert.equal(name.status, 200)
    })
  })
}

import assert from 'node:assert/strict'
import type { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import type { Certificate } from '../../../shared/network.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'
import { openTls, shownCertificate } from '../../support/tls-client.ts'
import { freePort, Pebble } from './pebble.ts'

describe('a certificate from an authority', function () {
  this.timeout(60_000)
  let pebble: Pebble
  let test: TestApp
  let administrator: TestClient

  const order = (body: object = {}) =>
    administrator.post<Certificate & FailureBody>('api/network/certificate/acme', {
      names: ['localhost'],
      email: 'owner@nas.example',
      agreesToTerms: true,
      ...body,
    })

  beforeEach(async () => {
    const httpPort = await freePort()
    pebble = await Pebble.create(httpPort)
    test = await startTestApp({
      env: {
        NIGHTJAR_PORT: String(httpPort),
        NIGHTJAR_HTTPS_PORT: '0',
        NIGHTJAR_BASE_PATH: '/nas/eye/',
        NIGHTJAR_ACME_URL: pebble.directoryUrl,
        NIGHTJAR_ACME_CA: pebble.caFile,
      },
      renewalDelaysMs: [100],
    })
    administrator = await test.administrator()
  })
  afterEach(async () => {
    await test.close()
    await pebble.stop()
  })

  it('is asked for, proved over plain HTTP outside the base path, and shown at once', async () => {
    await pebble.start()

    const { status, body } = await order()

    assert.equal(status, 200, JSON.stringify(body))
    assert.equal(body.source, 'acme')
    assert.deepEqual(body.names, ['localhost'])
    assert.ok(body.chain.length >= 1)
    assert.ok(body.renewsAtMs! < body.notAfterMs - 29 * 86_400_000)
    const socket = await openTls(test.app.httpsUrl!, 'localhost', await pebble.issuingRoot())
    assert.equal(socket.authorized, true)
    socket.destroy()
  })

  it('is got while HTTPS is forced and an allow list shuts out all others', async () => {
    await pebble.start()
    await administrator.must('PATCH', 'api/network/settings', { isHttpsForced: true })
    await administrator.must('PUT', 'api/network/access', { level: 'allow-list', entries: ['192.0.2.1'] })

    assert.equal((await order()).status, 200)
  })

  it('can be got again with the same account, and leaves neither its key nor the account’s readable on disk', async () => {
    await pebble.start()
    const [first, second] = [await order(), await order()]

    assert.deepEqual([first.status, second.status], [200, 200])
    assert.notEqual(first.body.fingerprintSha256, second.body.fingerprintSha256)
    for (const name of ['settings.sqlite', 'settings.sqlite-wal']) {
      assert.ok(!readFileSync(join(test.folder, 'data', name), 'latin1').includes('PRIVATE KEY'))
    }
  })

  it('is not got where the authority does not answer, or finds no proof; the former stays', async () => {
    const before = (await shownCertificate(test.app.httpsUrl!)).fingerprint256
    const silent = await order()
    await pebble.start()

    const unproved = await order({ names: ['nobody.invalid'] })

    assert.deepEqual([silent.status, silent.body.kind], [502, 'unreachable'])
    assert.match(silent.body.message, /ask localhost:\d+ for a certificate for localhost/)
    assert.equal(unproved.status, 502)
    assert.match(unproved.body.message, /nobody\.invalid/)
    assert.equal((await shownCertificate(test.app.httpsUrl!)).fingerprint256, before)
  })

  it('is asked for once at a time', async () => {
    await pebble.start()

    const answers = await Promise.all([order(), order()])

    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
  })

  const refused: [what: string, body: object, field: string, says: RegExp][] = [
    ['no consent', { agreesToTerms: false }, 'agreesToTerms', /consent/],
    ['an address', { names: ['192.0.2.1'] }, 'names.0', /no address/],
    ['any label', { names: ['*.nas.example'] }, 'names.0', /without \*/],
    ['no mail address', { email: 'me' }, 'email', /e-mail/],
  ]
  for (const [what, body, field, says] of refused) {
    it(`is not asked for with ${what}`, async () => {
      const answer = await order(body)

      assert.equal(answer.status, 400)
      assert.equal(answer.body.field, field)
      assert.match(answer.body.message, says)
    })
  }

  it('is renewed when its time has come, and tried for again while the authority is away', async () => {
    await pebble.start()
    const first = (await order()).body
    await pebble.stop()
    const day = 86_400_000
    const aheadUs = (first.renewsAtMs! - Date.now() + day) * 1000
    // A server that wakes up two months later.
    await test.close()
    test = await startTestApp({
      folder: test.folder,
      env: {
        NIGHTJAR_PORT: new URL(test.app.url).port,
        NIGHTJAR_HTTPS_PORT: '0',
        NIGHTJAR_ACME_URL: pebble.directoryUrl,
        NIGHTJAR_ACME_CA: pebble.caFile,
      },
      clock: { utcUs: () => Date.now() * 1000 + aheadUs, monotonicUs: () => Math.round(performance.now() * 1000) },
      renewalDelaysMs: [100],
    })
    const failures = async () => {
      await test.app.log.flush()
      return (await test.app.log.list({ kind: 'system' } as never)).filter(
        ({ name }: LogEntry) => name === 'certificate-renewal-failed',
      )
    }
    while ((await failures()).length < 2) await new Promise((wake) => setTimeout(wake, 50))
    assert.equal((await shownCertificate(test.app.httpsUrl!)).fingerprint256, first.fingerprintSha256)

    await pebble.start()

    let shown: X509Certificate
    do {
      shown = await shownCertificate(test.app.httpsUrl!)
      await new Promise((wake) => setTimeout(wake, 50))
    } while (shown.fingerprint256 === first.fingerprintSha256)
    assert.equal(shown.subjectAltName, 'DNS:localhost')
  })
})

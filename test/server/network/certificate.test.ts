import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import WebSocket from 'ws'
import { Seal } from '../../../server/base/seal.ts'
import { CertificateStore } from '../../../server/network/certificate-store.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import type { Certificate } from '../../../shared/network.ts'
import { makeCertificate, makeChain } from '../../support/certificates.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import { type TestClient, TestSocket } from '../../support/test-client.ts'
import { describeOnBoth } from '../../support/test-database.ts'
import { makeTestFolder } from '../../support/test-folder.ts'
import { askTls, openTls, shownCertificate } from '../../support/tls-client.ts'

describeOnBoth('the stored certificate', 'settings', (database) => {
  it('comes back as it was, takes the place of the one before, and has its key sealed', async () => {
    const store = new CertificateStore(database(), Seal.open(join(makeTestFolder(), 'seal.key')))
    const { certificate, key } = await makeCertificate()
    const first = { source: 'acme', chainPem: certificate, material: { key }, names: ['nas.example'] } as const
    // Longer than MariaDB's TEXT holds: a PKCS#12 file with a chain.
    const second = {
      source: 'imported',
      chainPem: certificate,
      material: { pkcs12: 'A'.repeat(120_000), passphrase: 'hunter2' },
      names: undefined,
    } as const

    assert.equal(await store.get(), undefined)
    await store.set({ ...first, names: [...first.names] })
    assert.deepEqual(await store.get(), first)
    await store.set(second)
    assert.deepEqual(await store.get(), second)

    const rows = JSON.stringify(await database().knex('certificate'))
    assert.doesNotMatch(rows, /PRIVATE KEY|hunter2/)
  })
})

describe('the certificate', () => {
  let test: TestApp
  let administrator: TestClient
  let url: string

  beforeEach(async () => {
    test = await startTestApp({ env: { NIGHTJAR_HTTPS_PORT: '0' } })
    administrator = await test.administrator()
    url = test.app.httpsUrl!
  })
  afterEach(() => test.close())

  const shown = () => administrator.must<Certificate>('GET', 'api/network/certificate')

  it('is self-signed at first, of the machine’s names, and browsers that trust it connect without complaint', async () => {
    const pem = await administrator.must<string>('GET', 'api/network/certificate.pem')
    const certificate = await shown()

    const answer = await askTls(new URL('api/session', url), { ca: pem })

    assert.equal(answer.status, 401)
    assert.equal(certificate.source, 'self-signed')
    assert.equal(certificate.keyKind, 'EC P-256')
    for (const name of ['localhost', '127.0.0.1']) assert.ok(certificate.names.includes(name), name)
    assert.equal(certificate.subject, certificate.issuer)
    assert.ok(certificate.renewsAtMs! > Date.now())
    assert.equal((await shownCertificate(url)).fingerprint256, certificate.fingerprintSha256)
  })

  it('is what openssl sees too, over TLS 1.2 and 1.3 and nothing older', async () => {
    const { host } = new URL(url)
    const seen = (version: string) => {
      const weakest = ['-cipher', 'DEFAULT@SECLEVEL=0']
      const child = spawn('openssl', ['s_client', '-connect', host, '-servername', 'localhost', version, ...weakest])
      child.stdin.end()
      return text(child.stdout)
    }

    assert.match(await seen('-tls1_2'), /Protocol *: TLSv1\.2[\s\S]*Verify return code: 18 \(self-signed certificate\)/)
    assert.match(await seen('-tls1_3'), /New, TLSv1\.3/)
    assert.match(await seen('-tls1_1'), /Cipher is \(NONE\)/)
  })

  it('stays the same over a restart', async () => {
    const before = await shown()

    await test.restart()

    assert.equal((await shownCertificate(test.app.httpsUrl!)).fingerprint256, before.fingerprintSha256)
  })

  it('is imported with its chain, and clients that trust the root alone are content', async () => {
    const { root, middle, leaf } = await makeChain()

    const imported = await administrator.must<Certificate>('POST', 'api/network/certificate/import', {
      certificate: leaf.certificate,
      chain: root.certificate + middle.certificate,
      key: leaf.key,
    })

    const socket = await openTls(url, 'localhost', root.certificate)
    assert.equal(socket.authorized, true)
    socket.destroy()
    assert.equal(imported.source, 'imported')
    assert.deepEqual(imported.chain, ['CN=Test Middle', 'CN=Test Root'])
    assert.equal(imported.renewsAtMs, undefined)
  })

  it('is imported from PKCS#12 too', async () => {
    const folder = makeTestFolder()
    const { certificate, key } = await makeCertificate()
    writeFileSync(join(folder, 'both.pem'), certificate + key)
    const out = join(folder, 'both.pfx')
    execFileSync('openssl', [
      'pkcs12',
      '-export',
      '-in',
      join(folder, 'both.pem'),
      '-passout',
      'pass:word',
      '-out',
      out,
    ])

    await administrator.must('POST', 'api/network/certificate/import-pkcs12', {
      pkcs12: readFileSync(out).toString('base64'),
      passphrase: 'word',
    })
    await test.restart()

    const expected = new X509Certificate(certificate).fingerprint256
    assert.equal((await shownCertificate(test.app.httpsUrl!)).fingerprint256, expected)
  })

  it('is made anew for names given', async () => {
    const made = await administrator.must<Certificate>('POST', 'api/network/certificate/self-signed', {
      names: ['cams.example', '*.cams.example', '192.0.2.77', '2001:db8::7'],
    })

    assert.deepEqual(made.names, ['cams.example', '*.cams.example', '192.0.2.77', '2001:DB8:0:0:0:0:0:7'])
    assert.equal((await shownCertificate(url)).fingerprint256, made.fingerprintSha256)
  })

  it('is replaced without a connection or a WebSocket lost', async () => {
    const login = await askTls(new URL('api/login', url), {
      method: 'POST',
      body: { username: 'admin', password: test.password },
    })
    const [cookie] = login.headers['set-cookie'] as string[]
    const socketUrl = new URL('api/push', url)
    socketUrl.protocol = 'wss:'
    const push = new TestSocket(
      new WebSocket(socketUrl, { headers: { cookie: cookie!.split(';')[0]! }, rejectUnauthorized: false }),
    )
    await push.next('hello')
    const kept = await openTls(url)
    const before = await shownCertificate(url)

    await administrator.must('POST', 'api/network/certificate/self-signed', { names: ['other.example'] })

    const after = await shownCertificate(url)
    assert.notEqual(after.fingerprint256, before.fingerprint256)
    assert.equal(after.subjectAltName, 'DNS:other.example')
    // Told over the WebSocket that was there before.
    await push.next('logged', ({ entry }: { entry: LogEntry }) => entry.name === 'certificate-replaced')
    kept.write(`GET ${new URL(url).pathname}api/session HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    const [answer] = await new Promise<Buffer[]>((resolve) => kept.once('data', (data: Buffer) => resolve([data])))
    assert.match(answer!.toString(), /^HTTP\/1\.1 401 /)
    kept.destroy()
    push.close()
  })

  it('stays where another is refused, and the refusal names the field', async () => {
    const before = await shown()
    const [one, other] = [await makeCertificate(), await makeCertificate()]

    const answer = await administrator.post<FailureBody>('api/network/certificate/import', {
      certificate: one.certificate,
      key: other.key,
    })

    assert.equal(answer.status, 400)
    assert.equal(answer.body.field, 'key')
    assert.equal((await shownCertificate(url)).fingerprint256, before.fingerprintSha256)
  })

  const refused: [names: unknown, field: string, says: RegExp][] = [
    [[], 'names', /at least one/],
    [['a b'], 'names.0', /host name or an IP address/],
    [['ok.example', '*.*.example'], 'names.1', /host name or an IP address/],
    [Array(101).fill('a.example'), 'names', /100 names/],
  ]
  for (const [names, field, says] of refused) {
    it(`is not made for the names ${JSON.stringify(names).slice(0, 40)}`, async () => {
      const answer = await administrator.post<FailureBody>('api/network/certificate/self-signed', { names })

      assert.equal(answer.status, 400)
      assert.equal(answer.body.field, field)
      assert.match(answer.body.message, says)
    })
  }

  it('gives its key to nobody: not in answers, the file, the log or the database', async () => {
    const { certificate, key, keyObject } = await makeCertificate()
    const passphrase = 'a passphrase of mine'
    const encrypted = keyObject.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })

    const imported = await administrator.post('api/network/certificate/import', {
      certificate,
      key: encrypted,
      passphrase,
    })
    const file = await administrator.get<string>('api/network/certificate.pem')
    await test.app.log.flush()
    const log = await administrator.get<LogEntry[]>('api/logs')

    assert.equal(imported.status, 200)
    assert.equal(file.body, certificate)
    assert.match(file.headers.get('content-disposition')!, /attachment; filename="nightjar\.pem"/)
    assert.equal(log.body.find(({ name }) => name === 'certificate-replaced')?.username, 'admin')
    const secret = key.split('\n')[1]!
    const stored = ['settings.sqlite', 'settings.sqlite-wal'].map((name) =>
      readFileSync(join(test.folder, 'data', name), 'latin1'),
    )
    for (const place of [JSON.stringify([imported.body, file.body, log.body]), ...stored]) {
      assert.ok(!place.includes(secret) && !place.includes(passphrase) && !place.includes('PRIVATE KEY'))
    }
  })
})

describe('the end of a certificate', () => {
  /** A server on the data of one whose certificate was changed by `change`. */
  async function restartedWith(change: { fromDays: number; toDays: number; source: 'self-signed' | 'imported' }) {
    const test = await startTestApp({ env: { NIGHTJAR_HTTPS_PORT: '0' } })
    const { certificate, key } = await makeCertificate({ ...change, names: ['old.example'] })
    await test.close()
    const { Database } = await import('../../../server/db/database.ts')
    const { settingsMigrations } = await import('../../../server/db/settings/migrations.ts')
    const { silentLogger } = await import('../../support/test-database.ts')
    const database = await Database.open({
      name: 'settings',
      place: { kind: 'sqlite', file: join(test.folder, 'data/settings.sqlite') },
      migrations: settingsMigrations,
      durability: 'NORMAL',
      isRebuildable: false,
      logger: silentLogger,
    })
    const store = new CertificateStore(database, Seal.open(join(test.folder, 'data/seal.key')))
    await store.set({ source: change.source, chainPem: certificate, material: { key }, names: undefined })
    await database.close()
    await test.restart()
    return { test, before: new X509Certificate(certificate) }
  }

  it('is not waited for where it is self-signed: another is made 30 days before', async () => {
    const { test, before } = await restartedWith({ fromDays: -368, toDays: 29, source: 'self-signed' })

    let now = await shownCertificate(test.app.httpsUrl!)
    while (now.fingerprint256 === before.fingerprint256) now = await shownCertificate(test.app.httpsUrl!)

    assert.ok(now.validToDate.getTime() > Date.now() + 390 * 86_400_000)
    assert.ok(now.checkHost('localhost'))
    await test.close()
  })

  it('is warned of where it was imported, and it is kept', async () => {
    const { test, before } = await restartedWith({ fromDays: -80, toDays: 9, source: 'imported' })
    const administrator = await test.administrator()

    let entries: LogEntry[] = []
    while (!entries.some(({ name }) => name === 'certificate-expiring')) {
      entries = await administrator.must<LogEntry[]>('GET', 'api/logs?kind=system')
    }

    assert.match(entries[0]!.message, /CN=nas\.example ends in 9 days: import another/)
    assert.equal((await shownCertificate(test.app.httpsUrl!)).fingerprint256, before.fingerprint256)
    await test.close()
  })
})

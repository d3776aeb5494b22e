import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPemImport } from '../../../server/network/certificate-check.ts'
import { readPkcs12Import } from '../../../server/network/pkcs12.ts'
import { machineNames, makeSelfSigned } from '../../../server/network/self-signed.ts'
import { Failure } from '../../../shared/failure.ts'
import type { CertificateImport } from '../../../shared/network.ts'
import { makeCertificate, makeChain, type TestCertificate } from '../../support/certificates.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const encrypted = ({ keyObject }: TestCertificate, passphrase: string) =>
  keyObject.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }) as string

/** Subjects of a chain, in its order. */
function subjectsOf(chainPem: string): string[] {
  const blocks = chainPem.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block).subject)
}

describe('the import of a certificate', () => {
  let good: TestCertificate
  before(async () => {
    good = await makeCertificate()
  })

  const cases: [
    what: string,
    parts: () => Promise<CertificateImport> | CertificateImport,
    field: string,
    says: RegExp,
  ][] = [
    ['no PEM', () => ({ certificate: 'hello', key: good.key }), 'certificate', /not PEM/],
    ['a key for a certificate', () => ({ certificate: good.key, key: good.key }), 'certificate', /of a private key/],
    [
      'PEM that holds no certificate',
      () => ({ certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', key: good.key }),
      'certificate',
      /certificate 1 of 1 cannot be read/,
    ],
    ['no key', () => ({ certificate: good.certificate, key: 'hello' }), 'key', /not PEM of a private key/],
    [
      'a key that cannot be read',
      () => ({
        certificate: good.certificate,
        key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
      }),
      'key',
      /cannot be read/,
    ],
    [
      'the key of another',
      async () => ({ certificate: good.certificate, key: (await makeCertificate()).key }),
      'key',
      /does not match the certificate/,
    ],
    [
      'an encrypted key without its passphrase',
      () => ({ certificate: good.certificate, key: encrypted(good, 'right') }),
      'passphrase',
      /is needed/,
    ],
    [
      'a wrong passphrase',
      () => ({ certificate: good.certificate, key: encrypted(good, 'right'), passphrase: 'wrong' }),
      'passphrase',
      /does not open the key/,
    ],
    ['one that is over', () => makeCertificate({ fromDays: -9, toDays: -2 }), 'certificate', /expired on 20/],
    ['one that has not begun', () => makeCertificate({ fromDays: 2 }), 'certificate', /not valid before 20/],
    ['a short RSA key', () => makeCertificate({ keys: 'RSA-1024' }), 'certificate', /RSA of 1024 bits, at least 2048/],
    ['a SHA-1 signature', () => makeCertificate({ keys: 'RSA-2048', hash: 'SHA-1' }), 'certificate', /weak/],
    [
      'a stranger in the chain',
      async () => ({ ...good, chain: (await makeCertificate({ subject: 'Stranger' })).certificate }),
      'chain',
      /CN=Stranger .* no part of the chain/,
    ],
    ['a chain that is no PEM', () => ({ ...good, chain: 'hello' }), 'chain', /not PEM/],
  ]
  for (const [what, parts, field, says] of cases) {
    it(`refuses ${what}, naming ${field}`, async () => {
      const { certificate, key, chain, passphrase } = await parts()

      assert.throws(
        () =>
          readPemImport(
            {
              certificate,
              key,
              ...(chain === undefined ? {} : { chain }),
              ...(passphrase === undefined ? {} : { passphrase }),
            },
            Date.now(),
          ),
        (error: unknown) => {
          assert.ok(error instanceof Failure)
          assert.match(error.message, says)
          assert.equal(error.field, field)
          return true
        },
      )
    })
  }

  it('puts a chain in order, wherever its parts are given', async () => {
    const { root, middle, leaf } = await makeChain()

    const mixed = readPemImport(
      { certificate: root.certificate + leaf.certificate, chain: middle.certificate, key: leaf.key },
      Date.now(),
    )

    assert.deepEqual(subjectsOf(mixed.chainPem), ['CN=localhost', 'CN=Test Middle', 'CN=Test Root'])
  })

  it('takes an encrypted key, and keeps it without its passphrase', () => {
    const stored = readPemImport(
      { certificate: good.certificate, key: encrypted(good, 'right'), passphrase: 'right' },
      Date.now(),
    )

    assert.deepEqual(stored.material, { key: good.key })
  })

  it('takes RSA of 2048 bits and ECDSA with P-384', async () => {
    for (const keys of ['RSA-2048', 'P-384'] as const) {
      const { certificate, key } = await makeCertificate({ keys })
      assert.equal(readPemImport({ certificate, key }, Date.now()).source, 'imported')
    }
  })
})

describe('the import of PKCS#12', () => {
  const folder = makeTestFolder()
  /** As openssl writes it, in base64. */
  const pfxOf = (own: TestCertificate, chain: string, passphrase: string, more: string[] = []): string => {
    const path = (name: string) => join(folder, name)
    writeFileSync(path('own.pem'), own.certificate)
    writeFileSync(path('key.pem'), own.key)
    writeFileSync(path('chain.pem'), chain)
    const input = [
      '-in',
      path('own.pem'),
      '-inkey',
      path('key.pem'),
      ...(chain === '' ? [] : ['-certfile', path('chain.pem')]),
    ]
    execFileSync('openssl', [
      'pkcs12',
      '-export',
      ...input,
      '-passout',
      `pass:${passphrase}`,
      '-out',
      path('own.pfx'),
      ...more,
    ])
    return readFileSync(path('own.pfx')).toString('base64')
  }

  it('gives the certificate and its chain as TLS shows it, without the root that clients have', async () => {
    const { root, middle, leaf } = await makeChain()

    const pkcs12 = pfxOf(leaf, root.certificate + middle.certificate, 'word')
    const { chainPem } = await readPkcs12Import({ pkcs12, passphrase: 'word' }, Date.now())

    assert.deepEqual(subjectsOf(chainPem), ['CN=localhost', 'CN=Test Middle'])
  })

  const cases: [what: string, pkcs12: () => Promise<string>, field: string, says: RegExp][] = [
    ['a wrong passphrase', async () => pfxOf(await makeCertificate(), '', 'other'), 'passphrase', /does not open/],
    ['what is no PKCS#12', async () => Buffer.from('hello').toString('base64'), 'pkcs12', /no PKCS#12 file/],
    ['an old encryption', async () => pfxOf(await makeCertificate(), '', 'word', ['-legacy']), 'pkcs12', /old way/],
    [
      'a file without the key',
      async () => pfxOf(await makeCertificate(), '', 'word', ['-nokeys']),
      'pkcs12',
      /its key/,
    ],
    [
      'one that is over',
      async () => pfxOf(await makeCertificate({ fromDays: -9, toDays: -2 }), '', 'word'),
      'pkcs12',
      /expired/,
    ],
  ]
  for (const [what, pkcs12, field, says] of cases) {
    it(`refuses ${what}, naming ${field}`, async () => {
      await assert.rejects(
        readPkcs12Import({ pkcs12: await pkcs12(), passphrase: 'word' }, Date.now()),
        (error: unknown) => error instanceof Failure && error.field === field && says.test(error.message),
      )
    })
  }
})

describe('a self-signed certificate', () => {
  it('holds 397 days for the names of the machine and all its addresses, and openssl has nothing against it', async () => {
    const folder = makeTestFolder()

    const { chainPem } = await makeSelfSigned(machineNames('my-nas'), Date.now())

    const made = new X509Certificate(chainPem)
    assert.equal(made.validToDate.getTime() - made.validFromDate.getTime(), 397 * 86_400_000)
    for (const name of ['my-nas', 'localhost']) assert.ok(made.checkHost(name), name)
    for (const address of ['127.0.0.1', '::1']) assert.ok(made.checkIP(address), address)
    assert.equal(made.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    const path = join(folder, 'own.pem')
    writeFileSync(path, chainPem)
    const purpose = ['-purpose', 'sslserver', '-verify_hostname', 'my-nas', '-x509_strict']
    const said = execFileSync('openssl', ['verify', ...purpose, '-CAfile', path, path], { encoding: 'utf8' })
    assert.match(said, /own\.pem: OK/)
  })
})

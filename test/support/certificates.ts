// Certificates as an authority gives them out, or would not.
import 'reflect-metadata'
import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'

const dayMs = 86_400_000

export interface TestCertificate {
  /** PEM. */
  certificate: string
  /** PEM, not encrypted. */
  key: string
  keyObject: KeyObject
  signer: webcrypto.CryptoKey
  subject: string
}

export interface CertificateWish {
  subject?: string
  /** Signed by it; by itself where there is none. */
  by?: TestCertificate
  isAuthority?: boolean
  names?: string[]
  /** From now, in days. */
  fromDays?: number
  toDays?: number
  keys?: 'P-256' | 'P-384' | 'RSA-2048' | 'RSA-1024'
  hash?: 'SHA-256' | 'SHA-1'
}

export async function makeCertificate(wish: CertificateWish = {}): Promise<TestCertificate> {
  const { subject = 'nas.example', by, isAuthority = false, names = [subject] } = wish
  const { fromDays = -1, toDays = 90, keys: kind = 'P-256', hash = 'SHA-256' } = wish
  const algorithm = kind.startsWith('RSA')
    ? {
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: Number(kind.slice(4)),
        publicExponent: new Uint8Array([1, 0, 1]),
        hash,
      }
    : { name: 'ECDSA', namedCurve: kind, hash }
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const made = await X509CertificateGenerator.create({
    subject: `CN=${subject}`,
    issuer: `CN=${by?.subject ?? subject}`,
    notBefore: new Date(Date.now() + fromDays * dayMs),
    notAfter: new Date(Date.now() + toDays * dayMs),
    publicKey: keys.publicKey,
    signingKey: by?.signer ?? keys.privateKey,
    signingAlgorithm: by === undefined ? algorithm : { name: 'ECDSA', hash },
    extensions: [
      new BasicConstraintsExtension(isAuthority, undefined, true),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
    ],
  })
  const keyObject = createPrivateKey({
    key: Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)),
    format: 'der',
    type: 'pkcs8',
  })
  return {
    certificate: `${made.toString('pem')}\n`,
    key: keyObject.export({ type: 'pkcs8', format: 'pem' }) as string,
    keyObject,
    signer: keys.privateKey,
    subject,
  }
}

/** A root, an intermediate below it, and a server's certificate below that. */
export async function makeChain(): Promise<{
  root: TestCertificate
  middle: TestCertificate
  leaf: TestCertificate
}> {
  const root = await makeCertificate({ subject: 'Test Root', isAuthority: true })
  const middle = await makeCertificate({ subject: 'Test Middle', by: root, isAuthority: true })
  const leaf = await makeCertificate({ subject: 'localhost', by: middle })
  return { root, middle, leaf }
}

// What somebody brings as a certificate: read, put in order, and refused where browsers would refuse it.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { Failure } from '../../shared/failure.ts'
import type { CertificateImport } from '../../shared/network.ts'
import type { StoredCertificate } from './certificate-store.ts'

type Field = 'certificate' | 'chain' | 'key' | 'passphrase' | 'pkcs12'

/** Certificates of one chain; a real one has two to four. */
const maxChain = 10

/** Of an RSA key, in bits: browsers take no shorter one. */
const minRsaBits = 2048

/** Curves that every browser takes, by OpenSSL's names. */
const curves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

/**
 * Reads a certificate, its chain and its key from PEM, and brings the chain into order.
 *
 * Fails `invalid`, `field` being the part at fault: not PEM, of another key, over or not yet begun, encrypted and the
 * passphrase wrong, weak, or not of one chain.
 */
export function readPemImport(parts: CertificateImport, nowMs: number): StoredCertificate {
  const key = readKey(parts.key, parts.passphrase)
  const given = readCertificates(parts.certificate, 'certificate')
  const rest = parts.chain === undefined || parts.chain.trim() === '' ? [] : readCertificates(parts.chain, 'chain')
  const chain = orderChain([...given, ...rest], key)
  checkCertificate(chain[0]!, 'certificate', nowMs)
  const chainPem = chain.map((one) => one.toString()).join('')
  const keyPem = key.export({ type: 'pkcs8', format: 'pem' }) as string
  checkTls({ cert: chainPem, key: keyPem }, 'certificate')
  return { source: 'imported', chainPem, material: { key: keyPem }, names: undefined }
}

/** Fails `invalid` at `field` where the certificate is over, not yet begun, or of a key that is too weak. */
export function checkCertificate(certificate: X509Certificate, field: Field, nowMs: number): void {
  const { validFromDate, validToDate, publicKey, signatureAlgorithm = '' } = certificate
  if (validToDate.getTime() <= nowMs) throw wrong(field, `expired on ${validToDate.toISOString()}`)
  if (validFromDate.getTime() > nowMs) throw wrong(field, `is not valid before ${validFromDate.toISOString()}`)
  const { modulusLength = 0, namedCurve = '' } = publicKey.asymmetricKeyDetails ?? {}
  if (publicKey.asymmetricKeyType === 'rsa') {
    if (modulusLength < minRsaBits) {
      throw wrong(field, `has a weak key: RSA of ${modulusLength} bits, at least ${minRsaBits} are needed`)
    }
  } else if (curves[namedCurve] === undefined) {
    const kind = namedCurve || publicKey.asymmetricKeyType
    throw wrong(field, `has a key of kind ${kind}: browsers take RSA and ECDSA with P-256, P-384 or P-521`)
  }
  if (/md5|sha1\b|sha1with/i.test(signatureAlgorithm))
    throw wrong(field, `is signed with ${signatureAlgorithm}, which is weak`)
}

/** Such as `EC P-256` or `RSA 2048`. */
export function keyKindOf({ publicKey }: X509Certificate): string {
  const { modulusLength, namedCurve = '' } = publicKey.asymmetricKeyDetails ?? {}
  return publicKey.asymmetricKeyType === 'rsa' ? `RSA ${modulusLength}` : `EC ${curves[namedCurve] ?? namedCurve}`
}

/** Every certificate of a PEM text, in its order. Fails `invalid` at `field`. */
export function readCertificates(text: string, field: Field): X509Certificate[] {
  const blocks = text.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END [A-Z0-9 ]+-----/g) ?? []
  if (blocks.length === 0) {
    const found = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1]
    throw wrong(field, `is not PEM of a certificate${found === undefined ? '' : `, but of a ${found.toLowerCase()}`}`)
  }
  if (blocks.length > maxChain) throw wrong(field, `holds ${blocks.length} certificates, ${maxChain} at most`)
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch (cause) {
      throw wrong(field, `certificate ${index + 1} of ${blocks.length} cannot be read`, cause)
    }
  })
}

function readKey(text: string, passphrase: string | undefined): KeyObject {
  const label = /-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----/.exec(text)?.[1]
  if (label === undefined) throw wrong('key', 'is not PEM of a private key')
  const isEncrypted = label === 'ENCRYPTED PRIVATE KEY' || /Proc-Type:\s*4,ENCRYPTED/.test(text)
  if (isEncrypted && (passphrase ?? '') === '') throw wrong('passphrase', 'is needed: the key is encrypted')
  try {
    return createPrivateKey(isEncrypted ? { key: text, passphrase: passphrase! } : { key: text })
  } catch (cause) {
    if (isEncrypted) throw wrong('passphrase', 'does not open the key', cause)
    throw wrong('key', 'cannot be read', cause)
  }
}

/** From the key's own certificate up, each followed by the one that signed it. */
function orderChain(certificates: X509Certificate[], key: KeyObject): X509Certificate[] {
  const left = [...new Map(certificates.map((one) => [one.fingerprint256, one])).values()]
  const own = left.find((one) => one.checkPrivateKey(key))
  if (own === undefined) {
    throw wrong('key', left.length === 1 ? 'does not match the certificate' : 'matches none of the certificates')
  }
  const chain = [own]
  for (let last = own; ; ) {
    left.splice(left.indexOf(last), 1)
    const signer = left.find((one) => last.checkIssued(one) && last.verify(one.publicKey))
    if (signer === undefined) break
    chain.push(signer)
    last = signer
  }
  const [stranger] = left
  if (stranger === undefined) return chain
  throw wrong('chain', `${nameLine(stranger.subject)} has signed none of the others, and is no part of the chain`)
}

/** Fails `invalid` at `field` where OpenSSL itself would not serve with it. */
export function checkTls(options: Parameters<typeof createSecureContext>[0], field: Field): void {
  try {
    createSecureContext(options)
  } catch (cause) {
    throw wrong(field, `TLS does not take it: ${(cause as Error).message.replace(/^error:[0-9A-F]+:/, '')}`, cause)
  }
}

/** A distinguished name, which node gives a line an attribute, in one line. */
export function nameLine(name: string): string {
  return name.split('\n').join(', ')
}

export function wrong(field: Field, finding: string, cause?: unknown): Failure {
  return new Failure('invalid', `${field}: ${finding}`, { field, ...(cause === undefined ? {} : { cause }) })
}

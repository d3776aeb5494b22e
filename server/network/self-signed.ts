// Certificates that the server makes by itself, for a machine that nobody has given one to.
import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import type { StoredCertificate } from './certificate-store.ts'

/** Browsers and Apple's systems take no certificate of more days. */
const lifeDays = 397

const dayMs = 86_400_000

/** At most so many names: a machine with many containers has an address for each. */
const maxNames = 100

/** What this machine may be called: its names, `localhost` and every address but link-local IPv6, which no URL can hold. */
export function machineNames(serverName: string): string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map(({ address }) => address)
    .filter((address) => !/^fe[89ab]/i.test(address))
  const host = hostname()
  // A name that is no DNS name (`My_NAS!`) would make a certificate that nobody takes.
  const isName = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host)
  return [...new Set([...(isName ? [host] : []), serverName, 'localhost', ...addresses])].slice(0, maxNames)
}

/**
 * Makes a key (ECDSA P-256) and a certificate for `names`, 397 days from the day before `nowMs`: clocks that run a
 * little behind take it at once.
 */
export async function makeSelfSigned(names: string[], nowMs: number): Promise<StoredCertificate> {
  // Loaded when needed, once a year: the libraries stay in memory for ever.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  // The same keys by the types of browsers, which know fewer uses of a key than Node.
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as unknown as Parameters<
    typeof x509.X509CertificateGenerator.createSelfSigned
  >[0]['keys']
  const notBeforeMs = nowMs - dayMs
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [names[0]!.slice(0, 64)] }, { O: ['Nightjar'] }],
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notBeforeMs + lifeDays * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    source: 'self-signed',
    chainPem: `${certificate.toString('pem')}\n`,
    material: { key: pemOf('PRIVATE KEY', pkcs8) },
    names,
  }
}

/** A PEM block (RFC 7468) of what is base64 already. */
export function pemOf(label: string, base64: string): string {
  return `-----BEGIN ${label}-----\n${base64.match(/.{1,64}/g)!.join('\n')}\n-----END ${label}-----\n`
}

// Certificates as Windows exports them: PKCS#12 (RFC 7292), which TLS reads and gives back only by a handshake.

import { X509Certificate } from 'node:crypto'
import { duplexPair } from 'node:stream'
import { connect, createSecureContext, type DetailedPeerCertificate, type SecureContext, TLSSocket } from 'node:tls'
import type { Pkcs12Import } from '../../shared/network.ts'
import { checkCertificate, wrong } from './certificate-check.ts'
import type { StoredCertificate } from './certificate-store.ts'

/**
 * Takes a PKCS#12 file. It is kept as it is, for its key does not come out of TLS.
 *
 * Fails `invalid` at `passphrase` where that is wrong, at `pkcs12` for all else, as `readPemImport` does.
 */
export async function readPkcs12Import(parts: Pkcs12Import, nowMs: number): Promise<StoredCertificate> {
  const { pkcs12, passphrase } = parts
  const chain = await chainOf(contextOf(Buffer.from(pkcs12, 'base64'), passphrase))
  checkCertificate(chain[0]!, 'pkcs12', nowMs)
  return {
    source: 'imported',
    chainPem: chain.map((one) => one.toString()).join(''),
    material: { pkcs12, passphrase },
    names: undefined,
  }
}

function contextOf(pfx: Buffer, passphrase: string): SecureContext {
  try {
    return createSecureContext({ pfx, passphrase })
  } catch (cause) {
    const message = (cause as Error).message
    if (/mac verify failure/i.test(message)) throw wrong('passphrase', 'does not open the file', cause)
    if (/unsupported/i.test(message)) {
      throw wrong('pkcs12', 'is encrypted in an old way (RC2): export it anew with AES, or import PEM', cause)
    }
    if (/key values mismatch/i.test(message)) throw wrong('pkcs12', 'its key does not match its certificate', cause)
    throw wrong('pkcs12', 'is no PKCS#12 file with a certificate and its key', cause)
  }
}

/** Speaks TLS with itself, within memory, and notes what the server side shows. */
async function chainOf(secureContext: SecureContext): Promise<X509Certificate[]> {
  const [near, far] = duplexPair()
  const server = new TLSSocket(far as never, { isServer: true, secureContext })
  // Whom to trust is not the question here: the certificate is looked at, and nothing is sent.
  const client = connect({ socket: near, rejectUnauthorized: false })
  try {
    await new Promise((resolve, reject) => {
      client.once('secureConnect', resolve)
      client.once('error', reject)
      server.once('error', reject)
    })
    const chain: X509Certificate[] = []
    let next: DetailedPeerCertificate | undefined = client.getPeerCertificate(true)
    while (next?.raw !== undefined) {
      const certificate = new X509Certificate(next.raw)
      // A root is its own issuer, for ever.
      if (chain.some((one) => one.fingerprint256 === certificate.fingerprint256)) break
      chain.push(certificate)
      next = next.issuerCertificate
    }
    return chain
  } catch (cause) {
    throw wrong('pkcs12', 'TLS does not work with it: it may hold no certificate, or no key', cause)
  } finally {
    for (const end of [client, server]) {
      end.on('error', () => undefined)
      end.destroy()
    }
  }
}

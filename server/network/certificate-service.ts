// The certificate that browsers are shown: made, brought, asked for, and replaced without a connection lost.
import type { SecureContextOptions } from 'node:tls'
import { Failure } from '../../shared/failure.ts'
import type {
  AcmeRequest,
  Certificate,
  CertificateImport,
  Pkcs12Import,
  SelfSignedRequest,
} from '../../shared/network.ts'
import type { Clock } from '../base/clock.ts'
import type { LogAuthor, LogService } from '../log/log-service.ts'
import type { AcmeAuthority } from './acme.ts'
import { keyKindOf, nameLine, readCertificates, readPemImport } from './certificate-check.ts'
import type { CertificateStore, StoredCertificate } from './certificate-store.ts'
import { readPkcs12Import } from './pkcs12.ts'
import { machineNames, makeSelfSigned } from './self-signed.ts'

/** How long before its end a certificate is renewed; a third of its life where that is shorter. */
const renewalMs = 30 * 86_400_000

export interface CertificateOptions {
  store: CertificateStore
  acme: AcmeAuthority
  /** What the machine is called in settings, for a certificate of its own. */
  serverName: () => string
  log: LogService
  clock: Clock
  /** Called with another certificate, to be shown from now on. */
  onChanged: (tls: SecureContextOptions) => void
}

export class CertificateService {
  readonly #options: CertificateOptions
  #current: Promise<StoredCertificate> | undefined
  #isOrdering = false

  constructor(options: CertificateOptions) {
    this.#options = options
  }

  async get(): Promise<Certificate> {
    return shownOf(await this.#stored())
  }

  /** The certificate and its chain in PEM. */
  async pem(): Promise<string> {
    return (await this.#stored()).chainPem
  }

  /** For a TLS server. Makes a self-signed certificate where there is none yet. */
  async tls(): Promise<SecureContextOptions> {
    return tlsOf(await this.#stored())
  }

  /** Fails `invalid` as `readPemImport` does. */
  async importPem(parts: CertificateImport, by: LogAuthor): Promise<Certificate> {
    return this.#replace(readPemImport(parts, this.#nowMs()), by)
  }

  /** Fails `invalid` as `readPkcs12Import` does. */
  async importPkcs12(parts: Pkcs12Import, by: LogAuthor): Promise<Certificate> {
    return this.#replace(await readPkcs12Import(parts, this.#nowMs()), by)
  }

  async selfSign({ names }: SelfSignedRequest, by: LogAuthor): Promise<Certificate> {
    return this.#replace(await this.#makeSelfSigned(names), by)
  }

  /** Fails `conflict` while another is asked for; else as `AcmeAuthority.order` does. */
  async orderAcme(request: Pick<AcmeRequest, 'names' | 'email'>, by: LogAuthor): Promise<Certificate> {
    return this.#replace(await this.#order(request), by)
  }

  /** Gets another of the same kind, for the same names. Fails as asking for one does. */
  async renew(): Promise<void> {
    const before = await this.#stored()
    const { source, names } = before
    if (source === 'self-signed') await this.selfSign(names === undefined ? {} : { names }, {})
    if (source !== 'acme') return
    const email = await this.#options.acme.email()
    const next = await this.#order({ names: names ?? [], ...(email === undefined ? {} : { email }) })
    // Somebody may have brought another in the meantime: theirs stays.
    if ((await this.#stored()) === before) await this.#replace(next, {})
  }

  async #order(request: Pick<AcmeRequest, 'names' | 'email'>): Promise<StoredCertificate> {
    if (this.#isOrdering) throw new Failure('conflict', 'another certificate is being asked for: wait for its answer')
    this.#isOrdering = true
    try {
      return await this.#options.acme.order(request)
    } finally {
      this.#isOrdering = false
    }
  }

  #stored(): Promise<StoredCertificate> {
    this.#current ??= this.#loadOrMake().catch((error) => {
      this.#current = undefined
      throw error
    })
    return this.#current
  }

  async #loadOrMake(): Promise<StoredCertificate> {
    const stored = await this.#options.store.get()
    if (stored !== undefined) return stored
    const made = await this.#makeSelfSigned(undefined)
    await this.#options.store.set(made)
    return made
  }

  async #makeSelfSigned(names: string[] | undefined): Promise<StoredCertificate> {
    const made = await makeSelfSigned(names ?? machineNames(this.#options.serverName()), this.#nowMs())
    return { ...made, names }
  }

  async #replace(next: StoredCertificate, by: LogAuthor): Promise<Certificate> {
    const before = await this.get()
    await this.#options.store.set(next)
    this.#current = Promise.resolve(next)
    this.#options.onChanged(tlsOf(next))
    const after = shownOf(next)
    const end = new Date(after.notAfterMs).toISOString().slice(0, 10)
    this.#options.log.record({
      kind: by.username === undefined ? 'system' : 'setting',
      level: 'info',
      name: 'certificate-replaced',
      message: `the certificate was replaced: ${after.source}, ${after.subject}, until ${end}`,
      by,
      detail: Object.fromEntries(
        (['source', 'subject', 'fingerprintSha256'] as const).map((key) => [
          key,
          { from: before[key], to: after[key] },
        ]),
      ),
    })
    return after
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.utcUs() / 1000)
  }
}

function tlsOf({ chainPem, material }: StoredCertificate): SecureContextOptions {
  if ('key' in material) return { cert: chainPem, key: material.key }
  return { pfx: Buffer.from(material.pkcs12, 'base64'), passphrase: material.passphrase }
}

function shownOf({ source, chainPem }: StoredCertificate): Certificate {
  const [own, ...chain] = readCertificates(chainPem, 'certificate')
  const { subject, issuer, subjectAltName = '', validFromDate, validToDate, fingerprint256 } = own!
  const [notBeforeMs, notAfterMs] = [validFromDate.getTime(), validToDate.getTime()]
  const leadMs = Math.min(renewalMs, Math.floor((notAfterMs - notBeforeMs) / 3))
  return {
    source,
    subject: nameLine(subject),
    issuer: nameLine(issuer),
    names:
      subjectAltName === '' ? [] : subjectAltName.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, '')),
    notBeforeMs,
    notAfterMs,
    fingerprintSha256: fingerprint256,
    keyKind: keyKindOf(own!),
    chain: chain.map((one) => nameLine(one.subject)),
    ...(source === 'imported' ? {} : { renewsAtMs: notAfterMs - leadMs }),
  }
}

// The certificate in SQL; its key sealed.
import type { Certificate } from '../../shared/network.ts'
import type { Seal } from '../base/seal.ts'
import type { Database } from '../db/database.ts'

/** A private key as TLS takes it: PEM without a passphrase, or a whole PKCS#12 file, base64. */
export type KeyMaterial = { key: string } | { pkcs12: string; passphrase: string }

export interface StoredCertificate {
  source: Certificate['source']
  /** PEM, the certificate first, then its chain. */
  chainPem: string
  material: KeyMaterial
  /** Names it was asked for with; undefined where they are the machine's own. */
  names: string[] | undefined
}

interface CertificateRow {
  purpose: string
  source: Certificate['source']
  chain_pem: string
  key_sealed: string
  names: string | null
}

const purpose = 'web'
const sealContext = 'certificate:web:key'

export class CertificateStore {
  readonly #database: Database
  readonly #seal: Seal

  constructor(database: Database, seal: Seal) {
    this.#database = database
    this.#seal = seal
  }

  /** Fails `corrupt` where the key was sealed under another seal key. */
  async get(): Promise<StoredCertificate | undefined> {
    const row: CertificateRow | undefined = await this.#database.knex('certificate').where({ purpose }).first()
    if (row === undefined) return undefined
    return {
      source: row.source,
      chainPem: row.chain_pem,
      material: JSON.parse(this.#seal.unseal(row.key_sealed, sealContext)),
      names: row.names === null ? undefined : JSON.parse(row.names),
    }
  }

  async set(certificate: StoredCertificate): Promise<void> {
    const row: CertificateRow = {
      purpose,
      source: certificate.source,
      chain_pem: certificate.chainPem,
      key_sealed: this.#seal.seal(JSON.stringify(certificate.material), sealContext),
      names: certificate.names === undefined ? null : JSON.stringify(certificate.names),
    }
    await this.#database.knex('certificate').insert(row).onConflict('purpose').merge()
  }
}

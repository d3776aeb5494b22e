// Passkeys in SQL.
import { createHash } from 'node:crypto'
import type { Database } from '../db/database.ts'

export interface StoredPasskey {
  id: string
  accountId: string
  name: string
  /** Base64url, as the browser names it. */
  credentialId: string
  /** COSE, base64url. */
  publicKey: string
  signCount: number
  transports: string[]
  /** Of the page it was made on, the only one it works on. */
  origin: string
  createdMs: number
  lastUsedMs: number | undefined
}

interface PasskeyRow {
  id: string
  account_id: string
  name: string
  credential_id: string
  credential_hash: string
  public_key: string
  sign_count: number | string
  transports: string
  origin: string
  created_ms: number | string
  last_used_ms: number | string | null
}

export class PasskeyStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Of one account, oldest first. */
  async listOf(accountId: string): Promise<StoredPasskey[]> {
    const rows: PasskeyRow[] = await this.#table.where({ account_id: accountId }).orderBy(['created_ms', 'id'])
    return rows.map((row) => passkeyFromRow(row)!)
  }

  async getByCredential(credentialId: string): Promise<StoredPasskey | undefined> {
    return passkeyFromRow(await this.#table.where({ credential_hash: hashOf(credentialId) }).first())
  }

  async create(passkey: StoredPasskey): Promise<void> {
    await this.#table.insert(rowFromPasskey(passkey))
  }

  /** False where the account has no such passkey. */
  async rename(accountId: string, id: string, name: string): Promise<boolean> {
    return (await this.#table.where({ id, account_id: accountId }).update({ name })) === 1
  }

  /** False where the account has no such passkey. */
  async remove(accountId: string, id: string): Promise<boolean> {
    return (await this.#table.where({ id, account_id: accountId }).del()) === 1
  }

  /** Gives how many there were. */
  removeAllOf(accountId: string): Promise<number> {
    return this.#table.where({ account_id: accountId }).del()
  }

  /**
   * Notes a use. False where the device's count did not go up, though it counts: of two devices that sign with one
   * passkey one is a copy (WebAuthn §6.1.1).
   */
  async noteUse(id: string, signCount: number, nowMs: number): Promise<boolean> {
    const used = await this.#table
      .where({ id })
      .where('sign_count', signCount === 0 ? '=' : '<', signCount)
      .update({ sign_count: signCount, last_used_ms: nowMs })
    return used === 1
  }

  get #table() {
    return this.#database.knex('passkey')
  }
}

function rowFromPasskey(passkey: StoredPasskey): PasskeyRow {
  return {
    id: passkey.id,
    account_id: passkey.accountId,
    name: passkey.name,
    credential_id: passkey.credentialId,
    credential_hash: hashOf(passkey.credentialId),
    public_key: passkey.publicKey,
    sign_count: passkey.signCount,
    transports: JSON.stringify(passkey.transports),
    origin: passkey.origin,
    created_ms: passkey.createdMs,
    last_used_ms: passkey.lastUsedMs ?? null,
  }
}

function passkeyFromRow(row: PasskeyRow | undefined): StoredPasskey | undefined {
  if (row === undefined) return undefined
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    credentialId: row.credential_id,
    publicKey: row.public_key,
    signCount: Number(row.sign_count),
    transports: JSON.parse(row.transports) as string[],
    origin: row.origin,
    createdMs: Number(row.created_ms),
    lastUsedMs: row.last_used_ms === null ? undefined : Number(row.last_used_ms),
  }
}

function hashOf(credentialId: string): string {
  return createHash('sha256').update(credentialId).digest('hex')
}

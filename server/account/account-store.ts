// Accounts in SQL.
import type { AccountSource } from '../../shared/account.ts'
import type { Database } from '../db/database.ts'

export interface Account {
  id: string
  username: string
  email: string
  phone: string
  /** Who keeps the password. */
  source: AccountSource
  /** What the source knows the account by, which outlives a change of its name; empty for a local one. */
  sourceId: string
  /** Argon2id, PHC string; empty where the password is kept elsewhere. */
  passwordHash: string
  /** The password is a one-time one that the server made. */
  mustChangePassword: boolean
  /** Nothing else may be done before it is changed. */
  isChangeRequired: boolean
  isAdministrator: boolean
  isEnabled: boolean
  createdMs: number
  passwordChangedMs: number
  lastLoginMs: number | undefined
}

interface AccountRow {
  id: string
  username: string
  email: string
  phone: string
  source: string
  source_id: string
  password_hash: string
  must_change_password: number | boolean
  is_change_required: number | boolean
  is_administrator: number | boolean
  is_enabled: number | boolean
  created_ms: number
  password_changed_ms: number
  last_login_ms: number | null
}

export class AccountStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async count(): Promise<number> {
    const [row] = await this.#database.knex('account').count({ count: '*' })
    return Number(row?.['count'])
  }

  /** In the order of their names. */
  async list(): Promise<Account[]> {
    const rows: AccountRow[] = await this.#database.knex('account').orderByRaw('lower(username)')
    return rows.map((row) => accountFromRow(row)!)
  }

  async get(id: string): Promise<Account | undefined> {
    return accountFromRow(await this.#database.knex('account').where({ id }).first())
  }

  /** Names are told apart without regard to case. */
  async getByUsername(username: string): Promise<Account | undefined> {
    return accountFromRow(
      await this.#database.knex('account').whereRaw('lower(username) = ?', [username.toLowerCase()]).first(),
    )
  }

  async getBySource(source: AccountSource, sourceId: string): Promise<Account | undefined> {
    return accountFromRow(await this.#database.knex('account').where({ source, source_id: sourceId }).first())
  }

  async create(account: Account): Promise<void> {
    await this.#database.knex('account').insert(rowFromAccount(account))
  }

  async update(account: Account): Promise<void> {
    await this.#database.knex('account').where({ id: account.id }).update(rowFromAccount(account))
  }

  async remove(id: string): Promise<void> {
    await this.#database.knex('account').where({ id }).del()
  }
}

function rowFromAccount(account: Account): AccountRow {
  return {
    id: account.id,
    username: account.username,
    email: account.email,
    phone: account.phone,
    source: account.source,
    source_id: account.sourceId,
    password_hash: account.passwordHash,
    must_change_password: account.mustChangePassword,
    is_change_required: account.isChangeRequired,
    is_administrator: account.isAdministrator,
    is_enabled: account.isEnabled,
    created_ms: account.createdMs,
    password_changed_ms: account.passwordChangedMs,
    last_login_ms: account.lastLoginMs ?? null,
  }
}

function accountFromRow(row: AccountRow | undefined): Account | undefined {
  if (row === undefined) return undefined
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    phone: row.phone,
    source: row.source as AccountSource,
    sourceId: row.source_id,
    passwordHash: row.password_hash,
    mustChangePassword: Boolean(row.must_change_password),
    isChangeRequired: Boolean(row.is_change_required),
    isAdministrator: Boolean(row.is_administrator),
    isEnabled: Boolean(row.is_enabled),
    createdMs: row.created_ms,
    passwordChangedMs: row.password_changed_ms,
    lastLoginMs: row.last_login_ms ?? undefined,
  }
}

// Accounts in SQL.
import type { Database } from '../db/database.ts'

export interface Account {
  id: string
  username: string
  /** Argon2id, PHC string. */
  passwordHash: string
  mustChangePassword: boolean
  createdMs: number
  lastLoginMs: number | undefined
}

interface AccountRow {
  id: string
  username: string
  password_hash: string
  must_change_password: number | boolean
  created_ms: number
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

  async get(id: string): Promise<Account | undefined> {
    return accountFromRow(await this.#database.knex('account').where({ id }).first())
  }

  /** Names are told apart without regard to case. */
  async getByUsername(username: string): Promise<Account | undefined> {
    return accountFromRow(
      await this.#database.knex('account').whereRaw('lower(username) = ?', [username.toLowerCase()]).first(),
    )
  }

  async create(account: Account): Promise<void> {
    await this.#database.knex('account').insert(rowFromAccount(account))
  }

  async update(account: Account): Promise<void> {
    await this.#database.knex('account').where({ id: account.id }).update(rowFromAccount(account))
  }
}

function rowFromAccount(account: Account): AccountRow {
  return {
    id: account.id,
    username: account.username,
    password_hash: account.passwordHash,
    must_change_password: account.mustChangePassword,
    created_ms: account.createdMs,
    last_login_ms: account.lastLoginMs ?? null,
  }
}

function accountFromRow(row: AccountRow | undefined): Account | undefined {
  if (row === undefined) return undefined
  return {
    id: row.id,
    username: row.username,
    passwordHash: row.password_hash,
    mustChangePassword: Boolean(row.must_change_password),
    createdMs: row.created_ms,
    lastLoginMs: row.last_login_ms ?? undefined,
  }
}

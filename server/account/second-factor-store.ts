// Second factors and recovery codes in SQL.
import type { Database } from '../db/database.ts'

export interface SecondFactor {
  accountId: string
  secretSealed: string
  isConfirmed: boolean
  lastStep: number
  createdMs: number
}

interface SecondFactorRow {
  account_id: string
  secret_sealed: string
  is_confirmed: number | boolean
  last_step: number
  created_ms: number
}

export class SecondFactorStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async get(accountId: string): Promise<SecondFactor | undefined> {
    const row: SecondFactorRow | undefined = await this.#database
      .knex('second_factor')
      .where({ account_id: accountId })
      .first()
    return (
      row && {
        accountId: row.account_id,
        secretSealed: row.secret_sealed,
        isConfirmed: Boolean(row.is_confirmed),
        lastStep: Number(row.last_step),
        createdMs: Number(row.created_ms),
      }
    )
  }

  /** Ids of the accounts that have one. */
  async listConfirmed(): Promise<Set<string>> {
    const rows: SecondFactorRow[] = await this.#database
      .knex('second_factor')
      .where({ is_confirmed: true })
      .select('account_id')
    return new Set(rows.map((row) => row.account_id))
  }

  /** Puts an unconfirmed one in the place of whatever there is. */
  async offer(factor: Omit<SecondFactor, 'isConfirmed' | 'lastStep'>): Promise<void> {
    await this.#database
      .knex('second_factor')
      .insert({
        account_id: factor.accountId,
        secret_sealed: factor.secretSealed,
        is_confirmed: false,
        last_step: 0,
        created_ms: factor.createdMs,
      })
      .onConflict('account_id')
      .merge()
  }

  /** Takes a time step. False where it, or a later one, was taken before: of two logins with one code one fails. */
  async takeStep(accountId: string, step: number): Promise<boolean> {
    const taken = await this.#database
      .knex('second_factor')
      .where({ account_id: accountId })
      .where('last_step', '<', step)
      .update({ last_step: step })
    return taken === 1
  }

  /** It is asked for from now on; the recovery codes of before count no more. */
  async confirm(accountId: string, codeHashes: readonly string[]): Promise<void> {
    await this.#database.knex.transaction(async (transaction) => {
      await transaction('second_factor').where({ account_id: accountId }).update({ is_confirmed: true })
      await transaction('recovery_code').where({ account_id: accountId }).del()
      await transaction('recovery_code').insert(
        codeHashes.map((code_hash) => ({ account_id: accountId, code_hash, used_ms: null })),
      )
    })
  }

  async remove(accountId: string): Promise<void> {
    await this.#database.knex.transaction(async (transaction) => {
      await transaction('recovery_code').where({ account_id: accountId }).del()
      await transaction('second_factor').where({ account_id: accountId }).del()
    })
  }

  /** Uses a recovery code up. False where there is none such, or it was used before. */
  async useCode(accountId: string, codeHash: string, nowMs: number): Promise<boolean> {
    const used = await this.#database
      .knex('recovery_code')
      .where({ account_id: accountId, code_hash: codeHash })
      .whereNull('used_ms')
      .update({ used_ms: nowMs })
    return used === 1
  }

  async countCodes(accountId: string): Promise<number> {
    const [row] = await this.#database
      .knex('recovery_code')
      .where({ account_id: accountId })
      .whereNull('used_ms')
      .count({ count: '*' })
    return Number(row?.['count'])
  }
}

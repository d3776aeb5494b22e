// Bans in SQL.
import type { Ban } from '../../shared/network.ts'
import type { Database } from '../db/database.ts'

interface BanRow {
  id: string
  target: string
  since_ms: number
  until_ms: number | null
  reason: Ban['reason']
  username: string | null
}

export class BanStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Oldest first. */
  async list(): Promise<Ban[]> {
    const rows: BanRow[] = await this.#database.knex('network_ban').orderBy('since_ms')
    return rows.map(banFromRow)
  }

  /** Takes the place of another ban of the same target. */
  async create(ban: Ban): Promise<void> {
    await this.#database.knex('network_ban').insert(rowFromBan(ban)).onConflict('target').merge()
  }

  async remove(id: string): Promise<void> {
    await this.#database.knex('network_ban').where({ id }).del()
  }

  /** Removes those that were over at an instant. */
  async removeOver(nowMs: number): Promise<void> {
    await this.#database.knex('network_ban').where('until_ms', '<=', nowMs).del()
  }
}

function rowFromBan(ban: Ban): BanRow {
  return {
    id: ban.id,
    target: ban.target,
    since_ms: ban.sinceMs,
    until_ms: ban.untilMs ?? null,
    reason: ban.reason,
    username: ban.username ?? null,
  }
}

function banFromRow(row: BanRow): Ban {
  return {
    id: row.id,
    target: row.target,
    sinceMs: row.since_ms,
    ...(row.until_ms === null ? {} : { untilMs: row.until_ms }),
    reason: row.reason,
    ...(row.username === null ? {} : { username: row.username }),
  }
}

// The NAS's groups that accounts are in, in SQL.
import type { Database } from '../db/database.ts'

export class NasGroupStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Names of groups, in their order. */
  async groupsOf(accountId: string): Promise<string[]> {
    const rows: { group_name: string }[] = await this.#database
      .knex('nas_group_member')
      .where({ account_id: accountId })
      .orderBy('group_name')
    return rows.map((row) => row.group_name)
  }

  /** Makes these the groups of an account, no more and no fewer. False where they were already. */
  async setGroups(accountId: string, groups: readonly string[]): Promise<boolean> {
    const before = await this.groupsOf(accountId)
    const next = [...new Set(groups)].sort()
    if (JSON.stringify([...before].sort()) === JSON.stringify(next)) return false
    await this.#database.knex.transaction(async (transaction) => {
      await transaction('nas_group_member').where({ account_id: accountId }).del()
      if (next.length === 0) return
      const rows = next.map((group_name) => ({ account_id: accountId, group_name }))
      await transaction('nas_group_member').insert(rows)
    })
    return true
  }
}

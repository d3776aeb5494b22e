// Accounts whose password is kept elsewhere: on the NAS, in a directory, with an OpenID provider.
import type { Migration } from '../database.ts'

export const accountSourceMigration: Migration = {
  name: '003-account-source',
  async up(knex) {
    if (await knex.schema.hasColumn('account', 'source')) return
    await knex.schema.alterTable('account', (table) => {
      table.string('source', 16).notNullable().defaultTo('local')
      // What the source knows the account by, which outlives a change of its name; empty for a local one.
      table.string('source_id', 255).notNullable().defaultTo('')
    })
  },
}

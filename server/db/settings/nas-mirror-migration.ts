// What the NAS says of its accounts beside what every account has: the groups they are in.
import type { Migration } from '../database.ts'

export const nasMirrorMigration: Migration = {
  name: '005-nas-mirror',
  async up(knex) {
    if (await knex.schema.hasTable('nas_group_member')) return
    await knex.schema.createTable('nas_group_member', (table) => {
      table.string('account_id', 36).notNullable().references('id').inTable('account').onDelete('CASCADE')
      // As the NAS writes it, with its domain where it has one.
      table.string('group_name', 128).notNullable()
      table.primary(['account_id', 'group_name'])
    })
  },
}

// Passkeys of accounts.
import type { Migration } from '../database.ts'

export const passkeyMigration: Migration = {
  name: '004-passkey',
  async up(knex) {
    if (await knex.schema.hasTable('passkey')) return
    await knex.schema.createTable('passkey', (table) => {
      table.string('id', 36).primary()
      table.string('account_id', 36).notNullable().references('id').inTable('account').onDelete('CASCADE')
      table.string('name', 50).notNullable()
      // Up to 1364 characters of base64url: too long for an index of MariaDB, so its SHA-256 is found by.
      table.text('credential_id').notNullable()
      table.string('credential_hash', 64).notNullable().unique()
      // COSE (RFC 9052 §7), base64url.
      table.text('public_key').notNullable()
      // How often the device says it has signed; many always say 0.
      table.bigInteger('sign_count').notNullable()
      // JSON array: how the device can be reached.
      table.string('transports', 255).notNullable()
      // Of the page it was made on: `https://nas.example:8443`.
      table.string('origin', 300).notNullable()
      table.bigInteger('created_ms').notNullable()
      table.bigInteger('last_used_ms')
      table.index(['account_id'])
    })
  },
}

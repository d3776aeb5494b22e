// What `server/network/` keeps: the certificate in use, and addresses that are banned.
import type { Migration } from '../database.ts'

export const networkMigration: Migration = {
  name: '002-network',
  async up(knex) {
    if (!(await knex.schema.hasTable('certificate'))) {
      await knex.schema.createTable('certificate', (table) => {
        // `web`: what the server shows to browsers.
        table.string('purpose', 32).primary()
        // `self-signed`, `imported` or `acme`.
        table.string('source', 16).notNullable()
        // PEM, the certificate first, then its chain.
        table.text('chain_pem').notNullable()
        // Sealed (base/seal.ts): JSON of the key in PEM, or of a PKCS#12 file and its passphrase.
        table.text('key_sealed', 'mediumtext').notNullable()
        // JSON array of the names asked for; null where they are the machine's own.
        table.text('names')
      })
    }
    if (!(await knex.schema.hasTable('network_ban'))) {
      await knex.schema.createTable('network_ban', (table) => {
        table.string('id', 36).primary()
        // An address, a network or a range.
        table.string('target', 100).notNullable().unique()
        table.bigInteger('since_ms').notNullable()
        // null: for ever.
        table.bigInteger('until_ms').index()
        table.string('reason', 16).notNullable()
        // Who added it by hand.
        table.string('username', 64)
      })
    }
  },
}

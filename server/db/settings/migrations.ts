// The schema of `settings`: what people decided. Instants are milliseconds since the epoch; JSON is text.
import type { Migration } from '../database.ts'
import { accountSourceMigration } from './account-source-migration.ts'
import { nasMirrorMigration } from './nas-mirror-migration.ts'
import { networkMigration } from './network-migration.ts'
import { passkeyMigration } from './passkey-migration.ts'

export const settingsMigrations: Migration[] = [
  {
    name: '001-first',
    async up(knex) {
      const make = async (name: string, columns: Parameters<typeof knex.schema.createTable>[1]) => {
        if (!(await knex.schema.hasTable(name))) await knex.schema.createTable(name, columns)
      }

      // One value a key, as JSON: the server's identity and what has no table of its own.
      await make('setting', (table) => {
        table.string('name', 64).primary()
        table.text('value').notNullable()
      })

      await make('account', (table) => {
        table.string('id', 36).primary()
        table.string('username', 64).notNullable().unique()
        // Argon2id in the PHC string format.
        table.string('password_hash', 255).notNullable()
        // 1 while the one-time password is in use.
        table.boolean('must_change_password').notNullable()
        table.bigInteger('created_ms').notNullable()
        table.bigInteger('last_login_ms')
      })

      // Of connect-session-knex, which prescribes these names and types.
      await make('session', (table) => {
        table.string('sid', 128).primary()
        table.text('sess').notNullable()
        table.dateTime('expired').notNullable().index()
      })

      await make('space', (table) => {
        table.string('id', 36).primary()
        table.string('name', 30).notNullable()
        table.string('volume_path', 1024).notNullable()
        // The mount point the volume stood on when the space was made.
        table.string('mount_point', 1024).notNullable()
        // Name of the space's own folder in the volume.
        table.string('folder', 255).notNullable()
        // 1 until the recorder has made the folder and its marker: after that a missing marker is an error.
        table.boolean('is_fresh').notNullable()
        table.bigInteger('allocated_bytes').notNullable()
        table.integer('overwrite_threshold_pct').notNullable()
        table.boolean('is_default').notNullable()
        table.bigInteger('created_ms').notNullable()
      })

      await make('camera', (table) => {
        table.string('id', 36).primary()
        table.integer('channel').notNullable().unique()
        table.string('name', 50).notNullable()
        table.string('brand', 64).notNullable()
        table.string('model', 64).notNullable()
        table.string('onvif_host', 253).notNullable()
        table.integer('onvif_port').notNullable()
        table.string('username', 64).notNullable()
        // Sealed (base/seal.ts); empty where there is none.
        table.text('password_sealed').notNullable()
        table.boolean('is_enabled').notNullable()
        table.boolean('is_recovered').notNullable()
        table.string('space_id', 36).notNullable()
        table.bigInteger('created_ms').notNullable()
      })

      await make('camera_stream', (table) => {
        table.string('camera_id', 36).notNullable().references('id').inTable('camera').onDelete('CASCADE')
        table.integer('stream').notNullable()
        table.string('url', 2048).notNullable()
        table.boolean('is_recorded').notNullable()
        table.boolean('has_audio').notNullable()
        table.primary(['camera_id', 'stream'])
      })

      await make('log', (table) => {
        table.bigIncrements('id')
        table.bigInteger('at_ms').notNullable().index()
        table.string('kind', 16).notNullable()
        table.string('level', 8).notNullable()
        table.string('name', 64).notNullable()
        table.string('message', 1024).notNullable()
        table.string('username', 64)
        table.string('address', 64)
        table.string('camera_id', 36)
        // JSON.
        table.text('detail')
        table.index(['kind', 'id'])
        table.index(['camera_id', 'id'])
      })
    },
  },
  networkMigration,
  {
    name: '002-accounts',
    async up(knex) {
      if (!(await knex.schema.hasColumn('account', 'is_administrator'))) {
        await knex.schema.alterTable('account', (table) => {
          table.string('email', 254).notNullable().defaultTo('')
          table.string('phone', 32).notNullable().defaultTo('')
          table.boolean('is_administrator').notNullable().defaultTo(false)
          table.boolean('is_enabled').notNullable().defaultTo(true)
          // 1 where nothing else may be done before the password is changed.
          table.boolean('is_change_required').notNullable().defaultTo(false)
          table.bigInteger('password_changed_ms').notNullable().defaultTo(0)
        })
        // Until now there was one account, the administrator.
        await knex('account').update({ is_administrator: true, password_changed_ms: knex.ref('created_ms') })
      }

      if (!(await knex.schema.hasTable('second_factor'))) {
        await knex.schema.createTable('second_factor', (table) => {
          table.string('account_id', 36).primary().references('id').inTable('account').onDelete('CASCADE')
          // Sealed (base/seal.ts).
          table.text('secret_sealed').notNullable()
          // 0 until the first right code: only then is it asked for.
          table.boolean('is_confirmed').notNullable()
          // The time step (RFC 6238 §4) of the last code taken: none counts twice.
          table.bigInteger('last_step').notNullable()
          table.bigInteger('created_ms').notNullable()
        })
      }

      if (!(await knex.schema.hasTable('recovery_code'))) {
        await knex.schema.createTable('recovery_code', (table) => {
          table.string('account_id', 36).notNullable().references('id').inTable('account').onDelete('CASCADE')
          // SHA-256, hexadecimal: the codes are random, so nothing slower is needed.
          table.string('code_hash', 64).notNullable()
          table.bigInteger('used_ms')
          table.primary(['account_id', 'code_hash'])
        })
      }
    },
  },
  accountSourceMigration,
  nasMirrorMigration,
  passkeyMigration,
]

// Settings that have no table of their own: one JSON value a name.
import type { Database } from './database.ts'

export class SettingStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** The value, or undefined where it was never set. */
  async get<T>(name: string): Promise<T | undefined> {
    const row = await this.#database.knex('setting').where({ name }).first()
    return row === undefined ? undefined : JSON.parse(row.value)
  }

  async set(name: string, value: unknown): Promise<void> {
    await this.#database
      .knex('setting')
      .insert({ name, value: JSON.stringify(value) })
      .onConflict('name')
      .merge()
  }

  /** The value; where it was never set, `make` gives it and it is kept. */
  async getOrMake<T>(name: string, make: () => T): Promise<T> {
    const value = await this.get<T>(name)
    if (value !== undefined) return value
    const made = make()
    await this.set(name, made)
    return made
  }
}

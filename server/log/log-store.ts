// The durable log in SQL.
import type { LogEntry, LogQuery } from '../../shared/log.ts'
import type { Database, Knex } from '../db/database.ts'

interface LogRow {
  id: number
  at_ms: number
  kind: LogEntry['kind']
  level: LogEntry['level']
  name: string
  message: string
  username: string | null
  address: string | null
  camera_id: string | null
  detail: string | null
}

export class LogStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Adds an entry and gives it with its id. */
  async create(entry: Omit<LogEntry, 'id'>): Promise<LogEntry> {
    const [id] = await this.#database.knex('log').insert(rowFromEntry(entry))
    return { ...entry, id: id as number }
  }

  /** Newest first, at most `limit`. */
  async list(query: LogQuery, limit: number): Promise<LogEntry[]> {
    const rows: LogRow[] = await this.#database
      .knex('log')
      .modify((select: Knex.QueryBuilder) => {
        if (query.kind !== undefined) select.where('kind', query.kind)
        if (query.level !== undefined) select.where('level', query.level)
        if (query.cameraId !== undefined) select.where('camera_id', query.cameraId)
        if (query.fromMs !== undefined) select.where('at_ms', '>=', query.fromMs)
        if (query.toMs !== undefined) select.where('at_ms', '<', query.toMs)
        if (query.before !== undefined) select.where('id', '<', query.before)
        if (query.text !== undefined && query.text !== '') {
          const pattern = `%${query.text.toLowerCase().replace(/[!%_]/g, '!$&')}%`
          select.where((any: Knex.QueryBuilder) => {
            for (const column of ['message', 'username', 'address']) {
              any.orWhereRaw("lower(??) like ? escape '!'", [column, pattern])
            }
          })
        }
      })
      .orderBy('id', 'desc')
      .limit(limit)
    return rows.map(entryFromRow)
  }

  /** Removes all but the newest `keep` entries. */
  async prune(keep: number): Promise<void> {
    const [oldest] = await this.#database.knex('log').select('id').orderBy('id', 'desc').offset(keep).limit(1)
    if (oldest !== undefined) await this.#database.knex('log').where('id', '<=', oldest.id).del()
  }
}

function rowFromEntry(entry: Omit<LogEntry, 'id'>): Omit<LogRow, 'id'> {
  return {
    at_ms: entry.atMs,
    kind: entry.kind,
    level: entry.level,
    name: entry.name.slice(0, 64),
    message: entry.message.slice(0, 1024),
    username: entry.username?.slice(0, 64) ?? null,
    address: entry.address?.slice(0, 64) ?? null,
    camera_id: entry.cameraId ?? null,
    detail: entry.detail === undefined ? null : JSON.stringify(entry.detail),
  }
}

function entryFromRow(row: LogRow): LogEntry {
  return {
    id: row.id,
    atMs: row.at_ms,
    kind: row.kind,
    level: row.level,
    name: row.name,
    message: row.message,
    ...(row.username === null ? {} : { username: row.username }),
    ...(row.address === null ? {} : { address: row.address }),
    ...(row.camera_id === null ? {} : { cameraId: row.camera_id }),
    ...(row.detail === null ? {} : { detail: JSON.parse(row.detail) }),
  }
}

// Recording spaces in SQL.
import type { Database } from '../db/database.ts'

/** A space as it was set; what state it is in, the recorder tells. */
export interface StoredSpace {
  id: string
  name: string
  volumePath: string
  /** Where the volume's file system was mounted when the space was made. */
  mountPoint: string
  /** Name of the space's own folder in the volume. */
  folder: string
  /** True until the recorder has made the folder and its marker: after that a missing marker is an error. */
  isFresh: boolean
  allocatedBytes: number
  overwriteThresholdPct: number
  isDefault: boolean
  createdMs: number
}

interface SpaceRow {
  id: string
  name: string
  volume_path: string
  mount_point: string
  folder: string
  is_fresh: number | boolean
  allocated_bytes: number
  overwrite_threshold_pct: number
  is_default: number | boolean
  created_ms: number
}

export class SpaceStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** All of them, oldest first. */
  async list(): Promise<StoredSpace[]> {
    const rows: SpaceRow[] = await this.#database.knex('space').orderBy(['created_ms', 'id'])
    return rows.map(spaceFromRow)
  }

  async get(id: string): Promise<StoredSpace | undefined> {
    const row: SpaceRow | undefined = await this.#database.knex('space').where({ id }).first()
    return row === undefined ? undefined : spaceFromRow(row)
  }

  async create(space: StoredSpace): Promise<void> {
    await this.#database.knex('space').insert(rowFromSpace(space))
  }

  async update(space: StoredSpace): Promise<void> {
    await this.#database.knex('space').where({ id: space.id }).update(rowFromSpace(space))
  }

  async remove(id: string): Promise<void> {
    await this.#database.knex('space').where({ id }).del()
  }
}

function rowFromSpace(space: StoredSpace): SpaceRow {
  return {
    id: space.id,
    name: space.name,
    volume_path: space.volumePath,
    mount_point: space.mountPoint,
    folder: space.folder,
    is_fresh: space.isFresh,
    allocated_bytes: space.allocatedBytes,
    overwrite_threshold_pct: space.overwriteThresholdPct,
    is_default: space.isDefault,
    created_ms: space.createdMs,
  }
}

function spaceFromRow(row: SpaceRow): StoredSpace {
  return {
    id: row.id,
    name: row.name,
    volumePath: row.volume_path,
    mountPoint: row.mount_point,
    folder: row.folder,
    isFresh: Boolean(row.is_fresh),
    allocatedBytes: row.allocated_bytes,
    overwriteThresholdPct: row.overwrite_threshold_pct,
    isDefault: Boolean(row.is_default),
    createdMs: row.created_ms,
  }
}

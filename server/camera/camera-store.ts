// Cameras and their streams in SQL.
import type { Camera, StreamSettings } from '../../shared/camera.ts'
import type { Database, Knex } from '../db/database.ts'

/** A camera as it is stored: with its password, sealed, or '' where it has none. */
export type StoredCamera = Omit<Camera, 'hasPassword'> & { passwordSealed: string }

interface CameraRow {
  id: string
  channel: number
  name: string
  brand: string
  model: string
  onvif_host: string
  onvif_port: number
  username: string
  password_sealed: string
  is_enabled: number | boolean
  is_recovered: number | boolean
  space_id: string
  created_ms: number
}

interface StreamRow {
  camera_id: string
  stream: number
  url: string
  is_recorded: number | boolean
  has_audio: number | boolean
}

export class CameraStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** All of them, by channel. */
  async list(): Promise<StoredCamera[]> {
    const { knex } = this.#database
    const cameras: CameraRow[] = await knex('camera').orderBy('channel')
    const streams: StreamRow[] = await knex('camera_stream').orderBy(['camera_id', 'stream'])
    const byCamera = Map.groupBy(streams, (row) => row.camera_id)
    return cameras.map((row) => cameraFromRow(row, byCamera.get(row.id) ?? []))
  }

  async get(id: string): Promise<StoredCamera | undefined> {
    const { knex } = this.#database
    const row: CameraRow | undefined = await knex('camera').where({ id }).first()
    if (row === undefined) return undefined
    return cameraFromRow(row, await knex('camera_stream').where({ camera_id: id }).orderBy('stream'))
  }

  /** Adds a camera under the lowest channel number that is free, and gives it. */
  async create(camera: Omit<StoredCamera, 'channel'>): Promise<StoredCamera> {
    return this.#database.knex.transaction(async (trx) => {
      const taken = new Set<number>((await trx('camera').select('channel')).map((row) => row.channel))
      let channel = 1
      while (taken.has(channel)) channel++
      const created = { ...camera, channel }
      await trx('camera').insert(rowFromCamera(created))
      await insertStreams(trx, camera.id, camera.streams)
      return created
    })
  }

  async update(camera: StoredCamera): Promise<void> {
    await this.#database.knex.transaction(async (trx) => {
      await trx('camera').where({ id: camera.id }).update(rowFromCamera(camera))
      await trx('camera_stream').where({ camera_id: camera.id }).del()
      await insertStreams(trx, camera.id, camera.streams)
    })
  }

  async remove(id: string): Promise<void> {
    await this.#database.knex('camera').where({ id }).del()
  }

  async countInSpace(spaceId: string): Promise<number> {
    const [row] = await this.#database.knex('camera').where({ space_id: spaceId }).count({ count: '*' })
    return Number(row?.['count'])
  }
}

async function insertStreams(trx: Knex, cameraId: string, streams: StreamSettings[]): Promise<void> {
  if (streams.length === 0) return
  const rows: StreamRow[] = streams.map((one) => ({
    camera_id: cameraId,
    stream: one.stream,
    url: one.url,
    is_recorded: one.isRecorded,
    has_audio: one.hasAudio,
  }))
  await trx('camera_stream').insert(rows)
}

function rowFromCamera(camera: StoredCamera): CameraRow {
  return {
    id: camera.id,
    channel: camera.channel,
    name: camera.name,
    brand: camera.brand,
    model: camera.model,
    onvif_host: camera.onvifHost,
    onvif_port: camera.onvifPort,
    username: camera.username,
    password_sealed: camera.passwordSealed,
    is_enabled: camera.isEnabled,
    is_recovered: camera.isRecovered,
    space_id: camera.spaceId,
    created_ms: camera.createdMs,
  }
}

function cameraFromRow(row: CameraRow, streams: StreamRow[]): StoredCamera {
  return {
    id: row.id,
    channel: row.channel,
    name: row.name,
    brand: row.brand,
    model: row.model,
    onvifHost: row.onvif_host,
    onvifPort: row.onvif_port,
    username: row.username,
    passwordSealed: row.password_sealed,
    streams: streams.map((one) => ({
      stream: one.stream,
      url: one.url,
      isRecorded: Boolean(one.is_recorded),
      hasAudio: Boolean(one.has_audio),
    })),
    isEnabled: Boolean(row.is_enabled),
    isRecovered: Boolean(row.is_recovered),
    spaceId: row.space_id,
    createdMs: row.created_ms,
  }
}

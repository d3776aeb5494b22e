// The minutes of each stream's last day, in SQL.
import type { HealthHistory } from '../../shared/camera.ts'
import type { HealthPoint } from '../../shared/stream.ts'
import type { Database } from '../db/database.ts'

export interface StreamPoint extends HealthPoint {
  cameraId: string
  stream: number
}

interface PointRow {
  camera_id: string
  stream: number
  at_ms: number
  fps: number
  bitrate_kbps: number
  lost_packets: number
  dropped_frames: number
  live_sec: number
}

export class HealthStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Writes the points of one minute; one that is there already is replaced. */
  async put(points: StreamPoint[]): Promise<void> {
    if (points.length === 0) return
    await this.#database
      .knex('health_point')
      .insert(points.map(rowFromPoint))
      .onConflict(['camera_id', 'stream', 'at_ms'])
      .merge()
  }

  /** The points of a camera since an instant, oldest first, by stream. */
  async list(cameraId: string, sinceMs: number): Promise<HealthHistory> {
    const rows: PointRow[] = await this.#database
      .knex('health_point')
      .where('camera_id', cameraId)
      .where('at_ms', '>=', sinceMs)
      .orderBy(['stream', 'at_ms'])
    const byStream = Map.groupBy(rows, (row) => row.stream)
    return { history: [...byStream].map(([stream, points]) => ({ stream, points: points.map(pointFromRow) })) }
  }

  async prune(beforeMs: number): Promise<void> {
    await this.#database.knex('health_point').where('at_ms', '<', beforeMs).del()
  }
}

function rowFromPoint(point: StreamPoint): PointRow {
  return {
    camera_id: point.cameraId,
    stream: point.stream,
    at_ms: point.atMs,
    fps: point.fps,
    bitrate_kbps: point.bitrateKbps,
    lost_packets: point.lostPackets,
    dropped_frames: point.droppedFrames,
    live_sec: point.liveSec,
  }
}

function pointFromRow(row: PointRow): HealthPoint {
  return {
    atMs: row.at_ms,
    fps: row.fps,
    bitrateKbps: row.bitrate_kbps,
    lostPackets: row.lost_packets,
    droppedFrames: row.dropped_frames,
    liveSec: row.live_sec,
  }
}

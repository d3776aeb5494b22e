// An index of a month: what many cameras left that were each lost a few times a day.
import { createHash } from 'node:crypto'
import { openDatabases } from '../../../server/app.ts'
import { createLogger } from '../../../server/base/logger.ts'
import { readConfig } from '../../../server/config.ts'
import type { RunColumns } from '../../../server/recording/recording-rows.ts'

export interface Month {
  cameraIds: string[]
  fromMs: number
  toMs: number
  runs: number
}

const days = 30
const cameras = 32
/** Runs of one camera; with all cameras about 4,500. */
const runsOfCamera = 141
const segmentSec = 300
const fromMs = Date.UTC(2026, 0, 1)
const toMs = fromMs + days * 86_400_000
const rowsAtOnce = 500

/** Fills the index of a server that has not started yet. The runs are the same every time. */
export async function fillMonth(environment: Record<string, string>): Promise<Month> {
  const { settings, index } = await openDatabases(readConfig(environment), createLogger('bench', 'warn'))
  try {
    const cameraIds = Array.from({ length: cameras }, (_, camera) => uuidOf(camera))
    const rows = cameraIds.flatMap(runsOf)
    await index.knex.transaction(async (trx) => {
      for (let at = 0; at < rows.length; at += rowsAtOnce) await trx('run').insert(rows.slice(at, at + rowsAtOnce))
    })
    return { cameraIds, fromMs, toMs, runs: rows.length }
  } finally {
    await index.close()
    await settings.close()
  }
}

/** Ids without order, as real ones are. */
function uuidOf(camera: number): string {
  const hex = createHash('sha256').update(`camera ${camera}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** A run begins about every five hours, and ends up to ten minutes before the next. */
function runsOf(cameraId: string): RunColumns[] {
  const eachUs = Math.floor(((toMs - fromMs) * 1000) / runsOfCamera)
  return Array.from({ length: runsOfCamera }, (_, run) => {
    const digest = createHash('sha256').update(`${cameraId} ${run}`).digest()
    const startUs = fromMs * 1000 + run * eachUs + Math.floor(digest.readUInt32BE(8) / 100)
    const endUs = fromMs * 1000 + (run + 1) * eachUs - 1_000_000 - (digest.readUInt32BE(12) % 600_000_000)
    return {
      camera_id: cameraId,
      stream: 1,
      kind: 'normal' as const,
      run_id: digest.toString('hex', 0, 8),
      first_index: 0,
      last_index: Math.floor((endUs - startUs) / 1e6 / segmentSec),
      start_us: startUs,
      end_us: endUs,
    }
  })
}

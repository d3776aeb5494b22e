// A timeline: the runs of many cameras over any span, in one query and flat arrays.
import type { RecordingKind, Timeline, TimelineTrack } from '../../shared/recording.ts'
import type { Knex } from '../db/database.ts'
import type { RunColumns } from './recording-rows.ts'

/** How far an open segment's run reaches by the recorder's last word, which is newer than the index. */
export interface OpenEnd {
  cameraId: string
  stream: number
  kind: RecordingKind
  runId: string
  endUs: number
}

export interface TimelineQuery {
  /** All cameras where undefined. */
  cameraIds: string[] | undefined
  fromMs: number
  toMs: number
  nowMs: number
  open: OpenEnd[]
}

type TimelineRow = Pick<RunColumns, 'camera_id' | 'stream' | 'kind' | 'run_id' | 'start_us' | 'end_us'>

/** Reads a timeline. Spans are cut to `[fromMs, toMs)`; those of one track do not overlap and are in order. */
export async function readTimeline(knex: Knex, query: TimelineQuery): Promise<Timeline> {
  const { cameraIds, fromMs, toMs, nowMs } = query
  // An open run may have ended before `fromMs` when its row was written, and reach into the span since.
  const growing = query.open.filter((one) => one.endUs > fromMs * 1000).map((one) => one.runId)
  const rows: TimelineRow[] = await knex('run')
    .select('camera_id', 'stream', 'kind', 'run_id', 'start_us', 'end_us')
    .modify((select) => {
      if (cameraIds !== undefined) select.whereIn('camera_id', cameraIds)
    })
    .where('end_us', '>', fromMs * 1000)
    .where('start_us', '<', toMs * 1000)
  if (growing.length > 0) {
    const more: TimelineRow[] = await knex('run')
      .select('camera_id', 'stream', 'kind', 'run_id', 'start_us', 'end_us')
      .modify((select) => {
        if (cameraIds !== undefined) select.whereIn('camera_id', cameraIds)
        else select.whereIn('camera_id', [...new Set(query.open.map((one) => one.cameraId))])
      })
      .where('end_us', '<=', fromMs * 1000)
      .where('start_us', '<', toMs * 1000)
      .whereIn('run_id', growing)
    rows.push(...more)
  }
  return { fromMs, toMs, nowMs, tracks: tracksOf(rows, query) }
}

function tracksOf(rows: TimelineRow[], query: TimelineQuery): TimelineTrack[] {
  const byTrack = new Map<string, TimelineRow[]>()
  for (const row of rows) {
    const key = `${row.camera_id}/${row.stream}/${row.kind}`
    const track = byTrack.get(key)
    if (track === undefined) byTrack.set(key, [row])
    else track.push(row)
  }
  for (const open of query.open) {
    extend(byTrack.get(`${open.cameraId}/${open.stream}/${open.kind}`), open)
  }
  return [...byTrack.values()]
    .map((track) => ({
      cameraId: track[0]!.camera_id,
      stream: track[0]!.stream,
      kind: track[0]!.kind,
      spans: spansOf(track, query.fromMs, query.toMs),
    }))
    .filter((track) => track.spans.length > 0)
    .sort((a, b) => compare(a.cameraId, b.cameraId) || a.stream - b.stream || compare(a.kind, b.kind))
}

/** The last stretch of an open segment's run reaches as far as the segment does. */
function extend(track: TimelineRow[] | undefined, open: OpenEnd): void {
  let last: TimelineRow | undefined
  for (const row of track ?? []) {
    if (row.run_id === open.runId && (last === undefined || row.end_us > last.end_us)) last = row
  }
  if (last !== undefined && open.endUs > last.end_us) last.end_us = open.endUs
}

/** Milliseconds from `fromMs`: starts rounded down, ends up, and what then touches or overlaps joined. */
function spansOf(rows: TimelineRow[], fromMs: number, toMs: number): number[] {
  rows.sort((a, b) => a.start_us - b.start_us)
  const spans: number[] = []
  for (const row of rows) {
    const start = Math.max(0, Math.floor(row.start_us / 1000) - fromMs)
    const end = Math.min(toMs, Math.ceil(row.end_us / 1000)) - fromMs
    if (end <= start) continue
    const last = spans.length - 1
    // A clock set back makes two runs of the same minutes; they are one stretch where footage is.
    if (last > 0 && start <= spans[last]!) spans[last] = Math.max(spans[last]!, end)
    else spans.push(start, end)
  }
  return spans
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

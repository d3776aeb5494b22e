// An index of a year: a row a segment, as cameras leave them that were never off for long.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type RunColumns, rowFromSegment, type SegmentColumns } from '../../../server/recording/recording-rows.ts'
import { segmentPath } from '../../../server/recording/segment-path.ts'

export interface YearOptions {
  /** The index of a server that does not run now, at its newest schema. */
  file: string
  spaceId: string
  cameraIds: readonly string[]
  days: number
}

const segmentUs = 300_000_000
/** What a day of a camera is, in segments. */
export const segmentsADay = 86_400_000_000 / segmentUs
/** A run of a week: with 64 cameras a year has 3,392 of them. */
const segmentsOfRun = 7 * segmentsADay
/** Between two runs of a camera. */
const lostUs = 10_000_000
/** Of a camera of 4 Mbit/s. */
const usualBytes = 150_000_000
/** What a row takes in the file, its places in four indexes with it, and room for what SQLite leaves empty. */
export const bytesARow = 800

interface Plan extends YearOptions {
  fromUs: number
  /** Segments of a camera. */
  perCamera: number
}

/** Writes the rows in the order they would have come. Gives how many segments and runs there are then. */
export function fillYear(options: YearOptions): { segments: number; runs: number } {
  const { cameraIds, days } = options
  const perCamera = Math.round(days * segmentsADay)
  // The newest ended an hour ago or a little more.
  const fromUs = (Math.floor(Date.now() / 3_600_000) - 1) * 3_600_000_000 - (perCamera + 1) * segmentUs
  const plan: Plan = { ...options, fromUs, perCamera }
  const runsOfCamera = Math.ceil(perCamera / segmentsOfRun)
  const database = new DatabaseSync(options.file)
  try {
    // Nothing here must outlive a power cut.
    for (const setting of ['journal_mode = OFF', 'synchronous = OFF', 'cache_size = -400000']) {
      database.exec(`PRAGMA ${setting}`)
    }
    const putSegment = insertInto<SegmentColumns>(database, 'segment', segmentOf(plan, 0, 0))
    const putRun = insertInto<RunColumns>(database, 'run', runOf(plan, 0, 0))
    const indexes = indexesOf(database)
    for (const { name } of indexes) database.exec(`DROP INDEX ${name}`)
    database.exec('BEGIN')
    for (let at = 0; at < perCamera; at++) {
      for (let camera = 0; camera < cameraIds.length; camera++) putSegment(segmentOf(plan, camera, at))
    }
    for (let camera = 0; camera < cameraIds.length; camera++) {
      for (let run = 0; run < runsOfCamera; run++) putRun(runOf(plan, camera, run))
    }
    database.exec('COMMIT')
    // Sorted once, they are made in half the time that row after row takes.
    for (const { sql } of indexes) database.exec(sql)
  } finally {
    database.close()
  }
  return { segments: perCamera * cameraIds.length, runs: runsOfCamera * cameraIds.length }
}

/** Makes the system forget what it holds of a file in memory, as after the machine's own start. */
export function forgetCached(file: string): void {
  const descriptor = openSync(file, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
  execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'])
}

/** The indexes that the migrations made, but for those of primary keys. */
function indexesOf(database: DatabaseSync): { name: string; sql: string }[] {
  const text = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'segment' AND sql IS NOT NULL"
  return database
    .prepare(text)
    .all()
    .map(({ name, sql }) => ({ name: String(name), sql: String(sql) }))
}

/** What puts rows of the sample's columns, in its order, into a table. */
function insertInto<T extends object>(database: DatabaseSync, table: string, sample: T): (row: T) => void {
  const columns = Object.keys(sample)
  const places = columns.map(() => '?').join(', ')
  const statement = database.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`)
  return (row) => statement.run(...(Object.values(row) as (string | number)[]))
}

/** The camera's `at`th segment. Cameras begin theirs one after the other. */
function segmentOf(plan: Plan, camera: number, at: number): SegmentColumns {
  const { spaceId, cameraIds, perCamera } = plan
  const fromUs = plan.fromUs + Math.floor((camera * segmentUs) / cameraIds.length)
  const cameraId = cameraIds[camera]!
  const run = Math.floor(at / segmentsOfRun)
  const runIndex = at % segmentsOfRun
  const startUs = fromUs + at * segmentUs + (runIndex === 0 && at > 0 ? lostUs : 0)
  // Before all that the recorder numbers from 0, as what is older is.
  const sequence = at * cameraIds.length + camera - perCamera * cameraIds.length
  const sizeBytes = usualBytes + ((at * 7919 + camera * 104_729) % 9_999_991)
  const footerBytes = 12_000
  const runId = runIdOf(camera, run)
  const name = { channelId: cameraId, stream: 1, kind: 'normal' as const, startUs, runId, sequence }
  return rowFromSegment({
    spaceId,
    sequence,
    segmentId: randomUUID(),
    cameraId,
    stream: 1,
    kind: 'normal',
    runId,
    runIndex,
    path: segmentPath(name),
    startUs,
    endUs: fromUs + (at + 1) * segmentUs,
    sizeBytes,
    footerOffset: sizeBytes - footerBytes,
    footerBytes,
    videoSamples: 7500,
    audioSamples: 4688,
    flags: 0,
    videoCodec: 'h264',
    audioCodec: 'aac',
    widthPx: 1920,
    heightPx: 1080,
  })
}

function runOf(plan: Plan, camera: number, run: number): RunColumns {
  const firstAt = run * segmentsOfRun
  const lastAt = Math.min(plan.perCamera, firstAt + segmentsOfRun) - 1
  const { camera_id, stream, kind, run_id, start_us } = segmentOf(plan, camera, firstAt)
  const { end_us } = segmentOf(plan, camera, lastAt)
  return { camera_id, stream, kind, run_id, first_index: 0, last_index: lastAt - firstAt, start_us, end_us }
}

function runIdOf(camera: number, run: number): string {
  return ((camera + 1) * 2_654_435_761 + run * 40_503).toString(16).padStart(16, '0')
}

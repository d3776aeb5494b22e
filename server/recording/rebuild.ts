// Reconciling the index with the files: what is on disk and unknown is added, what is known and gone is dropped.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordingKind } from '../../shared/recording.ts'
import { persist } from '../base/persist.ts'
import { isDatabaseAway, type Knex } from '../db/database.ts'
import { FootageFiles } from './footage-file.ts'
import { markerName, parseMarker } from './marker.ts'
import type { SegmentRow } from './recorder-protocol.ts'
import { RecordingStore } from './recording-store.ts'
import { readSegmentContent, readSegmentSummary } from './segment-index.ts'
import { parseSegmentPath } from './segment-path.ts'

export interface ReconcileOrder {
  /** Spaces to walk, with the absolute path of each one's folder. */
  spaces: { id: string; folder: string }[]
  serverId: string
  knownCameraIds: string[]
  /** Whether stretches without footage are written into the gap ledger: where it was lost with the index. */
  makesGaps: boolean
}

export interface ReconcileReport {
  added: number
  dropped: number
  /** Channels with footage that no camera is known for, under the name the newest file gives. */
  unknownChannels: { cameraId: string; name: string; spaceId: string }[]
  /** What was left alone and why, for the log. */
  notes: string[]
  /** Spaces that could be walked in full. */
  walkedSpaceIds: string[]
}

/** Rows written in one go: few, since a recording server waits for the same file. */
const batchRows = 50

/** Below so many rows without a file, all are dropped; above it, only where they are the smaller part. */
const plausibleMissing = 100

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const trackFolder = /^([1-3])-(normal|event)$/

interface TrackOf {
  cameraId: string
  stream: number
  kind: RecordingKind
}

/**
 * Walks every space's folder and makes the index say what the files say.
 *
 * A space whose marker is missing, damaged or another's is left alone, rows and all: it may be another disk. Rows are
 * dropped only where the marker is `proved`, each only when its own file is seen to be gone, and not when most of a
 * space seems gone at once. May run while footage is recorded and removed.
 */
export async function reconcile(knex: Knex, order: ReconcileOrder, signal: AbortSignal): Promise<ReconcileReport> {
  const work = new Reconciliation(knex, order, signal)
  for (const space of order.spaces) await work.walk(space)
  if (order.makesGaps) await work.makeGaps()
  return work.report
}

class Reconciliation {
  readonly report: ReconcileReport = { added: 0, dropped: 0, unknownChannels: [], notes: [], walkedSpaceIds: [] }
  readonly #knex: Knex
  readonly #order: ReconcileOrder
  readonly #signal: AbortSignal
  readonly #store: RecordingStore
  readonly #files = new FootageFiles()

  constructor(knex: Knex, order: ReconcileOrder, signal: AbortSignal) {
    this.#knex = knex
    this.#order = order
    this.#signal = signal
    this.#store = new RecordingStore({ knex })
  }

  async walk(space: { id: string; folder: string }): Promise<void> {
    const state = await this.#markerState(space)
    if (state === undefined) return
    const missing: number[] = []
    let rows = 0
    const walked = new Set<string>()
    for (const track of [...(await foldersOf(space.folder)), ...(await this.#tracksKnown())]) {
      this.#signal.throwIfAborted()
      const key = `${track.cameraId}/${track.stream}-${track.kind}`
      if (walked.has(key)) continue
      walked.add(key)
      const known = await this.#rowsOf(space.id, track)
      rows += known.size
      try {
        missing.push(...(await this.#walkTrack(space, key, known)))
      } catch (error) {
        this.#signal.throwIfAborted()
        if (isDatabaseAway(error)) throw error
        // One folder that cannot be read keeps no other.
        this.report.notes.push(`${key} in ${space.folder}: ${(error as Error).message}`)
      }
    }
    await this.#drop(space, state, missing, rows)
    this.report.walkedSpaceIds.push(space.id)
  }

  /** Writes a line of the gap ledger for each stretch of two seconds and more between two runs of a stream. */
  async makeGaps(): Promise<void> {
    const runs = await this.#knex('run')
      .where('kind', 'normal')
      .select('camera_id', 'stream', 'start_us', 'end_us')
      .orderBy(['camera_id', 'stream', 'start_us'])
    let last: (typeof runs)[number] | undefined
    for (const run of runs) {
      const isSame = last !== undefined && last.camera_id === run.camera_id && last.stream === run.stream
      if (isSame && run.start_us - last.end_us > 2_000_000) {
        const { camera_id, stream } = run
        await persist(retryPlan(this.#signal), () =>
          this.#store.putGap({
            camera_id,
            stream,
            start_us: last.end_us,
            end_us: run.start_us,
            cause: 'unknown',
            detail: 'found when the index was made anew from the files',
          }),
        )
      }
      if (!isSame || run.end_us > last.end_us) last = run
    }
  }

  /** The marker's state where it is this space's and this server's; undefined, with a note, where it is not. */
  async #markerState(space: { id: string; folder: string }): Promise<'new' | 'proved' | undefined> {
    const note = (finding: string) => {
      this.report.notes.push(`${space.folder}: ${finding}; the index of this space is left as it is`)
      return undefined
    }
    const bytes = await readFile(join(space.folder, markerName)).catch((error: NodeJS.ErrnoException) => error)
    if (bytes instanceof Error) return note(`its marker cannot be read (${bytes.code})`)
    const marker = parseMarker(bytes)
    if (marker === undefined) return note('its marker is damaged')
    if (marker.space !== space.id || marker.server !== this.#order.serverId)
      return note('its marker is of another space')
    return marker.state
  }

  async #tracksKnown(): Promise<TrackOf[]> {
    // Asked of the runs: of a year's segments that would be every row. Those of other spaces have no row here and cost little.
    const rows = await this.#knex('run').distinct('camera_id', 'stream', 'kind')
    return rows.map((row) => ({ cameraId: row.camera_id, stream: row.stream, kind: row.kind }))
  }

  async #rowsOf(spaceId: string, track: TrackOf): Promise<Map<number, { path: string; isClosed: boolean }>> {
    const rows = await this.#knex('segment')
      .where({ space_id: spaceId, camera_id: track.cameraId, stream: track.stream, kind: track.kind })
      .select('sequence', 'path', 'footer_offset')
    return new Map(rows.map((row) => [row.sequence, { path: row.path, isClosed: row.footer_offset > 0 }]))
  }

  /** Adds what is not known of one track. Gives the sequence numbers of rows without a file. */
  async #walkTrack(
    space: { id: string; folder: string },
    trackPath: string,
    known: Map<number, { path: string; isClosed: boolean }>,
  ): Promise<number[]> {
    const seen = new Set<number>()
    let found: SegmentRow[] = []
    let newest: SegmentRow | undefined
    let hasFootage = known.size > 0
    for await (const path of segmentPaths(space.folder, trackPath)) {
      this.#signal.throwIfAborted()
      const name = parseSegmentPath(path)
      if (name === undefined) continue
      hasFootage = true
      const row = known.get(name.sequence)
      if (row?.path === path) {
        seen.add(name.sequence)
        if (row.isClosed) continue
      }
      const summary = await this.#read(space, path)
      if (summary === undefined) continue
      seen.add(summary.sequence)
      // Still open, as its row says: how far it reaches is told by the recorder once a second.
      if (row?.path === path && summary.footerOffset === 0) continue
      found.push(summary)
      newest = summary
      if (found.length >= batchRows) {
        await this.#put(space, found)
        found = []
      }
    }
    await this.#put(space, found)
    const cameraId = trackPath.split('/')[0]!
    if (hasFootage) await this.#noteUnknown(space, cameraId, newest)
    const missing: number[] = []
    for (const [sequence, { path }] of known) {
      if (!seen.has(sequence) && (await isGone(join(space.folder, path)))) missing.push(sequence)
    }
    return missing
  }

  /** The row of a file; undefined, with a note where it is odd, where it deserves none. */
  async #read(space: { id: string; folder: string }, path: string): Promise<SegmentRow | undefined> {
    let summary: SegmentRow | undefined
    try {
      summary = await readSegmentSummary(this.#files, space.folder, path)
    } catch (error) {
      // Removed since its folder was listed, or not to be read: neither keeps the other files.
      if ((error as { kind?: string }).kind !== 'not-found') this.report.notes.push((error as Error).message)
      return undefined
    }
    if (summary !== undefined && summary.spaceId !== space.id) {
      this.report.notes.push(`${path} in ${space.folder} is a segment of space ${summary.spaceId}: left alone`)
      return undefined
    }
    return summary
  }

  async #put(space: { id: string; folder: string }, found: SegmentRow[]): Promise<void> {
    if (found.length === 0) return
    await persist(retryPlan(this.#signal), () => this.#store.putSegments(found))
    this.report.added += found.length
    // A file removed between reading it and writing its row was told of when there was no row to remove.
    const gone: number[] = []
    for (const one of found) if (await isGone(join(space.folder, one.path))) gone.push(one.sequence)
    if (gone.length > 0) await persist(retryPlan(this.#signal), () => this.#store.removeSegments(space.id, gone))
    // The server's own writes wait for the same lock: it is left to them for a moment.
    await sleep(2)
  }

  async #noteUnknown(space: { id: string; folder: string }, cameraId: string, newest: SegmentRow | undefined) {
    const { unknownChannels } = this.report
    if (this.#order.knownCameraIds.includes(cameraId)) return
    if (unknownChannels.some((one) => one.cameraId === cameraId)) return
    const content =
      newest === undefined
        ? undefined
        : await readSegmentContent(this.#files, space.folder, newest.path).catch(() => undefined)
    const name = content?.head.channelName || cameraId.slice(0, 8)
    unknownChannels.push({ cameraId, name: `recovered ${name}`, spaceId: space.id })
  }

  async #drop(space: { id: string; folder: string }, state: string, missing: number[], rows: number): Promise<void> {
    if (missing.length === 0) return
    const why =
      state !== 'proved'
        ? 'its marker was never proved'
        : missing.length > plausibleMissing && missing.length > rows / 2
          ? 'that is most of the space, and it may be another disk'
          : undefined
    if (why !== undefined) {
      this.report.notes.push(
        `${space.folder}: ${missing.length} of ${rows} segments have no file; rows are kept: ${why}`,
      )
      return
    }
    // The disk may have gone while it was walked, and every file with it.
    if ((await this.#markerState(space)) !== 'proved') return
    for (let at = 0; at < missing.length; at += batchRows) {
      this.#signal.throwIfAborted()
      const some = missing.slice(at, at + batchRows)
      await persist(retryPlan(this.#signal), () => this.#store.removeSegments(space.id, some))
      this.report.dropped += some.length
      await sleep(2)
    }
  }
}

function retryPlan(signal: AbortSignal) {
  return { firstMs: 50, longestMs: 5000, isWorthwhile: isDatabaseAway, signal }
}

/** Channels and streams a space's folder holds. */
async function foldersOf(folder: string): Promise<TrackOf[]> {
  const tracks: TrackOf[] = []
  for (const cameraId of await namesIn(folder)) {
    if (!guid.test(cameraId)) continue
    for (const name of await namesIn(join(folder, cameraId))) {
      const match = trackFolder.exec(name)
      if (match !== null) tracks.push({ cameraId, stream: Number(match[1]), kind: match[2] as RecordingKind })
    }
  }
  return tracks
}

/** Paths of a track's files below the space's folder, by day and hour. */
async function* segmentPaths(folder: string, trackPath: string): AsyncGenerator<string> {
  for (const day of await namesIn(join(folder, trackPath))) {
    if (!/^\d{8}$/.test(day)) continue
    for (const hour of await namesIn(join(folder, trackPath, day))) {
      if (!/^\d{2}$/.test(hour)) continue
      for (const name of await namesIn(join(folder, trackPath, day, hour))) yield `${trackPath}/${day}/${hour}/${name}`
    }
  }
}

/** Names in a folder, sorted; none where it is gone. */
async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

/** True only where the file is certainly not there: a disk that cannot answer says nothing. */
async function isGone(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )
}

// Segments, runs and gaps in SQL: the index of what the files say.
//
// Everything here may be done twice with the same outcome: events are told again after a lost acknowledgement, and a
// rebuild meets what events have written already.
import type { Gap, RecordingKind } from '../../shared/recording.ts'
import { type Knex, writeTransaction } from '../db/database.ts'
import type { SegmentRow } from './recorder-protocol.ts'
import {
  type GapColumns,
  gapFromColumns,
  type RunColumns,
  rowFromSegment,
  type SegmentColumns,
  segmentFromRow,
} from './recording-rows.ts'

/** Consecutive segments of one run, all of them there. */
interface Block {
  firstIndex: number
  lastIndex: number
  startUs: number
  endUs: number
}

/** No segment but a fault's is longer, in microseconds: a day. */
const longestSegmentUs = 86_400_000_000

type RunKey = Pick<RunColumns, 'camera_id' | 'stream' | 'kind' | 'run_id'>

export class RecordingStore {
  readonly #database: { readonly knex: Knex }

  /** Takes the index database, or any connection to it (worker threads). */
  constructor(database: { readonly knex: Knex }) {
    this.#database = database
  }

  /** Whether there is any footage of a camera. */
  async hasFootage(cameraId: string): Promise<boolean> {
    return (await this.#database.knex('run').where({ camera_id: cameraId }).first(1)) !== undefined
  }

  /** Adds segments, or takes what is new of them. A closed one is not opened again by an older report of it. */
  async putSegments(segments: SegmentRow[]): Promise<void> {
    await writeTransaction(this.#database.knex, 'segment', async (trx) => {
      const known = new Map<string, SegmentColumns>()
      for (const [spaceId, ofSpace] of Map.groupBy(segments, (one) => one.spaceId)) {
        const rows: SegmentColumns[] = await trx('segment')
          .where('space_id', spaceId)
          .whereIn(
            'sequence',
            ofSpace.map((one) => one.sequence),
          )
        for (const row of rows) known.set(segmentKey(row.space_id, row.sequence), row)
      }
      const news = segments.filter((one) => {
        const before = known.get(segmentKey(one.spaceId, one.sequence))
        return before === undefined || before.footer_offset === 0 || one.footerOffset > 0
      })
      if (news.length === 0) return
      await trx('segment').insert(news.map(rowFromSegment)).onConflict(['space_id', 'sequence']).merge()
      for (const ofRun of Map.groupBy(news, runNameOf).values()) {
        for (const block of blocksOf(ofRun)) await placeBlock(trx, runKeyOf(ofRun[0]!), block)
      }
    })
  }

  /** Removes segments of a space, and takes them out of their runs. Gives the cameras they were of. */
  async removeSegments(spaceId: string, sequences: number[]): Promise<string[]> {
    const cameraIds = new Set<string>()
    for (let at = 0; at < sequences.length; at += 100) {
      const some = sequences.slice(at, at + 100)
      await writeTransaction(this.#database.knex, 'segment', async (trx) => {
        const rows: SegmentColumns[] = await trx('segment')
          .where('space_id', spaceId)
          .whereIn('sequence', some)
          .orderBy('sequence')
        for (const row of rows) {
          await takeFromRun(trx, row)
          cameraIds.add(row.camera_id)
        }
        await trx('segment').where('space_id', spaceId).whereIn('sequence', some).del()
      })
    }
    return [...cameraIds]
  }

  /** Removes up to `limit` segments of a space that was forgotten. Gives whether there may be more. */
  async removeSpace(spaceId: string, limit: number): Promise<boolean> {
    const rows = await this.#database.knex('segment').where('space_id', spaceId).select('sequence').limit(limit)
    await this.removeSegments(
      spaceId,
      rows.map((row) => row.sequence),
    )
    return rows.length === limit
  }

  /** Segments that are being written, as far as the index knows. */
  async listOpen(): Promise<SegmentRow[]> {
    return (await this.#database.knex('segment').where('footer_offset', 0)).map(segmentFromRow)
  }

  async getSegment(spaceId: string, sequence: number): Promise<SegmentRow | undefined> {
    const row = await this.#database.knex('segment').where({ space_id: spaceId, sequence }).first()
    return row === undefined ? undefined : segmentFromRow(row)
  }

  /**
   * A stream's segments that reach into `[fromUs, toUs)`, in no order. One that is open counts as reaching to any later
   * time, for it grows faster than its row.
   */
  async listSegments(
    cameraId: string,
    stream: number,
    kind: RecordingKind,
    fromUs: number,
    toUs: number,
  ): Promise<SegmentRow[]> {
    const of = { camera_id: cameraId, stream, kind }
    const { knex } = this.#database
    const select = () => knex('segment').where(of).where('start_us', '<', toUs)
    // The index orders by end: without a bound, an hour of last year would read all that came after it. What reaches in
    // ends soon after the span, but for a segment of a camera that sends no keyframe for a day: that is the next one.
    const boundUs = toUs + longestSegmentUs
    const found: SegmentColumns[][] = await Promise.all([
      select().where('end_us', '>', fromUs).where('end_us', '<=', boundUs),
      select().where('end_us', '>', boundUs).orderBy('end_us').limit(1),
      select().where('end_us', '<=', fromUs).where('footer_offset', 0),
    ])
    return found.flat().map(segmentFromRow)
  }

  /** First and last instant of a camera's footage over all its streams, in microseconds. */
  async getBounds(cameraId: string): Promise<{ startUs: number; endUs: number } | undefined> {
    const [row] = await this.#database
      .knex('run')
      .where({ camera_id: cameraId })
      .min({ startUs: 'start_us' })
      .max({ endUs: 'end_us' })
    return row?.['startUs'] == null ? undefined : { startUs: Number(row['startUs']), endUs: Number(row['endUs']) }
  }

  /** Writes a line of the gap ledger, or ends one that was begun. `endUs` undefined while it lasts. */
  async putGap(gap: Omit<GapColumns, 'end_us'> & { end_us: number | null }): Promise<void> {
    const { knex } = this.#database
    const row = { ...gap, detail: gap.detail.slice(0, 512) }
    // A gap that ended stays ended when its beginning is told again.
    const updated = gap.end_us === null ? ['cause', 'detail'] : ['cause', 'detail', 'end_us']
    await knex('gap').insert(row).onConflict(['camera_id', 'stream', 'start_us']).merge(updated)
  }

  /** The gaps that reach into `[fromUs, toUs)`, oldest first, at most `limit`. */
  async listGaps(cameraId: string | undefined, fromUs: number, toUs: number, limit: number): Promise<Gap[]> {
    const rows: GapColumns[] = await this.#database
      .knex('gap')
      .modify((select) => {
        if (cameraId !== undefined) select.where('camera_id', cameraId)
      })
      .where('start_us', '<', toUs)
      .where((open) => open.whereNull('end_us').orWhere('end_us', '>', fromUs))
      .orderBy(['start_us', 'camera_id', 'stream'])
      .limit(limit)
    return rows.map(gapFromColumns)
  }

  /** Ends gaps that were begun and whose end was never told, where footage of their stream follows. */
  async endForgottenGaps(): Promise<void> {
    const { knex } = this.#database
    const open: GapColumns[] = await knex('gap').whereNull('end_us')
    for (const { camera_id, stream, start_us } of open) {
      const [row] = await knex('run')
        .where({ camera_id, stream })
        .where('start_us', '>', start_us)
        .min({ first: 'start_us' })
      if (row?.['first'] == null) continue
      await knex('gap').where({ camera_id, stream, start_us }).update({ end_us: row['first'] })
    }
  }

  /** Removes gaps that ended before an instant. */
  async pruneGaps(beforeUs: number): Promise<void> {
    await this.#database.knex('gap').where('end_us', '<', beforeUs).del()
  }

  /** Forgets all that is known of a camera's gaps and health; its segments go as the recorder removes them. */
  async forgetCamera(cameraId: string): Promise<void> {
    await this.#database.knex('gap').where({ camera_id: cameraId }).del()
    await this.#database.knex('health_point').where({ camera_id: cameraId }).del()
  }
}

function segmentKey(spaceId: string, sequence: number): string {
  return `${spaceId}/${sequence}`
}

function runNameOf(segment: SegmentRow): string {
  return `${segment.cameraId}/${segment.stream}/${segment.kind}/${segment.runId}`
}

function runKeyOf(segment: SegmentRow): RunKey {
  return {
    camera_id: segment.cameraId,
    stream: segment.stream,
    kind: segment.kind,
    run_id: segment.runId,
  }
}

/** Segments of one run, joined where one follows another. */
function blocksOf(segments: SegmentRow[]): Block[] {
  const blocks: Block[] = []
  for (const one of segments.toSorted((a, b) => a.runIndex - b.runIndex)) {
    const last = blocks.at(-1)
    if (last !== undefined && last.lastIndex + 1 === one.runIndex) {
      last.lastIndex = one.runIndex
      last.endUs = one.endUs
    } else {
      blocks.push({ firstIndex: one.runIndex, lastIndex: one.runIndex, startUs: one.startUs, endUs: one.endUs })
    }
  }
  return blocks
}

/** Puts segments into their run: the rows they touch or overlap become one. */
async function placeBlock(trx: Knex, key: RunKey, block: Block): Promise<void> {
  const touched: RunColumns[] = await trx('run')
    .where(key)
    .where('last_index', '>=', block.firstIndex - 1)
    .where('first_index', '<=', block.lastIndex + 1)
    .orderBy('first_index')
  const first = touched[0]
  const last = touched.at(-1)
  // Where a row reaches further than the new segments, its end of the stretch stands; where not, theirs is newer.
  const startsBefore = first !== undefined && first.first_index < block.firstIndex
  const endsAfter = last !== undefined && last.last_index > block.lastIndex
  const joined: RunColumns = {
    ...key,
    first_index: startsBefore ? first.first_index : block.firstIndex,
    last_index: endsAfter ? last.last_index : block.lastIndex,
    start_us: startsBefore ? first.start_us : block.startUs,
    end_us: endsAfter ? last.end_us : block.endUs,
  }
  if (touched.length === 1 && first!.first_index === joined.first_index) {
    await trx('run').where(key).where('first_index', joined.first_index).update(joined)
    return
  }
  if (touched.length > 0) {
    await trx('run')
      .where(key)
      .whereIn(
        'first_index',
        touched.map((row) => row.first_index),
      )
      .del()
  }
  await trx('run').insert(joined)
}

/** Takes one segment, still there, out of its run: the row is cut shorter, in two, or goes. */
async function takeFromRun(trx: Knex, segment: SegmentColumns): Promise<void> {
  const key: RunKey = {
    camera_id: segment.camera_id,
    stream: segment.stream,
    kind: segment.kind,
    run_id: segment.run_id,
  }
  const index = segment.run_index
  const row: RunColumns | undefined = await trx('run')
    .where(key)
    .where('first_index', '<=', index)
    .where('last_index', '>=', index)
    .first()
  if (row === undefined) return
  const neighbour = (at: number): Promise<SegmentColumns | undefined> =>
    trx('segment').where(key).where('run_index', at).first()
  await trx('run').where(key).where('first_index', row.first_index).del()
  if (row.first_index < index) {
    const before = await neighbour(index - 1)
    await trx('run').insert({ ...row, last_index: index - 1, end_us: before?.end_us ?? segment.start_us })
  }
  if (row.last_index > index) {
    const after = await neighbour(index + 1)
    await trx('run').insert({ ...row, first_index: index + 1, start_us: after?.start_us ?? segment.end_us })
  }
}

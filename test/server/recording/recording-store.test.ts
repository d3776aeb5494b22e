import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { SegmentRow } from '../../../server/recording/recorder-protocol.ts'
import { RecordingStore } from '../../../server/recording/recording-store.ts'
import { segmentRow } from '../../support/segment-row.ts'
import { describeOnBoth } from '../../support/test-database.ts'

interface Run {
  run: string
  first: number
  last: number
  startUs: number
  endUs: number
}

/** What the runs must be, worked out from all segments that are there. */
function runsOf(segments: SegmentRow[]): Run[] {
  const runs: Run[] = []
  const ordered = segments.toSorted((a, b) =>
    a.runId < b.runId ? -1 : a.runId > b.runId ? 1 : a.runIndex - b.runIndex,
  )
  for (const one of ordered) {
    const last = runs.at(-1)
    if (last !== undefined && last.run === one.runId && last.last + 1 === one.runIndex) {
      last.last = one.runIndex
      last.endUs = one.endUs
    } else {
      runs.push({
        run: one.runId,
        first: one.runIndex,
        last: one.runIndex,
        startUs: one.startUs,
        endUs: one.endUs,
      })
    }
  }
  return runs
}

/** A segment that is put, closed or open still, or one that is removed. Its place and its times follow from its number. */
type Step = { type: 'put'; numbers: number[]; isClosed: boolean } | { type: 'remove'; numbers: number[] }

const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 8 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('put' as const), numbers, isClosed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), numbers }) },
)

/** Three runs of eight segments; the numbers of runs are mixed, as in a space with three cameras. */
function segmentOf(number: number, isClosed: boolean): SegmentRow {
  const runIndex = Math.floor(number / 3)
  const startUs = 1_000_000 + runIndex * 1000
  return segmentRow({
    sequence: number,
    runId: `000000000000000${number % 3}`,
    runIndex,
    startUs,
    endUs: startUs + (isClosed ? 1000 : 400),
    footerOffset: isClosed ? 7 : 0,
  })
}

describeOnBoth('the index of segments', 'index', (database, kind) => {
  let store: RecordingStore
  beforeEach(() => {
    store = new RecordingStore(database())
  })

  const readRuns = async (): Promise<Run[]> => {
    const rows = await database().knex('run').orderBy(['run_id', 'first_index'])
    return rows.map((row) => ({
      run: row.run_id,
      first: row.first_index,
      last: row.last_index,
      startUs: row.start_us,
      endUs: row.end_us,
    }))
  }

  it('gives rows back as they were', async () => {
    const row = segmentRow({ startUs: 1_795_354_716_790_123, endUs: 1_795_355_016_790_124, sizeBytes: 2 ** 40 })

    await store.putSegments([row])

    assert.deepEqual(await store.getSegment('space', 1), row)
  })

  it('has the runs that its segments make, whatever came and went in whatever order, and however often', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        await database().knex('segment').del()
        await database().knex('run').del()
        const there = new Map<number, SegmentRow>()

        for (const one of steps) {
          if (one.type === 'put') {
            const segments = one.numbers.map((number) => segmentOf(number, one.isClosed))
            await store.putSegments(segments)
            for (const segment of segments) {
              const before = there.get(segment.sequence)
              if (segment.footerOffset > 0 || before === undefined || before.footerOffset === 0) {
                there.set(segment.sequence, segment)
              }
            }
          } else {
            await store.removeSegments('space', one.numbers)
            for (const number of one.numbers) there.delete(number)
          }
        }

        assert.deepEqual(await readRuns(), runsOf([...there.values()]))
        assert.equal((await database().knex('segment')).length, there.size)
      }),
      { numRuns: kind === 'sqlite' ? 150 : 15 },
    )
  })

  it('does not open a segment again that was closed', async () => {
    const closed = segmentRow({ sequence: 4 })
    await store.putSegments([closed])

    await store.putSegments([{ ...closed, footerOffset: 0, footerBytes: 0, endUs: closed.startUs + 1 }])

    assert.deepEqual(await store.getSegment('space', 4), closed)
    assert.deepEqual(await store.listOpen(), [])
  })

  it('finds the segments of a span, and the open one that may have grown into it', async () => {
    const rows = [1, 2, 3, 4, 5].map((sequence) => segmentRow({ sequence }))
    const open = segmentRow({ sequence: 6, footerOffset: 0, endUs: 60_000_001 })
    const other = segmentRow({ sequence: 7, cameraId: 'yard', startUs: 20_000_000 })
    await store.putSegments([...rows, open, other])
    const find = async (fromUs: number, toUs: number) =>
      (await store.listSegments('gate', 1, 'normal', fromUs, toUs)).map((row) => row.sequence).sort()

    assert.deepEqual(await find(20_000_000, 40_000_000), [2, 3])
    assert.deepEqual(await find(19_999_999, 40_000_001), [1, 2, 3, 4])
    assert.deepEqual(await find(500_000_000, 600_000_000), [6])
    assert.deepEqual(await find(0, 10_000_000), [])
  })

  it('finds a segment of more than a day, of a camera without keyframes', async () => {
    const long = segmentRow({ sequence: 1, startUs: 0, endUs: 3 * 86_400_000_000 })
    await store.putSegments([long])

    assert.equal((await store.listSegments('gate', 1, 'normal', 1000, 2000)).length, 1)
  })

  it('tells from when to when there is footage of a camera, over its streams', async () => {
    await store.putSegments([
      segmentRow({ sequence: 2, stream: 1, runIndex: 0 }),
      segmentRow({ sequence: 5, stream: 2, runIndex: 0 }),
    ])

    assert.deepEqual(await store.getBounds('gate'), { startUs: 20_000_000, endUs: 60_000_000 })
    assert.equal(await store.getBounds('yard'), undefined)
    assert.equal(await store.hasFootage('gate'), true)
    assert.equal(await store.hasFootage('yard'), false)
  })

  it('forgets a space piece by piece, and tells when it is done', async () => {
    await store.putSegments([1, 2, 3, 4, 5].map((sequence) => segmentRow({ sequence })))
    await store.putSegments([segmentRow({ sequence: 1, spaceId: 'other', runId: 'fedcba9876543210' })])

    assert.equal(await store.removeSpace('space', 3), true)
    assert.equal(await store.removeSpace('space', 3), false)

    assert.deepEqual(
      (await readRuns()).map((run) => run.run),
      ['fedcba9876543210'],
    )
  })

  it('keeps a gap open until it ends, and ended when its beginning is told again', async () => {
    const gap = { camera_id: 'gate', stream: 1, start_us: 5_000_500, cause: 'silent', detail: 'nothing came' } as const

    await store.putGap({ ...gap, end_us: null })
    const [open] = await store.listGaps('gate', 0, 10_000_000, 10)
    await store.putGap({ ...gap, end_us: 7_000_500 })
    await store.putGap({ ...gap, end_us: null })
    const [ended] = await store.listGaps(undefined, 6_000_000, 10_000_000, 10)

    assert.deepEqual(open, { cameraId: 'gate', stream: 1, startMs: 5000, cause: 'silent', detail: 'nothing came' })
    assert.deepEqual(ended, { ...open, endMs: 7001 })
    assert.deepEqual(await store.listGaps('gate', 7_000_500, 10_000_000, 10), [])
    assert.deepEqual(await store.listGaps('gate', 0, 5_000_500, 10), [])
  })

  it('forgets gaps that ended long ago, and none that lasts', async () => {
    const gap = { camera_id: 'gate', stream: 1, cause: 'silent', detail: '' } as const
    await store.putGap({ ...gap, start_us: 1_000_000, end_us: null })
    await store.putGap({ ...gap, start_us: 2_000_000, end_us: 3_000_000 })
    await store.putGap({ ...gap, start_us: 4_000_000, end_us: 5_000_000 })

    await store.pruneGaps(5_000_000)

    const gaps = await store.listGaps('gate', 0, 100_000_000, 10)
    assert.deepEqual(
      gaps.map((one) => one.startMs),
      [1000, 4000],
    )
  })

  it('ends a gap whose end was lost where footage follows', async () => {
    const gap = { camera_id: 'gate', stream: 1, cause: 'silent', detail: '' } as const
    await store.putGap({ ...gap, start_us: 5_000_000, end_us: null })
    await store.putGap({ ...gap, start_us: 90_000_000, end_us: null })
    await store.putSegments([segmentRow({ sequence: 2, runIndex: 0 })])

    await store.endForgottenGaps()

    const gaps = await store.listGaps('gate', 0, 100_000_000, 10)
    assert.deepEqual(
      gaps.map((one) => one.endMs),
      [20_000, undefined],
    )
  })
})

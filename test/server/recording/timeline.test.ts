import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { RunColumns } from '../../../server/recording/recording-rows.ts'
import { type OpenEnd, readTimeline } from '../../../server/recording/timeline.ts'
import { type Timeline, timeline as timelineSchema } from '../../../shared/recording.ts'
import { describeOnBoth } from '../../support/test-database.ts'

const cameraIds = ['a', 'b', 'c']

const run = fc.record({
  camera_id: fc.constantFrom(...cameraIds),
  stream: fc.constantFrom(1, 2),
  kind: fc.constantFrom('normal' as const, 'event' as const),
  start_us: fc.integer({ min: 0, max: 200_000 }),
  lengthUs: fc.integer({ min: 1, max: 40_000 }),
  /** By how much the recorder says that it has grown since; none where it is closed. */
  grownUs: fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
})

const query = fc.record({
  cameraIds: fc.option(fc.subarray(cameraIds, { minLength: 1 }), { nil: undefined }),
  fromMs: fc.integer({ min: 0, max: 200 }),
  lengthMs: fc.integer({ min: 1, max: 150 }),
})

/** Milliseconds of a track with footage: those any run touches, one by one. */
function coveredBy(runs: { startUs: number; endUs: number }[], fromMs: number, toMs: number): string {
  let text = ''
  for (let ms = fromMs; ms < toMs; ms++) {
    const isCovered = runs.some((one) => Math.floor(one.startUs / 1000) <= ms && ms < Math.ceil(one.endUs / 1000))
    text += isCovered ? 'x' : '.'
  }
  return text
}

/** The same, read from spans; fails where they are out of order, overlap or touch. */
function drawn(spans: number[], lengthMs: number): string {
  assert.equal(spans.length % 2, 0)
  for (let i = 1; i < spans.length; i++) assert.ok(spans[i]! > spans[i - 1]!, `spans ${spans}`)
  assert.ok(spans.length === 0 || (spans[0]! >= 0 && spans.at(-1)! <= lengthMs))
  let text = ''
  for (let at = 0; at < lengthMs; at++) {
    const isIn = spans.some((start, i) => i % 2 === 0 && start <= at && at < spans[i + 1]!)
    text += isIn ? 'x' : '.'
  }
  return text
}

describeOnBoth('a timeline', 'index', (database, kind) => {
  it('shows each millisecond of footage and no other, for any runs and any span', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(run, { maxLength: 25 }),
        query,
        async (runs, { cameraIds: asked, fromMs, lengthMs }) => {
          const { knex } = database()
          const toMs = fromMs + lengthMs
          const rows: RunColumns[] = runs.map(({ lengthUs, grownUs: _grownUs, ...one }, at) => ({
            ...one,
            run_id: at.toString(16).padStart(16, '0'),
            first_index: 0,
            last_index: 0,
            end_us: one.start_us + lengthUs,
          }))
          await knex('run').del()
          if (rows.length > 0) await knex('run').insert(rows)
          const open: OpenEnd[] = rows.flatMap((row, at) => {
            const grownUs = runs[at]!.grownUs
            if (grownUs === undefined) return []
            return [
              {
                cameraId: row.camera_id,
                stream: row.stream,
                kind: row.kind,
                runId: row.run_id,
                endUs: row.end_us + grownUs,
              },
            ]
          })

          const timeline = await readTimeline(knex, { cameraIds: asked, fromMs, toMs, nowMs: toMs, open })

          timelineSchema.parse(timeline)
          const found = new Map(timeline.tracks.map((track) => [keyOf(track), drawn(track.spans, lengthMs)]))
          assert.equal(found.size, timeline.tracks.length)
          for (const cameraId of cameraIds) {
            for (const stream of [1, 2]) {
              for (const kindOf of ['normal', 'event'] as const) {
                const of = rows.flatMap((row, at) =>
                  row.camera_id === cameraId && row.stream === stream && row.kind === kindOf
                    ? [{ startUs: row.start_us, endUs: row.end_us + (runs[at]!.grownUs ?? 0) }]
                    : [],
                )
                const isAsked = asked === undefined || asked.includes(cameraId)
                const expected = coveredBy(isAsked ? of : [], fromMs, toMs)
                const shown = found.get(keyOf({ cameraId, stream, kind: kindOf })) ?? '.'.repeat(lengthMs)
                assert.equal(shown, expected)
              }
            }
          }
        },
      ),
      { numRuns: kind === 'sqlite' ? 200 : 25 },
    )
  })

  it('leaves out tracks without footage in the span', async () => {
    await database().knex('run').insert({
      camera_id: 'a',
      stream: 1,
      kind: 'normal',
      run_id: '0000000000000000',
      first_index: 0,
      last_index: 0,
      start_us: 5_000_000,
      end_us: 6_000_000,
    })

    const empty = await readTimeline(database().knex, {
      cameraIds: ['a'],
      fromMs: 6000,
      toMs: 7000,
      nowMs: 7000,
      open: [],
    })

    assert.deepEqual(empty, { fromMs: 6000, toMs: 7000, nowMs: 7000, tracks: [] } satisfies Timeline)
  })
})

function keyOf(track: { cameraId: string; stream: number; kind: string }): string {
  return `${track.cameraId}/${track.stream}/${track.kind}`
}

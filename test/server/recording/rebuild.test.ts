import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Database } from '../../../server/db/database.ts'
import { type ReconcileOrder, type ReconcileReport, reconcile } from '../../../server/recording/rebuild.ts'
import type { SegmentRow } from '../../../server/recording/recorder-protocol.ts'
import { RecordingStore } from '../../../server/recording/recording-store.ts'
import { segmentPath } from '../../../server/recording/segment-path.ts'
import { SpaceOnDisk } from '../../support/space-on-disk.ts'
import { describeOnBoth, openTestDatabase } from '../../support/test-database.ts'

async function contentOf(database: Database): Promise<{ segments: unknown[]; runs: unknown[] }> {
  return {
    segments: await database.knex('segment').orderBy(['space_id', 'sequence']),
    runs: await database.knex('run').orderBy(['camera_id', 'stream', 'run_id', 'first_index']),
  }
}

const never = new AbortController().signal

describeOnBoth('reconciling the index', 'index', (database, kind) => {
  let space: SpaceOnDisk
  let store: RecordingStore
  const gate = randomUUID()
  const yard = randomUUID()

  beforeEach(() => {
    space = new SpaceOnDisk()
    store = new RecordingStore(database())
  })

  const run = (change: Partial<ReconcileOrder> = {}): Promise<ReconcileReport> =>
    reconcile(
      database().knex,
      {
        spaces: [{ id: space.id, folder: space.folder }],
        serverId: space.serverId,
        knownCameraIds: [gate, yard],
        makesGaps: false,
        ...change,
      },
      never,
    )

  it('makes the same index again from the files alone', async () => {
    space.write(gate, 5)
    space.write(gate, 3, { stream: 2, startUs: 1_795_000_001_000_000 })
    space.write(yard, 70, { startUs: 1_795_003_500_000_000 })
    const lost = await openTestDatabase(kind, 'index')
    await new RecordingStore(lost).putSegments(space.rows)

    const report = await run()

    assert.deepEqual(await contentOf(database()), await contentOf(lost))
    assert.deepEqual([report.added, report.dropped, report.notes], [78, 0, []])
    await lost.close()
  })

  it('does nothing where nothing is to do', async () => {
    space.write(gate, 3)
    await run()

    const report = await run()

    assert.deepEqual([report.added, report.dropped, report.notes, report.unknownChannels], [0, 0, [], []])
  })

  it('adds what is missing, and closes what was closed while nobody listened', async () => {
    const rows = space.write(gate, 3)
    await store.putSegments([rows[0]!, { ...rows[1]!, footerOffset: 0, footerBytes: 0, endUs: rows[1]!.startUs + 1 }])

    await run()

    assert.deepEqual(await store.getSegment(space.id, 2), rows[1])
    assert.equal((await contentOf(database())).runs.length, 1)
    assert.deepEqual(await store.listOpen(), [])
  })

  it('takes an open segment as one, as far as it reaches', async () => {
    const rows = space.write(gate, 2, { isClosed: false })

    await run()

    const open = await store.listOpen()
    assert.deepEqual(
      open.map(({ sequence, endUs, footerOffset }) => [sequence, endUs, footerOffset]),
      [[2, rows[1]!.endUs, 0]],
    )
  })

  it('drops rows whose file is gone, and cuts their run', async () => {
    const rows = space.write(gate, 5)
    await store.putSegments(rows)
    space.remove(rows[2]!)

    const report = await run()

    assert.equal(report.dropped, 1)
    assert.equal(await store.getSegment(space.id, 3), undefined)
    assert.equal((await contentOf(database())).runs.length, 2)
  })

  it('drops the rows of a camera whose folder is gone', async () => {
    await store.putSegments([...space.write(gate, 2), ...space.write(yard, 2)])
    rmSync(join(space.folder, yard), { recursive: true })

    const report = await run()

    assert.equal(report.dropped, 2)
    assert.equal(await store.hasFootage(yard), false)
    assert.equal(await store.hasFootage(gate), true)
  })

  const otherDisks: [what: string, change: (space: SpaceOnDisk) => void][] = [
    ['has no marker', (one) => rmSync(join(one.folder, '.nightjar-space'))],
    ['has a damaged marker', (one) => writeFileSync(join(one.folder, '.nightjar-space'), 'x'.repeat(512))],
    ['has the marker of another space', (one) => one.mark('proved', { space: randomUUID() })],
    ['has the marker of another server', (one) => one.mark('proved', { server: randomUUID() })],
    ['is gone', (one) => rmSync(one.folder, { recursive: true })],
    ['was never proved', (one) => one.mark('new')],
  ]
  for (const [what, change] of otherDisks) {
    it(`drops nothing where the folder ${what}`, async () => {
      const rows = space.write(gate, 3)
      await store.putSegments(rows)
      for (const name of readdirSync(space.folder)) {
        if (name !== '.nightjar-space') rmSync(join(space.folder, name), { recursive: true })
      }
      change(space)

      const report = await run()

      assert.equal(report.dropped, 0)
      assert.equal(report.notes.length, 1)
      assert.equal((await contentOf(database())).segments.length, 3)
    })
  }

  it('drops nothing where most of a large space seems gone at once', async () => {
    const rows = space.write(gate, 1)
    const gone = Array.from({ length: 150 }, (_, at) => ({
      ...rows[0]!,
      sequence: 1000 + at,
      runId: 'ffffffffffffffff',
      runIndex: at,
      path: `${gate}/1-normal/20261122/10/gone-${at}.mp4`,
    }))
    await store.putSegments([...rows, ...gone])

    const report = await run()

    assert.equal(report.dropped, 0)
    assert.match(report.notes[0]!, /150 of 151 segments have no file/)
  })

  it('tells of channels it does not know, under the name their files give', async () => {
    const stranger = randomUUID()
    space.write(stranger, 2)
    space.write(gate, 1)

    const report = await run()

    assert.deepEqual(report.unknownChannels, [{ cameraId: stranger, name: 'recovered Gate', spaceId: space.id }])
    assert.equal(await store.hasFootage(stranger), true)
  })

  it('lets one odd file keep no other', async () => {
    const rows = space.write(gate, 3)
    const folder = dirname(join(space.folder, rows[0]!.path))
    writeFileSync(join(folder, 'holiday.mp4'), 'not ours')
    writeFileSync(join(space.folder, rows[1]!.path), 'damaged')
    mkdirSync(join(space.folder, 'lost+found'))
    const foreign = new SpaceOnDisk()
    const [other] = foreign.write(gate, 1)
    const bytes = segmentPath({ ...otherName(other!), sequence: 999 })
    mkdirSync(dirname(join(space.folder, bytes)), { recursive: true })
    writeFileSync(join(space.folder, bytes), readFileSync(join(foreign.folder, other!.path)))

    const report = await run()

    assert.equal(report.added, 2)
    assert.deepEqual(
      (await database().knex('segment').orderBy('sequence')).map((row) => row.sequence),
      [1, 3],
    )
    assert.match(report.notes.join('\n'), /is a segment of space/)
  })

  it('writes the holes between runs into the gap ledger where it was lost', async () => {
    space.write(gate, 2)
    space.write(gate, 1, { startUs: 1_795_000_005_000_000 })
    space.write(gate, 1, { startUs: 1_795_000_100_000_000 })

    await run({ makesGaps: true })

    const gaps = await store.listGaps(gate, 0, 2e15, 10)
    assert.deepEqual(
      gaps.map(({ startMs, endMs, cause }) => [startMs, endMs, cause]),
      [[1_795_000_007_000, 1_795_000_100_000, 'unknown']],
    )
  })

  it('stops when it is told to', async () => {
    space.write(gate, 3)
    const order: ReconcileOrder = {
      spaces: [{ id: space.id, folder: space.folder }],
      serverId: space.serverId,
      knownCameraIds: [],
      makesGaps: false,
    }

    await assert.rejects(reconcile(database().knex, order, AbortSignal.abort()), { name: 'AbortError' })
  })
})

function otherName(row: SegmentRow) {
  const { stream, kind, startUs, runId } = row
  return { channelId: row.cameraId, stream, kind, startUs, runId }
}

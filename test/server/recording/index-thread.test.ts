import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { IndexThread } from '../../../server/recording/index-thread.ts'
import { RecordingStore } from '../../../server/recording/recording-store.ts'
import { segmentRow } from '../../support/segment-row.ts'
import { describeOnBoth } from '../../support/test-database.ts'

const query = { cameraIds: undefined, fromMs: 0, toMs: 100_000, nowMs: 100_000, open: [] }

describeOnBoth('the index thread', 'index', (database) => {
  let thread: IndexThread
  beforeEach(() => {
    thread = new IndexThread(database().place)
  })
  afterEach(() => thread.close())

  it('answers several questions at once, each with its own answer', async () => {
    await new RecordingStore(database()).putSegments([segmentRow({ sequence: 1 })])

    const answers = await Promise.all(
      ['gate', 'yard', 'gate'].map((id) => thread.run({ type: 'timeline', query: { ...query, cameraIds: [id] } })),
    )

    assert.deepEqual(
      answers.map((bytes) => JSON.parse(Buffer.from(bytes).toString()).tracks.length),
      [1, 0, 1],
    )
  })

  it('fails with the database’s own code, and goes on', async () => {
    await database().knex.schema.renameTable('run', 'away')

    await assert.rejects(thread.run({ type: 'timeline', query }), (error: { code?: string }) =>
      /^(SQLITE_ERROR|ER_NO_SUCH_TABLE)$/.test(error.code ?? ''),
    )
    await database().knex.schema.renameTable('away', 'run')
    assert.ok((await thread.run({ type: 'timeline', query })).length > 0)
  })

  it('begins anew after it was closed, also while something was asked', async () => {
    const asked = thread.run({
      type: 'reconcile',
      order: { spaces: [], serverId: '', knownCameraIds: [], makesGaps: false },
    })
    const closed = thread.close()

    await Promise.allSettled([asked])
    await closed
    assert.ok((await thread.run({ type: 'timeline', query })).length > 0)
  })

  it('moves SQLite’s log into its file, and leaves MariaDB alone', async () => {
    const { place } = database()
    const store = new RecordingStore(database())
    for (let sequence = 1; sequence <= 50; sequence++) await store.putSegments([segmentRow({ sequence })])
    const before = place.kind === 'sqlite' ? statSync(place.file).size : 0

    await thread.run({ type: 'checkpoint' })

    if (place.kind === 'sqlite') assert.ok(statSync(place.file).size > before)
    assert.equal((await store.listSegments('gate', 1, 'normal', 0, 1e15)).length, 50)
  })
})

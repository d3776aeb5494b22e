import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fillYear } from '../../../../scripts/bench/server/year-of-segments.ts'
import { openDatabases } from '../../../../server/app.ts'
import { createLogger } from '../../../../server/base/logger.ts'
import { readConfig } from '../../../../server/config.ts'
import type { Database } from '../../../../server/db/database.ts'
import { RecordingStore } from '../../../../server/recording/recording-store.ts'

const spaceId = '7c1f0a52-0c5e-4b6c-9d52-3f1f0c8a9b01'
const cameraIds = ['0b9d6f4e-5d0c-4c58-8f53-1f8f5d0c4c01', '0b9d6f4e-5d0c-4c58-8f53-1f8f5d0c4c02']
const days = 8

describe('a year of segments', () => {
  let folder: string
  let index: Database

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'nightjar-year-'))
    const open = () => openDatabases(readConfig({ NIGHTJAR_DATA_DIR: folder }), createLogger('test', 'silent'))
    const made = await open()
    await made.settings.close()
    await made.index.close()
    fillYear({ file: path.join(folder, 'index.sqlite'), spaceId, cameraIds, days })
    const filled = await open()
    await filled.settings.close()
    index = filled.index
  })

  after(async () => {
    await index.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('has a row for each five minutes of each camera, numbered before all that is recorded later', async () => {
    const [all] = await index.knex('segment').count({ rows: '*' }).min({ first: 'sequence' }).max({ last: 'sequence' })

    const rows = 2 * days * 288
    assert.deepEqual(all, { rows, first: -rows, last: -1 })
  })

  it('has runs that hold exactly the segments of each', async () => {
    const held = await index
      .knex('segment')
      .select('camera_id', 'run_id')
      .min({ first_index: 'run_index', start_us: 'start_us' })
      .max({ last_index: 'run_index', end_us: 'end_us' })
      .groupBy('camera_id', 'run_id')
      .orderBy(['camera_id', 'start_us'])
    const runs = await index
      .knex('run')
      .select('camera_id', 'run_id', 'first_index', 'start_us', 'last_index', 'end_us')
      .orderBy(['camera_id', 'start_us'])

    assert.equal(runs.length, 4)
    assert.deepEqual(runs, held)
  })

  it('keeps the indexes that the migrations made', async () => {
    const indexes = await index
      .knex('sqlite_master')
      .where({ type: 'index', tbl_name: 'segment' })
      .whereNotNull('sql')
      .pluck('name')

    assert.deepEqual(indexes.sort(), ['segment_by_footer', 'segment_by_run', 'segment_by_time'])
  })

  it('is read as any other footage is', async () => {
    const store = new RecordingStore(index)
    const bounds = await store.getBounds(cameraIds[1]!)

    const found = await store.listSegments(cameraIds[1]!, 1, 'normal', bounds!.endUs - 1, bounds!.endUs)

    assert.deepEqual(
      found.map(({ cameraId, runIndex, endUs }) => ({ cameraId, runIndex, endUs })),
      [{ cameraId: cameraIds[1], runIndex: 287, endUs: bounds!.endUs }],
    )
  })
})

import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { FootageFiles } from '../../../server/recording/footage-file.ts'
import { readSegmentSummary, SegmentIndex } from '../../../server/recording/segment-index.ts'
import { TestSpace, testClip } from '../../support/footage.ts'

const startUs = Date.UTC(2026, 10, 22, 10) * 1000

describe('segment index', () => {
  let space: TestSpace
  let files: FootageFiles
  beforeEach(() => {
    space = new TestSpace()
    files = new FootageFiles()
  })
  afterEach(() => space.remove())

  const clip = () => testClip({ seconds: 4, sound: 'aac' })

  it('reads a closed segment by its footer, wherever the row says it is', async () => {
    const row = space.write({ clip: clip(), startUs })

    const byRow = await new SegmentIndex(files).open(space.folder, row)
    const byTail = await new SegmentIndex(files).open(space.folder, { ...row, footerOffset: 0, footerBytes: 0 })

    assert.equal(byRow.isClosed, true)
    assert.equal(byTail.isClosed, true)
    assert.equal(byTail.footerOffset, row.footerOffset)
    assert.equal(byRow.table.samples(1), 100)
    assert.deepEqual([...byTail.table.utcUs.view()], [...byRow.table.utcUs.view()])
    assert.equal(byRow.tracks[0]!.config!.codec, 'h264')
  })

  it('gives the row again from the file alone', async () => {
    const row = space.write({ clip: clip(), startUs })
    const open = space.write({ clip: clip(), startUs, isClosed: false })

    assert.deepEqual(await readSegmentSummary(files, space.folder, row.path), row)
    assert.deepEqual(await readSegmentSummary(files, space.folder, open.path), open)
  })

  it('gives no row for a file that is no segment, or holds no footage', async () => {
    const { bytes, row, headBytes } = space.build({ clip: clip(), startUs, isClosed: false })
    mkdirSync(dirname(space.pathOf(row)), { recursive: true })
    writeFileSync(space.pathOf(row), bytes.subarray(0, headBytes))
    assert.equal(await readSegmentSummary(files, space.folder, row.path), undefined)

    writeFileSync(space.pathOf(row), bytes.subarray(0, headBytes - 1))
    assert.equal(await readSegmentSummary(files, space.folder, row.path), undefined)

    writeFileSync(space.pathOf(row), 'not a movie')
    assert.equal(await readSegmentSummary(files, space.folder, row.path), undefined)
  })

  it('follows an open segment as it grows, whole fragments only, until it is closed', async () => {
    const { bytes, row, headBytes, fragmentEnds } = space.build({ clip: clip(), startUs })
    const index = new SegmentIndex(files)
    const path = space.pathOf(row)
    const openRow = { ...row, footerOffset: 0, footerBytes: 0 }
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes.subarray(0, headBytes))
    const seen: number[] = []

    seen.push((await index.open(space.folder, openRow)).table.fragments)
    let written = headBytes
    for (const end of fragmentEnds) {
      // Once in the middle of a fragment, then at its end.
      for (const until of [Math.floor((written + end) / 2), end]) {
        appendFileSync(path, bytes.subarray(written, until))
        written = until
        seen.push((await index.open(space.folder, openRow)).table.fragments)
      }
    }
    appendFileSync(path, bytes.subarray(written))
    const closed = await index.open(space.folder, openRow)

    const expected = [0, ...fragmentEnds.flatMap((_, i) => [i, i + 1])]
    assert.deepEqual(seen, expected)
    assert.equal(closed.isClosed, true)
    assert.equal(closed.table.fragments, fragmentEnds.length)
  })

  it('stops before a fragment whose data is not all there', async () => {
    const { bytes, row, fragmentEnds } = space.build({ clip: clip(), startUs, isClosed: false })
    const damaged = bytes.slice()
    damaged.fill(0, fragmentEnds[3]! - 100, fragmentEnds[3]!)
    mkdirSync(dirname(space.pathOf(row)), { recursive: true })
    writeFileSync(space.pathOf(row), damaged)

    const content = await new SegmentIndex(files).open(space.folder, row)

    assert.equal(content.table.fragments, 3)
    assert.equal(content.table.endOffset, fragmentEnds[2])
  })

  it('scans a segment whose footer is damaged', async () => {
    const row = space.write({ clip: clip(), startUs })
    const { bytes } = { bytes: Buffer.alloc(row.footerBytes, 7) }
    truncateSync(space.pathOf(row), row.footerOffset)
    appendFileSync(space.pathOf(row), bytes)

    const content = await new SegmentIndex(files).open(space.folder, row)

    assert.equal(content.isClosed, false)
    assert.equal(content.table.samples(1), 100)
  })

  it('says that a removed file is not found, and that another in its place is not the one', async () => {
    const row = space.write({ clip: clip(), startUs })
    const other = space.write({ clip: clip(), startUs })

    await assert.rejects(new SegmentIndex(files).open(space.folder, { ...row, path: other.path }), {
      kind: 'not-found',
    })
    rmSync(space.pathOf(row))
    await assert.rejects(new SegmentIndex(files).open(space.folder, row), { kind: 'not-found' })
  })

  it('keeps no more tables than it may, and still gives each', async () => {
    const rows = Array.from({ length: 5 }, (_, i) => space.write({ clip: clip(), startUs: startUs + i * 4_000_000 }))
    const index = new SegmentIndex(files, 1)

    for (const row of [...rows, ...rows]) {
      assert.equal((await index.open(space.folder, row)).head.segmentId, row.segmentId)
    }
  })
})

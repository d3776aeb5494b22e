import assert from 'node:assert/strict'
import { Random } from '../../../../scripts/faults/random.ts'
import {
  footerBytesFromTail,
  mfraBytesFromTail,
  parseSegmentFooter,
  segmentFooter,
} from '../../../../server/media/segment/segment-footer.ts'
import type { SegmentTable } from '../../../../server/media/segment/segment-table.ts'
import { buildSegment, emptyTable, exampleSegment } from './segment-under-test.ts'

/** All a table says, as plain numbers. */
function tableContent(table: SegmentTable) {
  const numbers = (column: { view(): ArrayLike<number> }) => Array.from(column.view())
  return {
    fileOffsets: numbers(table.fileOffsets),
    utcUs: numbers(table.utcUs),
    headBytes: numbers(table.headBytes),
    dataBytes: numbers(table.dataBytes),
    flags: numbers(table.flags),
    headCrcs: numbers(table.headCrcs),
    tracks: table.tracks.map((track) => ({
      id: track.trackId,
      timescale: track.timescale,
      tfdt: numbers(track.tfdtTicks),
      counts: numbers(track.counts),
      sizes: numbers(track.sizes),
      durations: numbers(track.durations),
      offsets: track.hasOffsets ? numbers(track.offsets) : undefined,
    })),
  }
}

describe("a segment's footer", () => {
  it('gives the whole table back, at any alignment', () => {
    const random = new Random(1)
    for (let i = 0; i < 200; i++) {
      const segment = buildSegment(random, { maxDataBytes: 400 })
      const footer = segmentFooter(segment.head.segmentId, segment.table, i % 4)
      const shifted = new Uint8Array(footer.length + 8)
      shifted.set(footer, i % 8)

      const parsed = parseSegmentFooter(shifted.subarray(i % 8, (i % 8) + footer.length))

      assert.ok(parsed !== undefined)
      assert.deepEqual(tableContent(parsed.table), tableContent(segment.table))
      assert.equal(parsed.segmentId, segment.head.segmentId)
      assert.equal(parsed.flags, i % 4)
      assert.equal(parsed.endUs, segment.table.endUs)
    }
  })

  it('holds an empty table', () => {
    const table = emptyTable(true, true, true)

    const parsed = parseSegmentFooter(segmentFooter('0f1e2d3c-4b5a-4697-8877-665544332211', table, 1))

    assert.equal(parsed?.table.fragments, 0)
    assert.equal(parsed?.endUs, 0)
  })

  it('goes on growing after it was read, as a table does', () => {
    const segment = buildSegment(new Random(2), { fragments: 3 })
    const parsed = parseSegmentFooter(segmentFooter(segment.head.segmentId, segment.table, 0))!
    const run = { tfdtTicks: 9, count: 1, sizes: Uint32Array.of(5), durations: Uint32Array.of(6), offsets: undefined }

    const head = { flags: 0, utcUs: 1, headBytes: 2, dataBytes: 5, headCrc: 4, tracks: [{ trackId: 1, ...run }] }
    parsed.table.push(1000, head)

    assert.equal(parsed.table.fragments, 4)
    assert.equal(parsed.table.track(1)?.sizes.view().at(-1), 5)
  })

  it('is refused when any bit of it is wrong, or it is cut', () => {
    const segment = exampleSegment()
    const footer = segmentFooter(segment.head.segmentId, segment.table, 0)

    for (let bit = 0; bit < footer.length * 8; bit++) {
      // The type's four letters are the reader's business: it came here by them or by the tail.
      if (bit >> 3 >= 4 && bit >> 3 < 8) continue
      footer[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(parseSegmentFooter(footer), undefined, `bit ${bit}`)
      footer[bit >> 3]! ^= 1 << (bit & 7)
    }
    for (let length = 0; length < footer.length; length++) {
      assert.equal(parseSegmentFooter(footer.subarray(0, length)), undefined, `cut at ${length}`)
    }
  })

  it("is found from the file's end alone", () => {
    const random = new Random(4)
    for (let i = 0; i < 100; i++) {
      const { closed, open, footerBytes } = buildSegment(random, { maxDataBytes: 400 })

      const mfraBytes = mfraBytesFromTail(closed.subarray(-16))!
      const found = footerBytesFromTail(closed.subarray(0, closed.length - mfraBytes))

      assert.equal(found, footerBytes)
      assert.equal(closed.length - mfraBytes - found!, open.length)
      assert.equal(parseSegmentFooter(closed.subarray(open.length, -mfraBytes))?.table.endOffset, open.length)
    }
  })

  it('is not found at the end of a file that has none', () => {
    const { open } = exampleSegment()

    assert.equal(mfraBytesFromTail(open), undefined)
    assert.equal(footerBytesFromTail(open), undefined)
    assert.equal(mfraBytesFromTail(new Uint8Array(15)), undefined)
    assert.equal(footerBytesFromTail(new Uint8Array(7)), undefined)
  })
})

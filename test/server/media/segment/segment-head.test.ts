import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import { Random } from '../../../../scripts/faults/random.ts'
import { parseSegmentFileHead, segmentFileHead } from '../../../../server/media/segment/segment-head.ts'
import { buildSegment, exampleSegment, randomHead } from './segment-under-test.ts'

describe('the head of a segment file', () => {
  it('comes back as it was written, whatever its fields hold', () => {
    const random = new Random(1)
    const { movie } = exampleSegment()
    for (let i = 0; i < 300; i++) {
      const head = randomHead(random)

      const parsed = parseSegmentFileHead(segmentFileHead(movie, head))

      assert.deepEqual(parsed?.head, head)
      assert.deepEqual(Buffer.from(parsed!.movie), Buffer.from(movie))
    }
  })

  it('is found before fragments, and tells where the first one begins', () => {
    const segment = buildSegment(new Random(2))

    assert.equal(parseSegmentFileHead(segment.closed)?.headBytes, segment.headBytes)
  })

  it('is refused when cut anywhere', () => {
    const { open, headBytes } = exampleSegment()

    for (let length = 0; length < headBytes; length++) {
      assert.equal(parseSegmentFileHead(open.subarray(0, length)), undefined, `cut at ${length}`)
    }
  })

  it('is refused when any bit of it is wrong', () => {
    const { open, headBytes } = exampleSegment()
    const head = Buffer.from(open.subarray(0, headBytes))

    for (let bit = 0; bit < headBytes * 8; bit++) {
      head[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(parseSegmentFileHead(head), undefined, `bit ${bit}`)
      head[bit >> 3]! ^= 1 << (bit & 7)
    }
  })

  it('is not taken for one in garbage', () => {
    const random = new Random(3)

    for (let i = 0; i < 1000; i++) assert.equal(parseSegmentFileHead(random.bytes(random.int(0, 2000))), undefined)
  })

  it('skips a field it does not know', () => {
    const { open, headBytes, movie, head } = exampleSegment()
    const box = Buffer.from(open.subarray(movie.length, headBytes))
    const field = Buffer.from([0x12, 0x34, 0, 3, 1, 2, 3])
    const grown = Buffer.concat([box.subarray(0, 44), field, box.subarray(44)])
    grown.writeUInt32BE(grown.length, 0)
    const file = Buffer.concat([movie, grown])
    file.writeUInt32BE(crc32(file.subarray(0, -4)), file.length - 4)

    assert.deepEqual(parseSegmentFileHead(file)?.head, head)
  })

  it('is refused in a version that is not known', () => {
    const { open, headBytes, movie } = exampleSegment()
    const file = Buffer.from(open.subarray(0, headBytes))
    file[movie.length + 24] = 2
    file.writeUInt32BE(crc32(file.subarray(0, -4)), file.length - 4)

    assert.equal(parseSegmentFileHead(file), undefined)
  })
})

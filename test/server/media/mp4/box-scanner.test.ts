import assert from 'node:assert/strict'
import fc from 'fast-check'
import { findBox, needBox, readI64, readU64, scanBoxes } from '../../../../server/media/mp4/box-scanner.ts'
import { ascii, box, concat, edts, mdhd, mvhd, u8, u32, u64 } from '../../../../server/media/mp4/boxes.ts'
import { Failure } from '../../../../shared/failure.ts'

describe('boxes', () => {
  it('are written with their size and type', () => {
    assert.deepEqual([...box('free', u8(1, 2))], [0, 0, 0, 10, 0x66, 0x72, 0x65, 0x65, 1, 2])
  })

  it('are found by their path', () => {
    const bytes = concat([box('free'), box('moov', box('mvhd'), box('trak', box('tkhd', u8(7))))])

    assert.deepEqual(findBox(bytes, ['moov', 'trak', 'tkhd']), { type: 'tkhd', start: 32, bodyStart: 40, end: 41 })
    assert.equal(findBox(bytes, ['moov', 'mdia']), undefined)
    assert.throws(() => needBox(bytes, ['moov', 'mdia']), /no "moov\/mdia"/)
  })

  it('may have a size of 64 bits, or reach to the end', () => {
    const bytes = concat([u32(1), ascii('mdat'), u64(18), u8(1, 2), u32(0), ascii('free'), u8(3)])

    assert.deepEqual(
      [...scanBoxes(bytes)],
      [
        { type: 'mdat', start: 0, bodyStart: 16, end: 18 },
        { type: 'free', start: 18, bodyStart: 26, end: 27 },
      ],
    )
  })

  it('are refused where they do not fit', () => {
    const scan = (bytes: Uint8Array) => () => [...scanBoxes(bytes)]

    assert.throws(scan(u8(0, 0, 0, 8, 1, 2, 3)), /7 bytes are left/)
    assert.throws(scan(concat([u32(9), ascii('free')])), /size 9, 8 bytes are left/)
    assert.throws(scan(concat([u32(7), ascii('free')])), /size 7/)
    assert.throws(scan(concat([u32(1), ascii('free')])), /ends in its size/)
  })

  it('lie within their bytes whatever these are', () => {
    const small = fc.array(fc.oneof(fc.constantFrom(0, 1, 8, 9, 16), fc.nat(255)), { maxLength: 60 })
    fc.assert(
      fc.property(small, (values) => {
        const bytes = Uint8Array.from(values)
        try {
          for (const { start, bodyStart, end } of scanBoxes(bytes)) {
            assert.ok(start < bodyStart && bodyStart <= end && end <= bytes.length)
          }
        } catch (error) {
          assert.ok(error instanceof Failure)
        }
      }),
    )
  })

  it('hold whole numbers of 64 bits', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        assert.equal(readI64(u64(value), 0), value)
        if (value >= 0) assert.equal(readU64(u64(value), 0), value)
      }),
    )
  })

  it('grow to 64 bits where a duration needs it', () => {
    const version = (bytes: Uint8Array): number => bytes[8]!

    assert.deepEqual([version(mvhd(0xffff_ffff, 2)), version(mvhd(0x1_0000_0000, 2))], [0, 1])
    assert.deepEqual([version(mdhd(90_000, 0xffff_ffff)), version(mdhd(90_000, 0x1_0000_0000))], [0, 1])
    assert.equal(mvhd(2 ** 33, 2).length, mvhd(1, 2).length + 12)
    assert.deepEqual(
      [...edts([{ durationTicks: 0x1_0000_0002, mediaTimeTicks: -1 }])],
      [
        ...[0, 0, 0, 44, ...ascii('edts')],
        ...[0, 0, 0, 36, ...ascii('elst')],
        ...[1, 0, 0, 0], // version, flags
        ...[0, 0, 0, 1], // entry_count
        ...[0, 0, 0, 1, 0, 0, 0, 2], // segment_duration
        ...[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // media_time
        ...[0, 1, 0, 0], // media_rate
      ],
    )
  })
})

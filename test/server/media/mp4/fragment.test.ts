import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readU64 } from '../../../../server/media/mp4/box-scanner.ts'
import { ascii, box, concat, fullBox, u32 } from '../../../../server/media/mp4/boxes.ts'
import { firstDecodeTimeOffset, fragment, parseMoof, shiftDecodeTimes } from '../../../../server/media/mp4/fragment.ts'
import { Failure } from '../../../../shared/failure.ts'

const noDefaults = { durationTicks: 0, sizeBytes: 0, flags: 0 }
const moofOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, new DataView(bytes.buffer).getUint32(0))

describe('fragment', () => {
  it('is written as ISO/IEC 14496-12 §8.8 lists it', () => {
    const bytes = fragment(7, [
      {
        trackId: 1,
        decodeTicks: 0x1_0000_0002,
        samples: [{ durationTicks: 3600, ctsTicks: -1, isKey: true, data: Uint8Array.of(0xaa, 0xbb) }],
      },
    ])

    assert.deepEqual(
      [...bytes],
      [
        ...[0, 0, 0, 104, ...ascii('moof')],
        ...[0, 0, 0, 16, ...ascii('mfhd')],
        ...[0, 0, 0, 0], // version, flags
        ...[0, 0, 0, 7], // sequence_number
        ...[0, 0, 0, 80, ...ascii('traf')],
        ...[0, 0, 0, 16, ...ascii('tfhd')],
        ...[0, 2, 0, 0], // version, default-base-is-moof
        ...[0, 0, 0, 1], // track_ID
        ...[0, 0, 0, 20, ...ascii('tfdt')],
        ...[1, 0, 0, 0], // version, flags
        ...[0, 0, 0, 1, 0, 0, 0, 2], // baseMediaDecodeTime
        ...[0, 0, 0, 36, ...ascii('trun')],
        ...[1, 0, 0x0f, 1], // version; offset, flags, size, duration and data offset present
        ...[0, 0, 0, 1], // sample_count
        ...[0, 0, 0, 112], // data_offset
        ...[0, 0, 0x0e, 0x10], // sample_duration
        ...[0, 0, 0, 2], // sample_size
        ...[2, 0, 0, 0], // sample_flags
        ...[0xff, 0xff, 0xff, 0xff], // sample_composition_time_offset
        ...[0, 0, 0, 10, ...ascii('mdat')],
        ...[0xaa, 0xbb],
      ],
    )
    assert.equal(readU64(bytes, firstDecodeTimeOffset), 0x1_0000_0002)
  })

  it('reads back every sample it wrote', () => {
    const sample = fc.record({
      durationTicks: fc.nat(0xffff_ffff),
      ctsTicks: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      isKey: fc.boolean(),
      data: fc.uint8Array({ maxLength: 20 }),
    })
    const track = fc.record({
      trackId: fc.nat(10),
      decodeTicks: fc.nat(2 ** 52),
      samples: fc.array(sample, { maxLength: 5 }),
    })
    fc.assert(
      fc.property(fc.array(track, { maxLength: 3 }), fc.nat(1000), (tracks, moofOffset) => {
        const bytes = fragment(1, tracks)

        const parsed = parseMoof(moofOf(bytes), moofOffset, () => noDefaults)

        assert.deepEqual(
          parsed.map(({ trackId, samples }) => ({
            trackId,
            samples: samples.map(({ offset, sizeBytes, ...rest }) => ({
              ...rest,
              data: bytes.slice(offset - moofOffset, offset - moofOffset + sizeBytes),
            })),
          })),
          tracks.map(({ trackId, decodeTicks, samples }) => {
            let dtsTicks = decodeTicks
            return {
              trackId,
              samples: samples.map((written) => {
                const at = dtsTicks
                dtsTicks += written.durationTicks
                return { dtsTicks: at, ...written }
              }),
            }
          }),
        )
      }),
    )
  })

  it('reads what others leave to defaults', () => {
    const moof = box(
      'moof',
      box(
        'traf',
        fullBox('tfhd', 0, 0x01 | 0x02 | 0x08 | 0x20, u32(1), u32(0, 1000), u32(1), u32(512), u32(0x0101_0000)),
        fullBox('trun', 0, 0x01 | 0x04 | 0x200, u32(2), u32(50), u32(0x0200_0000), u32(10), u32(20)),
        fullBox('trun', 0, 0x200 | 0x800, u32(1), u32(30), u32(0x8000_0000)),
      ),
      box('traf', fullBox('tfhd', 0, 0, u32(2)), fullBox('tfdt', 0, 0, u32(77)), fullBox('trun', 0, 0, u32(2))),
      box('traf', fullBox('tfhd', 0, 0x02_0000, u32(3)), fullBox('trun', 0, 0, u32(2))),
    )
    const defaults = { durationTicks: 1024, sizeBytes: 5, flags: 0x1_0000 }

    const [first, second, ...others] = parseMoof(moof, 900, (id) => (id < 3 ? defaults : undefined))

    assert.deepEqual(first, {
      trackId: 1,
      hasDecodeTime: false,
      samples: [
        { dtsTicks: 0, ctsTicks: 0, durationTicks: 512, isKey: true, offset: 1050, sizeBytes: 10 },
        { dtsTicks: 512, ctsTicks: 0, durationTicks: 512, isKey: false, offset: 1060, sizeBytes: 20 },
        { dtsTicks: 1024, ctsTicks: 2 ** 31, durationTicks: 512, isKey: false, offset: 1080, sizeBytes: 30 },
      ],
    })
    assert.deepEqual(second, {
      trackId: 2,
      hasDecodeTime: true,
      samples: [
        { dtsTicks: 77, ctsTicks: 0, durationTicks: 1024, isKey: false, offset: 1110, sizeBytes: 5 },
        { dtsTicks: 1101, ctsTicks: 0, durationTicks: 1024, isKey: false, offset: 1115, sizeBytes: 5 },
      ],
    })
    assert.deepEqual(others, [])
  })

  it('refuses counts beyond its box, and throws nothing but a failure', () => {
    const huge = box('moof', box('traf', fullBox('tfhd', 0, 0, u32(1)), fullBox('trun', 0, 0, u32(0xffff_ffff))))
    assert.throws(() => parseMoof(huge, 0, () => noDefaults), /4294967295 samples/)

    const moof = moofOf(
      fragment(1, [
        {
          trackId: 1,
          decodeTicks: 5,
          samples: [{ durationTicks: 1, ctsTicks: 0, isKey: true, data: new Uint8Array(3) }],
        },
      ]),
    )
    const damage = fc.array(fc.tuple(fc.nat(moof.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(damage, fc.nat(moof.length), (changes, length) => {
        const bytes = moof.slice()
        for (const [at, value] of changes) bytes[at] = value
        for (const damaged of [bytes, moof.subarray(0, length)]) {
          try {
            parseMoof(damaged, 0, () => noDefaults)
            shiftDecodeTimes(damaged.slice(), () => 1)
          } catch (error) {
            assert.ok(error instanceof Failure)
          }
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('moves each track by its own time and changes nothing else', () => {
    const tracks = [1, 2].map((trackId) => ({
      trackId,
      decodeTicks: 100 * trackId,
      samples: [{ durationTicks: 1, ctsTicks: 0, isKey: true, data: Uint8Array.of(trackId) }],
    }))
    const bytes = concat([fragment(1, tracks), box('free'), fragment(2, tracks)])
    const moved = tracks.map((track) => ({ ...track, decodeTicks: track.decodeTicks + track.trackId * 2 ** 40 }))

    shiftDecodeTimes(bytes, (trackId) => trackId * 2 ** 40)

    assert.deepEqual(bytes, concat([fragment(1, moved), box('free'), fragment(2, moved)]))
    assert.throws(() => shiftDecodeTimes(bytes, () => -(2 ** 42)), /decode time would be -/)
  })
})

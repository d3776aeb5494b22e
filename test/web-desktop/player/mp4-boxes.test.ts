import assert from 'node:assert/strict'
import fc from 'fast-check'
import { boxesIn, onlyTracksOf, parseFragment, parseInit, viewOf } from '../../../web-desktop/player/mp4-boxes.ts'
import { testClip } from '../support/test-clip.ts'

/** The clip is made by ffmpeg once on a machine. */
const clipMadeMs = 180_000

function u8(...values: number[]): Buffer {
  return Buffer.from(values)
}
function u16(value: number): Buffer {
  return u8((value >> 8) & 255, value & 255)
}
function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value))
  return bytes
}
function text(value: string): Buffer {
  return Buffer.from(value, 'latin1')
}
function box(type: string, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([u32(body.length + 8), text(type), body])
}

/** A track box with what the player reads of it, ISO/IEC 14496-12 §8.3–8.5. */
function trak(id: number, handler: string, timescale: number, entry: string, elst?: Uint8Array): Buffer {
  return box(
    'trak',
    box(
      'tkhd',
      u32(0x0000_0007), // version 0, flags
      u32(0), // creation_time
      u32(0), // modification_time
      u32(id), // track_ID
      Buffer.alloc(68),
    ),
    ...(elst === undefined ? [] : [box('edts', box('elst', elst))]),
    box(
      'mdia',
      box(
        'mdhd',
        u32(0), // version 0, flags
        u32(0), // creation_time
        u32(0), // modification_time
        u32(timescale),
        u32(0), // duration
        u16(0x55c4), // language und
        u16(0),
      ),
      box('hdlr', u32(0), u32(0), text(handler), Buffer.alloc(12), u8(0)),
      box(
        'minf',
        box(
          'stbl',
          box(
            'stsd',
            u32(0), // version, flags
            u32(1), // entry_count
            box(entry, Buffer.alloc(28)),
          ),
        ),
      ),
    ),
  )
}

function trex(id: number, durationTicks: number, flags: number): Buffer {
  return box('trex', u32(0), u32(id), u32(1), u32(durationTicks), u32(0), u32(flags))
}

const edit = Buffer.concat([
  u32(0), // version 0, flags
  u32(2), // entry_count
  u32(500), // segment_duration: an empty edit first
  u32(-1),
  u32(0x0001_0000),
  u32(0), // segment_duration
  u32(7200), // media_time
  u32(0x0001_0000),
])

const init = Buffer.concat([
  box('ftyp', text('iso6'), u32(0), text('mp41')),
  box(
    'moov',
    box('mvhd', Buffer.alloc(100)),
    trak(1, 'vide', 90_000, 'avc1', edit),
    trak(2, 'soun', 8000, 'ulaw'),
    box('mvex', trex(1, 6000, 0x0101_0000), trex(2, 160, 0x0200_0000)),
  ),
])

describe('parseInit', () => {
  it('gives id, kind, clock, sample entry and defaults of each track', () => {
    assert.deepEqual(parseInit(init), [
      {
        id: 1,
        kind: 'video',
        timescale: 90_000,
        entry: 'avc1',
        defaultDurationTicks: 6000,
        defaultFlags: 0x0101_0000,
        editStartTicks: 7200,
      },
      {
        id: 2,
        kind: 'audio',
        timescale: 8000,
        entry: 'ulaw',
        defaultDurationTicks: 160,
        defaultFlags: 0x0200_0000,
        editStartTicks: 0,
      },
    ])
  })

  it('reads what ffmpeg writes', async () => {
    const clip = await testClip()

    const [video, audio] = parseInit(clip.both.init)

    assert.deepEqual([video?.kind, video?.entry, video?.timescale], ['video', 'avc1', 15_360])
    assert.deepEqual([audio?.kind, audio?.entry, audio?.timescale], ['audio', 'mp4a', 48_000])
  }).timeout(clipMadeMs)

  it('fails on an init segment without moov', () => {
    assert.throws(() => parseInit(box('ftyp', text('iso6'))), /no moov/)
  })
})

describe('parseFragment', () => {
  const tracks = parseInit(init)

  it('adds composition offsets to decode times and takes the edit list off', () => {
    const fragment = box(
      'moof',
      box('mfhd', u32(0), u32(1)),
      box(
        'traf',
        box(
          'tfhd',
          u32(0x0002_0000), // default-base-is-moof
          u32(1), // track_ID
        ),
        box('tfdt', u32(0x0100_0000), u64(90_000n * 3600n * 24n * 40n)),
        box(
          'trun',
          u32(0x0100_0f05), // version 1; offset, first flags, duration, size, flags, composition offset
          u32(3), // sample_count
          u32(200), // data_offset
          u32(0x0200_0000), // first_sample_flags
          ...[
            [6000, 7200, 0x0200_0000],
            [6000, 19_200, 0x0101_0000],
            [5000, -800, 0x0101_0000],
          ].flatMap(([duration, offset, flags]) => [u32(duration!), u32(1000), u32(flags!), u32(offset!)]),
        ),
      ),
    )

    const samples = parseFragment(fragment, tracks)

    const start = 3600 * 24 * 40
    assert.deepEqual(samples, [
      { trackId: 1, startSec: start, durationSec: 6000 / 90_000, isKey: true },
      { trackId: 1, startSec: (start * 90_000 + 6000 + 12_000) / 90_000, durationSec: 6000 / 90_000, isKey: false },
      { trackId: 1, startSec: (start * 90_000 + 12_000 - 8000) / 90_000, durationSec: 5000 / 90_000, isKey: false },
    ])
  })

  it('takes durations and flags from tfhd, and from trex where that has none', () => {
    const fragment = box(
      'moof',
      box(
        'traf',
        box('tfhd', u32(0x0002_0028), u32(1), u32(3000), u32(0x0200_0000)),
        box('tfdt', u32(0), u32(7200)),
        box('trun', u32(0x0000_0001), u32(2), u32(100)),
      ),
      box(
        'traf',
        box('tfhd', u32(0x0002_0000), u32(2)),
        box('tfdt', u32(0), u32(8000)),
        box('trun', u32(0x0000_0001), u32(1), u32(100)),
      ),
    )

    assert.deepEqual(parseFragment(fragment, tracks), [
      { trackId: 1, startSec: 0, durationSec: 3000 / 90_000, isKey: true },
      { trackId: 1, startSec: 3000 / 90_000, durationSec: 3000 / 90_000, isKey: true },
      { trackId: 2, startSec: 1, durationSec: 0.02, isKey: true },
    ])
  })

  it('leaves out tracks the init segment does not name', () => {
    const traf = box('traf', box('tfhd', u32(0), u32(9)), box('trun', u32(0), u32(1)))

    assert.deepEqual(parseFragment(box('moof', traf), tracks), [])
  })

  it('finds every frame of a clip by ffmpeg, a fifteenth of a second apart, a keyframe each second', async () => {
    const { sub } = await testClip()
    const own = parseInit(sub.init)

    const samples = sub.fragments.flatMap((fragment) => parseFragment(fragment, own))

    assert.equal(samples.length, 900)
    assert.ok(samples.every((sample, i) => Math.abs(sample.startSec - i / 15) < 1e-9))
    assert.deepEqual(
      samples.flatMap((sample, i) => (sample.isKey ? [i] : [])),
      Array.from({ length: 60 }, (_, i) => i * 15),
    )
  }).timeout(clipMadeMs)

  it('fails on a table that is longer than its box', () => {
    const traf = box('traf', box('tfhd', u32(0), u32(1)), box('trun', u32(0x100), u32(50), u32(1)))

    assert.throws(() => parseFragment(box('moof', traf), tracks), /do not fit|Offset is outside/)
  })

  it('reads or refuses whatever it is given, and comes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          parseFragment(bytes, tracks)
        } catch (caught) {
          assert.ok(caught instanceof Error)
        }
      }),
    )
  })
})

describe('onlyTracksOf', () => {
  it('calls every other track metadata, keeps its id and every byte count', () => {
    const video = onlyTracksOf('video', init)

    assert.equal(video.length, init.length)
    assert.deepEqual(
      parseInit(video).map(({ id, kind, entry }) => ({ id, kind, entry })),
      [
        { id: 1, kind: 'video', entry: 'avc1' },
        { id: 2, kind: 'other', entry: 'mett' },
      ],
    )
    assert.deepEqual(
      parseInit(onlyTracksOf('audio', init)).map((one) => one.entry),
      ['mett', 'ulaw'],
    )
    assert.equal(parseInit(init)[1]!.entry, 'ulaw')
  })
})

describe('boxesIn', () => {
  it('reads 64-bit sizes and a last box that reaches to the end', () => {
    const bytes = Buffer.concat([u32(1), text('mdat'), u64(20n), u32(7), u32(0), text('free'), u32(5)])

    assert.deepEqual(
      boxesIn(viewOf(bytes), 0, bytes.length).map(({ type, start, end }) => [type, start, end]),
      [
        ['mdat', 16, 20],
        ['free', 28, 32],
      ],
    )
  })

  it('fails where a box passes the end', () => {
    const bytes = Buffer.concat([u32(100), text('moof'), u32(0)])

    assert.throws(() => boxesIn(viewOf(bytes), 0, bytes.length), /passes the end/)
  })
})

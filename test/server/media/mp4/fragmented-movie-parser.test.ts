import assert from 'node:assert/strict'
import fc from 'fast-check'
import { box, concat, fullBox, u8, u32 } from '../../../../server/media/mp4/boxes.ts'
import { fragment } from '../../../../server/media/mp4/fragment.ts'
import { FragmentedMovieParser, type MovieSample } from '../../../../server/media/mp4/fragmented-movie-parser.ts'
import { initSegment, type MovieTrack } from '../../../../server/media/mp4/movie.ts'
import type { TrackConfig } from '../../../../server/media/track.ts'
import { Failure } from '../../../../shared/failure.ts'
import { ffmpeg, ffprobe, TempFolder } from '../ffmpeg.ts'

const sound: TrackConfig = { kind: 'audio', codec: 'pcmu', timescale: 8000, sampleRateHz: 8000, channels: 1 }

/** Everything the parser tells of `bytes`, pushed in pieces that end at each of `cuts`. */
function parse(
  bytes: Uint8Array,
  cuts: number[] = [],
  maxDataBytes?: number,
): { tracks: MovieTrack[]; samples: MovieSample[] } {
  const told = { tracks: [] as MovieTrack[], samples: [] as MovieSample[] }
  const parser = new FragmentedMovieParser(
    { onInit: (tracks) => told.tracks.push(...tracks), onSample: (sample) => told.samples.push(sample) },
    maxDataBytes,
  )
  let at = 0
  for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)) {
    // A copy, wiped afterwards: the parser must not keep what it was given.
    const piece = bytes.slice(at, cut)
    parser.push(piece)
    piece.fill(0xee)
    at = cut
  }
  return told
}

function soundFragment(decodeTicks: number, ...packets: number[][]): Uint8Array {
  const samples = packets.map((data) => ({
    durationTicks: data.length,
    ctsTicks: 0,
    isKey: true,
    data: Uint8Array.from(data),
  }))
  return fragment(1, [{ trackId: 1, decodeTicks, samples }])
}

describe('fragmented movie parser', () => {
  const movie = concat([
    initSegment({ tracks: [{ id: 1, config: sound }] }),
    box('uuid', new Uint8Array(40)),
    soundFragment(5, [1, 2], [3]),
    u32(1),
    u8(0x66, 0x72, 0x65, 0x65), // free, with a size of 64 bits
    u32(0, 20),
    u8(9, 9, 9, 9),
    soundFragment(8, [], [4, 5, 6]),
  ])

  it('gives the tracks, then each sample', () => {
    const { tracks, samples } = parse(movie)

    assert.deepEqual(
      tracks.map((track) => track.config),
      [sound],
    )
    assert.deepEqual(samples, [
      { trackId: 1, dtsTicks: 5, ctsTicks: 0, durationTicks: 2, isKey: true, data: Uint8Array.of(1, 2) },
      { trackId: 1, dtsTicks: 7, ctsTicks: 0, durationTicks: 1, isKey: true, data: Uint8Array.of(3) },
      { trackId: 1, dtsTicks: 8, ctsTicks: 0, durationTicks: 0, isKey: true, data: Uint8Array.of() },
      { trackId: 1, dtsTicks: 8, ctsTicks: 0, durationTicks: 3, isKey: true, data: Uint8Array.of(4, 5, 6) },
    ])
  })

  it('gives the same however the bytes are cut', () => {
    const whole = parse(movie)
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        assert.deepEqual(parse(movie, cuts), whole)
      }),
    )
    assert.deepEqual(parse(movie, Array.from(movie.keys())), whole)
  })

  it('counts on where fragments do not say their time', () => {
    const untimed = (size: number): Uint8Array =>
      concat([
        box(
          'moof',
          box(
            'traf',
            fullBox('tfhd', 0, 0x02_0000, u32(1)),
            fullBox('trun', 0, 0x301, u32(1), u32(68), u32(160, size)),
          ),
        ),
        box('mdat', new Uint8Array(size)),
      ])

    const { samples } = parse(concat([initSegment({ tracks: [{ id: 1, config: sound }] }), untimed(4), untimed(6)]))

    assert.deepEqual(
      samples.map(({ dtsTicks, data }) => [dtsTicks, data.length]),
      [
        [0, 4],
        [160, 6],
      ],
    )
  })

  it('refuses more data than it was allowed, and samples outside of it', () => {
    const init = initSegment({ tracks: [{ id: 1, config: sound }] })
    const whole = soundFragment(0, [1, 2, 3])
    const short = whole.slice()
    short[92] = 0xff // the high byte of sample_size

    assert.throws(() => parse(concat([init, whole]), [], 10), /box "mdat" of 11 bytes, more than 10/)
    assert.throws(() => parse(concat([init, short])), /is not in its mdat/)
    assert.throws(() => parse(u8(0xff, 0xff, 0xff, 0xff, ...box('moov').subarray(4))), /more than 4194304/)
    assert.throws(() => parse(concat([init, u32(0), u8(0, 0, 0, 0)])), /of 0 bytes/)
  })

  it('throws nothing but a failure on damage', () => {
    const damage = fc.array(fc.tuple(fc.nat(movie.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(damage, fc.array(fc.nat(), { maxLength: 3 }), (changes, cuts) => {
        const bytes = movie.slice()
        for (const [at, value] of changes) bytes[at] = value
        try {
          parse(bytes, cuts, 1024)
        } catch (error) {
          assert.ok(error instanceof Failure)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('takes from an ffmpeg what ffprobe sees', () => {
    const folder = new TempFolder()
    try {
      for (const flags of ['frag_keyframe+empty_moov', 'frag_every_frame+empty_moov+default_base_moof']) {
        const clip = ffmpeg(
          ...['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10:duration=2'],
          ...['-f', 'lavfi', '-i', 'sine=sample_rate=8000:duration=2', '-c:a', 'aac'],
          ...['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-bf', '2', '-g', '10', '-movflags', flags, '-f', 'mp4', '-'],
        )
        const { packets } = ffprobe(folder.file('clip.mp4', clip), '-show_packets', '-ignore_editlist', '1')

        const { samples } = parse(clip, [1000, 2000, 3001])

        for (const trackId of [1, 2]) {
          assert.deepEqual(
            samples
              .filter((sample) => sample.trackId === trackId)
              .map((s) => [s.dtsTicks, s.dtsTicks + s.ctsTicks, s.data.length, s.isKey]),
            packets
              .filter((packet) => Number(packet['stream_index']) === trackId - 1)
              .map((p) => [Number(p['dts']), Number(p['pts']), Number(p['size']), p['flags']![0] === 'K']),
          )
        }
        const video = samples.filter((sample) => sample.trackId === 1)
        for (const [i, { dtsTicks, durationTicks }] of video.slice(0, -1).entries()) {
          assert.equal(dtsTicks + durationTicks, video[i + 1]!.dtsTicks)
        }
      }
    } finally {
      folder.remove()
    }
  })
})

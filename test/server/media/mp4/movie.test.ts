import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readFourcc, scanBoxes } from '../../../../server/media/mp4/box-scanner.ts'
import { initSegment, parseMoov, relabelForBrowser } from '../../../../server/media/mp4/movie.ts'
import { Failure } from '../../../../shared/failure.ts'
import { decodedFrames, ffmpeg, ffprobe, TempFolder } from '../ffmpeg.ts'
import {
  aacTrack,
  type ClipTrack,
  g711Track,
  metadataTrack,
  pictureTrack,
  writeFile,
  x264,
  x264WithBFrames,
  x265,
} from './clip.ts'

describe('fragmented movie', () => {
  const folder = new TempFolder()
  let h264: ClipTrack
  let bFrames: ClipTrack
  let h265: ClipTrack
  let aac: ClipTrack
  const alaw = g711Track(2, 'pcma')
  const metadata = metadataTrack(3)

  before(() => {
    h264 = pictureTrack(1, ...x264)
    bFrames = pictureTrack(1, ...x264WithBFrames)
    h265 = pictureTrack(1, ...x265)
    aac = aacTrack(2)
  })
  after(() => folder.remove())

  it('describes the tracks it was made of', () => {
    const tracks = parseMoov(initSegment({ tracks: [bFrames, aac, metadata] }))

    assert.deepEqual(
      tracks.map(({ id, kind, timescale, config, startOffsetTicks }) => ({
        id,
        kind,
        timescale,
        config,
        startOffsetTicks,
      })),
      [bFrames, aac, metadata].map(({ id, config, startOffsetTicks }) => ({
        id,
        kind: config.kind,
        timescale: config.timescale,
        config,
        startOffsetTicks,
      })),
    )
    assert.equal(bFrames.startOffsetTicks, 7200)
    assert.deepEqual(
      tracks.map((track) => track.codecString),
      ['avc1.64000c', 'mp4a.40.2', 'mett'],
    )
    assert.deepEqual(
      tracks.map((track) => track.defaults.flags),
      [0x1010000, 0x2000000, 0x2000000],
    )
  })

  it('begins with ftyp iso6 and moov, and holds nothing else', () => {
    const init = initSegment({ tracks: [h264] })

    assert.deepEqual(
      [...scanBoxes(init)].map((range) => range.type),
      ['ftyp', 'moov'],
    )
    assert.deepEqual(
      [8, 16, 20].map((at) => readFourcc(init, at)),
      ['iso6', 'iso6', 'mp41'],
    )
  })

  it('plays in ffmpeg to the last packet, from 0', () => {
    for (const [name, tracks, packets] of [
      ['h264-aac', [h264, aac], [100, aac.samples.length]],
      ['b-frames', [bFrames], [100]],
      ['h265-alaw-xml', [h265, alaw, metadata], [100, 200, 4]],
    ] as const) {
      const path = folder.file(`${name}.mp4`, writeFile([...tracks]).bytes)

      const { streams } = ffprobe(path, '-count_packets', '-show_streams')

      assert.deepEqual(
        streams.map((stream) => Number(stream['nb_read_packets'])),
        packets,
        name,
      )
      assert.equal(Number(streams[0]!['start_time']), 0, name)
      assert.equal(decodedFrames(path, 'v:0').length, 100, name)
      if (streams.length > 1) ffmpeg('-i', path, '-map', '0:a', '-f', 'null', '-')
    }
  })

  it('shows the pictures that were put in', () => {
    const one = folder.file('one.mp4', writeFile([bFrames], 10).bytes)
    const many = folder.file('many.mp4', writeFile([bFrames], 0.2).bytes)

    const frames = decodedFrames(many, 'v:0')

    assert.deepEqual(frames, decodedFrames(one, 'v:0'))
    assert.deepEqual(
      frames.map(({ ticks }) => ticks),
      Array.from({ length: 100 }, (_, i) => i * 3600),
    )
  })

  it('gives back metadata byte for byte', () => {
    const path = folder.file('xml.mp4', writeFile([h264, metadata]).bytes)

    const xml = ffmpeg('-i', path, '-map', '0:1', '-c', 'copy', '-f', 'data', '-').toString()

    assert.equal(xml, [0, 1, 2, 3].map((n) => `<tt:MetadataStream n="${n}"/>`).join(''))
  })

  it('is relabelled for a browser with every track in its place', () => {
    const init = initSegment({ tracks: [bFrames, alaw, metadata] })

    const relabelled = relabelForBrowser(init, (track) => track.config?.codec === 'h264')

    const [video, sound, xml] = parseMoov(relabelled)
    assert.deepEqual(video, parseMoov(init)[0])
    assert.deepEqual([sound?.id, sound?.kind, sound?.entries[0]?.format], [2, 'metadata', 'mett'])
    assert.deepEqual([xml?.id, xml?.kind, xml?.entries[0]?.format], [3, 'metadata', 'mett'])
    assert.equal(sound?.codecString, undefined)
    const path = folder.file(
      'relabelled.mp4',
      Buffer.concat([relabelled, writeFile([bFrames, alaw, metadata]).bytes.subarray(init.length)]),
    )
    const { streams } = ffprobe(path, '-count_packets', '-show_streams')
    assert.deepEqual(
      streams.map((stream) => stream['codec_type']),
      ['video', 'data', 'data'],
    )
    assert.deepEqual(
      streams.map((stream) => Number(stream['nb_read_packets'])),
      [100, 200, 4],
    )
  })

  it('stays as it is where a browser plays all of it', () => {
    const init = initSegment({ tracks: [h264, aac] })

    assert.deepEqual(
      relabelForBrowser(init, () => true),
      init,
    )
  })

  it('is refused where it is damaged, with a failure and nothing else', () => {
    const init = initSegment({ tracks: [bFrames, aac] })
    const damage = fc.array(fc.tuple(fc.nat(init.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(damage, fc.nat(init.length), (changes, length) => {
        const bytes = init.slice()
        for (const [at, value] of changes) bytes[at] = value
        for (const damaged of [bytes, init.subarray(0, length)]) {
          try {
            parseMoov(damaged)
            relabelForBrowser(damaged, () => false)
          } catch (error) {
            assert.ok(error instanceof Failure)
          }
        }
      }),
      { numRuns: 400 },
    )
    assert.throws(() => parseMoov(new Uint8Array()), /no "moov"/)
  })
})

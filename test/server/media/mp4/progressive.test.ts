import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ProgressiveBuilder, type ProgressiveMovie, readMovie } from '../../../../server/media/mp4/progressive.ts'
import type { TrackConfig } from '../../../../server/media/track.ts'
import { Failure } from '../../../../shared/failure.ts'
import { decodedFrames, ffmpeg, ffprobe, TempFolder } from '../ffmpeg.ts'
import {
  aacTrack,
  type ClipFile,
  type ClipTrack,
  g711Track,
  metadataTrack,
  pictureTrack,
  writeFile,
  x264,
  x264WithBFrames,
  x265,
} from './clip.ts'
import { readFlatMovie } from './flat-movie.ts'
import { build, bytesOf, hourOf, shownSamples, sum, u64, versions } from './movies.ts'

describe('progressive movie', () => {
  const folder = new TempFolder()
  let h264: ClipTrack
  let bFrames: ClipTrack
  let h265: ClipTrack
  let aac: ClipTrack
  const ulaw = g711Track(2, 'pcmu')
  const whole = { keepsGaps: true }

  before(() => {
    h264 = pictureTrack(1, ...x264)
    bFrames = pictureTrack(1, ...x264WithBFrames)
    h265 = pictureTrack(1, ...x265)
    aac = aacTrack(2)
  })
  after(() => folder.remove())

  /** Writes a movie to disk, for ffmpeg to look at. */
  function save(name: string, movie: ProgressiveMovie, files: ClipFile[]): string {
    const bytes = bytesOf(movie, files)
    assert.equal(bytes.length, movie.sizeBytes)
    return folder.file(name, bytes)
  }

  it('holds every sample of its tracks, byte for byte', () => {
    const tracks = [bFrames, aac, metadataTrack(3)]
    const file = writeFile(tracks)

    const movie = build(whole, [file, 0])

    const bytes = bytesOf(movie, [file])
    const flat = readFlatMovie(bytes)
    for (const [i, track] of tracks.entries()) {
      assert.deepEqual(
        flat.tracks[i]!.samples.map(({ offset, sizeBytes, description, ...rest }) => ({
          ...rest,
          data: new Uint8Array(bytes.subarray(offset, offset + sizeBytes)),
        })),
        track.samples.map((sample) => ({ ...sample, data: new Uint8Array(sample.data) })),
      )
    }
    assert.equal(movie.headerBytes, flat.dataStart)
    assert.deepEqual(flat.tracks[0]!.edits, [{ durationTicks: 360_000, mediaTimeTicks: 7200 }])
    assert.equal(flat.tracks[0]!.mediaTicks, 360_000)
  })

  it('takes each fragment as one slice', () => {
    const file = writeFile([h264, aac], 0.5)

    const movie = build(whole, [file, 0])

    assert.equal(movie.slices.count, file.tracks[0]!.chunks.counts.length)
  })

  it('plays in ffmpeg with every codec, from 0, to the exact end', () => {
    for (const [name, tracks, packets] of [
      ['h264-aac', [h264, aac], [100, aac.samples.length]],
      ['b-frames', [bFrames], [100]],
      ['h265-ulaw', [h265, ulaw], [100, undefined]],
      ['h264-alaw-xml', [h264, g711Track(2, 'pcma'), metadataTrack(3)], [100, undefined, 4]],
    ] as const) {
      const file = writeFile([...tracks])
      const path = save(`${name}.mp4`, build(whole, [file, 0]), [file])

      const { streams, format } = ffprobe(path, '-count_packets', '-show_streams', '-show_format')

      assert.equal(Number(format['start_time']), 0, name)
      for (const [i, stream] of streams.entries()) {
        if (packets[i]) assert.equal(Number(stream['nb_read_packets']), packets[i], name)
      }
      assert.equal(Number(streams[0]!['duration']), 4, name)
      const original = folder.file('original.mp4', file.bytes)
      assert.deepEqual(decodedFrames(path, 'v:0'), decodedFrames(original, 'v:0'), name)
      const soundOf = (of: string): Buffer => ffmpeg('-i', of, '-map', '0:a?', '-f', 's16le', '-')
      if (tracks.length > 1) assert.ok(soundOf(path).equals(soundOf(original)), name)
    }
  })

  it('counts G.711 in bytes', () => {
    const file = writeFile([h264, ulaw])

    const flat = readFlatMovie(bytesOf(build(whole, [file, 0]), [file])).tracks[1]!

    assert.equal(flat.samples.length, 32_000)
    assert.ok(flat.samples.every(({ sizeBytes, durationTicks }) => sizeBytes === 1 && durationTicks === 1))
    assert.deepEqual(flat.edits, [{ durationTicks: 360_000, mediaTimeTicks: 0 }])
  })

  it('begins inside a GOP and ends before its end, to the frame', () => {
    for (const [name, video] of [
      ['plain', h264],
      ['b-frames', bFrames],
      ['h265', h265],
    ] as const) {
      const file = writeFile([video, ulaw])
      const all = decodedFrames(folder.file('all.mp4', file.bytes), 'v:0')

      // From 1.52 s (frame 38, whose keyframe is 25) to 2.64 s (frame 66).
      const movie = build({ keepsGaps: true, endUs: 1_120_000 }, [file, -1.52])

      const path = save(`cut-${name}.mp4`, movie, [file])
      const frames = decodedFrames(path, 'v:0')
      assert.deepEqual(
        frames.map(({ md5 }) => md5),
        all.slice(38, 66).map(({ md5 }) => md5),
        name,
      )
      assert.deepEqual(
        frames.map(({ ticks }) => ticks),
        Array.from({ length: 28 }, (_, i) => i * 3600),
        name,
      )
      const { streams, format } = ffprobe(path, '-show_streams', '-show_format')
      assert.equal(Number(format['start_time']), 0)
      assert.deepEqual(
        streams.map((stream) => Number(stream['duration'])),
        [1.12, 1.12],
      )
      assert.equal(movie.durationUs, 1_120_000)
      const sound = ffmpeg('-i', path, '-map', '0:a', '-c', 'copy', '-f', 'mulaw', '-')
      const packets = Buffer.concat(ulaw.samples.map(({ data }) => data))
      assert.ok(sound.equals(packets.subarray(1.52 * 8000, 2.64 * 8000)), name)
    }
  })

  it('takes no more than the GOP before its start, and nothing after its end', () => {
    const file = writeFile([h264, aac])

    const flat = readFlatMovie(bytesOf(build({ keepsGaps: true, endUs: 500_000 }, [file, -2.1]), [file]))

    const [video, sound] = flat.tracks
    assert.equal(video!.samples.length, 65 - 50)
    assert.deepEqual(video!.edits, [{ durationTicks: 45_000, mediaTimeTicks: 9000 }])
    // AAC frames of 64 ms: the one that holds 2.1 s is the 33rd, and 2.6 s ends in the 41st.
    assert.equal(sound!.samples.length, 41 - 32)
    assert.deepEqual(sound!.edits, [{ durationTicks: 45_000, mediaTimeTicks: 33_600 - 32 * 1024 }])
  })

  it('waits for a track that begins late', () => {
    const file = writeFile([h264, { ...ulaw, samples: ulaw.samples.slice(50) }])

    const path = save('late.mp4', build(whole, [file, 0]), [file])

    const flat = readFlatMovie(bytesOf(build(whole, [file, 0]), [file])).tracks[1]!
    assert.deepEqual(flat.edits, [
      { durationTicks: 90_000, mediaTimeTicks: -1 },
      { durationTicks: 270_000, mediaTimeTicks: 0 },
    ])
    assert.deepEqual(
      ffprobe(path, '-show_streams').streams.map((stream) => Number(stream['start_time'])),
      [0, 1],
    )
  })

  it('joins segments that follow each other without a seam', () => {
    const file = writeFile([bFrames, ulaw])

    const movie = build(whole, [file, 0], [file, undefined], [file, 8])

    const path = save('joined.mp4', movie, [file, file, file])
    const frames = decodedFrames(path, 'v:0')
    assert.deepEqual(
      frames.map(({ ticks }) => ticks),
      Array.from({ length: 300 }, (_, i) => i * 3600),
    )
    const { streams } = ffprobe(path, '-show_streams')
    assert.deepEqual(
      streams.map((stream) => Number(stream['duration'])),
      [12, 12],
    )
    const sound = ffmpeg('-i', path, '-map', '0:a', '-c', 'copy', '-f', 'mulaw', '-')
    assert.equal(sound.length, 96_000)
  })

  it('keeps a gap as a long frame and as silence', () => {
    const file = writeFile([h264, ulaw])

    const movie = build(whole, [file, 0], [file, 10])

    const path = save('gap.mp4', movie, [file, file])
    const frames = decodedFrames(path, 'v:0').map(({ ticks }) => ticks / 90_000)
    assert.deepEqual([frames[99], frames[100], frames[199]], [3.96, 10, 13.96])
    const sound = ffmpeg('-i', path, '-map', '0:a', '-c', 'copy', '-f', 'mulaw', '-')
    assert.equal(sound.length, 14 * 8000)
    assert.ok(sound.subarray(32_000, 80_000).every((byte) => byte === 0xff))
    assert.ok(sound.subarray(80_000).equals(sound.subarray(0, 32_000)))
  })

  it('takes a gap out of all tracks alike', () => {
    const late = { ...ulaw, samples: ulaw.samples.slice(5) }
    const file = writeFile([h264, ulaw])
    const second = writeFile([h264, late])

    const movie = build({ keepsGaps: false, endUs: 12_000_000 }, [file, -1], [second, 10], [file, undefined])

    const flat = readFlatMovie(bytesOf(movie, [file, second, file]))
    // 3 s of the first, 2 s of the second: the end asked for is on the clock that has the gap. The third is after it.
    assert.equal(movie.durationUs, 5_000_000)
    assert.deepEqual(
      flat.tracks.map((track) => track.movieTicks),
      [450_000, 450_000],
    )
    // The picture begins again at 3 s, the sound 0.1 s later, after silence.
    assert.equal(flat.tracks[0]!.samples[75]!.dtsTicks, 270_000)
    const bytes = bytesOf(movie, [file, second, file])
    const at = (n: number): number => bytes[flat.tracks[1]!.samples[n]!.offset]!
    assert.deepEqual([at(24_000), at(24_799)], [0xff, 0xff])
    assert.equal(at(24_801), late.samples[0]!.data[1])
  })

  it('fills in sound that is missing while the picture goes on, beside it', () => {
    const silentFile = writeFile([h264])
    const file = writeFile([h264, ulaw])

    const movie = build(whole, [file, 0], [silentFile, 4], [silentFile, 8], [file, 12])

    const files = [file, silentFile, silentFile, file]
    const sound = ffmpeg('-i', save('mute.mp4', movie, files), '-map', '0:a', '-c', 'copy', '-f', 'mulaw', '-')
    assert.equal(sound.length, 16 * 8000)
    assert.ok(sound.subarray(32_000, 96_000).every((byte) => byte === 0xff))
    assert.ok(sound.subarray(96_000).equals(sound.subarray(0, 32_000)))
    // Silence lies among the pictures it goes with, no more than two seconds apart.
    const { tracks } = readFlatMovie(bytesOf(movie, files))
    const pictureAt = tracks[0]!.samples.find(({ dtsTicks }) => dtsTicks === 8 * 90_000)!.offset
    const soundAt = tracks[1]!.samples.find(({ dtsTicks }) => dtsTicks === 6 * 8000)!.offset
    assert.ok(soundAt < pictureAt)
  })

  it('makes up a small overlap within the later segment', () => {
    const file = writeFile([h264, ulaw])

    const movie = build(whole, [file, 0], [file, 3.9])

    const flat = readFlatMovie(bytesOf(movie, [file, file]))
    // 0.1 s of sound comes twice and is left out once; a frame at the seam and at each fragment gives way.
    assert.equal(flat.tracks[1]!.samples.length, 7.9 * 8000)
    assert.equal(flat.tracks[0]!.samples[99]!.durationTicks, 1)
    assert.equal(flat.tracks[0]!.samples.length, 200)
    assert.equal(flat.tracks[0]!.mediaTicks, 7.9 * 90_000)
  })

  it('shows runs that overlap one after the other', () => {
    const file = writeFile([h264, ulaw])

    for (const keepsGaps of [true, false]) {
      const movie = build({ keepsGaps }, [file, 0], [file, -3600], [file, -3590])

      const path = save('overlap.mp4', movie, [file, file, file])
      const lastStart = keepsGaps ? 14 : 8
      const frames = decodedFrames(path, 'v:0').map(({ ticks }) => ticks / 90_000)
      assert.deepEqual([frames[100], frames[199], frames[200]], [4, 7.96, lastStart])
      const sound = ffmpeg('-i', path, '-map', '0:a', '-c', 'copy', '-f', 'mulaw', '-')
      assert.equal(sound.length, (lastStart + 4) * 8000)
    }
  })

  it('describes each resolution once and switches between them', () => {
    const small: ClipTrack = pictureTrack(1, ...x264, '-vf', 'scale=160:90')
    const files = [writeFile([h264]), writeFile([small]), writeFile([h264])]

    const movie = build(whole, ...files.map((file): [ClipFile, undefined] => [file, undefined]))

    const [flat] = readFlatMovie(bytesOf(movie, files)).tracks
    assert.equal(flat!.descriptions, 2)
    assert.deepEqual(
      [0, 99, 100, 199, 200, 299].map((i) => flat!.samples[i]!.description),
      [1, 1, 2, 2, 1, 1],
    )
    const { frames } = ffprobe(save('sizes.mp4', movie, files), '-show_frames', '-show_entries', 'frame=width')
    assert.deepEqual(
      [0, 99, 100, 199, 200, 299].map((i) => Number(frames[i]!['width'])),
      [320, 320, 160, 160, 320, 320],
    )
  })

  it('refuses a codec that changes within a track, and takes no notice of one that is cut away', () => {
    const files = [writeFile([h264]), writeFile([h265])]

    assert.throws(
      () => build(whole, [files[0]!, 0], [files[1]!, 4]),
      new Failure('conflict', 'build movie: track 1 is h264 at 90000 Hz, and later h265 at 90000 Hz'),
    )
    assert.equal(
      readFlatMovie(bytesOf(build(whole, [files[0]!, -5], [files[1]!, 0]), files)).tracks[0]!.samples.length,
      100,
    )
    assert.equal(build({ keepsGaps: true, endUs: 4e6 }, [files[0]!, 0], [files[1]!, 4]).durationUs, 4_000_000)
  })

  it('is an empty movie where nothing was added', () => {
    const movie = new ProgressiveBuilder(whole).finish()

    assert.equal(movie.sizeBytes, movie.headerBytes)
    assert.equal(movie.durationUs, 0)
    assert.deepEqual(readFlatMovie(bytesOf(movie, [])).tracks, [])
  })

  it('gives any range of its bytes', () => {
    const file = writeFile([h264, ulaw])
    const movie = build(whole, [file, -1.3], [file, 6])
    const all = bytesOf(movie, [file, file])

    const position = fc.nat(movie.sizeBytes)
    fc.assert(
      fc.property(position, position, (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)]
        assert.ok(bytesOf(movie, [file, file], start, end).equals(all.subarray(start, end)))
      }),
      {
        examples: [
          [0, 0],
          [0, movie.headerBytes],
          [movie.headerBytes, movie.sizeBytes],
        ],
      },
    )
    assert.deepEqual([...readMovie(movie, movie.sizeBytes, movie.sizeBytes + 5)], [])
  })

  it('keeps every track on the clock, for any spans and gaps', () => {
    const metadata = metadataTrack(3)
    const file = writeFile([bFrames, ulaw, metadata], 0.48)
    const law = Buffer.concat(ulaw.samples.map(({ data }) => data))
    const hundredths = fc.record({
      cut: fc.integer({ min: 0, max: 399 }),
      gaps: fc.array(
        fc.integer({ min: 0, max: 150 }).map((n) => n * 2),
        { maxLength: 3 },
      ),
      length: fc.integer({ min: 1, max: 2000 }),
      keepsGaps: fc.boolean(),
    })
    fc.assert(
      fc.property(hundredths, ({ cut, gaps, length, keepsGaps }) => {
        // Where each file begins, in seconds: on the clock asked in, and on the movie's, which may leave the gaps out.
        const starts = [0, ...gaps].map((_, i) => (-cut + 400 * i + sum(gaps.slice(0, i))) / 100)
        const shownStarts = keepsGaps ? starts : starts.map((_, i) => -cut / 100 + 4 * i)

        const parts = starts.map((start): [ClipFile, number] => [file, start])
        const movie = build({ keepsGaps, endUs: length * 10_000 }, ...parts)

        const files = starts.map(() => file)
        const bytes = bytesOf(movie, files)
        const { tracks } = readFlatMovie(bytes)
        for (const source of [bFrames, metadata]) {
          const shown = shownSamples(tracks.find((track) => track.id === source.id))
          for (const [i, start] of starts.entries()) {
            for (const { dtsTicks, ctsTicks, data } of source.samples) {
              const sec = (dtsTicks + ctsTicks - source.startOffsetTicks) / 90_000
              if (start + sec < 0 || start + sec > length / 100 - 1e-6) continue
              const found = shown.find((sample) => Math.abs(sample.sec - shownStarts[i]! - sec) < 1e-4)
              assert.ok(found, `track ${source.id} has nothing at ${start + sec} s`)
              assert.ok(Buffer.from(data).equals(bytes.subarray(found.offset, found.offset + found.sizeBytes)))
            }
          }
        }
        for (const { sec, offset } of shownSamples(tracks.find((track) => track.id === 2)).filter(
          (_, i) => i % 97 === 0,
        )) {
          const start = shownStarts.findLast((at) => at <= sec + 1e-6)!
          assert.equal(bytes[offset], law[Math.round((sec - start) * 8000)] ?? 0xff, `sound at ${sec} s`)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('writes 64-bit durations and offsets where a movie needs them', () => {
    const video: TrackConfig = { kind: 'video', codec: 'mjpeg', timescale: 90_000, widthPx: 64, heightPx: 48 }
    const builder = new ProgressiveBuilder(whole)
    for (let hour = 0; hour < 15; hour++) {
      builder.add(hourOf(video, hour, { fps: 1, bytes: 2 ** 20 }))
    }

    const movie = builder.finish()

    const header = Buffer.concat(movie.header)
    assert.equal(movie.sizeBytes - movie.headerBytes, 15 * 3600 * 2 ** 20)
    assert.equal(movie.durationUs, 15 * 3600 * 1e6)
    assert.deepEqual([...header.subarray(-16)], [0, 0, 0, 1, ...Buffer.from('mdat'), ...u64(15 * 3600 * 2 ** 20 + 16)])
    const co64 = header.indexOf('co64')
    assert.equal(Number(header.readBigUInt64BE(co64 + 12)), movie.headerBytes)
    const last = header.readUInt32BE(co64 + 8) - 1
    assert.equal(Number(header.readBigUInt64BE(co64 + 12 + last * 8)), movie.sizeBytes - 10 * 2 ** 20)
    assert.deepEqual(versions(header), { mvhd: 1, mdhd: 1, tkhd: 1, elst: 1 })
  })

  it('takes a day of picture and sound in little memory', () => {
    const video = h264.config
    const sound = ulaw.config
    const builder = new ProgressiveBuilder(whole)
    for (let hour = 0; hour < 24; hour++) {
      const picture = hourOf(video, hour, { fps: 25, bytes: 20_000 })
      const voice = hourOf(sound, hour, { fps: 50, bytes: 160 })
      // Sound lies behind the picture in each fragment.
      for (const track of voice.tracks) track.chunks.offsets = track.chunks.offsets.map((offset) => offset + 250_000)
      builder.add({
        ...picture,
        tracks: [...picture.tracks, ...voice.tracks.map((track) => ({ ...track, trackId: 2 }))],
      })
    }

    const movie = builder.finish()

    assert.equal(movie.durationUs, 86_400e6)
    assert.equal(movie.sizeBytes - movie.headerBytes, 86_400 * (25 * 20_000 + 8000))
    assert.ok(movie.headerBytes < 15 * 2 ** 20)
  })
})

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readMovie } from '../../../server/media/mp4/progressive.ts'
import { buildClip, type Clip, type ClipWish, frozenEndOf } from '../../../server/recording/clip.ts'
import { SoundCache } from '../../../server/recording/clip-sound.ts'
import { FootageFiles } from '../../../server/recording/footage-file.ts'
import { SegmentIndex } from '../../../server/recording/segment-index.ts'
import { FootageReader } from '../../../server/recording/segment-reader.ts'
import { type TestClip, TestSpace, testClip } from '../../support/footage.ts'

const startUs = Date.UTC(2026, 10, 22, 10) * 1000
const second = 1_000_000

describe('clip', () => {
  let space: TestSpace
  let reader: FootageReader
  let sounds: SoundCache
  let folder: string
  beforeEach(() => {
    space = new TestSpace()
    const files = new FootageFiles()
    reader = new FootageReader(space, new SegmentIndex(files), files)
    folder = mkdtempSync(join(tmpdir(), 'clips-'))
    sounds = new SoundCache(reader, join(folder, 'sound'))
  })
  afterEach(async () => {
    await sounds.close()
    space.remove()
    rmSync(folder, { recursive: true })
  })

  const wish = (fromSec: number, toSec: number, more: Partial<ClipWish> = {}): ClipWish => ({
    cameraId: space.cameraId,
    stream: 1,
    fromUs: startUs + fromSec * second,
    toUs: startUs + toSec * second,
    sound: 'as-recorded',
    until: undefined,
    ...more,
  })
  const build = (fromSec: number, toSec: number, more?: Partial<ClipWish>) =>
    buildClip(reader, wish(fromSec, toSec, more), (...span) => sounds.convert(...span))
  const writeRun = (whole: TestClip, pieces = 2, pieceSec = 4, atUs = startUs) => {
    const runId = createHash('md5').update(String(atUs)).digest('hex').slice(0, 16)
    for (let i = 0; i < pieces; i++) {
      const fromSec = i * pieceSec
      space.write({
        clip: whole,
        fromSec,
        toSec: fromSec + pieceSec,
        startUs: atUs + fromSec * second,
        runId,
        runIndex: i,
      })
    }
  }
  const save = (clip: Clip): string => {
    const path = join(folder, `${clip.etag.slice(1, 9)}.mp4`)
    const bytes = bytesOf(clip, 0, clip.movie.sizeBytes)
    assert.equal(bytes.length, clip.movie.sizeBytes)
    writeFileSync(path, bytes)
    return path
  }

  for (const bFrames of [0, 2]) {
    it(`shows exactly the frames of its span, ${bFrames} B-frames`, async () => {
      const whole = testClip({ seconds: 12, bFrames, sound: 'aac' })
      writeRun(whole, 3)
      const reference = hashes(segmentsJoined(space))

      const path = save(await build(1.48, 9.2))

      const shown = hashes(path)
      assert.deepEqual(shown, reference.slice(37, 230))
      const { format, streams } = probe(path)
      assert.ok(Math.abs(Number(format.duration) - 7.72) < 0.05, format.duration)
      assert.equal(Number(streams[0]!.start_time), 0)
      assert.deepEqual(
        streams.map((stream) => stream.codec_name),
        ['h264', 'aac'],
      )
    })
  }

  it('has every range of its bytes as the whole has it', async () => {
    writeRun(testClip({ seconds: 12, sound: 'aac' }), 3)
    const clip = await build(0.5, 11)
    const whole = bytesOf(clip, 0, clip.movie.sizeBytes)
    let seed = 1
    const random = (below: number) => {
      seed = (seed * 48271) % 0x7fffffff
      return seed % below
    }

    for (let i = 0; i < 300; i++) {
      const start = random(whole.length)
      const end = start + 1 + random(whole.length - start)
      assert.ok(bytesOf(clip, start, end).equals(whole.subarray(start, end)), `[${start}, ${end})`)
    }
  })

  it('plays G.711 as recorded, and as AAC in step with the picture', async () => {
    const whole = testClip({ seconds: 12, sound: 'pcmu' })
    writeRun(whole, 3)

    const recorded = probe(save(await build(1, 11)))
    const path = save(await build(1, 11, { sound: 'aac' }))
    const converted = probe(path)
    const again = await build(1, 11, { sound: 'aac' })
    const silent = probe(save(await build(1, 11, { sound: 'none' })))

    assert.deepEqual(
      [recorded, converted, silent].map(({ streams }) => streams.map((stream) => stream.codec_name)),
      [['h264', 'pcm_mulaw'], ['h264', 'aac'], ['h264']],
    )
    for (const found of [recorded, converted]) {
      const sound = found.streams[1]!
      assert.ok(Math.abs(Number(sound.start_time)) < 0.03, `begins at ${sound.start_time}`)
      assert.ok(Math.abs(Number(sound.duration) - 10) < 0.15, `lasts ${sound.duration}`)
    }
    assert.equal(bytesOf(again, 0, again.movie.sizeBytes).compare(readFileSync(path)), 0)
    execFileSync('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'])
    assert.ok(loudness(path) > 100, 'the tone is heard')
  })

  it('keeps the time of a gap, and shows what follows in its place', async () => {
    const whole = testClip({ seconds: 4, sound: 'aac' })
    writeRun(whole, 1)
    writeRun(whole, 1, 4, startUs + 10 * second)

    const path = save(await build(2, 12))

    const times = frameTimes(path)
    assert.equal(times.length, 100)
    assert.ok(Math.abs(times[49]! - 1.96) < 0.001)
    assert.ok(Math.abs(times[50]! - 8) < 0.001)
    assert.ok(Math.abs(Number(probe(path).format.duration) - 10) < 0.05)
  })

  it('begins with the footage where the span begins in a gap', async () => {
    writeRun(testClip({ seconds: 4 }), 1)

    const clip = await build(-5, 3)

    assert.equal(clip.startUs, startUs)
    assert.equal(frameTimes(save(clip)).length, 75)
    await assert.rejects(build(-9, -1), { kind: 'not-found' })
  })

  it('goes on where the picture’s size changes, and refuses another codec', async () => {
    space.write({ clip: testClip({ seconds: 4 }), startUs, runId: '00000000000000aa', runIndex: 0 })
    const larger = testClip({ seconds: 4, sizePx: '640x360' })
    space.write({ clip: larger, startUs: startUs + 4 * second, runId: '00000000000000aa', runIndex: 1 })
    space.write({ clip: testClip({ seconds: 4, codec: 'h265' }), startUs: startUs + 8 * second })

    const path = save(await build(0, 8))

    assert.equal(frameTimes(path).length, 200)
    await assert.rejects(build(0, 10), { kind: 'conflict' })
  })

  it('makes movies of H.265 and of MJPEG', async () => {
    space.write({ clip: testClip({ seconds: 4, codec: 'h265' }), startUs })
    space.write({ clip: testClip({ seconds: 4, codec: 'mjpeg' }), startUs: startUs + 100 * second })

    const h265 = save(await build(1.5, 3))
    assert.equal(frameTimes(h265).length, 37)
    const mjpeg = save(await build(101.52, 103))
    assert.equal(frameTimes(mjpeg).length, 37)
    assert.equal(probe(mjpeg).streams[0]!.codec_name, 'mjpeg')
  })

  it('is the same movie under the same tag while the recording grows, once its end is frozen', async () => {
    const { bytes, row, fragmentEnds } = space.build({ clip: testClip({ seconds: 8, sound: 'aac' }), startUs })
    writeFileSync(join(space.folder, 'open.mp4'), bytes.subarray(0, fragmentEnds[7]!))
    const openRow = { ...row, path: 'open.mp4', footerOffset: 0, footerBytes: 0 }
    space.rows.push(openRow)
    const nowUs = startUs + 4 * second

    const until = await frozenEndOf(reader, wish(1, 20), nowUs)
    const before = await build(1, 20, { until })
    const bytesBefore = bytesOf(before, 0, before.movie.sizeBytes)
    writeFileSync(join(space.folder, 'open.mp4'), bytes.subarray(0, fragmentEnds[12]!))
    const after = await build(1, 20, { until })
    writeFileSync(join(space.folder, 'open.mp4'), bytes)
    const closed = await build(1, 20, { until })

    assert.deepEqual(until, { segmentId: row.segmentId, fragments: 8 })
    assert.equal(after.etag, before.etag)
    assert.equal(closed.etag, before.etag)
    assert.ok(bytesOf(after, 0, after.movie.sizeBytes).equals(bytesBefore))
    assert.ok(bytesOf(closed, 0, closed.movie.sizeBytes).equals(bytesBefore))
    assert.equal(await frozenEndOf(reader, wish(1, 2), nowUs), undefined)
    assert.equal(await frozenEndOf(reader, wish(1, 20), startUs + 3600 * second), undefined)
    assert.notEqual((await build(1, 20)).etag, before.etag)
  })
})

function bytesOf(clip: Clip, start: number, end: number): Buffer {
  const parts: Uint8Array[] = []
  for (const part of readMovie(clip.movie, start, end)) {
    if (part instanceof Uint8Array) {
      parts.push(Buffer.from(part))
      continue
    }
    const { folder, path } = clip.sources[part.source]!
    const file = openSync(join(folder, path), 'r')
    const bytes = Buffer.alloc(part.sizeBytes)
    assert.equal(readSync(file, bytes, 0, part.sizeBytes, part.offset), part.sizeBytes)
    closeSync(file)
    parts.push(bytes)
  }
  return Buffer.concat(parts)
}

/** MD5 of each decoded frame that is shown, in order. */
function hashes(path: string): string[] {
  const listed = execFileSync('ffmpeg', [
    ...['-v', 'error', '-i', path, '-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framemd5', '-'],
  ])
  return lines(listed).map((line) => line.split(',').at(-1)!.trim())
}

/** The segments' own files, decoded one after another, in one file: what a clip is compared with. */
function segmentsJoined(space: TestSpace): string {
  const list = join(space.folder, 'list.txt')
  writeFileSync(list, space.rows.map((row) => `file '${space.pathOf(row)}'`).join('\n'))
  const path = join(space.folder, 'joined.mkv')
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'concat',
    '-safe',
    '0',
    '-i',
    list,
    '-map',
    '0:v',
    '-c:v',
    'rawvideo',
    path,
  ])
  return path
}

function frameTimes(path: string): number[] {
  const args = ['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', path]
  return lines(execFileSync('ffprobe', args)).map((line) => Number(line.split(',')[0]))
}

interface Probed {
  format: { duration: string }
  streams: { codec_name: string; start_time: string; duration: string }[]
}

function probe(path: string): Probed {
  const args = ['-v', 'error', '-show_format', '-show_streams', '-of', 'json', path]
  return JSON.parse(execFileSync('ffprobe', args).toString()) as Probed
}

/** Mean of the sound's absolute values, 16 bits. */
function loudness(path: string): number {
  const pcm = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-map', '0:a', '-f', 's16le', '-'])
  const samples = new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1)
  return samples.reduce((sum, value) => sum + Math.abs(value), 0) / samples.length
}

function lines(bytes: Buffer): string[] {
  return bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
}

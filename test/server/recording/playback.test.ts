import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { scanBoxes } from '../../../server/media/mp4/box-scanner.ts'
import { parseMoof } from '../../../server/media/mp4/fragment.ts'
import { parseMoov } from '../../../server/media/mp4/movie.ts'
import { FootageFiles } from '../../../server/recording/footage-file.ts'
import {
  type NoFootage,
  type PlaybackPiece,
  type PlaybackWish,
  planPlayback,
} from '../../../server/recording/playback.ts'
import { SegmentIndex } from '../../../server/recording/segment-index.ts'
import { FootageReader } from '../../../server/recording/segment-reader.ts'
import { type TestClip, TestSpace, testClip } from '../../support/footage.ts'

const startUs = Date.UTC(2026, 10, 22, 10) * 1000
const second = 1_000_000

describe('playback', () => {
  let space: TestSpace
  let reader: FootageReader
  beforeEach(() => {
    space = new TestSpace()
    const files = new FootageFiles()
    reader = new FootageReader(space, new SegmentIndex(files), files)
  })
  afterEach(() => space.remove())

  const plan = (fromSec: number, toSec: number, more: Partial<PlaybackWish> = {}) =>
    planPlayback(reader, {
      cameraId: space.cameraId,
      stream: 1,
      fromUs: startUs + fromSec * second,
      toUs: startUs + toSec * second,
      epochUs: startUs - 60 * second,
      isKeysOnly: false,
      hasSound: true,
      nowUs: startUs + 3600 * second,
      ...more,
    })
  const footage = async (fromSec: number, toSec: number, more?: Partial<PlaybackWish>): Promise<PlaybackPiece> => {
    const found = await plan(fromSec, toSec, more)
    assert.ok('init' in found, 'there is footage')
    return found
  }
  const none = async (fromSec: number, toSec: number, more?: Partial<PlaybackWish>): Promise<NoFootage> => {
    const found = await plan(fromSec, toSec, more)
    assert.ok(!('init' in found), 'there is none')
    return found
  }
  const clip = () => testClip({ seconds: 8, sound: 'aac' })

  /** Two segments of one run: 4 s each. */
  const writeRun = (whole: TestClip, atUs = startUs) => {
    const runId = '00000000000000aa'
    space.write({ clip: whole, toSec: 4, startUs: atUs, runId, runIndex: 0 })
    space.write({ clip: whole, fromSec: 4, startUs: atUs + 4 * second, runId, runIndex: 1 })
  }

  it('begins with the last keyframe at or before the instant, and ends with a group of pictures', async () => {
    writeRun(clip())

    const piece = await footage(1.5, 2.2)
    const video = (await read(piece)).samples.filter((sample) => sample.trackId === 1)

    assert.equal(video[0]!.isKey, true)
    assert.equal(video[0]!.utcUs, startUs + second)
    assert.equal(video.length, 50)
    assert.equal(piece.nextUs, startUs + 3 * second)
    assert.equal(piece.mimeType, 'video/mp4; codecs="avc1.42c00c, mp4a.40.2"')
    assert.equal(piece.isGrowing, false)
  })

  it('puts every sample of two segments at its time, in every byte as recorded', async () => {
    const whole = clip()
    writeRun(whole)

    const { samples } = await read(await footage(0, 8))

    for (const [trackId, track] of [
      [1, whole.video],
      [2, whole.audio!],
    ] as const) {
      const found = samples.filter((sample) => sample.trackId === trackId)
      assert.equal(found.length, track.samples.length)
      for (const [i, sample] of track.samples.entries()) {
        const wantedUs = startUs + (sample.dtsTicks * 1e6) / track.config.timescale
        assert.ok(Math.abs(found[i]!.utcUs - wantedUs) < 100, `sample ${i} of track ${trackId}`)
        assert.ok(Buffer.from(found[i]!.data).equals(sample.data))
      }
    }
  })

  it('continues where the next piece begins, nothing missing and nothing twice', async () => {
    writeRun(clip())
    const times: number[] = []
    let fromUs = startUs
    for (let pieces = 0; fromUs < startUs + 8 * second && pieces < 20; pieces++) {
      const piece = await footage(0, 0, { fromUs, toUs: fromUs + 700_000 })
      for (const sample of (await read(piece)).samples) if (sample.trackId === 1) times.push(sample.utcUs)
      assert.ok(piece.nextUs > fromUs)
      fromUs = piece.nextUs
    }

    assert.equal(times.length, 200)
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    )
  })

  it('is decoded whole by ffmpeg, B-frames and all', async () => {
    const whole = testClip({ seconds: 8, bFrames: 2, sound: 'aac' })
    writeRun(whole)

    const packets = await probe(await footage(0, 8, { epochUs: startUs }))

    const shown = packets.filter((packet) => packet.stream_index === 0).map((packet) => Number(packet.pts_time))
    shown.sort((a, b) => a - b)
    assert.equal(shown.length, 200)
    for (const [i, sec] of shown.entries()) assert.ok(Math.abs(sec - i / 25) < 0.001, `frame ${i} at ${sec}`)
  })

  it('relabels what a browser does not play, and sound that is not wanted', async () => {
    const silent = clip()
    writeRun(silent)
    const noSound = await footage(0, 1, { hasSound: false })
    const other = new TestSpace()
    const files = new FootageFiles()
    other.write({ clip: testClip({ seconds: 2, sound: 'pcmu' }), startUs })
    const g711 = await planPlayback(new FootageReader(other, new SegmentIndex(files), files), {
      ...{ cameraId: other.cameraId, stream: 1, fromUs: startUs, toUs: startUs + second, epochUs: startUs },
      ...{ isKeysOnly: false, hasSound: true, nowUs: startUs + 3600 * second },
    })
    other.remove()

    assert.equal(noSound.mimeType, 'video/mp4; codecs="avc1.42c00c"')
    assert.deepEqual(
      parseMoov(noSound.init).map((track) => track.kind),
      ['video', 'metadata'],
    )
    assert.ok('init' in g711)
    assert.equal(g711.mimeType, 'video/mp4; codecs="avc1.42c00c"')
    assert.deepEqual(
      parseMoov(g711.init).map((track) => track.id),
      [1, 2],
    )
  })

  it('gives keyframes only, each lasting until the next', async () => {
    const whole = testClip({ seconds: 8, bFrames: 2, sound: 'aac' })
    writeRun(whole)

    const piece = await footage(0.5, 8, { isKeysOnly: true })
    const { samples } = await read(piece)

    assert.equal(piece.mimeType, 'video/mp4; codecs="avc1.4d400c"')
    assert.deepEqual(
      samples.map((sample) => [sample.utcUs - startUs, sample.durationTicks]),
      Array.from({ length: 8 }, (_, i) => [i * second, 90_000]),
    )
    const keys = whole.video.samples.filter((sample) => sample.isKey)
    assert.ok(samples.every((sample, i) => Buffer.from(sample.data).equals(keys[i]!.data)))
  })

  it('goes on over a gap within the span, and says where nothing is', async () => {
    writeRun(clip())
    writeRun(clip(), startUs + 20 * second)

    const over = await read(await footage(7, 21))
    const gap = await none(9, 19)
    const before = await none(-30, -10)
    const intoGap = await footage(10, 20.5)

    const video = over.samples.filter((sample) => sample.trackId === 1).map((sample) => sample.utcUs - startUs)
    assert.equal(video.length, 50)
    assert.equal(video[24], 7_960_000)
    assert.equal(video[25], 20 * second)
    assert.deepEqual(gap, { nextUs: startUs + 19 * second, isGrowing: false })
    assert.deepEqual(before, { nextUs: startUs - 10 * second, isGrowing: false })
    assert.equal((await read(intoGap)).samples[0]!.utcUs, startUs + 20 * second)
  })

  it('ends before the codec configuration changes, and continues after it', async () => {
    space.write({ clip: clip(), toSec: 4, startUs })
    const larger = testClip({ seconds: 4, sizePx: '640x360', sound: 'aac' })
    space.write({ clip: larger, startUs: startUs + 4 * second })

    const first = await footage(0, 8)
    const second_ = await footage(0, 0, { fromUs: first.nextUs, toUs: startUs + 8 * second })

    assert.equal(first.nextUs, startUs + 4 * second)
    assert.equal((await read(first)).samples.filter((sample) => sample.trackId === 1).length, 100)
    const config = parseMoov(second_.init)[0]!.config
    assert.ok(config?.kind === 'video' && config.widthPx === 640)
    assert.equal((await read(second_)).samples.filter((sample) => sample.trackId === 1).length, 100)
  })

  it('says that a recording grows, and gives what was added', async () => {
    const whole = clip()
    const { bytes, row, fragmentEnds } = space.build({ clip: whole, startUs, isClosed: false })
    writeFileSync(join(space.folder, 'open.mp4'), bytes.subarray(0, fragmentEnds[7]! + 10))
    space.rows.push({ ...row, path: 'open.mp4' })
    const nowUs = startUs + 4 * second

    const first = await footage(0, 60, { nowUs })
    const nothingYet = await none(4.5, 60, { nowUs })
    writeFileSync(join(space.folder, 'open.mp4'), bytes)
    const second_ = await footage(0, 0, { fromUs: first.nextUs, toUs: startUs + 60 * second, nowUs })

    assert.deepEqual([first.nextUs, first.isGrowing], [startUs + 4 * second, true])
    assert.deepEqual(nothingYet, { nextUs: startUs + 4.5 * second, isGrowing: true })
    assert.equal((await read(second_)).samples.filter((sample) => sample.trackId === 1).length, 100)
  })

  it('keeps media time from being negative by taking an earlier epoch, and says so', async () => {
    writeRun(clip())

    const piece = await footage(1.5, 2, { epochUs: startUs + 1.5 * second })

    assert.equal(piece.epochUs, startUs)
    assert.equal((await read(piece)).samples[0]!.utcUs, startUs + second)
  })

  it('shows the run that began first where two tell of the same time', async () => {
    writeRun(clip())
    space.write({ clip: clip(), startUs: startUs + 6 * second, runId: '00000000000000bb' })

    const { samples } = await read(await footage(0, 60))

    const times = samples.filter((sample) => sample.trackId === 1).map((sample) => sample.utcUs - startUs)
    assert.equal(times.length, 350)
    assert.equal(times[199], 7_960_000)
    assert.equal(times[200], 8 * second)
  })

  it('survives a segment that was removed meanwhile', async () => {
    writeRun(clip())
    rmSync(space.pathOf(space.rows[0]!))

    const piece = await footage(0, 8)
    const planned = await footage(4, 8)
    rmSync(space.pathOf(space.rows[1]!))

    assert.equal(piece.nextUs, startUs + 8 * second)
    await assert.rejects(read(planned), { kind: 'not-found' })
    assert.equal((await none(0, 8)).nextUs, startUs + 8 * second)
  })

  it('leaves out a fragment that was damaged since', async () => {
    const { bytes, row, fragmentEnds } = space.build({ clip: clip(), startUs })
    bytes[fragmentEnds[1]! + 100]! ^= 1
    writeFileSync(join(space.folder, 'damaged.mp4'), bytes)
    space.rows.push({ ...row, path: 'damaged.mp4' })

    const { samples } = await read(await footage(0, 8))

    const times = samples.filter((sample) => sample.trackId === 1).map((sample) => sample.utcUs - startUs)
    assert.equal(times[24], 960_000)
    assert.ok(times.length < 200 && times.length > 180)
  })
})

interface ReadSample {
  trackId: number
  utcUs: number
  durationTicks: number
  isKey: boolean
  data: Uint8Array
}

/** Parses a piece as a player would. */
async function read(piece: PlaybackPiece): Promise<{ samples: ReadSample[] }> {
  const tracks = new Map(parseMoov(piece.init).map((track) => [track.id, track]))
  const samples: ReadSample[] = []
  for await (const chunk of piece.fragments()) {
    let moofAt = 0
    for (const box of scanBoxes(chunk)) {
      if (box.type === 'mdat') continue
      assert.equal(box.type, 'moof')
      moofAt = box.start
      for (const { trackId, samples: ranges } of parseMoof(
        chunk.subarray(box.start, box.end),
        moofAt,
        (id) => tracks.get(id)?.defaults,
      )) {
        const { timescale } = tracks.get(trackId)!
        for (const range of ranges) {
          samples.push({
            trackId,
            utcUs: piece.epochUs + Math.round((range.dtsTicks * 1e6) / timescale),
            durationTicks: range.durationTicks,
            isKey: range.isKey,
            data: chunk.slice(range.offset, range.offset + range.sizeBytes),
          })
        }
      }
    }
  }
  return { samples }
}

/** The packets ffprobe finds in a piece. */
async function probe(piece: PlaybackPiece): Promise<{ stream_index: number; pts_time: string }[]> {
  const parts = [piece.init]
  for await (const chunk of piece.fragments()) parts.push(chunk.slice())
  const path = join(mkdtempSync(join(tmpdir(), 'piece-')), 'piece.mp4')
  writeFileSync(path, Buffer.concat(parts))
  try {
    execFileSync('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'])
    const found = execFileSync('ffprobe', ['-v', 'error', '-show_packets', '-of', 'json', path])
    return JSON.parse(found.toString()).packets
  } finally {
    rmSync(dirname(path), { recursive: true })
  }
}

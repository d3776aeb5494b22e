import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { pino } from 'pino'
import { systemClock } from '../../../server/base/clock.ts'
import { failureHandler } from '../../../server/http/failure-handler.ts'
import { mountRoutes } from '../../../server/http/router.ts'
import { parseJpegSize } from '../../../server/media/jpeg.ts'
import { parseMoov } from '../../../server/media/mp4/movie.ts'
import { ClipShelf } from '../../../server/recording/clip-shelf.ts'
import { SoundCache } from '../../../server/recording/clip-sound.ts'
import { FootageFiles } from '../../../server/recording/footage-file.ts'
import { pictureRoutes } from '../../../server/recording/playback-routes.ts'
import type { SegmentRow } from '../../../server/recording/recorder-protocol.ts'
import { SegmentIndex } from '../../../server/recording/segment-index.ts'
import { FootageReader } from '../../../server/recording/segment-reader.ts'
import { Decoder } from '../../../server/stream/decoder.ts'
import { H264Transcoder } from '../../../server/stream/h264-transcoder.ts'
import { Snapshots } from '../../../server/stream/snapshot.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import { TestSpace, testClip } from '../../support/footage.ts'

const startMs = Date.UTC(2026, 10, 22, 10)

describe('picture routes', () => {
  let space: TestSpace
  let folder: string
  let decoder: Decoder
  let transcoder: H264Transcoder
  let clips: ClipShelf
  let server: Server
  let address: string
  let pinned: SegmentRow[]
  let keyframes = 0

  beforeEach(async () => {
    space = new TestSpace()
    folder = mkdtempSync(join(tmpdir(), 'routes-'))
    const files = new FootageFiles()
    const reader = new FootageReader(space, new SegmentIndex(files), files)
    const sounds = new SoundCache(reader, join(folder, 'sound'))
    decoder = new Decoder()
    transcoder = new H264Transcoder({ maxChildren: 1 })
    pinned = []
    keyframes = 0
    clips = new ClipShelf({
      reader,
      convert: (...span) => sounds.convert(...span),
      pin: (rows) => {
        pinned.push(...rows)
        return () => {
          pinned = pinned.filter((row) => !rows.includes(row))
        }
      },
    })
    const live = testClip({ seconds: 4, sizePx: '640x360' }).video
    const source = {
      keyframe: async (_cameraId: string, stream: number) => {
        keyframes++
        return stream === 2 ? undefined : { data: live.samples[0]!.data, utcUs: 12_345, config: live.config }
      },
    }
    const snapshots = new Snapshots(source, decoder, (cameraId) =>
      cameraId !== space.cameraId
        ? undefined
        : [1, 2].map((stream) => ({ stream, isLive: true, videoCodec: 'h264', reason: '', sinceMs: 0 })),
    )
    const app = express()
    app.use((request, _response, next) => {
      Object.assign(request, { user: { id: 'me', username: 'me' }, session: {}, sessionID: 's' })
      next()
    })
    const router = express.Router()
    const routes = pictureRoutes({
      ...{ reader, files, decoder, transcoder, snapshots, clips, clock: systemClock },
      cameraName: async () => 'Hof "Süd"/1',
    })
    mountRoutes(router, routes, { check: () => true, checksAnswers: true })
    app.use('/base/', router)
    app.use(failureHandler(pino({ level: 'silent' })))
    server = createServer(app)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/api/cameras/${space.cameraId}`
  })
  afterEach(() => {
    clips.close()
    decoder.close()
    transcoder.close()
    server.closeAllConnections()
    server.close()
    space.remove()
    rmSync(folder, { recursive: true })
  })

  const stream = (path: string) => `${address}/streams/1/${path}`
  const fragments = (fromSec: number, toSec: number, more = '') =>
    fetch(
      stream(
        `fragments?fromMs=${startMs + fromSec * 1000}&toMs=${startMs + toSec * 1000}&epochMs=${startMs - 60_000}${more}`,
      ),
    )
  const clipUrl = (fromSec: number, toSec: number, more = '') =>
    stream(`clip.mp4?fromMs=${startMs + fromSec * 1000}&toMs=${startMs + toSec * 1000}${more}`)
  const write = (seconds = 8, more: Partial<Parameters<typeof testClip>[0]> = {}) =>
    space.write({ clip: testClip({ seconds, sound: 'aac', ...more }), startUs: startMs * 1000 })

  it('give footage for a player, and tell where to ask next', async () => {
    write()

    const response = await fragments(1.5, 2.5, '&sound=1')
    const body = Buffer.from(await response.arrayBuffer())

    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'video/mp4')
    assert.equal(response.headers.get('x-mime-type'), 'video/mp4; codecs="avc1.42c00c, mp4a.40.2"')
    assert.equal(response.headers.get('x-next-ms'), String(startMs + 3000))
    assert.equal(response.headers.get('x-form'), 'as-recorded')
    assert.equal(response.headers.get('x-epoch-ms'), String(startMs - 60_000))
    assert.equal(countFrames(body), 50)
  })

  it('answer 204 where nothing was recorded, and 400 naming the field that is wrong', async () => {
    write()

    const none = await fragments(100, 110)
    const backwards = await fragments(2, 1)
    const noEpoch = await fetch(stream(`fragments?fromMs=${startMs}&toMs=${startMs + 1}`))
    const badStream = await fetch(`${address}/streams/9/sound?fromMs=1&toMs=2`)

    assert.deepEqual([none.status, none.headers.get('x-next-ms')], [204, String(startMs + 110_000)])
    assert.deepEqual([backwards.status, (await failureOf(backwards)).field], [400, 'toMs'])
    assert.deepEqual([noEpoch.status, (await failureOf(noEpoch)).field], [400, 'epochMs'])
    assert.deepEqual([badStream.status, (await failureOf(badStream)).field], [400, 'stream'])
  })

  it('convert H.265 and MJPEG to H.264 at their own times, and no more at once than they may', async () => {
    space.write({ clip: testClip({ seconds: 4, codec: 'h265', sizePx: '640x360' }), startUs: startMs * 1000 })
    space.write({ clip: testClip({ seconds: 4, codec: 'mjpeg' }), startUs: (startMs + 100_000) * 1000 })

    const h265 = await fragments(1, 3, '&form=h264')
    const body = Buffer.from(await h265.arrayBuffer())
    const mjpeg = await fragments(101, 102)
    const mjpegBody = Buffer.from(await mjpeg.arrayBuffer())
    const keys = await fragments(0, 4, '&form=h264&keys=1')

    assert.equal(h265.headers.get('x-form'), 'h264')
    assert.match(h265.headers.get('x-mime-type')!, /^video\/mp4; codecs="avc1\.[0-9a-f]{6}"$/)
    assert.equal(parseMoov(body)[0]!.codecString, h265.headers.get('x-mime-type')!.slice(-12, -1))
    const times = packetTimes(body)
    assert.equal(times.length, 50)
    assert.ok(Math.abs(times[0]! - 61) < 0.001, `begins at ${times[0]}`)
    assert.ok(Math.abs(times[49]! - 62.96) < 0.001)
    assert.equal(mjpeg.headers.get('x-form'), 'h264')
    assert.equal(countFrames(mjpegBody), 25)
    assert.equal(countFrames(Buffer.from(await keys.arrayBuffer())), 4)
    assert.ok(transcoder.hasRoom)
    const held = transcoder.start({ hasSound: false, isKeysOnly: false }, { init() {}, fragment() {}, ended() {} })
    assert.equal((await fragments(1, 3, '&form=h264')).status, 422)
    held.close()
  })

  it('give the exact picture of an instant', async () => {
    write(8, { bFrames: 2, sizePx: '640x360' })

    const response = await fetch(stream(`frame.jpg?atMs=${startMs + 2300}&widthPx=320`))
    const jpeg = new Uint8Array(await response.arrayBuffer())
    const key = await fetch(stream(`frame.jpg?atMs=${startMs + 3000}&widthPx=320`))
    const after = await fetch(stream(`frame.jpg?atMs=${startMs + 9500}`))
    const never = await fetch(stream(`frame.jpg?atMs=${startMs + 60_000}`))

    assert.equal(response.headers.get('x-frame-us'), String((startMs + 2280) * 1000))
    assert.deepEqual(parseJpegSize(jpeg), { widthPx: 320, heightPx: 180 })
    assert.equal(key.headers.get('x-frame-us'), String((startMs + 3000) * 1000))
    assert.equal(after.headers.get('x-frame-us'), String((startMs + 7960) * 1000))
    assert.deepEqual([never.status, (await failureOf(never)).kind], [404, 'not-found'])
  })

  it('give G.711 sound as PCM, and nothing where it is AAC', async () => {
    write(4, { sound: 'pcma' })
    space.write({ clip: testClip({ seconds: 4, sound: 'aac' }), startUs: (startMs + 100_000) * 1000 })

    const response = await fetch(stream(`sound?fromMs=${startMs + 1000}&toMs=${startMs + 3000}`))
    const wav = Buffer.from(await response.arrayBuffer())
    const aac = await fetch(stream(`sound?fromMs=${startMs + 100_000}&toMs=${startMs + 102_000}`))

    assert.equal(response.headers.get('content-type'), 'audio/wav')
    assert.equal(response.headers.get('x-start-us'), String((startMs + 1000) * 1000))
    assert.equal(wav.readUInt32LE(24), 8000)
    assert.equal(wav.length, 44 + 2 * 16_000)
    const pcm = execFileSync('ffmpeg', ['-v', 'error', '-i', '-', '-f', 's16le', '-'], { input: wav })
    const samples = new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1)
    assert.ok(samples.reduce((sum, value) => sum + Math.abs(value), 0) / samples.length > 500)
    assert.equal(aac.status, 204)
  })

  it('give the newest picture, decoding it once for all who ask in the same second', async () => {
    const all = await Promise.all([1, 2, 3].map(() => fetch(`${address}/live.jpg?widthPx=320`)))
    const nobody = await fetch(`${address.slice(0, -36)}${'0'.repeat(36)}/live.jpg`)

    for (const response of all) {
      assert.equal(response.headers.get('x-frame-us'), '12345')
      assert.equal(parseJpegSize(new Uint8Array(await response.arrayBuffer())).widthPx, 320)
    }
    // The sub stream has none, so the main stream was asked.
    assert.equal(keyframes, 2)
    assert.equal(nobody.status, 404)
  })

  it('send a movie whole, in ranges and by HEAD, under one tag', async () => {
    write()
    const url = clipUrl(1, 7)

    const whole = await fetch(url)
    const bytes = Buffer.from(await whole.arrayBuffer())
    const head = await fetch(url, { method: 'HEAD' })
    const etag = whole.headers.get('etag')!
    const middle = await fetch(url, { headers: { range: 'bytes=1000-90000' } })
    const tail = await fetch(url, { headers: { range: 'bytes=-500', 'if-range': etag } })
    const stale = await fetch(url, { headers: { range: 'bytes=0-9', 'if-range': '"other"' } })
    const unchanged = await fetch(url, { headers: { 'if-none-match': etag } })
    const beyond = await fetch(url, { headers: { range: `bytes=${bytes.length}-` } })

    assert.equal(whole.status, 200)
    assert.equal(Number(whole.headers.get('content-length')), bytes.length)
    assert.equal(whole.headers.get('accept-ranges'), 'bytes')
    assert.equal(countFrames(bytes), 150)
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(bytes.length)])
    assert.match(etag, /^"[\w-]+"$/)
    assert.equal(middle.status, 206)
    assert.equal(middle.headers.get('content-range'), `bytes 1000-90000/${bytes.length}`)
    assert.ok(Buffer.from(await middle.arrayBuffer()).equals(bytes.subarray(1000, 90_001)))
    assert.ok(Buffer.from(await tail.arrayBuffer()).equals(bytes.subarray(-500)))
    assert.equal(stale.status, 200)
    assert.ok(Buffer.from(await stale.arrayBuffer()).equals(bytes))
    assert.equal(unchanged.status, 304)
    assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, `bytes */${bytes.length}`])
    assert.match(
      whole.headers.get('content-disposition')!,
      /^attachment; filename="Hof _S_d__1 2026-11-2\d \d\d\.00\.01\.mp4"; filename\*=UTF-8''Hof%20_S%C3%BCd__1%20/,
    )
    assert.equal(pinned.length, 1)
  })

  it('send any range of a movie as the whole has it', async () => {
    write(8, { sound: 'pcmu' })
    const url = clipUrl(0.5, 7.5)
    const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 48271) % 0x7fffffff
      return seed % below
    }

    for (let i = 0; i < 100; i++) {
      const start = random(bytes.length)
      const last = start + random(bytes.length - start)
      const part = await fetch(url, { headers: { range: `bytes=${start}-${last}` } })
      assert.equal(part.status, 206)
      assert.ok(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(start, last + 1)), `${start}-${last}`)
    }
  })

  it('redirect to a frozen end while the span is being recorded', async () => {
    const { bytes, row, fragmentEnds } = space.build({ clip: testClip({ seconds: 8 }), startUs: startMs * 1000 })
    writeFileSync(join(space.folder, 'open.mp4'), bytes.subarray(0, fragmentEnds[7]!))
    space.rows.push({ ...row, path: 'open.mp4', footerOffset: 0, footerBytes: 0 })

    const first = await fetch(clipUrl(1, 30), { redirect: 'manual' })
    const location = new URL(first.headers.get('location')!, clipUrl(1, 30)).toString()
    const before = await fetch(location)
    const bytesBefore = Buffer.from(await before.arrayBuffer())
    writeFileSync(join(space.folder, 'open.mp4'), bytes)
    const after = await fetch(location, { headers: { range: 'bytes=2000-' } })

    assert.equal(first.status, 307)
    assert.match(location, new RegExp(`until=${row.segmentId}.8$`))
    assert.equal(countFrames(bytesBefore), 75)
    assert.equal(after.headers.get('etag'), before.headers.get('etag'))
    assert.ok(Buffer.from(await after.arrayBuffer()).equals(bytesBefore.subarray(2000)))
  })

  it('stop reading when the client goes away, and let the segments go', async () => {
    const big = testClip({ seconds: 4 })
    const heavy = {
      ...big,
      video: { ...big.video, samples: big.video.samples.map((one) => ({ ...one, data: new Uint8Array(400_000) })) },
    }
    space.write({ clip: heavy, startUs: startMs * 1000 })

    const response = await new Promise<IncomingMessage>((resolve) => get(clipUrl(0, 4), resolve))
    await once(response, 'readable')
    response.destroy()
    while ((await countConnections(server)) > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    clips.close()

    assert.equal(pinned.length, 0)
    assert.equal((await fetch(clipUrl(0, 4), { headers: { range: 'bytes=0-9' } })).status, 206)
  })

  it('refuse spans that are too long, wrong sound and other ends', async () => {
    for (const [query, field] of [
      [clipUrl(0, 86_401), 'toMs'],
      [clipUrl(0, 1, '&sound=mp3'), 'sound'],
      [clipUrl(0, 1, '&until=x'), 'until'],
    ] as const) {
      const response = await fetch(query)
      assert.deepEqual([response.status, (await failureOf(response)).field], [400, field])
    }
    assert.equal((await fetch(clipUrl(0, 1))).status, 404)
  })
})

async function failureOf(response: Response): Promise<FailureBody> {
  return (await response.json()) as FailureBody
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
}

/** Frames ffmpeg decodes and shows. */
function countFrames(movie: Buffer): number {
  const path = join(mkdtempSync(join(tmpdir(), 'movie-')), 'movie.mp4')
  writeFileSync(path, movie)
  const args = ['-v', 'error', '-i', path, '-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framecrc', '-']
  const listed = execFileSync('ffmpeg', args)
  rmSync(path)
  return listed
    .toString()
    .split('\n')
    .filter((line) => /^\d/.test(line)).length
}

function packetTimes(movie: Buffer): number[] {
  const args = [
    '-v',
    'error',
    '-f',
    'mp4',
    '-select_streams',
    'v',
    '-show_entries',
    'packet=pts_time',
    '-of',
    'csv=p=0',
    '-',
  ]
  return execFileSync('ffprobe', args, { input: movie })
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.split(',')[0]))
}

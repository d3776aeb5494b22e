import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { pino } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../../../server/base/clock.ts'
import { Decoder } from '../../../server/stream/decoder.ts'
import { H264Transcoder } from '../../../server/stream/h264-transcoder.ts'
import { LiveHub } from '../../../server/stream/live-hub.ts'
import type { LiveStreamInfo } from '../../../server/stream/live-reader.ts'
import { LiveSockets } from '../../../server/stream/live-socket.ts'
import type { LiveRequest } from '../../../shared/live.ts'
import { type TestClip, testClip } from '../../support/footage.ts'
import { countFrames, ScriptedSource, Viewer } from './live-viewer.ts'

describe('live socket', () => {
  let source: ScriptedSource
  let decoder: Decoder
  let transcoder: H264Transcoder
  let hub: LiveHub
  let server: WebSocketServer
  let sockets: LiveSockets<string>
  let streams: LiveStreamInfo[]
  let seenCount = 0
  const viewers: Viewer[] = []
  const serverSockets: WebSocket[] = []

  const info = (stream: number, videoCodec: LiveStreamInfo['videoCodec'], isLive = true): LiveStreamInfo => {
    return { stream, isLive, videoCodec, reason: isLive ? '' : 'no answer', sinceMs: 7 }
  }

  beforeEach(async () => {
    source = new ScriptedSource()
    decoder = new Decoder()
    transcoder = new H264Transcoder()
    hub = new LiveHub(source, decoder, transcoder)
    streams = [info(1, 'h264'), info(2, 'h264')]
    seenCount = 0
    sockets = new LiveSockets<string>({
      hub,
      streams: (cameraId) => (cameraId === 'nobody' ? undefined : streams),
      mayWatch: async (actor, cameraId) => actor === 'guard' && cameraId !== 'secret',
      onSeen: () => {
        seenCount++
      },
      clock: systemClock,
      logger: pino({ level: 'silent' }),
    })
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    server.on('connection', (socket, request) => {
      serverSockets.push(socket)
      sockets.accept(socket, 'guard', request.socket)
    })
    await once(server, 'listening')
  })
  afterEach(() => {
    for (const viewer of viewers.splice(0)) viewer.socket.terminate()
    for (const socket of serverSockets.splice(0)) socket.terminate()
    sockets.close()
    hub.close()
    transcoder.close()
    decoder.close()
    server.close()
  })

  const connect = async (canPlay: ('h264' | 'h265' | 'aac')[] = ['h264', 'aac']): Promise<Viewer> => {
    const viewer = new Viewer((server.address() as AddressInfo).port)
    viewers.push(viewer)
    await once(viewer.socket, 'open')
    viewer.send({ type: 'hello', canPlay })
    return viewer
  }
  const open = (tile = 1, more: Partial<Extract<LiveRequest, { type: 'open' }>> = {}): LiveRequest => {
    return { type: 'open', tile, cameraId: 'gate', want: 'auto', widthPx: 1280, hasSound: false, ...more }
  }
  const watched = async (key: string): Promise<void> => {
    while (!source.readers.has(key)) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const clip = () => testClip({ seconds: 4, sound: 'aac' })

  it('starts with the last keyframe, and gives the stream as it is', async () => {
    const viewer = await connect()
    viewer.send(open())
    await watched('gate/1')
    source.config('gate/1', clip())
    source.play('gate/1', clip(), 25, 60)
    await viewer.until(() => viewer.ofKind('video').length === 35)

    const [tile] = viewer.tiles()
    assert.equal(tile!.mode, 'main')
    assert.equal(tile!.mimeType, 'video/mp4; codecs="avc1.42c00c"')
    assert.deepEqual([tile!.widthPx, tile!.heightPx, tile!.note], [320, 180, undefined])
    assert.equal(viewer.ofKind('init').length, 1)
    const video = viewer.ofKind('video')
    assert.deepEqual(
      video.map((frame) => frame.sequence),
      Array.from({ length: 35 }, (_, i) => i + 1),
    )
    assert.ok(video[0]!.isKey)
    assert.equal(countFrames([viewer.ofKind('init')[0]!.payload, ...video.map((frame) => frame.payload)]), 35)
  })

  it('tells once a viewer that a picture has arrived, and not before one was sent', async () => {
    const viewer = await connect()
    viewer.send(open())
    await watched('gate/1')
    viewer.send({ type: 'received', newest: [{ tile: 1, sequence: 1 }] })
    viewer.send({ type: 'received', newest: [{ tile: 2, sequence: 1 }] })
    viewer.socket.ping()
    await once(viewer.socket, 'pong')
    source.config('gate/1', clip())
    source.play('gate/1', clip(), 0, 10)
    await viewer.until(() => viewer.ofKind('video').length === 10)
    assert.equal(seenCount, 0)

    viewer.send({ type: 'received', newest: [{ tile: 1, sequence: 3 }] })
    viewer.send({ type: 'received', newest: [{ tile: 1, sequence: 10 }] })
    while (seenCount === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    source.play('gate/1', clip(), 10, 20)
    await viewer.until(() => viewer.ofKind('video').length === 20)

    assert.equal(seenCount, 1)
  })

  it('starts a second viewer at once from what is kept, with the very same fragments', async () => {
    const first = await connect()
    first.send(open())
    await watched('gate/1')
    source.config('gate/1', clip())
    source.play('gate/1', clip(), 0, 40)
    await first.until(() => first.ofKind('video').length === 40)

    const second = await connect()
    second.send(open(7))
    await second.until(() => second.ofKind('video').length === 15)
    source.play('gate/1', clip(), 40, 45)
    await second.until(() => second.ofKind('video').length === 20)
    await first.until(() => first.ofKind('video').length === 45)

    assert.equal(source.watched, 1)
    assert.ok(second.ofKind('video')[0]!.isKey)
    assert.deepEqual(
      second.ofKind('video').map((frame) => Buffer.from(frame.payload).toString('base64')),
      first
        .ofKind('video')
        .slice(25)
        .map((frame) => Buffer.from(frame.payload).toString('base64')),
    )
  })

  it('gives a narrow tile the sub stream, and changes without a picture missing when it grows', async () => {
    const viewer = await connect()
    viewer.send(open(1, { widthPx: 640 }))
    await watched('gate/2')
    source.config('gate/2', clip())
    source.play('gate/2', clip(), 0, 10)
    await viewer.until(() => viewer.ofKind('video').length === 10)

    viewer.send(open(1, { widthPx: 1280 }))
    await watched('gate/1')
    source.play('gate/2', clip(), 10, 20)
    await viewer.until(() => viewer.ofKind('video').length === 20)
    const larger = testClip({ seconds: 2, sizePx: '640x360' })
    source.config('gate/1', larger)
    source.play('gate/1', larger, 0, 5)
    source.play('gate/2', clip(), 20, 25)
    await viewer.until(() => viewer.ofKind('video').length === 25)

    assert.deepEqual(
      viewer.tiles().map((tile) => [tile.mode, tile.stream, tile.widthPx]),
      [
        ['sub', 2, 320],
        ['main', 1, 640],
      ],
    )
    const inits = viewer.ofKind('init')
    const after = viewer.frames.slice(viewer.frames.indexOf(inits[1]!) + 1)
    assert.ok(after[0]!.isKey)
    assert.equal(countFrames([inits[1]!.payload, ...after.map((frame) => frame.payload)]), 5)
  })

  it('gives another stream for one the browser cannot play, and says so', async () => {
    streams = [info(1, 'h265'), info(2, 'h264')]
    const viewer = await connect()
    viewer.send(open())
    await watched('gate/2')
    source.config('gate/2', clip())
    source.play('gate/2', clip(), 0, 1)
    await viewer.until(() => viewer.ofKind('video').length === 1)

    assert.deepEqual(
      [viewer.tiles()[0]!.mode, viewer.tiles()[0]!.note],
      ['sub', 'H.265 cannot be played by this browser'],
    )
  })

  it('converts H.265 to H.264 where there is nothing else, and learns so from the stream itself', async () => {
    streams = [info(1, undefined)]
    const viewer = await connect()
    viewer.send(open())
    await watched('gate/1')
    const h265 = testClip({ seconds: 2, codec: 'h265', sizePx: '640x360' })
    source.config('gate/1', h265)
    source.play('gate/1', h265, 0, 50)
    await viewer.until(() => viewer.ofKind('video').length >= 40)

    const tile = viewer.tiles().at(-1)!
    assert.deepEqual([tile.mode, tile.note], ['h264', 'H.265 cannot be played by this browser'])
    assert.match(tile.mimeType!, /avc1/)
    const video = viewer.ofKind('video')
    assert.ok(video[0]!.isKey)
    assert.equal(video[10]!.utcUs - video[0]!.utcUs, 400_000)
    assert.equal(
      countFrames([viewer.ofKind('init').at(-1)!.payload, ...video.map((frame) => frame.payload)]),
      video.length,
    )
  })

  it('gives H.265 as it is to a browser that plays it', async () => {
    streams = [info(1, 'h265')]
    const viewer = await connect(['h264', 'h265'])
    viewer.send(open())
    await watched('gate/1')
    const h265 = testClip({ seconds: 2, codec: 'h265', sizePx: '640x360' })
    source.config('gate/1', h265)
    source.play('gate/1', h265, 0, 5)
    await viewer.until(() => viewer.ofKind('video').length === 5)

    assert.equal(viewer.tiles()[0]!.mode, 'main')
    assert.match(viewer.tiles()[0]!.mimeType!, /hvc1/)
  })

  it('gives the pictures of an MJPEG camera as they are, and keyframes as JPEG where that is wanted', async () => {
    const mjpeg = testClip({ seconds: 2, codec: 'mjpeg' })
    streams = [info(1, 'mjpeg')]
    const viewer = await connect()
    viewer.send(open())
    await watched('gate/1')
    source.config('gate/1', mjpeg)
    source.play('gate/1', mjpeg, 0, 3)
    await viewer.until(() => viewer.ofKind('jpeg').length === 3)
    viewer.send(open(2, { cameraId: 'door', want: 'jpeg', widthPx: 160 }))
    streams = [info(1, 'h264')]
    await watched('door/1')
    source.config('door/1', clip())
    source.play('door/1', clip(), 0, 10)
    await viewer.until(() => viewer.ofKind('jpeg').length === 4)

    assert.deepEqual(
      viewer
        .ofKind('jpeg')
        .slice(0, 3)
        .map((frame) => Buffer.from(frame.payload).equals(mjpeg.video.samples[frame.sequence - 1]!.data)),
      [true, true, true],
    )
    assert.deepEqual(
      viewer.tiles().map((tile) => tile.mode),
      ['jpeg', 'jpeg'],
    )
    const decoded = viewer.ofKind('jpeg')[3]!.payload
    assert.deepEqual([decoded[0], decoded[1]], [0xff, 0xd8])
  })

  it('carries sound beside the picture: AAC in fragments of its own, G.711 as packets', async () => {
    const viewer = await connect()
    viewer.send(open(1, { hasSound: true }))
    await watched('gate/1')
    source.config('gate/1', clip())
    source.play('gate/1', clip(), 0, 25)
    await viewer.until(() => viewer.ofKind('video').length === 25)
    const g711 = testClip({ seconds: 2, sound: 'pcma' })
    viewer.send(open(2, { cameraId: 'door', hasSound: true }))
    await watched('door/1')
    source.config('door/1', g711)
    source.play('door/1', g711, 0, 25)
    await viewer.until(() => viewer.ofKind('video').length === 50)

    const [gate, door] = viewer.tiles()
    assert.deepEqual(gate!.sound, { kind: 'aac', mimeType: 'audio/mp4; codecs="mp4a.40.2"' })
    assert.deepEqual(door!.sound, { kind: 'g711', law: 'a', sampleRateHz: 8000, channels: 1 })
    const aac = [viewer.ofKind('soundInit')[0]!, ...viewer.ofKind('aac')].map((frame) => frame.payload)
    assert.ok(viewer.ofKind('aac').length >= 14)
    assert.equal(countFrames(aac, ['-c', 'copy']), viewer.ofKind('aac').length)
    assert.equal(viewer.ofKind('g711').length, 50)
    assert.ok(Buffer.from(viewer.ofKind('g711')[3]!.payload).equals(g711.audio!.samples[3]!.data))
  })

  it('turns sound on without starting the picture anew', async () => {
    const viewer = await connect()
    viewer.send(open())
    await watched('gate/1')
    source.config('gate/1', clip())
    source.play('gate/1', clip(), 0, 10)
    await viewer.until(() => viewer.ofKind('video').length === 10)
    viewer.send(open(1, { hasSound: true }))
    await viewer.until(() => viewer.ofKind('soundInit').length === 1)
    source.play('gate/1', clip(), 10, 20)
    await viewer.until(() => viewer.ofKind('video').length === 20)

    assert.equal(viewer.ofKind('init').length, 1)
    assert.equal(viewer.tiles().length, 2)
    assert.ok(viewer.ofKind('aac').length > 0)
  })

  it('starts anew when the stream’s configuration changes', async () => {
    const viewer = await connect()
    viewer.send(open())
    await watched('gate/1')
    source.config('gate/1', clip())
    source.play('gate/1', clip(), 0, 10)
    const larger = testClip({ seconds: 2, sizePx: '640x360', bFrames: 2 })
    source.config('gate/1', larger)
    source.play('gate/1', larger, 0, 10, 1_790_000_010_000_000)
    await viewer.until(() => viewer.ofKind('video').length === 20)

    assert.deepEqual(
      viewer.tiles().map((tile) => tile.widthPx),
      [320, 640],
    )
    const second = viewer.ofKind('init')[1]!
    const after = viewer.frames.slice(viewer.frames.indexOf(second) + 1).map((frame) => frame.payload)
    assert.equal(countFrames([second.payload, ...after]), 10)
  })

  it('tells that there is no picture and why, and goes on when it is back', async () => {
    streams = [info(1, 'h264', false)]
    const viewer = await connect()
    viewer.send(open())
    await watched('gate/1')
    source.reader('gate/1').ended('the camera closed the connection')
    await viewer.until(() => viewer.notices.length === 1)
    source.config('gate/1', clip())
    source.play('gate/1', clip(), 0, 2)
    await viewer.until(() => viewer.ofKind('video').length === 2)
    streams = [info(1, 'h264')]
    source.reader('gate/1').ended('the camera closed the connection')
    await viewer.until(() => viewer.notices.length === 3)

    assert.deepEqual(viewer.notices[0], { type: 'no-picture', tile: 1, reason: 'no answer', sinceMs: 7 })
    assert.equal(viewer.notices[1]!.type, 'tile')
    assert.ok(viewer.notices[2]!.type === 'no-picture')
    assert.equal(viewer.notices[2]!.reason, 'the camera closed the connection')
  })

  it('refuses a camera that is not there or must not be seen, and hangs up on nonsense', async () => {
    const viewer = await connect()
    viewer.send(open(1, { cameraId: 'nobody' }))
    viewer.send(open(2, { cameraId: 'secret' }))
    await viewer.until(() => viewer.notices.length === 2)
    viewer.socket.send('{"type":"open","tile":0}')
    await viewer.until(() => viewer.closeCode !== 0)

    assert.deepEqual(viewer.notices, [
      { type: 'refused', tile: 1, reason: 'there is no such camera' },
      { type: 'refused', tile: 2, reason: 'you may not see this camera' },
    ])
    assert.equal(viewer.closeCode, 1008)
  })

  it('stops watching a stream a little after its last viewer left', async () => {
    const viewer = await connect()
    viewer.send(open())
    await watched('gate/1')
    viewer.send({ type: 'close', tile: 1 })
    while (source.readers.has('gate/1')) await new Promise((resolve) => setTimeout(resolve, 50))

    assert.equal(source.readers.size, 0)
  })

  it('leaves out whole groups of pictures for a viewer who falls behind, and for nobody else', async () => {
    const slow = await connect()
    const quick = await connect()
    for (const viewer of [slow, quick]) viewer.send(open())
    await watched('gate/1')
    source.config('gate/1', clip())
    source.play('gate/1', clip(), 0, 10)
    for (const viewer of [slow, quick]) {
      await viewer.until(() => viewer.ofKind('video').length === 10)
      viewer.send({ type: 'received', newest: [{ tile: 1, sequence: 5 }] })
    }
    quick.send({ type: 'received', newest: [{ tile: 1, sequence: 10 }] })
    await new Promise((resolve) => setTimeout(resolve, 2150))

    source.play('gate/1', clip(), 10, 60)
    await quick.until(() => quick.ofKind('video').length === 60)
    slow.send({ type: 'received', newest: [{ tile: 1, sequence: 10 }] })
    await new Promise((resolve) => setTimeout(resolve, 50))
    source.play('gate/1', clip(), 60, 80)
    await slow.until(() => slow.ofKind('video').length === 15)

    assert.deepEqual(
      slow.notices.filter((notice) => notice.type === 'dropped'),
      [{ type: 'dropped', tile: 1, frames: 65 }],
    )
    assert.deepEqual(
      slow
        .ofKind('video')
        .slice(9, 12)
        .map((frame) => [frame.sequence, frame.isKey]),
      [
        [10, false],
        [11, true],
        [12, false],
      ],
    )
    assert.equal(quick.notices.filter((notice) => notice.type === 'dropped').length, 0)
  })

  it('keeps little for a viewer who takes nothing, and lets it go on with a keyframe', async () => {
    const stalled = await connect()
    stalled.send(open())
    await watched('gate/1')
    const heavy = testClip({ seconds: 2, sizePx: '640x360', codec: 'h264', gop: 5 })
    const big: TestClip = {
      ...heavy,
      video: {
        ...heavy.video,
        samples: heavy.video.samples.map((sample) => ({ ...sample, data: new Uint8Array(500_000).fill(1) })),
      },
    }
    source.config('gate/1', big)
    const socket = (stalled.socket as unknown as { _socket: Socket })._socket
    socket.pause()
    let most = 0
    for (let i = 0; i < 200; i++) {
      source.play('gate/1', big, i % 50, (i % 50) + 1)
      most = Math.max(most, serverSockets[0]!.bufferedAmount)
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    socket.resume()
    await new Promise((resolve) => setTimeout(resolve, 300))
    source.play('gate/1', big, 0, 10)
    await stalled.until(() => stalled.notices.some((notice) => notice.type === 'dropped'))
    await stalled.until(() => stalled.ofKind('video').length > 10)

    assert.ok(most < 9 * 1024 * 1024, `${most} bytes waited`)
    const sequences = stalled.ofKind('video').map((frame) => frame.sequence)
    assert.deepEqual(
      sequences,
      sequences.map((_, i) => i + 1),
    )
  })
})

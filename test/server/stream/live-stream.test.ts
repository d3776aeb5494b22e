import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { systemClock } from '../../../server/base/clock.ts'
import type { Actor } from '../../../server/http/guard.ts'
import { Decoder } from '../../../server/stream/decoder.ts'
import { H264Transcoder } from '../../../server/stream/h264-transcoder.ts'
import { LiveHub } from '../../../server/stream/live-hub.ts'
import { LiveSockets } from '../../../server/stream/live-socket.ts'
import { LiveStreams } from '../../../server/stream/live-stream.ts'
import { type LiveNotice, type LiveRequest, liveFrameKinds, readLiveHead } from '../../../shared/live.ts'
import { FrameSplitter } from '../../../web-desktop/player/frame-splitter.ts'
import { type TestClip, testClip } from '../../support/footage.ts'
import { countFrames, ScriptedSource } from './live-viewer.ts'

const actor = (sessionId: string, address = '10.0.0.1'): Actor => ({
  ...{ accountId: 'a', username: 'a', isAdministrator: false, isPasswordExpired: false },
  ...{ sessionId, address },
})

/** Reads a stream as the desktop does. */
class StreamViewer {
  readonly answer: IncomingMessage
  readonly notices: LiveNotice[] = []
  readonly video: { sequence: number; isKey: boolean; payload: Uint8Array }[] = []
  readonly inits: Uint8Array[] = []
  readonly closed: Promise<unknown>
  pings = 0
  readonly #splitter = new FrameSplitter()

  constructor(answer: IncomingMessage) {
    this.answer = answer
    answer.on('error', () => undefined)
    this.closed = new Promise((resolve) => answer.once('close', resolve))
    if (answer.statusCode === 200)
      answer.on('data', (chunk: Buffer) => {
        for (const { opcode, payload } of this.#splitter.push(new Uint8Array(chunk))) this.#take(opcode, payload)
      })
  }

  get id(): string {
    return String(this.answer.headers['x-live-stream'])
  }

  #take(opcode: number, payload: Uint8Array<ArrayBuffer>): void {
    if (opcode === 9) this.pings++
    if (opcode === 1) this.notices.push(JSON.parse(Buffer.from(payload).toString()))
    if (opcode !== 2) return
    const { kind, isKey, sequence } = readLiveHead(new DataView(payload.buffer))
    if (kind === liveFrameKinds.init) this.inits.push(payload.subarray(16))
    if (kind === liveFrameKinds.video) this.video.push({ sequence, isKey, payload: payload.subarray(16) })
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await new Promise((wake) => setTimeout(wake, 5))
  }
}

describe('live stream over HTTP', () => {
  let source: ScriptedSource
  let hub: LiveHub
  let sockets: LiveSockets<Actor>
  let streams: LiveStreams
  let server: Server
  let undo: (() => void)[]
  const viewers: StreamViewer[] = []
  const responses: ServerResponse[] = []

  before(async () => {
    source = new ScriptedSource()
    const [decoder, transcoder] = [new Decoder(), new H264Transcoder()]
    hub = new LiveHub(source, decoder, transcoder)
    sockets = new LiveSockets<Actor>({
      hub,
      streams: () => [{ stream: 1, isLive: true, videoCodec: 'h264', reason: '', sinceMs: 7 }],
      mayWatch: async (_actor, cameraId) => cameraId !== 'secret',
      clock: systemClock,
      logger: pino({ level: 'silent' }),
    })
    streams = new LiveStreams(sockets)
    server = createServer((asked, response) => {
      responses.push(response)
      try {
        streams.open(actor(asked.url!.slice(1)), response)
      } catch (error) {
        response.writeHead(422).end((error as Error).message)
      }
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    undo = [() => transcoder.close(), () => decoder.close(), () => hub.close(), () => sockets.close()]
  })
  afterEach(async () => {
    responses.length = 0
    for (const viewer of viewers.splice(0)) {
      viewer.answer.destroy()
      await viewer.closed
    }
    while (streams.count > 0) await new Promise((wake) => setTimeout(wake, 5))
  })
  after(() => {
    streams.close()
    for (const one of undo.reverse()) one()
    server.closeAllConnections()
    server.close()
  })

  const connect = async (session: string): Promise<StreamViewer> => {
    const asked = request({ port: (server.address() as AddressInfo).port, path: `/${session}` })
    asked.end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const viewer = new StreamViewer(answer)
    if (answer.statusCode === 200) viewers.push(viewer)
    return viewer
  }
  const open = (cameraId = 'gate', tile = 1): LiveRequest => {
    return { type: 'open', tile, cameraId, want: 'auto', widthPx: 1280, hasSound: false }
  }
  const watch = async (session: string): Promise<StreamViewer> => {
    const viewer = await connect(session)
    streams.take(actor(session), viewer.id, [{ type: 'hello', canPlay: ['h264', 'aac'] }, open()])
    while (!source.readers.has('gate/1')) await new Promise((wake) => setTimeout(wake, 5))
    return viewer
  }
  const clip = () => testClip({ seconds: 4, sound: 'aac' })

  it('begins at once, and then carries the notices and fragments that the socket would', async () => {
    const viewer = await watch('s1')
    source.config('gate/1', clip())
    source.play('gate/1', clip(), 0, 40)
    await viewer.until(() => viewer.video.length === 40)

    assert.equal(viewer.pings, 1)
    assert.match(viewer.answer.headers['cache-control']!, /no-transform/)
    assert.equal(viewer.notices[0]!.type, 'tile')
    assert.equal(countFrames([viewer.inits[0]!, ...viewer.video.map(({ payload }) => payload)]), 40)
    assert.deepEqual(
      viewer.video.map(({ sequence }) => sequence),
      Array.from({ length: 40 }, (_, i) => i + 1),
    )
  })

  it('shows no camera that its viewer may not see', async () => {
    const viewer = await connect('s1')
    streams.take(actor('s1'), viewer.id, [{ type: 'hello', canPlay: [] }, open('secret', 2)])
    await viewer.until(() => viewer.notices.length > 0)

    assert.deepEqual(viewer.notices, [{ type: 'refused', tile: 2, reason: 'you may not see this camera' }])
  })

  it('takes requests from its own session alone', async () => {
    const viewer = await connect('s1')

    assert.throws(() => streams.take(actor('s2'), viewer.id, [open()]), { kind: 'not-found' })
    assert.throws(() => streams.take(actor('s1'), '00000000-0000-4000-8000-000000000000', []), { kind: 'not-found' })
  })

  it('ends with its session, and with its address’s leave', async () => {
    const [first, second] = [await connect('s1'), await connect('s2')]

    streams.endSession('s1')
    await first.closed
    assert.equal(streams.count, 1)
    streams.endRefused((address) => address !== '10.0.0.1')
    await second.closed
    await second.until(() => streams.count === 0)
  })

  it('is refused to a session that has eight', async () => {
    for (let i = 0; i < 8; i++) await connect('s1')

    const { answer } = await connect('s1')

    assert.equal(answer.statusCode, 422)
    assert.equal((await connect('s2')).answer.statusCode, 200)
  })

  it('leaves out whole groups for a viewer who takes nothing, keeps little for it, and takes nothing from another', async () => {
    const [stalled, quick] = [await watch('s1'), await watch('s2')]
    const base = testClip({ seconds: 2, sizePx: '640x360', codec: 'h264', gop: 5 })
    const big: TestClip = {
      ...base,
      video: {
        ...base.video,
        samples: base.video.samples.map((sample) => ({ ...sample, data: new Uint8Array(500_000).fill(1) })),
      },
    }
    source.config('gate/1', big)
    stalled.answer.pause()
    let mostBytes = 0
    for (let i = 0; i < 60; i++) {
      source.play('gate/1', big, i % 50, (i % 50) + 1)
      await quick.until(() => quick.video.length === i + 1)
      quick.video[i]!.payload = new Uint8Array(0)
      mostBytes = Math.max(mostBytes, responses[0]!.writableLength)
      streams.take(actor('s2'), quick.id, [{ type: 'received', newest: [{ tile: 1, sequence: i + 1 }] }])
    }
    stalled.answer.resume()
    const settled = stalled.video.length
    await stalled.until(() => stalled.video.length > settled)
    for (let i = 0; !stalled.notices.some(({ type }) => type === 'dropped'); i++) {
      source.play('gate/1', big, i % 50, (i % 50) + 1)
      await new Promise((wake) => setTimeout(wake, 20))
    }

    // 30 MB were to be sent.
    assert.ok(mostBytes > 1024 * 1024 && mostBytes < 9 * 1024 * 1024, `${mostBytes} bytes waited`)
    assert.equal(quick.notices.filter(({ type }) => type === 'dropped').length, 0)
    const sequences = stalled.video.map(({ sequence }) => sequence)
    assert.deepEqual(
      sequences,
      sequences.map((_, i) => i + 1),
    )
  })
})

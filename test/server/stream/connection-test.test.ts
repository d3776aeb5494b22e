import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CameraFarm } from '../../../scripts/cameras/farm.ts'
import { systemClock } from '../../../server/base/clock.ts'
import { LoginGate } from '../../../server/base/retry.ts'
import { testConnection } from '../../../server/stream/connection-test.ts'
import { Decoder } from '../../../server/stream/decoder.ts'
import { startSmallCameras } from '../../scripts/cameras/test-farm.ts'
import { peerSdp, RtspPeer } from '../../support/rtsp-peer.ts'

describe('connection test', function () {
  this.timeout(60_000)
  let farm: CameraFarm
  let folder: string
  const decoder = new Decoder()
  const peers: RtspPeer[] = []
  const login = { username: 'admin', password: 'secret' }
  const options = () => ({ loginGate: new LoginGate(systemClock), deadlineMs: 5000 })

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nightjar-test-'))
    farm = await startSmallCameras({
      cameras: [
        {
          name: 'cam1',
          streams: [
            { name: 'main', clip: 'main', audio: 'aac' },
            { name: 'bframes', clip: 'bframes', audio: 'pcmu' },
            { name: 'hevc', clip: 'h265', audio: 'pcma' },
            { name: 'mjpeg', clip: 'mjpeg' },
          ],
        },
      ],
      auth: 'digest-sha256',
      user: login.username,
      password: login.password,
    })
  })
  after(async () => {
    decoder.close()
    await farm.close()
    rmSync(folder, { recursive: true })
  })
  afterEach(async () => {
    farm.fault('cam1', null)
    await Promise.all(peers.splice(0).map((peer) => peer.close()))
  })

  async function listen(...args: Parameters<typeof RtspPeer.listen>): Promise<RtspPeer> {
    const peer = await RtspPeer.listen(...args)
    peers.push(peer)
    return peer
  }

  for (const [stream, videoCodec, audioCodec] of [
    ['main', 'h264', 'aac'],
    ['bframes', 'h264', 'pcmu'],
    ['hevc', 'h265', 'pcma'],
    ['mjpeg', 'mjpeg', undefined],
  ] as const) {
    it(`says what a camera sends, with a picture: ${stream}`, async () => {
      const toPicture = decoder.picture.bind(decoder)

      const found = await testConnection(
        { url: farm.rtspUrl('cam1', stream), ...login },
        { ...options(), toPicture: (track, sample) => toPicture(track, sample, 320) },
      )

      assert.ok(found.isReachable, JSON.stringify(found))
      assert.deepEqual(
        [found.videoCodec, found.audioCodec, found.widthPx, found.heightPx, found.fps],
        [videoCodec, audioCodec, 320, 192, 25],
      )
      assert.deepEqual(found.warnings, [])
      assert.ok(found.firstKeyframeMs < 5000)
      assert.match(found.picture ?? '', /^data:image\/jpeg;base64,\/9j\//)
    })
  }

  it('says what a file holds', async () => {
    const path = join(folder, 'a.mp4')
    const input = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=20']
    execFileSync('ffmpeg', ['-v', 'error', ...input, '-t', '1', '-c:v', 'libx264', path])

    const found = await testConnection({ url: pathToFileURL(path).href, username: '', password: '' }, options())

    assert.ok(found.isReachable, JSON.stringify(found))
    assert.deepEqual([found.videoCodec, found.widthPx, found.heightPx, found.fps], ['h264', 320, 240, 20])
  })

  it('names the step that failed', async () => {
    const cases: [
      fault: string,
      change: () => void,
      address: { url: string; username: string; password: string },
      detail: RegExp,
    ][] = [
      [
        'login',
        () => undefined,
        { url: farm.rtspUrl('cam1'), username: 'admin', password: 'not-it' },
        /401 Unauthorized \(Digest\)$/,
      ],
      ['path', () => undefined, { url: `${farm.rtspUrl('cam1')}x`, ...login }, /: 404 /],
      [
        'no-tracks',
        () => farm.fault('cam1', { sdp: 'none' }),
        { url: farm.rtspUrl('cam1'), ...login },
        /neither picture nor sound$/,
      ],
      [
        'codec',
        () => farm.fault('cam1', { sdp: 'unknown-codec' }),
        { url: farm.rtspUrl('cam1'), ...login },
        /none is supported$/,
      ],
      ['protocol', () => farm.fault('cam1', { sdp: 'nonsense' }), { url: farm.rtspUrl('cam1'), ...login }, /read SDP/],
      [
        'silent',
        () => farm.fault('cam1', { silentPlay: true }),
        { url: farm.rtspUrl('cam1'), ...login },
        /sent nothing within 1.5 s$/,
      ],
      [
        'no-keyframe',
        () => farm.fault('cam1', { noKeyframe: true }),
        { url: farm.rtspUrl('cam1'), ...login },
        /frames came within 1.5 s, none of them a keyframe/,
      ],
      ['connection', () => undefined, { url: 'rtsp://127.0.0.1:1/x', ...login }, /connection refused/],
      [
        'name-resolution',
        () => undefined,
        { url: 'rtsp://no-such-camera.invalid/x', ...login },
        /no such name|no answer from DNS|DNS failed/,
      ],
    ]
    for (const [fault, change, address, detail] of cases) {
      farm.fault('cam1', null)
      change()

      const found = await testConnection(address, { ...options(), deadlineMs: 1500 })

      assert.ok(!found.isReachable, `${fault}: ${JSON.stringify(found)}`)
      assert.equal(found.fault, fault, found.detail)
      assert.match(found.detail, detail)
    }
  })

  it('names a camera that sends by UDP alone', async () => {
    const peer = await listen((request, connection) => {
      if (request.method !== 'SETUP') return false
      connection.reply(request, '461 Unsupported Transport')
      return true
    })

    const found = await testConnection({ url: peer.url, username: '', password: '' }, options())

    assert.deepEqual(found, {
      isReachable: false,
      fault: 'udp-only',
      detail: `${peer.url}: 461 Unsupported Transport: it sends by UDP only`,
    })
  })

  it('warns of sound that cannot be had', async () => {
    const unknown = peerSdp.replace('m=audio 0 RTP/AVP 0', 'm=audio 0 RTP/AVP 97\r\na=rtpmap:97 G726-32/8000')
    const peer = await listen((request, connection) => {
      if (request.method === 'DESCRIBE') connection.reply(request, '200 OK', {}, unknown)
      if (request.method !== 'PLAY') return request.method === 'DESCRIBE'
      connection.reply(request)
      // One IDR picture in a packet of its own (RFC 6184 §5.6), marked.
      const packet = Buffer.from([0x24, 0, 0, 16, 0x80, 0xe0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 0x65, 0x88, 0x84, 0])
      connection.socket.write(packet)
      return true
    })

    const found = await testConnection({ url: peer.url, username: '', password: '' }, options())

    assert.ok(found.isReachable, JSON.stringify(found))
    assert.deepEqual(found.warnings, ['sound codec G726-32 is not supported'])
    assert.equal(found.audioCodec, undefined)
  })

  it('lets go of the camera, also when whoever asked has gone', async () => {
    const peer = await listen((request) => request.method === 'DESCRIBE')
    const control = new AbortController()
    const testing = testConnection(
      { url: peer.url, username: '', password: '' },
      { ...options(), signal: control.signal },
    )
    while (peer.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))

    control.abort()

    assert.equal((await testing).isReachable, false)
    while (peer.open > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  })
})

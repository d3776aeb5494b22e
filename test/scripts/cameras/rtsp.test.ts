import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { connect as connectTls } from 'node:tls'
import type { CameraFarm } from '../../../scripts/cameras/farm.ts'
import { readFrameMark } from '../../../scripts/cameras/frame-sei.ts'
import { RtspPeer, sequenceOf, timestampOf } from './rtsp-peer.ts'
import { startSmallCameras, withSmallCameras } from './test-farm.ts'

describe('simulated camera over RTSP', () => {
  let farm: CameraFarm
  let peer: RtspPeer

  before(async function () {
    this.timeout(60_000)
    farm = await startSmallCameras({ cameras: 2, rtspsPort: 0 })
  })
  after(() => farm.close())
  beforeEach(() => {
    peer = new RtspPeer(farm.rtspPort)
  })
  afterEach(() => peer.close())

  it('tells its methods and describes its tracks', async () => {
    const options = await peer.request('OPTIONS', farm.rtspUrl('cam1'))
    const described = await peer.request('DESCRIBE', farm.rtspUrl('cam1'), { Accept: 'application/sdp' })

    assert.match(options.headers.get('public')!, /DESCRIBE, SETUP, PLAY, PAUSE/)
    assert.equal(described.headers.get('content-base'), `${farm.rtspUrl('cam1')}/`)
    assert.match(described.body, /^m=video 0 RTP\/AVP 96\r\n/m)
    assert.match(described.body, /^a=rtpmap:96 H264\/90000\r\n/m)
    assert.match(described.body, /^a=fmtp:96 packetization-mode=1;profile-level-id=6400\w\w;sprop-parameter-sets=Z/m)
    assert.match(described.body, /^m=audio 0 RTP\/AVP 97\r\n/m)
    assert.match(described.body, /^a=rtpmap:97 MPEG4-GENERIC\/16000\/1\r\n/m)
  })

  it('sends whole packets, each sequence number one up, marked frames one after the other', async () => {
    const answer = await peer.play(farm.rtspUrl('cam1'), 2)
    await peer.until(() => peer.rtp(0).length > 80 && peer.rtp(2).length > 10)

    const video = peer.rtp(0)
    const info = /trackID=0;seq=(\d+);rtptime=(\d+)/.exec(answer.headers.get('rtp-info')!)!
    assert.equal(sequenceOf(video[0]!), Number(info[1]))
    assert.equal(timestampOf(video[0]!), Number(info[2]))
    video.forEach((packet, i) => {
      assert.equal(sequenceOf(packet), (Number(info[1]) + i) & 0xffff)
    })
    const marks = video.map((packet) => readFrameMark(packet)).filter((mark) => mark !== undefined)
    assert.ok(marks.length > 20)
    marks.forEach((mark, i) => {
      assert.equal(mark.sequence, marks[0]!.sequence + i)
      assert.ok(Math.abs(mark.sentUs / 1000 - Date.now()) < 60_000)
    })
    assert.equal(peer.litterBytes, 0)
  })

  it('pairs the wall clock with RTP time in a sender report', async () => {
    await peer.play(farm.rtspUrl('cam2'))
    await peer.until(() => peer.rtp(1).length > 0 && peer.rtp(0).length > 0)

    const report = peer.rtp(1)[0]!
    const media = peer.rtp(0)[0]!
    assert.deepEqual([...report.subarray(0, 4)], [0x80, 200, 0, 6])
    assert.equal(report.readUInt32BE(4), media.readUInt32BE(8)) // the same SSRC
    const ntpSec = report.readUInt32BE(8) - 2_208_988_800 + report.readUInt32BE(12) / 2 ** 32
    const mediaSec = ((timestampOf(media) - report.readUInt32BE(16)) | 0) / 90_000
    const sentUs = peer.rtp(0).map((packet) => readFrameMark(packet))[2]!.sentUs
    assert.ok(Math.abs(ntpSec + mediaSec - sentUs / 1e6) < 2, `${ntpSec} + ${mediaSec} is not ${sentUs / 1e6}`)
  })

  it('keeps answers out of packets while it sends', async () => {
    await peer.play(farm.rtspUrl('cam1'), 2)
    for (let i = 0; i < 40; i++) {
      assert.equal((await peer.request('GET_PARAMETER', farm.rtspUrl('cam1'))).status, 200)
    }
    await peer.until(() => peer.rtp(0).length > 100)

    assert.equal(peer.litterBytes, 0)
  })

  it('refuses UDP with 461 and a missing session with 454', async () => {
    const udp = await peer.request('SETUP', `${farm.rtspUrl('cam1')}/trackID=0`, {
      Transport: 'RTP/AVP;unicast;client_port=5000-5001',
    })

    assert.equal(udp.status, 461)
    assert.equal((await peer.request('PLAY', farm.rtspUrl('cam1'))).status, 454)
  })

  it('answers 404 for a path it has not', async () => {
    assert.equal((await peer.request('DESCRIBE', `rtsp://127.0.0.1:${farm.rtspPort}/cam1/attic`)).status, 404)
    assert.equal((await peer.request('DESCRIBE', `rtsp://127.0.0.1:${farm.rtspPort}/nobody`)).status, 404)
  })

  it('answers 400 to what is no RTSP', async () => {
    peer.send('GET', '/ HTTP/1.1')
    await assert.rejects(() => peer.until(() => false), /the connection ended/)
  })

  it('ends a session that was silent too long, and not one that was not', async () => {
    await withSmallCameras({ sessionTimeoutSec: 1 }, async (impatient) => {
      const silent = new RtspPeer(impatient.rtspPort)
      const lively = new RtspPeer(impatient.rtspPort)
      await silent.play(impatient.rtspUrl(0))
      await lively.play(impatient.rtspUrl(0))
      const timer = setInterval(() => lively.send('GET_PARAMETER', impatient.rtspUrl(0)), 300)

      await assert.rejects(() => silent.until(() => false), /the connection ended/)

      clearInterval(timer)
      assert.equal(lively.isClosed, false)
    })
  })

  it('stops at PAUSE, goes on at PLAY, and closes at TEARDOWN', async () => {
    await peer.play(farm.rtspUrl('cam1'))
    await peer.until(() => peer.rtp(0).length > 0)
    await peer.request('PAUSE', farm.rtspUrl('cam1'))
    const paused = peer.rtp(0).length
    await peer.request('GET_PARAMETER', farm.rtspUrl('cam1'))

    assert.equal(peer.rtp(0).length, paused)
    await peer.request('PLAY', farm.rtspUrl('cam1'))
    await peer.until(() => peer.rtp(0).length > paused)
    assert.equal((await peer.request('TEARDOWN', farm.rtspUrl('cam1'))).status, 200)
    await assert.rejects(() => peer.until(() => false), /the connection ended/)
  })

  it('speaks TLS as well', async () => {
    const socket = connectTls({ port: farm.rtspsPort, host: '127.0.0.1', rejectUnauthorized: false })
    socket.write(`OPTIONS ${farm.rtspsUrl('cam1')} RTSP/1.0\r\nCSeq: 1\r\n\r\n`)
    const answer = await new Promise<Buffer>((resolve, reject) => socket.once('data', resolve).once('error', reject))
    socket.destroy()

    assert.match(answer.toString(), /^RTSP\/1\.0 200 OK\r\nCSeq: 1\r\n/)
  })
})

describe('password of a simulated camera', () => {
  let farm: CameraFarm

  before(async function () {
    this.timeout(60_000)
    const streams = [{ name: 'main', clip: 'main' }]
    farm = await startSmallCameras({
      password: 'p:ss "word"',
      cameras: [
        { name: 'basic', auth: 'basic', streams },
        { name: 'md5', auth: 'digest', streams },
        { name: 'sha256', auth: 'digest-sha256', streams },
      ],
    })
  })
  after(() => farm.close())

  async function ask(camera: string, authorize: (challenge: string, uri: string) => string): Promise<number[]> {
    const peer = new RtspPeer(farm.rtspPort)
    const uri = farm.rtspUrl(camera)
    const first = await peer.request('DESCRIBE', uri)
    const challenge = first.headers.get('www-authenticate')!
    const second = await peer.request('DESCRIBE', uri, { Authorization: authorize(challenge, uri) })
    peer.close()
    return [first.status, second.status]
  }

  it('is taken as Basic', async () => {
    const header = (password: string) => () => `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`

    assert.deepEqual(await ask('basic', header('p:ss "word"')), [401, 200])
    assert.deepEqual(await ask('basic', header('wrong')), [401, 401])
  })

  for (const [camera, algorithm] of [
    ['md5', 'md5'],
    ['sha256', 'sha256'],
  ] as const) {
    it(`is taken as Digest ${algorithm}, computed as RFC 7616 says`, async () => {
      const hash = (text: string) => createHash(algorithm).update(text).digest('hex')
      const header = (password: string) => (challenge: string, uri: string) => {
        const [, realm] = /realm="([^"]*)"/.exec(challenge)!
        const [, nonce] = /nonce="([^"]*)"/.exec(challenge)!
        const qop = /qop="auth"/.test(challenge)
        const secret = hash(`admin:${realm}:${password}`)
        const middle = qop ? `${nonce}:00000001:abc:auth` : nonce
        const response = hash(`${secret}:${middle}:${hash(`DESCRIBE:${uri}`)}`)
        const extra = qop ? `, algorithm=SHA-256, qop=auth, nc=00000001, cnonce="abc"` : ''
        return `Digest username="admin", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}"${extra}`
      }

      assert.deepEqual(await ask(camera, header('p:ss "word"')), [401, 200])
      assert.deepEqual(await ask(camera, header('wrong')), [401, 401])
    })
  }
})

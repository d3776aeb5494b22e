import assert from 'node:assert/strict'
import type { CameraFarm, FarmOptions } from '../../../scripts/cameras/farm.ts'
import { parseFaultWish } from '../../../scripts/cameras/fault.ts'
import { readFrameMark } from '../../../scripts/cameras/frame-sei.ts'
import { RtspPeer, sequenceOf, timestampOf } from './rtsp-peer.ts'
import { startSmallCameras, withSmallCameras } from './test-farm.ts'

/** H.264 NAL unit type of an RTP packet; of the whole unit where the packet is a fragment's first, else -1. */
function nalTypeOf(packet: Buffer): number {
  const type = packet[12]! & 0x1f
  if (type !== 28) return type
  return packet[13]! & 0x80 ? packet[13]! & 0x1f : -1
}

const IDR = 5
const SPS = 7

describe('faults of a simulated camera', () => {
  let farm: CameraFarm
  let peer: RtspPeer

  before(async function () {
    this.timeout(60_000)
    farm = await startSmallCameras({ spareClips: ['sub'] })
  })
  after(() => farm.close())
  beforeEach(() => {
    peer = new RtspPeer(farm.rtspPort)
  })
  afterEach(() => {
    peer.close()
    farm.fault(0, null)
  })

  const describeIt = () => peer.request('DESCRIBE', farm.rtspUrl(0))
  const playIt = async () => {
    await peer.play(farm.rtspUrl(0), 2)
    await peer.until(() => peer.rtp(0).length > 0)
  }

  it('mute: takes a request and never answers', async () => {
    farm.fault(0, { mute: true })
    let isAnswered = false
    void describeIt().then(
      () => {
        isAnswered = true
      },
      () => undefined,
    )
    await new Promise((resolve) => setTimeout(resolve, 300))

    assert.equal(isAnswered, false)
    assert.equal(peer.isClosed, false)
  })

  it('stall: keeps the connection and sends nothing, until cleared', async () => {
    await playIt()
    farm.fault(0, { stall: true })
    await peer.request('GET_PARAMETER', farm.rtspUrl(0))
    const before = peer.packets.length
    await new Promise((resolve) => setTimeout(resolve, 300))

    assert.equal(peer.packets.length, before)
    farm.fault(0, { stall: false })
    await peer.until(() => peer.packets.length > before)
  })

  for (const cut of ['packet', 'reset'] as const) {
    it(`cut ${cut}: ends the connection inside a packet`, async () => {
      await playIt()
      farm.fault(0, { cut })

      await assert.rejects(() => peer.until(() => false), /the connection ended/)
      assert.ok(peer.restBytes > 0)
    })
  }

  it('garbage: puts bytes between packets, and goes on', async () => {
    await playIt()
    farm.fault(0, { garbageBytes: 500 })
    await peer.until(() => peer.litterBytes > 100)
    const before = peer.packets.length

    await peer.until(() => peer.packets.length > before + 30)
  })

  it('lying length: one packet claims what it is not', async () => {
    await playIt()
    farm.fault(0, { lieBytes: -3 })

    await peer.until(() => peer.litterBytes > 0)
  })

  it('wrong password: 401 though none is needed', async () => {
    farm.fault(0, { denyLogin: true })

    const answer = await describeIt()

    assert.equal(answer.status, 401)
    assert.ok(answer.headers.has('www-authenticate'))
  })

  it('redirect: DESCRIBE is sent elsewhere', async () => {
    farm.fault(0, { redirectTo: 'rtsp://127.0.0.1:1/x', redirectStatus: 301 })

    const answer = await describeIt()

    assert.equal(answer.status, 301)
    assert.equal(answer.headers.get('location'), 'rtsp://127.0.0.1:1/x')
  })

  it('time jump: RTP time and report leap', async () => {
    await playIt()
    const before = timestampOf(peer.rtp(0).at(-1)!)
    const count = peer.rtp(0).length
    farm.fault(0, { rtpJumpSec: 3600, ntpJumpSec: 3600 })
    await peer.until(() => peer.rtp(0).length > count + 5)

    const leap = ((timestampOf(peer.rtp(0).at(-1)!) - before) | 0) / 90_000
    assert.ok(leap > 3599 && leap < 3602, `leapt ${leap} s`)
  })

  it('resolution: another SPS comes in band', async () => {
    await playIt()
    await peer.until(() => peer.rtp(0).some((packet) => nalTypeOf(packet) === SPS))
    const first = peer.rtp(0).find((packet) => nalTypeOf(packet) === SPS)!
    farm.fault(0, { clip: 'sub' })

    await peer.until(() => {
      return peer.rtp(0).some((packet) => nalTypeOf(packet) === SPS && !packet.subarray(12).equals(first.subarray(12)))
    })
    const marks = peer.rtp(0).map((packet) => readFrameMark(packet)?.sequence)
    const sequences = marks.filter((sequence) => sequence !== undefined)
    assert.deepEqual(
      sequences,
      sequences.map((_, i) => sequences[0]! + i),
    )
  })

  it('drop sound: the picture goes on alone', async () => {
    await playIt()
    await peer.until(() => peer.rtp(2).length > 0)
    farm.fault(0, { dropAudio: true })
    await peer.request('GET_PARAMETER', farm.rtspUrl(0))
    const sound = peer.rtp(2).length
    const picture = peer.rtp(0).length
    await peer.until(() => peer.rtp(0).length > picture + 20)

    assert.equal(peer.rtp(2).length, sound)
  })

  it('endless GOP: one keyframe, then frames without end', async () => {
    farm.fault(0, { endlessGop: true })
    await playIt()
    await peer.until(() => new Set(peer.rtp(0).map(timestampOf)).size > 60)

    assert.equal(peer.rtp(0).filter((packet) => nalTypeOf(packet) === IDR).length, 1)
  })

  it('no keyframe: not even the first', async () => {
    farm.fault(0, { noKeyframe: true })
    await playIt()
    await peer.until(() => new Set(peer.rtp(0).map(timestampOf)).size > 30)

    assert.equal(peer.rtp(0).filter((packet) => nalTypeOf(packet) === IDR).length, 0)
  })

  it('silent PLAY: 200 and nothing', async () => {
    farm.fault(0, { silentPlay: true })

    assert.equal((await peer.play(farm.rtspUrl(0), 2)).status, 200)
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(peer.packets.length, 0)
  })

  it('loss: sequence numbers are missing', async () => {
    farm.fault(0, { lossPct: 30 })
    await playIt()
    await peer.until(() => peer.rtp(0).length > 60)

    const numbers = peer.rtp(0).map(sequenceOf)
    assert.ok(((numbers.at(-1)! - numbers[0]!) & 0xffff) > numbers.length)
  })

  it('slow line: less arrives than is made', async () => {
    await playIt()
    farm.fault(0, { rateMbit: 0.1 })
    await waitFor(() => farm.stats()[0]!.connections.some(({ tracks }) => tracks[0]!.dropped > 0))

    farm.fault(0, { rateMbit: null })
    const before = peer.rtp(0).length
    await peer.until(() => peer.rtp(0).length > before + 60)
    assert.equal(peer.litterBytes, 0)
  })

  it('SDP: none, many, unknown and nonsense', async () => {
    const tracks = async (sdp: 'none' | 'many') => {
      farm.fault(0, { sdp })
      return (await describeIt()).body.match(/^m=/gm)?.length ?? 0
    }

    assert.equal(await tracks('none'), 0)
    assert.equal(await tracks('many'), 8)
    farm.fault(0, { sdp: 'unknown-codec' })
    assert.match((await describeIt()).body, /a=rtpmap:96 X-NJV\/90000/)
    farm.fault(0, { sdp: 'nonsense' })
    assert.doesNotMatch((await describeIt()).body, /^v=0/)
  })

  it('a slow reader: frames are dropped to the next keyframe, counted, and nothing is torn', async () => {
    const options: FarmOptions = {
      sendBufferBytes: 4096,
      cameras: [{ name: 'cam1', streams: [{ name: 'main', clip: 'main' }] }],
      clips: { main: { bitrateKbps: 3000, noise: 20 } },
    }
    await withSmallCameras(options, async (tight) => {
      const reader = new RtspPeer(tight.rtspPort)
      const track = () => tight.stats()[0]!.connections[0]!.tracks[0]!
      const sequences = () => reader.rtp(0).map((packet) => readFrameMark(packet)?.sequence)
      const marked = () => sequences().filter((one) => one !== undefined)
      const firstAfterGap = () => marked().find((one, i) => i > 0 && one !== marked()[i - 1]! + 1)
      await reader.play(tight.rtspUrl(0))
      await reader.until(() => reader.rtp(0).length > 0)
      reader.pause()
      await waitFor(() => track().dropped > 0)
      reader.resume()
      await reader.until(() => firstAfterGap() !== undefined && marked().at(-1) === track().lastSequence)

      const packets = reader.rtp(0)
      assert.equal(reader.litterBytes, 0)
      packets.forEach((packet, i) => {
        assert.equal(sequenceOf(packet), (sequenceOf(packets[0]!) + i) & 0xffff)
      })
      const afterGap = packets[sequences().indexOf(firstAfterGap()) + 1]!
      assert.equal(nalTypeOf(afterGap), IDR)
      const { firstSequence, lastSequence, sent, dropped, backlogEvents } = track()
      assert.equal(lastSequence - firstSequence + 1, sent + dropped)
      assert.ok(backlogEvents > 0)
    })
  })

  it('refuse: a camera with ports of its own closes them, and opens them again', async () => {
    await withSmallCameras({ portPerCamera: true }, async (own) => {
      const connects = async () => {
        const one = new RtspPeer(own.rtspPort)
        const answer = await one.request('OPTIONS', own.rtspUrl(0)).catch(() => undefined)
        one.close()
        return answer?.status === 200
      }
      assert.equal(await connects(), true)
      own.fault(0, { refuse: true })
      await waitFor(async () => !(await connects()))
      own.fault(0, null)
      await waitFor(connects)
    })
  })
})

/** Asks again and again, for 10 s. */
async function waitFor(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('it did not come about in 10 s')
}

describe('remote control of simulated cameras', () => {
  let farm: CameraFarm
  let base: string

  before(async function () {
    this.timeout(60_000)
    farm = await startSmallCameras({ cameras: 2 })
    base = `http://127.0.0.1:${farm.httpPort}/control`
  })
  after(() => farm.close())

  it('tells addresses and numbers', async () => {
    const addresses = (await (await fetch(base)).json()) as { cameras: { streams: object }[] }
    const stats = (await (await fetch(`${base}/stats`)).json()) as { name: string }[]

    assert.deepEqual(addresses.cameras[1]!.streams, { main: farm.rtspUrl(1), sub: farm.rtspUrl(1, 'sub') })
    assert.deepEqual(
      stats.map(({ name }) => name),
      ['cam1', 'cam2'],
    )
  })

  it('sets and clears faults at one camera or all', async () => {
    const stalled = () => farm.cameras.map(({ context }) => context.faults.stall)
    const body = JSON.stringify({ stall: true })

    await fetch(`${base}/faults/cam2`, { method: 'POST', body })
    assert.deepEqual(stalled(), [false, true])
    await fetch(`${base}/faults/*`, { method: 'POST', body })
    assert.deepEqual(stalled(), [true, true])
    await fetch(`${base}/faults/*`, { method: 'DELETE' })
    assert.deepEqual(stalled(), [false, false])
  })

  it('answers 400 to a fault it does not know and 404 to a camera it has not', async () => {
    const set = (camera: string, body: string) => fetch(`${base}/faults/${camera}`, { method: 'POST', body })

    assert.equal((await set('cam1', '{"explode":true}')).status, 400)
    assert.equal((await set('cam1', 'no JSON')).status, 400)
    assert.equal((await set('cam9', '{}')).status, 404)
  })

  it('names the field of a wish it cannot grant', () => {
    assert.throws(() => parseFaultWish({ stall: 1 }), /stall wants a boolean/)
    assert.throws(() => parseFaultWish({ rateMbit: '5' }), /rateMbit wants a number/)
    assert.throws(() => parseFaultWish([]), /not an object/)
    assert.deepEqual(parseFaultWish({ rateMbit: null, clip: 'sub' }), { rateMbit: null, clip: 'sub' })
  })
})

import assert from 'node:assert/strict'
import type { AuHeaderLayout } from '../../../server/media/rtp/aac-depacketizer.ts'
import type { TrackConfig, VideoTrack } from '../../../server/media/track.ts'
import type { Fragment } from '../../../server/stream/fragment-builder.ts'
import type { SourceTrack } from '../../../server/stream/source.ts'
import { type ReceiverCounts, StreamReceiver } from '../../../server/stream/stream-receiver.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { testClip } from '../../support/footage.ts'
import { WatchedArena } from '../../support/watched-arena.ts'

const second = 1_000_000
const h264 = () => testClip({ seconds: 1, sizePx: '160x96' }).video.config as VideoTrack & { codec: 'h264' }
const otherH264 = () => testClip({ seconds: 1, sizePx: '320x180' }).video.config as VideoTrack & { codec: 'h264' }
const nothing = new Uint8Array(0)

const idr = Uint8Array.of(0x65, 0x88, 1, 2, 3)
const slice = Uint8Array.of(0x41, 0x9a, 4, 5)

function videoTrack(config: TrackConfig = h264()): SourceTrack {
  return { config, clockHz: 90_000, rtp: { payloadType: 96, aac: undefined, frameRateHz: undefined } }
}

function pcmTrack(): SourceTrack {
  const config: TrackConfig = { kind: 'audio', codec: 'pcma', timescale: 8000, sampleRateHz: 8000, channels: 1 }
  return { config, clockHz: 8000, rtp: { payloadType: 8, aac: undefined, frameRateHz: undefined } }
}

function aacTrack(): SourceTrack {
  const config: TrackConfig = {
    kind: 'audio',
    codec: 'aac',
    timescale: 16_000,
    config: Uint8Array.of(0x14, 0x08),
    sampleRateHz: 16_000,
    channels: 1,
  }
  const layout: AuHeaderLayout = { sizeLength: 13, indexLength: 3, indexDeltaLength: 3 }
  const rtp = { payloadType: 97, aac: { ...layout, config: config.config }, frameRateHz: undefined }
  return { config, clockHz: 16_000, rtp: rtp as NonNullable<SourceTrack['rtp']> }
}

function metadataTrack(): SourceTrack {
  const config: TrackConfig = { kind: 'metadata', codec: 'onvif-metadata', timescale: 90_000 }
  return { config, clockHz: 90_000, rtp: { payloadType: 107, aac: undefined, frameRateHz: undefined } }
}

interface Heard {
  what: 'begin' | 'config' | 'fragment' | 'end'
  tracks?: TrackConfig[]
  utcUs?: number
  isKey?: boolean
  isLossBefore?: boolean
  /** Of each track: first time in ticks and samples as text. */
  samples?: Record<number, { tfdtTicks: number; data: string[] }>
  cause?: string
}

/** A session under test, its packets numbered and stamped as a camera does. */
class Session {
  readonly clock = new FakeClock()
  readonly arena = new WatchedArena(32 * 1024 * 1024)
  readonly heard: Heard[] = []
  readonly counts: ReceiverCounts = {
    frames: 0,
    bytes: 0,
    lostPackets: 0,
    droppedFrames: 0,
    keyframes: 0,
    lastKeyframeUs: 0,
    gopSec: 0,
    clockOffsetMs: undefined,
  }
  readonly receiver: StreamReceiver
  readonly #sequences: number[]
  readonly #tracks: SourceTrack[]
  /** RTP timestamps begin anywhere: here close before they wrap. */
  baseTicks = 2 ** 32 - 4000

  constructor(tracks: SourceTrack[]) {
    this.#tracks = tracks
    this.#sequences = tracks.map((_, i) => 65_530 + i)
    this.receiver = new StreamReceiver(
      this.arena,
      this.clock,
      tracks,
      {
        beginRun: (described) => this.heard.push({ what: 'begin', tracks: described }),
        config: (described) => this.heard.push({ what: 'config', tracks: described }),
        fragment: (fragment, utcUs) => this.#fragment(fragment, utcUs),
        endRun: (cause) => this.heard.push({ what: 'end', cause }),
      },
      this.counts,
    )
  }

  #fragment(fragment: Fragment, utcUs: number): void {
    const samples: Heard['samples'] = {}
    let at = fragment.dataAt
    for (const { trackId, tfdtTicks, count, sizes } of fragment.tracks) {
      const data: string[] = []
      for (let i = 0; i < count; i++) {
        data.push(Buffer.from(fragment.bytes.subarray(at, at + sizes[i]!)).toString('hex'))
        at += sizes[i]!
      }
      samples[trackId] = { tfdtTicks, data }
    }
    const { isKey, isLossBefore } = fragment
    this.heard.push({ what: 'fragment', utcUs, isKey, isLossBefore, samples })
    this.arena.release(fragment.slot)
  }

  /** Loses the next packets of a track. */
  lose(track: number, packets: number): void {
    this.#sequences[track] = this.#sequences[track]! + packets
  }

  /** One RTP packet (RFC 3550 §5.1), `atSec` after the track's first timestamp. */
  packet(track: number, atSec: number, payload: Uint8Array, marker = true): void {
    const sequence = this.#sequences[track]!++ & 0xffff
    const ticks = (this.baseTicks + Math.round(atSec * this.#tracks[track]!.clockHz)) % 2 ** 32
    this.raw(track, sequence, ticks, payload, marker)
  }

  raw(track: number, sequence: number, ticks: number, payload: Uint8Array, marker: boolean): void {
    const { bytes, readStart } = this.arena
    const head = Buffer.alloc(12)
    head[0] = 0x80 // V 2, P 0, X 0, CC 0
    head[1] = (marker ? 0x80 : 0) | 96
    head.writeUInt16BE(sequence, 2)
    head.writeUInt32BE(((ticks % 2 ** 32) + 2 ** 32) % 2 ** 32, 4)
    head.writeUInt32BE(0x1234_5678, 8)
    bytes.set(head, readStart)
    bytes.set(payload, readStart + 12)
    this.receiver.rtp(track, bytes, readStart, readStart + 12 + payload.length)
  }

  /** A sender report (RFC 3550 §6.4.1): the camera's clock shows `utcUs` at `atSec` of the track. */
  report(track: number, atSec: number, utcUs: number): void {
    const packet = Buffer.alloc(28)
    packet[0] = 0x80
    packet[1] = 200
    packet.writeUInt16BE(6, 2)
    const ntpUs = utcUs + 2_208_988_800 * second
    packet.writeUInt32BE(Math.floor(ntpUs / second), 8)
    packet.writeUInt32BE(Math.floor(((ntpUs % second) / second) * 2 ** 32), 12)
    packet.writeUInt32BE((this.baseTicks + Math.round(atSec * this.#tracks[track]!.clockHz)) % 2 ** 32, 16)
    const { bytes, readStart } = this.arena
    bytes.set(packet, readStart)
    this.receiver.rtcp(track, bytes, readStart, readStart + packet.length)
  }

  /** Pictures at 25 a second, a keyframe a second, from `fromSec` on, as they come in. */
  pictures(fromSec: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const atSec = fromSec + i / 25
      this.packet(0, atSec, i % 25 === 0 ? idr : slice)
      this.clock.advance(40_000)
    }
  }

  end(): void {
    this.receiver.end('stopped', 'the test is over')
    assert.equal(this.arena.held.size, 0, 'slots were kept')
  }

  whats(): string {
    return this.heard.map(({ what }) => what[0]).join('')
  }

  samples(trackId: number): string[] {
    return this.heard.flatMap(({ samples }) => samples?.[trackId]?.data ?? [])
  }
}

describe('stream receiver', () => {
  it('begins a run with the first keyframe, and gives fragments half a second long', () => {
    const session = new Session([videoTrack()])
    session.packet(0, -0.04, slice)
    session.clock.advance(40_000)
    const startUs = session.clock.utcUs()
    session.pictures(0, 50)
    session.end()

    assert.equal(session.whats(), 'bffffe')
    const fragments = session.heard.filter(({ what }) => what === 'fragment')
    assert.deepEqual(
      fragments.map(({ isKey }) => isKey),
      [true, false, true, false],
    )
    assert.deepEqual(
      fragments.map(({ utcUs }) => utcUs! - startUs),
      [0, 520_000, 1_000_000, 1_520_000],
    )
    assert.equal(session.samples(1).length, 50)
    assert.equal(session.samples(1)[0], `00000005${Buffer.from(idr).toString('hex')}`)
    assert.equal(session.counts.frames, 50)
    assert.equal(session.counts.keyframes, 2)
    assert.equal(session.counts.gopSec, 1)
  })

  it('waits for parameter sets where the description had none, and takes those in band', () => {
    const session = new Session([videoTrack({ ...h264(), sps: nothing, pps: [], widthPx: 0, heightPx: 0 })])
    session.packet(0, 0, idr)
    assert.equal(session.receiver.hasRun, false)
    session.packet(0, 1, h264().sps, false)
    for (const set of h264().pps) session.packet(0, 1, set, false)
    session.packet(0, 1, idr)
    session.end()

    assert.equal(session.whats(), 'bfe')
    const [begun] = session.heard
    assert.ok(begun?.tracks?.[0]?.kind === 'video')
    assert.deepEqual([begun.tracks[0].widthPx, begun.tracks[0].heightPx], [160, 96])
  })

  it('tells of another description before the fragment that begins with its keyframe', () => {
    const session = new Session([videoTrack()])
    session.pictures(0, 25)
    session.packet(0, 1, otherH264().sps, false)
    for (const set of otherH264().pps) session.packet(0, 1, set, false)
    session.packet(0, 1, idr)
    session.end()

    assert.equal(session.whats(), 'bffcfe')
    const config = session.heard[3]?.tracks?.[0]
    assert.ok(config?.kind === 'video' && config.widthPx === 320)
    assert.equal(session.heard[4]?.isKey, true)
  })

  it('tells nothing anew where sets are repeated', () => {
    const session = new Session([videoTrack()])
    for (let i = 0; i < 4; i++) {
      session.packet(0, i, h264().sps, false)
      for (const set of h264().pps) session.packet(0, i, set, false)
      session.packet(0, i, idr)
      session.clock.advance(second)
    }
    session.end()

    assert.equal(session.whats(), 'bffffe')
  })

  it('ends the run at the next keyframe where the camera’s time jumps ahead, and loses nothing', () => {
    const session = new Session([videoTrack()])
    session.pictures(0, 30)
    for (let i = 30; i < 60; i++) {
      session.packet(0, 100 + i / 25, i % 25 === 0 ? idr : slice)
      session.clock.advance(40_000)
    }
    session.end()

    assert.equal(session.heard.filter(({ what }) => what === 'begin').length, 2)
    const ends = session.heard.filter(({ what }) => what === 'end')
    assert.deepEqual(
      ends.map(({ cause }) => cause),
      ['clock-step', 'stopped'],
    )
    assert.equal(session.samples(1).length, 60)
    const times = session.heard.flatMap(({ utcUs }) => (utcUs === undefined ? [] : [utcUs]))
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    assert.ok(times.at(-1)! - times[0]! < 3 * second, 'times follow the arrival, not the jump')
  })

  it('ends the run at the next keyframe where the camera’s time jumps back', () => {
    const session = new Session([videoTrack()])
    session.pictures(500, 30)
    session.pictures(3, 50)
    session.end()

    assert.deepEqual(
      session.heard.filter(({ what }) => what === 'end').map(({ cause }) => cause),
      ['clock-step', 'stopped'],
    )
    assert.equal(session.samples(1).length, 80)
  })

  for (const [jumpSec, cause] of [
    [10, 'disk-stalled'],
    [200, 'clock-step'],
  ] as const) {
    it(`tells a jump of ${jumpSec} s after a camera was held back for 10 s as ${cause}`, () => {
      const session = new Session([videoTrack()])
      session.pictures(0, 25)
      session.receiver.noteHold(true)
      session.clock.advance(10 * second)
      session.receiver.noteHold(false)
      // What its buffers held comes at once, then what it sends now: the rest it has given up.
      for (let i = 25; i < 40; i++) session.packet(0, i / 25, slice)
      session.pictures(1.6 + jumpSec, 50)
      session.end()

      assert.deepEqual(
        session.heard.filter(({ what }) => what === 'end').map((end) => end.cause),
        [cause, 'stopped'],
      )
    })
  }

  it('goes on over a stall that the camera’s time tells of too', () => {
    const session = new Session([videoTrack()])
    session.pictures(0, 25)
    session.clock.advance(8 * second)
    session.pictures(9, 25)
    session.end()

    assert.equal(session.heard.filter(({ what }) => what === 'begin').length, 1)
  })

  it('counts lost packets, drops the damaged frame and marks the fragment', () => {
    const session = new Session([videoTrack()])
    session.pictures(0, 13)
    session.packet(0, 13 / 25, Uint8Array.of(0x5c, 0x81, 0x9a, 1), false)
    session.lose(0, 3)
    session.packet(0, 13 / 25, Uint8Array.of(0x5c, 0x41, 7, 8))
    session.clock.advance(40_000)
    session.packet(0, 14 / 25, slice)
    session.end()

    assert.equal(session.counts.lostPackets, 3)
    assert.equal(session.counts.droppedFrames, 1)
    assert.equal(session.heard.at(-2)?.isLossBefore, true)
    assert.equal(session.samples(1).length, 14)
  })

  it('marks the fragment also where whole frames were lost', () => {
    const session = new Session([videoTrack()])
    session.pictures(0, 13)
    session.lose(0, 2)
    session.packet(0, 15 / 25, slice)
    session.end()

    assert.equal(session.heard.at(-2)?.isLossBefore, true)
    assert.equal(session.samples(1).length, 14)
  })

  it('passes over packets that come twice', () => {
    const session = new Session([videoTrack()])
    session.pictures(0, 3)
    session.raw(0, 65_532, session.baseTicks + 2 * 3600, slice, true)
    session.pictures(3 / 25, 3)
    session.end()

    assert.equal(session.counts.lostPackets, 0)
    assert.equal(session.counts.droppedFrames, 0)
  })

  it('puts sound on the picture’s time line by sender reports', () => {
    const session = new Session([videoTrack(), pcmTrack()])
    const cameraUs = session.clock.utcUs() - 3600 * second
    session.packet(0, 0, idr)
    session.packet(1, 0, new Uint8Array(160).fill(1))
    // The sound's first sample was taken 0.4 s after the picture's.
    session.report(0, 0, cameraUs)
    session.report(1, 0, cameraUs + 400_000)
    for (let i = 1; i <= 30; i++) {
      session.clock.advance(20_000)
      session.packet(1, i * 0.02, new Uint8Array(160).fill(1))
    }
    session.receiver.builder.cut()
    session.end()

    const sound = session.heard.flatMap(({ samples }) => (samples?.[2] ? [samples[2].tfdtTicks] : []))
    assert.equal(sound.at(-1), 8000 * 0.4 + 160)
    assert.equal(session.counts.clockOffsetMs, -3_600_000)
  })

  it('leaves small differences of sound alone, which are the network’s', () => {
    const session = new Session([videoTrack(), pcmTrack()])
    session.packet(0, 0, idr)
    for (let i = 0; i < 20; i++) {
      session.packet(1, i * 0.02, new Uint8Array(160).fill(1))
      session.clock.advance(i % 2 === 0 ? 35_000 : 5000)
    }
    session.end()

    assert.equal(session.heard.filter(({ samples }) => samples?.[2]).length, 1)
  })

  it('takes AAC, G.711 and metadata beside the picture', () => {
    const session = new Session([videoTrack(), aacTrack(), metadataTrack()])
    session.packet(0, 0, idr)
    session.packet(1, 0, Uint8Array.of(0, 16, 0, 24, 0xa1, 0xa2, 0xa3))
    session.packet(2, 0, Buffer.from('<tt:Metadata'), false)
    session.packet(2, 0, Buffer.from('Stream/>'))
    session.end()

    assert.deepEqual(session.samples(2), ['a1a2a3'])
    assert.deepEqual(session.samples(3), [Buffer.from('<tt:MetadataStream/>').toString('hex')])
  })

  it('drops metadata that lost a packet, and documents beyond all size', () => {
    const session = new Session([videoTrack(), metadataTrack()])
    session.packet(0, 0, idr)
    session.packet(1, 0, Buffer.from('<a>'), false)
    session.lose(1, 1)
    session.packet(1, 0, Buffer.from('</a>'))
    for (let i = 0; i < 60; i++) session.packet(1, 1, Buffer.alloc(1400), i === 59)
    session.packet(1, 2, Buffer.from('<b/>'))
    session.end()

    assert.deepEqual(session.samples(3), [Buffer.from('<b/>').toString('hex')])
  })

  it('records sound alone where there is no picture', () => {
    const session = new Session([pcmTrack()])
    for (let i = 0; i < 100; i++) {
      session.packet(0, i * 0.02, new Uint8Array(160).fill(i))
      session.clock.advance(20_000)
    }
    session.end()

    assert.equal(session.samples(2).length, 100)
    assert.match(session.whats(), /^bf{4,}e$/)
  })

  it('takes one track of each kind and passes over others', () => {
    const session = new Session([videoTrack(), videoTrack(otherH264()), pcmTrack()])
    session.packet(1, 0, idr)
    session.packet(0, 0, idr)
    session.packet(2, 0, new Uint8Array(160))
    session.end()

    assert.deepEqual(
      session.receiver.tracks.map(({ kind }) => kind),
      ['video', 'audio'],
    )
    assert.equal(session.samples(1).length, 1)
  })

  it('cuts what has waited for long where the camera falls silent', () => {
    const session = new Session([videoTrack()])
    session.packet(0, 0, idr)
    session.clock.advance(500_000)
    session.receiver.cutIfOld(session.clock.monotonicUs())
    assert.equal(session.whats(), 'b')
    session.clock.advance(200_000)
    session.receiver.cutIfOld(session.clock.monotonicUs())

    assert.equal(session.whats(), 'bf')
    session.end()
  })

  it('survives packets that are nonsense', () => {
    const session = new Session([videoTrack(), aacTrack(), metadataTrack()])
    const { bytes, readStart } = session.arena
    for (let length = 0; length < 40; length++) {
      for (const first of [0x00, 0x80, 0xb0, 0x9f, 0xff]) {
        for (let i = 0; i < length; i++) bytes[readStart + i] = (i * 37 + first) & 0xff
        bytes[readStart] = first
        for (const track of [0, 1, 2, 7]) {
          session.receiver.rtp(track, bytes, readStart, readStart + length)
          session.receiver.rtcp(track, bytes, readStart, readStart + length)
        }
      }
    }
    session.end()
  })

  it('takes whole samples of a demultiplexed file, its tracks on one time line', () => {
    const session = new Session([videoTrack(), pcmTrack()])
    session.receiver.sample(1, 8000, 0, true, new Uint8Array(160))
    session.receiver.sample(0, 90_000, 0, true, idr)
    session.receiver.sample(1, 8160, 0, true, new Uint8Array(160))
    session.receiver.sample(0, 93_600, 0, false, slice)
    session.end()

    const [fragment] = session.heard.filter(({ what }) => what === 'fragment')
    assert.deepEqual(fragment?.samples?.[1]?.tfdtTicks, 0)
    assert.deepEqual(fragment?.samples?.[2]?.tfdtTicks, 160)
    assert.equal(session.samples(1).length, 2)
  })
})

import assert from 'node:assert/strict'
import { H265Depacketizer } from '../../../../server/media/rtp/h265-depacketizer.ts'
import { FrameCollector, hex, prefixed } from './frame-collector.ts'

// NAL unit headers (ITU-T H.265 §7.3.1.2): F (1 bit), nal_unit_type (6), nuh_layer_id (6), nuh_temporal_id_plus1 (3).
const vps = hex('4001 0c01ffff') // type 32
const sps = hex('4201 010160') // type 33
const pps = hex('4401 c172b4') // type 34
const sei = hex('4e01 0502 aabb 80') // type 39
// slice_segment_header begins with first_slice_segment_in_pic_flag (§7.3.6.1).
const idr = hex('2601 af 09 34 40 11 22') // type 19, IDR_W_RADL
const trail = hex('0201 d0 09 7e') // type 1, TRAIL_R
const trailSecond = hex('0201 50 09 7e')

/** Fragmentation units (RFC 7798 §4.4.3): payload header with type 49, FU header S E FuType, a piece. */
function fragments(nal: Uint8Array, pieceBytes: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 2; at < nal.length; at += pieceBytes) {
    const flags = (at === 2 ? 0x80 : 0) | (at + pieceBytes >= nal.length ? 0x40 : 0)
    const header = flags | ((nal[0]! >> 1) & 0x3f)
    pieces.push(Uint8Array.of((nal[0]! & 0x81) | (49 << 1), nal[1]!, header, ...nal.subarray(at, at + pieceBytes)))
  }
  return pieces
}

describe('H.265 depacketizer', () => {
  let frames: FrameCollector
  let depacketizer: H265Depacketizer

  beforeEach(() => {
    frames = new FrameCollector()
    depacketizer = new H265Depacketizer(frames)
  })

  const deliver = (payload: Uint8Array, ticks: number, more: { marker?: boolean; loss?: boolean } = {}) =>
    frames.deliver(depacketizer, payload, { ticks, ...more })

  it('takes a single NAL unit packet (RFC 7798 §4.4.1)', () => {
    deliver(trail, 3600, { marker: true })

    assert.deepEqual(frames.frames, [{ ticks: 3600, isKey: false, mayBeKey: false, data: prefixed(trail) }])
  })

  it('takes an aggregation packet apart (RFC 7798 §4.4.2)', () => {
    const packet = Uint8Array.of(
      ...hex('6001'), // type 48, layer 0, temporal id 0
      ...[0x00, 0x06], // size of the first NAL unit
      ...vps,
      ...[0x00, 0x05],
      ...sps,
      ...[0x00, 0x05],
      ...pps,
      ...[0x00, 0x08],
      ...idr,
    )

    deliver(packet, 0, { marker: true })

    assert.deepEqual(frames.sets, [
      ['vps', '40010c01ffff'],
      ['sps', '4201010160'],
      ['pps', '4401c172b4'],
    ])
    assert.deepEqual(frames.frames, [{ ticks: 0, isKey: true, mayBeKey: true, data: prefixed(idr) }])
  })

  it('puts fragmentation units together and rebuilds the header (RFC 7798 §4.4.3)', () => {
    deliver(hex('6201 93 af09'), 0) // type 49; S 1, FuType 19
    deliver(hex('6201 13 3440'), 0)
    deliver(hex('6201 53 1122'), 0, { marker: true }) // E 1

    assert.deepEqual(frames.frames, [{ ticks: 0, isKey: true, mayBeKey: true, data: prefixed(idr) }])
  })

  it('knows every random access picture for a keyframe, and no other', () => {
    for (let type = 0; type < 32; type++) {
      deliver(Uint8Array.of(type << 1, 1, 0x80, 7), type * 3600, { marker: true })
    }

    const keys = frames.frames.filter((frame) => frame.isKey).map((frame) => frame.ticks / 3600)
    // ITU-T H.265 table 7-1: BLA 16–18, IDR 19–20, CRA 21, reserved IRAP 22–23.
    assert.deepEqual(keys, [16, 17, 18, 19, 20, 21, 22, 23])
    assert.equal(frames.frames.length, 32)
  })

  it('keeps SEI and drops delimiters and ends', () => {
    for (const nal of [hex('4601 50'), sei, trail, hex('4801 00'), hex('4c01 ff80')]) deliver(nal, 0)
    deliver(trailSecond, 0, { marker: true })

    assert.equal(frames.frames[0]?.data, prefixed(sei, trail, trailSecond))
  })

  it('drops the frame a packet was lost of, and takes the next whole', () => {
    const pieces = fragments(idr, 2)
    deliver(pieces[0]!, 0)
    for (const piece of pieces.slice(2))
      deliver(piece, 0, { loss: piece === pieces[2], marker: piece === pieces.at(-1) })
    for (const piece of fragments(trail, 1)) deliver(piece, 3600)
    deliver(trail, 7200)

    assert.deepEqual(frames.abandoned, ['damaged'])
    assert.deepEqual(
      frames.frames.map(({ data }) => data),
      [prefixed(trail)],
    )
  })

  it('drops a frame whose first slice was lost', () => {
    deliver(trail, 0, { marker: true })
    deliver(trailSecond, 3600, { marker: true, loss: true })

    assert.deepEqual(frames.abandoned, ['damaged'])
    assert.equal(frames.frames.length, 1)
  })

  it('survives payloads that are nonsense', () => {
    const odd = ['', '62', '6201', '620193', '6001', '6001 0005 26', '6001 0000 0000', 'ffff ff', '6401 00 00']
    for (const [i, payload] of odd.entries()) deliver(hex(payload), i * 3600, { marker: true })
    deliver(trail, 90_000, { marker: true })

    assert.equal(frames.frames.at(-1)?.data, prefixed(trail))
  })
})

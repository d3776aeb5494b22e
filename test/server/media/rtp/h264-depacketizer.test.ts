import assert from 'node:assert/strict'
import fc from 'fast-check'
import { H264Depacketizer } from '../../../../server/media/rtp/h264-depacketizer.ts'
import { FrameCollector, hex, prefixed } from './frame-collector.ts'

// NAL units by their first byte (ITU-T H.264 §7.3.1): forbidden_zero_bit, nal_ref_idc (2 bits), nal_unit_type (5 bits).
const sps = hex('67 42c00a da10d088')
const pps = hex('68 ce3c80')
const sei = hex('06 05 02 aabb 80')
// A slice's first_mb_in_slice is ue(v): a first bit of 1 is 0, the picture's first slice (§7.3.3).
const idr = hex('65 88 84 21 00 11 22 33 44 55')
const idrSecondSlice = hex('65 4a 84 21 77')
const slice = hex('41 9a 24 6c')
const secondSlice = hex('41 4a 24 99')

/** FU-A fragments (RFC 6184 §5.8): indicator with type 28, header S E R Type, then a piece of the NAL unit. */
function fuA(nal: Uint8Array, pieceBytes: number): Uint8Array[] {
  const indicator = (nal[0]! & 0xe0) | 28
  const pieces: Uint8Array[] = []
  for (let at = 1; at < nal.length; at += pieceBytes) {
    const start = at === 1 ? 0x80 : 0
    const end = at + pieceBytes >= nal.length ? 0x40 : 0
    const header = start | end | (nal[0]! & 0x1f)
    pieces.push(Uint8Array.of(indicator, header, ...nal.subarray(at, at + pieceBytes)))
  }
  return pieces
}

/** STAP-A (RFC 6184 §5.7.1): type 24, then each NAL unit after its size in 16 bits. */
function stapA(...nals: Uint8Array[]): Uint8Array {
  return Uint8Array.of(0x78, ...nals.flatMap((nal) => [nal.length >> 8, nal.length & 0xff, ...nal]))
}

describe('H.264 depacketizer', () => {
  let frames: FrameCollector
  let depacketizer: H264Depacketizer

  beforeEach(() => {
    frames = new FrameCollector()
    depacketizer = new H264Depacketizer(frames)
  })

  const deliver = (payload: Uint8Array, ticks: number, more: { marker?: boolean; loss?: boolean } = {}) =>
    frames.deliver(depacketizer, payload, { ticks, ...more })

  it('takes a single NAL unit packet (RFC 6184 §5.6)', () => {
    deliver(hex('41 9a 24 6c'), 3600, { marker: true })

    assert.deepEqual(frames.frames, [{ ticks: 3600, isKey: false, mayBeKey: false, data: '00000004419a246c' }])
  })

  it('takes a STAP-A apart (RFC 6184 §5.7.1)', () => {
    const packet = Uint8Array.of(
      0x78, // F 0, NRI 3, type 24
      ...[0x00, 0x08], // size of the first NAL unit
      ...hex('67 42c00a da10d088'),
      ...[0x00, 0x04], // of the second
      ...hex('68 ce3c80'),
      ...[0x00, 0x0a], // of the third
      ...hex('65 88 84 21 00 11 22 33 44 55'),
    )

    deliver(packet, 0, { marker: true })

    assert.deepEqual(frames.sets, [
      ['sps', '6742c00ada10d088'],
      ['pps', '68ce3c80'],
    ])
    assert.deepEqual(frames.frames, [{ ticks: 0, isKey: true, mayBeKey: true, data: prefixed(idr) }])
  })

  it('puts FU-A fragments together and rebuilds the header (RFC 6184 §5.8)', () => {
    const begin = Uint8Array.of(
      0x7c, // F 0, NRI 3, type 28
      0x85, // S 1, E 0, R 0, type 5
      ...hex('88 84 21 00'),
    )
    const middle = Uint8Array.of(0x7c, 0x05, ...hex('11 22'))
    const end = Uint8Array.of(
      0x7c,
      0x45, // S 0, E 1
      ...hex('33 44 55'),
    )

    deliver(begin, 90)
    deliver(middle, 90)
    deliver(end, 90, { marker: true })

    assert.deepEqual(frames.frames, [{ ticks: 90, isKey: true, mayBeKey: true, data: prefixed(idr) }])
  })

  it('takes parameter sets that come in fragments', () => {
    for (const piece of fuA(sps, 3)) deliver(piece, 0)
    deliver(pps, 0)
    deliver(idr, 0, { marker: true })

    assert.deepEqual(frames.sets, [
      ['sps', '6742c00ada10d088'],
      ['pps', '68ce3c80'],
    ])
    assert.equal(frames.frames[0]?.data, prefixed(idr))
  })

  it('keeps SEI and drops delimiters, fillers and ends of stream', () => {
    for (const nal of [hex('09 f0'), sei, slice, hex('0c ffff80'), hex('0a'), hex('0b')]) deliver(nal, 0)
    deliver(secondSlice, 0, { marker: true })

    assert.equal(frames.frames[0]?.data, prefixed(sei, slice, secondSlice))
  })

  it('goes on past a marker on parameter sets, which end no frame', () => {
    deliver(sps, 0, { marker: true })
    deliver(pps, 0, { marker: true })
    deliver(idr, 0, { marker: true })
    deliver(slice, 3600, { marker: true })

    assert.deepEqual(
      frames.frames.map(({ ticks, isKey, data }) => [ticks, isKey, data]),
      [
        [0, true, prefixed(idr)],
        [3600, false, prefixed(slice)],
      ],
    )
    assert.deepEqual(frames.abandoned, [])
  })

  it('ends a frame without a marker where the next timestamp begins', () => {
    deliver(idr, 0)
    deliver(idrSecondSlice, 0)
    deliver(slice, 3600)
    deliver(slice, 7200)

    assert.deepEqual(
      frames.frames.map(({ ticks, data }) => [ticks, data]),
      [
        [0, prefixed(idr, idrSecondSlice)],
        [3600, prefixed(slice)],
      ],
    )
  })

  it('forgets parameter sets with a timestamp of their own, which are no frame', () => {
    deliver(sps, 0, { marker: true })
    deliver(pps, 0, { marker: true })
    deliver(idr, 3600, { marker: true })

    assert.deepEqual(frames.abandoned, ['empty'])
    assert.equal(frames.frames[0]?.data, prefixed(idr))
  })

  it('drops the frame a packet was lost of, and takes the next whole', () => {
    const [first, , third, ...rest] = fuA(idr, 2)
    deliver(first!, 0)
    deliver(third!, 0, { loss: true })
    for (const piece of rest) deliver(piece, 0, { marker: piece === rest.at(-1) })
    deliver(slice, 3600, { marker: true })

    assert.deepEqual(frames.abandoned, ['damaged'])
    assert.deepEqual(
      frames.frames.map(({ data }) => data),
      [prefixed(slice)],
    )
  })

  it('drops a frame whose last packet was lost', () => {
    const pieces = fuA(idr, 4)
    for (const piece of pieces.slice(0, -1)) deliver(piece, 0)
    deliver(slice, 3600, { marker: true, loss: true })

    assert.deepEqual(frames.abandoned, ['damaged'])
    assert.equal(frames.frames.length, 1)
  })

  it('drops a frame whose last slice was lost with its marker', () => {
    deliver(slice, 0)
    deliver(slice, 3600, { marker: true, loss: true })

    assert.deepEqual(frames.abandoned, ['damaged'])
    assert.deepEqual(
      frames.frames.map(({ ticks }) => ticks),
      [3600],
    )
  })

  it('drops a frame whose first fragment was lost', () => {
    deliver(slice, 0, { marker: true })
    const [, ...rest] = fuA(idr, 4)
    for (const [i, piece] of rest.entries()) deliver(piece, 3600, { loss: i === 0, marker: i === rest.length - 1 })
    deliver(slice, 7200, { marker: true })

    assert.deepEqual(frames.abandoned, ['damaged'])
    assert.deepEqual(
      frames.frames.map(({ ticks }) => ticks),
      [0, 7200],
    )
  })

  it('drops a frame whose first slice was lost', () => {
    deliver(slice, 0, { marker: true })
    deliver(secondSlice, 3600, { marker: true, loss: true })
    deliver(slice, 7200, { marker: true })

    assert.deepEqual(frames.abandoned, ['damaged'])
    assert.deepEqual(
      frames.frames.map(({ ticks }) => ticks),
      [0, 7200],
    )
  })

  it('drops a frame with a fragment that begins twice, or ends without a beginning', () => {
    const [begin] = fuA(idr, 4)
    deliver(begin!, 0)
    for (const piece of fuA(idr, 4)) deliver(piece, 0)
    deliver(slice, 3600)
    deliver(Uint8Array.of(0x5c, 0x41, 1, 2), 3600, { marker: true })

    assert.deepEqual(frames.frames, [])
    assert.deepEqual(frames.abandoned, ['damaged', 'damaged'])
  })

  it('gives up a frame larger than is taken, and takes the next', () => {
    frames = new FrameCollector(64)
    depacketizer = new H264Depacketizer(frames)
    for (const piece of fuA(Uint8Array.of(0x65, 0x88, ...new Uint8Array(100)), 20)) deliver(piece, 0)
    deliver(new Uint8Array(80).fill(0x41), 0, { marker: true })
    deliver(slice, 3600, { marker: true })

    assert.deepEqual(frames.abandoned, ['too-large'])
    assert.equal(frames.frames[0]?.data, prefixed(slice))
  })

  it('survives payloads that are nonsense', () => {
    const odd = ['', '7c', '7c85', '7c8588', '78', '7800', '780005 41', '78 0000 0000', '00', '1f ff', '78 ffff 41']
    for (const [i, payload] of odd.entries()) deliver(hex(payload), i * 3600, { marker: i % 2 === 0 })
    deliver(slice, 90_000, { marker: true })

    assert.equal(frames.frames.at(-1)?.data, prefixed(slice))
  })

  describe('with random packets', () => {
    // The first byte after the header has its first bit set, as a picture's only slice has.
    const nal = fc
      .tuple(fc.constantFrom(0x65, 0x41, 0x06, 0x67, 0x68, 0x09), fc.uint8Array({ minLength: 3, maxLength: 60 }))
      .map(([first, rest]) => {
        rest[0] = rest[0]! | 0x80
        return Uint8Array.of(first, ...rest)
      })
    // Every frame holds one slice; its packets are single, aggregated or fragmented.
    const frame = fc.record({
      before: fc.array(
        nal.filter((unit) => ![0x65, 0x41].includes(unit[0]!)),
        { maxLength: 3 },
      ),
      picture: nal.filter((unit) => [0x65, 0x41].includes(unit[0]!)),
      way: fc.constantFrom('single', 'stap', 'fu'),
      pieceBytes: fc.integer({ min: 1, max: 20 }),
    })
    const pack = ({
      before,
      picture,
      way,
      pieceBytes,
    }: {
      before: Uint8Array[]
      picture: Uint8Array
      way: string
      pieceBytes: number
    }) => {
      if (way === 'stap') return [stapA(...before, picture)]
      return [...before, ...(way === 'fu' ? fuA(picture, pieceBytes) : [picture])]
    }
    const kept = (units: Uint8Array[]) => units.filter((unit) => [0x65, 0x41, 0x06].includes(unit[0]!))

    it('gives back every frame byte for byte', () => {
      fc.assert(
        fc.property(fc.array(frame, { maxLength: 12 }), fc.boolean(), (sent, hasMarkers) => {
          const collector = new FrameCollector()
          const taker = new H264Depacketizer(collector)

          for (const [i, one] of sent.entries()) {
            const packets = pack(one)
            for (const [k, packet] of packets.entries()) {
              collector.deliver(taker, packet, { ticks: i * 3600, marker: hasMarkers && k === packets.length - 1 })
            }
          }
          collector.deliver(taker, slice, { ticks: sent.length * 3600 })

          const wanted = sent.map((one) => prefixed(...kept([...one.before, one.picture])))
          assert.deepEqual(
            collector.frames.map(({ data }) => data),
            wanted,
          )
        }),
      )
    })

    it('never gives a frame whose picture is not whole, and gives all that lost nothing', () => {
      const losses = fc.array(fc.nat(99), { minLength: 1, maxLength: 8 })
      fc.assert(
        fc.property(
          fc.array(frame, { minLength: 2, maxLength: 12 }),
          fc.boolean(),
          losses,
          (sent, hasMarkers, lost) => {
            const collector = new FrameCollector()
            const taker = new H264Depacketizer(collector)
            const packets = sent.flatMap((one, i) =>
              pack(one).map((payload, k, all) => ({ payload, frame: i, marker: hasMarkers && k === all.length - 1 })),
            )
            const isLost = packets.map((_, i) => lost.includes(i % 100))

            for (const [i, packet] of packets.entries()) {
              if (isLost[i]) continue
              const loss = i > 0 && isLost[i - 1]!
              collector.deliver(taker, packet.payload, { ticks: packet.frame * 3600, marker: packet.marker, loss })
            }
            collector.deliver(taker, slice, { ticks: sent.length * 3600, loss: isLost.at(-1)! })

            for (const { ticks, data } of collector.frames) {
              const one = sent[ticks / 3600]
              if (one !== undefined) assert.ok(data.endsWith(prefixed(one.picture)), `frame ${ticks / 3600} is torn`)
            }
            const given = new Set(collector.frames.map(({ ticks }) => ticks / 3600))
            for (let i = 0; i < sent.length; i++) {
              const own = packets.flatMap((packet, k) => (packet.frame === i ? [k] : []))
              // Without a marker, what was lost after a frame may have been its own.
              const isWhole = own.every((k) => !isLost[k]) && (hasMarkers || !isLost[own.at(-1)! + 1])
              if (isWhole) assert.ok(given.has(i), `frame ${i} lost nothing and did not come`)
            }
          },
        ),
      )
    })
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readRtpPacket, rtpPayloadEnd, rtpPayloadStart } from '../../../../server/media/rtp/packet.ts'
import { Failure } from '../../../../shared/failure.ts'

/** A packet with every optional part (RFC 3550 §5.1). */
const fullPacket = Uint8Array.of(
  0b10_1_1_0010, // version, padding, extension, CSRC count
  0b1_1100000, // marker, payload type 96
  ...[0xff, 0xfe], // sequence number
  ...[0x80, 0, 0, 1], // timestamp
  ...[0xde, 0xad, 0xbe, 0xef], // SSRC
  ...[0, 0, 0, 7], // CSRC
  ...[0xff, 0xff, 0xff, 0xff], // CSRC
  ...[0xab, 0xac], // extension: defined by profile
  ...[0, 1], // extension: length in words
  ...[9, 9, 9, 9],
  ...[1, 2, 3], // payload
  ...[0, 2], // padding, the last byte its length
)

describe('RTP packet', () => {
  it('reads every field', () => {
    assert.deepEqual(readRtpPacket(fullPacket), {
      isMarked: true,
      payloadType: 96,
      sequence: 0xfffe,
      timestamp: 0x80000001,
      ssrc: 0xdeadbeef,
      csrcs: [7, 0xffffffff],
      extension: { profile: 0xabac, start: 24, end: 28 },
      payloadStart: 28,
      payloadEnd: 31,
    })
  })

  it('reads a plain packet in the middle of a buffer', () => {
    const buffer = Uint8Array.of(9, 9, 0x80, 8, 0, 1, 0, 0, 0, 160, 0, 0, 0, 5, 0xd5, 0xd5, 9)

    const packet = readRtpPacket(buffer, 2, 16)

    assert.deepEqual([packet.payloadType, packet.sequence, packet.timestamp, packet.ssrc], [8, 1, 160, 5])
    assert.deepEqual([packet.payloadStart, packet.payloadEnd], [14, 16])
    assert.equal(packet.extension, undefined)
  })

  it('refuses a packet cut anywhere before its payload', () => {
    for (let length = 0; length < 28; length++) {
      assert.throws(() => readRtpPacket(fullPacket, 0, length), Failure)
    }
  })

  it('refuses other versions, and padding longer than the payload', () => {
    assert.throws(() => readRtpPacket(Uint8Array.of(0x40, ...fullPacket.subarray(1))), Failure)
    assert.throws(() => readRtpPacket(Uint8Array.of(...fullPacket.subarray(0, -1), 6)), Failure)
    assert.throws(() => readRtpPacket(Uint8Array.of(...fullPacket.subarray(0, -1), 0)), Failure)
  })

  it('stays within any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(8), (bytes, start) => {
        const at = Math.min(start, bytes.length)
        if (bytes.length > at) bytes[at] = 0x80 | (bytes[at]! & 0x3f)
        const payloadStart = rtpPayloadStart(bytes, at, bytes.length)
        if (payloadStart < 0) return
        const payloadEnd = rtpPayloadEnd(bytes, at, bytes.length, payloadStart)

        assert.ok(payloadStart >= at + 12 && payloadStart <= bytes.length)
        assert.ok(payloadEnd === -1 || (payloadEnd >= payloadStart && payloadEnd <= bytes.length))
      }),
    )
    assert.equal(rtpPayloadStart(fullPacket, 0, fullPacket.length + 1), -1)
  })
})

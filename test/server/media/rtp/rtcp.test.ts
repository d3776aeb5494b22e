import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  ntpFromUnixUs,
  parseRtcp,
  receiverReport,
  type SenderReport,
  unixUsFromNtp,
} from '../../../../server/media/rtp/rtcp.ts'
import { Failure } from '../../../../shared/failure.ts'

const senderReport = [
  0x81, // version, padding, reception report count 1
  200, // packet type SR
  ...[0, 12], // length in words, less one
  ...[0, 0, 0, 5], // SSRC of sender
  ...[0xe0, 0x00, 0x00, 0x01], // NTP timestamp, seconds
  ...[0x80, 0x00, 0x00, 0x00], // NTP timestamp, fraction
  ...[0x00, 0x01, 0x51, 0x80], // RTP timestamp
  ...[0, 0, 0, 100], // sender's packet count
  ...[0, 0, 0x10, 0], // sender's octet count
  ...new Array(24).fill(0), // a report block
]

const sourceDescription = [
  0x81, // version, source count 1
  202, // packet type SDES
  ...[0, 2],
  ...[0, 0, 0, 5], // SSRC
  ...[1, 1, 0x41], // CNAME "A"
  0, // end of the chunk
]

const bye = [
  0x82, // version, source count 2
  203, // packet type BYE
  ...[0, 3],
  ...[0, 0, 0, 5], // SSRC
  ...[0, 0, 0, 6], // SSRC
  ...[3, 0x6f, 0x66, 0x66], // reason "off"
]

describe('RTCP', () => {
  it('reads sender reports and byes from a compound packet', () => {
    const packets = parseRtcp(Uint8Array.of(7, ...senderReport, ...sourceDescription, ...bye, 7), 1, 1 + 52 + 12 + 16)

    assert.deepEqual(packets, [
      {
        kind: 'sender-report',
        ssrc: 5,
        utcUs: (0xe0000001 - 2208988800) * 1e6 + 500_000,
        ntpMiddle: 0x00018000,
        rtpTimestamp: 86400,
        packetCount: 100,
        octetCount: 4096,
      },
      { kind: 'bye', ssrcs: [5, 6], reason: 'off' },
    ])
  })

  it('knows a camera without a clock', () => {
    const [report] = parseRtcp(Uint8Array.from(senderReport, (byte, i) => (i >= 8 && i < 16 ? 0 : byte)))

    assert.equal((report as SenderReport).utcUs, undefined)
  })

  it('refuses what leads past the end, and throws nothing else', () => {
    assert.throws(() => parseRtcp(Uint8Array.from(senderReport.slice(0, 51))), /packet of 52 bytes, 51 are left/)
    assert.throws(() => parseRtcp(Uint8Array.of(0x80, 200, 0, 0)), /sender report of 4 bytes/)
    assert.throws(() => parseRtcp(Uint8Array.of(0x9f, 203, 0, 1, 0, 0, 0, 0)), /31 sources/)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(200, 203), (bytes, type) => {
        try {
          parseRtcp(Uint8Array.of(0x82, type, 0, ...bytes))
        } catch (error) {
          assert.ok(error instanceof Failure)
        }
      }),
    )
  })

  it('writes a receiver report as RFC 3550 §6.4.2 lists it, with a CNAME', () => {
    const bytes = receiverReport(
      {
        ssrc: 1,
        sourceSsrc: 5,
        fractionLost: 3,
        packetsLost: -1,
        highestSequence: 0x0001fffe,
        jitterTicks: 12,
        lastSenderReport: 0x00018000,
        delaySinceLast: 65536,
      },
      'nj',
    )

    assert.deepEqual(
      [...bytes],
      [
        0x81, // version, reception report count 1
        201, // packet type RR
        ...[0, 7],
        ...[0, 0, 0, 1], // SSRC of packet sender
        ...[0, 0, 0, 5], // SSRC_1
        3, // fraction lost
        ...[0xff, 0xff, 0xff], // cumulative number of packets lost
        ...[0, 1, 0xff, 0xfe], // extended highest sequence number received
        ...[0, 0, 0, 12], // interarrival jitter
        ...[0, 1, 0x80, 0], // last SR
        ...[0, 1, 0, 0], // delay since last SR
        0x81, // version, source count 1
        202, // packet type SDES
        ...[0, 3],
        ...[0, 0, 0, 1], // SSRC
        ...[1, 2, 0x6e, 0x6a], // CNAME "nj"
        ...[0, 0, 0, 0], // end of the chunk
      ],
    )
    assert.deepEqual(parseRtcp(bytes), [])
  })

  it('converts NTP to Unix time over the wrap of 2036', () => {
    assert.equal(unixUsFromNtp(2208988800, 0), 0)
    assert.equal(unixUsFromNtp(0xffffffff, 0), (0xffffffff - 2208988800) * 1e6)
    assert.equal(unixUsFromNtp(1, 0x40000000), (2 ** 32 + 1 - 2208988800) * 1e6 + 250_000)
  })

  it('gives back every microsecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000_000_000 }), (utcUs) => {
        const { seconds, fraction } = ntpFromUnixUs(utcUs)

        assert.equal(unixUsFromNtp(seconds, fraction), utcUs)
      }),
    )
  })
})

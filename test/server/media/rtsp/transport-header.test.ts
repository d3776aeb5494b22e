import assert from 'node:assert/strict'
import fc from 'fast-check'
import { interleavedTransport, parseTransport } from '../../../../server/media/rtsp/transport-header.ts'

describe('RTSP transport', () => {
  it('reads what servers answer', () => {
    const cases: [string, ReturnType<typeof parseTransport>][] = [
      [
        'RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=1A2B3C4D;mode="PLAY"',
        { lower: 'tcp', isUnicast: true, channels: [2, 3], ssrc: 0x1a2b3c4d },
      ],
      // Hikvision iDS-2CD9396-BIS
      [
        'RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=    abcd;mode="play"',
        { lower: 'tcp', isUnicast: true, channels: [0, 1], ssrc: 0xabcd },
      ],
      [
        'rtp/avp/tcp; unicast ; interleaved = 4 - 5 , RTP/AVP;unicast',
        { lower: 'tcp', isUnicast: true, channels: [4, 5], ssrc: undefined },
      ],
      ['RTP/AVP/TCP;interleaved=6', { lower: 'tcp', isUnicast: true, channels: [6, 7], ssrc: undefined }],
      [
        'RTP/AVP/TCP;interleaved=300-301;ssrc=xyz',
        { lower: 'tcp', isUnicast: true, channels: undefined, ssrc: undefined },
      ],
      [
        'RTP/AVP;multicast;destination=232.1.1.1;port=5000-5001;ttl=16',
        { lower: 'udp', isUnicast: false, channels: undefined, ssrc: undefined },
      ],
      [
        'RTP/AVP/UDP;unicast;server_port=6000-6001',
        { lower: 'udp', isUnicast: true, channels: undefined, ssrc: undefined },
      ],
      ['RAW/RAW/UDP;unicast', undefined],
      ['', undefined],
    ]

    for (const [text, expected] of cases) assert.deepEqual(parseTransport(text), expected, text)
  })

  it('reads back what it asks for', () => {
    assert.equal(interleavedTransport(2), 'RTP/AVP/TCP;unicast;interleaved=2-3')
    assert.deepEqual(parseTransport(interleavedTransport(254))?.channels, [254, 255])
  })

  it('takes any text without failing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const transport = parseTransport(`RTP/AVP/TCP;${text}`)

        assert.ok((transport?.ssrc ?? 0) < 2 ** 32)
      }),
    )
  })
})

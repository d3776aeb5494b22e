import assert from 'node:assert/strict'
import { AacDepacketizer, aacHbrLayout } from '../../../../server/media/rtp/aac-depacketizer.ts'
import { hex, text } from './frame-collector.ts'

describe('AAC depacketizer', () => {
  let units: [number, string][]
  let depacketizer: AacDepacketizer

  beforeEach(() => {
    units = []
    depacketizer = new AacDepacketizer(aacHbrLayout, (bytes, start, end, ticks) =>
      units.push([ticks, text(bytes.subarray(start, end))]),
    )
  })

  const deliver = (payload: Uint8Array, ticks: number, isLossBefore = false) =>
    depacketizer.payload(Uint8Array.of(9, 9, ...payload, 9), 2, 2 + payload.length, ticks, isLossBefore)

  it('takes one access unit (RFC 3640 §3.3.6)', () => {
    const packet = Uint8Array.of(
      ...[0x00, 0x10], // AU-headers-length: 16 bits
      ...[0x00, 0x28], // AU-size 5 (13 bits), AU-Index 0 (3 bits)
      ...hex('2110050020'),
    )

    deliver(packet, 1024)

    assert.deepEqual(units, [[1024, '2110050020']])
  })

  it('takes several access units of one packet, 1024 ticks apart', () => {
    const packet = Uint8Array.of(
      ...[0x00, 0x30], // 48 bits: three headers
      ...[0x00, 0x18], // size 3, index 0
      ...[0x00, 0x10], // size 2, index delta 0
      ...[0x00, 0x20], // size 4
      ...hex('a1a2a3 b1b2 c1c2c3c4'),
    )

    deliver(packet, 5000)

    assert.deepEqual(units, [
      [5000, 'a1a2a3'],
      [6024, 'b1b2'],
      [7048, 'c1c2c3c4'],
    ])
  })

  it('takes headers of other widths, which need not fill a byte', () => {
    const lowRate: [number, string][] = []
    // Mode AAC-lbr: 6 bits of size, 2 of index (RFC 3640 §3.3.5); here 5 and 1, so that two headers are 12 bits.
    const narrow = new AacDepacketizer(
      { sizeLength: 5, indexLength: 1, indexDeltaLength: 1 },
      (bytes, start, end, ticks) => lowRate.push([ticks, text(bytes.subarray(start, end))]),
    )

    // 00011 0 00010 0 and 4 bits of padding.
    narrow.payload(hex('000c 1840 a1a2a3 b1b2'), 0, 9, 0, false)

    assert.deepEqual(lowRate, [
      [0, 'a1a2a3'],
      [1024, 'b1b2'],
    ])
  })

  it('puts an access unit split over packets together (RFC 3640 §3.2.3)', () => {
    // Each piece tells the whole unit's size: 10.
    deliver(hex('0010 0050 000102'), 0)
    deliver(hex('0010 0050 03040506'), 0)
    deliver(hex('0010 0050 070809'), 0)
    deliver(hex('0010 0018 aabbcc'), 1024)

    assert.deepEqual(units, [
      [0, '00010203040506070809'],
      [1024, 'aabbcc'],
    ])
  })

  it('drops a split unit that lost a piece, and takes the next whole, also of the same size', () => {
    deliver(hex('0010 0050 00010203'), 0)
    deliver(hex('0010 0050 06070809'), 0, true)
    deliver(hex('0010 0050 10111213'), 1024)
    deliver(hex('0010 0050 141516171819'), 1024)

    assert.deepEqual(units, [[1024, '10111213141516171819']])
  })

  it('drops a split unit whose end was lost', () => {
    deliver(hex('0010 0050 00010203'), 0)
    deliver(hex('0010 0050 10111213'), 1024, true)
    deliver(hex('0010 0050 141516171819'), 1024)

    assert.deepEqual(units, [[1024, '10111213141516171819']])
  })

  it('passes over packets that lie about their lengths', () => {
    const odd = ['', '00', '0010', '0010 00', 'ffff 0028 21', '0020 0028', '0000 2110', '0010 ffff 2110', '0010 0000']
    for (const payload of odd) deliver(hex(payload), 0)
    deliver(hex('0020 0018 0fff a1a2a3 b1'), 4096)

    assert.deepEqual(units, [[4096, 'a1a2a3']])
  })
})

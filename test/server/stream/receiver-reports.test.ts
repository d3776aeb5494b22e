import assert from 'node:assert/strict'
import { ReceptionCounter } from '../../../server/stream/receiver-reports.ts'

function rtp(sequence: number): Uint8Array {
  return Uint8Array.of(0x80, 96, sequence >> 8, sequence & 255, 0, 0, 0, 0, 0xca, 0xfe, 0xba, 0xbe)
}

/** The report block (RFC 3550 §6.4.1) of a report, as numbers. */
function block(report: Uint8Array | undefined) {
  const view = new DataView(report!.buffer)
  return {
    source: view.getUint32(8),
    fractionLost: view.getUint8(12),
    lost: view.getUint32(12) & 0xff_ffff,
    highest: view.getUint32(16),
    lastReport: view.getUint32(24),
    delay: view.getUint32(28),
  }
}

describe('reception counter', () => {
  it('reports nothing before the first packet', () => {
    assert.equal(new ReceptionCounter().report(0), undefined)
  })

  it('counts losses, in all and since the last report, over the wrap of sequence numbers', () => {
    const counter = new ReceptionCounter()
    for (const sequence of [65_533, 65_534, 0, 1]) counter.countRtp(rtp(sequence), 0)

    const first = block(counter.report(0))
    for (const sequence of [2, 3, 4, 5]) counter.countRtp(rtp(sequence), 0)
    const second = block(counter.report(0))

    // 65535 is missing: one of the five expected, 51/256.
    assert.deepEqual(first, { source: 0xcafebabe, fractionLost: 51, lost: 1, highest: 65_537, lastReport: 0, delay: 0 })
    assert.deepEqual([second.fractionLost, second.lost, second.highest], [0, 1, 65_541])
  })

  it('takes late and repeated packets for what they are', () => {
    const counter = new ReceptionCounter()
    for (const sequence of [10, 12, 11, 12, 13]) counter.countRtp(rtp(sequence), 0)

    const { highest, fractionLost } = block(counter.report(0))

    assert.deepEqual([highest, fractionLost], [13, 0])
  })

  it('begins anew with a sender that does', () => {
    const counter = new ReceptionCounter()
    for (const sequence of [10, 11, 30_000, 30_001]) counter.countRtp(rtp(sequence), 0)

    const { highest, lost } = block(counter.report(0))

    assert.deepEqual([highest, lost], [30_001, 0])
  })

  it('answers the last sender report with its time and how long ago it came', () => {
    const counter = new ReceptionCounter()
    counter.countRtp(rtp(1), 0)
    const report = new Uint8Array(28)
    report.set([0x80, 200, 0, 6, 1, 2, 3, 4, 0xaa, 0xbb, 0x11, 0x22, 0x33, 0x44, 0xcc, 0xdd])

    counter.noteRtcp(report, 0, 28, 1_000_000)

    const { lastReport, delay } = block(counter.report(3_500_000))
    assert.deepEqual([lastReport, delay], [0x11223344, 2.5 * 65_536])
  })
})

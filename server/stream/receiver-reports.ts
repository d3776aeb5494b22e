// What we saw of a track, told to the camera (RFC 3550 §6.4.2): some stop sending where nobody reports.
import { randomBytes } from 'node:crypto'
import { rtpSequence, rtpSsrc } from '../media/rtp/packet.ts'
import { receiverReport } from '../media/rtp/rtcp.ts'

/** A sender report's packet type (RFC 3550 §6.4.1), and the bytes up to the end of its sender info. */
const senderReportType = 200
const senderReportBytes = 28

/** Counts the packets of one track for its receiver reports. */
export class ReceptionCounter {
  readonly #ourSsrc = randomBytes(4).readUInt32BE()
  #ssrc = 0
  #hasPacket = false
  #firstSequence = 0
  #highest = 0
  #wraps = 0
  #received = 0
  #expectedBefore = 0
  #receivedBefore = 0
  #reportMiddle = 0
  #reportAtUs = 0

  /** Counts an RTP packet that begins at `start`. */
  countRtp(bytes: Uint8Array, start: number): void {
    const sequence = rtpSequence(bytes, start)
    this.#received++
    if (!this.#hasPacket) {
      this.#begin(bytes, start, sequence)
      return
    }
    const step = (sequence - this.#highest) & 0xffff
    if (step === 0 || step >= 0x8000) return
    // A jump this far is a sender that began anew (RFC 3550 appendix A.1 says 3000).
    if (step > 3000) {
      this.#begin(bytes, start, sequence)
      return
    }
    if (sequence < this.#highest) this.#wraps++
    this.#highest = sequence
  }

  #begin(bytes: Uint8Array, start: number, sequence: number): void {
    this.#ssrc = rtpSsrc(bytes, start)
    this.#hasPacket = true
    this.#firstSequence = sequence
    this.#highest = sequence
    this.#wraps = 0
    this.#received = 1
    this.#expectedBefore = 0
    this.#receivedBefore = 0
  }

  /** Remembers the sender report that a compound packet begins with, if it does. */
  noteRtcp(bytes: Uint8Array, start: number, end: number, nowUs: number): void {
    if (end - start < senderReportBytes || bytes[start + 1] !== senderReportType) return
    // The middle 32 bits of the NTP timestamp, bytes 8 to 15 of the report.
    const at = start + 10
    this.#reportMiddle = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
    this.#reportAtUs = nowUs
  }

  /** The next report, or undefined as long as nothing came. */
  report(nowUs: number): Uint8Array | undefined {
    if (!this.#hasPacket) return undefined
    const highestSequence = (this.#wraps * 0x10000 + this.#highest) >>> 0
    const expected = this.#wraps * 0x10000 + this.#highest - this.#firstSequence + 1
    const expectedNow = expected - this.#expectedBefore
    const lostNow = expectedNow - (this.#received - this.#receivedBefore)
    this.#expectedBefore = expected
    this.#receivedBefore = this.#received
    const hasReport = this.#reportAtUs > 0
    return receiverReport(
      {
        ssrc: this.#ourSsrc,
        sourceSsrc: this.#ssrc,
        fractionLost: expectedNow > 0 && lostNow > 0 ? Math.floor((lostNow * 256) / expectedNow) : 0,
        packetsLost: expected - this.#received,
        highestSequence,
        // Over TCP, and read in batches, arrival says nothing of the network: no jitter is claimed.
        jitterTicks: 0,
        lastSenderReport: this.#reportMiddle,
        delaySinceLast: hasReport ? Math.min(0xffff_ffff, Math.round(((nowUs - this.#reportAtUs) * 65_536) / 1e6)) : 0,
      },
      'nightjar',
    )
  }
}

/** RTCP (RFC 3550 §6): the reports a camera sends, and the one it gets. */

import { Failure } from '../../../shared/failure.ts'

/** Where a track's clock stood at an instant of the camera's own (§6.4.1). */
export interface SenderReport {
  kind: 'sender-report'
  ssrc: number
  /** The camera's wall clock in microseconds since the Unix epoch; undefined where it says it has none. */
  utcUs: number | undefined
  /** The middle 32 bits of that clock, which a receiver report sends back. */
  ntpMiddle: number
  /** The low 32 bits of the track's clock at that instant. */
  rtpTimestamp: number
  /** Sent since the beginning, modulo 2³². */
  packetCount: number
  octetCount: number
}

/** The end of sources (§6.6). */
export interface Bye {
  kind: 'bye'
  ssrcs: number[]
  reason: string | undefined
}

const senderReportType = 200
const receiverReportType = 201
const sourceDescriptionType = 202
const byeType = 203

/**
 * Reads a compound packet in `bytes[start, end)`: its sender reports and its byes, in order; the rest is passed over.
 * Throws `corrupt` where a packet is not version 2 or leads past the end.
 */
export function parseRtcp(bytes: Uint8Array, start = 0, end = bytes.length): (SenderReport | Bye)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: (SenderReport | Bye)[] = []
  let offset = start
  while (offset < end) {
    const left = end - offset
    if (left < 4 || view.getUint8(offset) >> 6 !== 2)
      throw new Failure('corrupt', `read RTCP: no header at byte ${offset}`)
    const count = view.getUint8(offset) & 0x1f
    const type = view.getUint8(offset + 1)
    const size = (view.getUint16(offset + 2) + 1) * 4
    if (size > left) throw new Failure('corrupt', `read RTCP: packet of ${size} bytes, ${left} are left`)
    if (type === senderReportType) found.push(readSenderReport(view, offset, size))
    if (type === byeType) found.push(readBye(view, offset, size, count))
    offset += size
  }
  return found
}

function readSenderReport(view: DataView, offset: number, size: number): SenderReport {
  if (size < 28) throw new Failure('corrupt', `read RTCP: sender report of ${size} bytes`)
  const ntpSeconds = view.getUint32(offset + 8)
  const ntpFraction = view.getUint32(offset + 12)
  return {
    kind: 'sender-report',
    ssrc: view.getUint32(offset + 4),
    utcUs: ntpSeconds === 0 && ntpFraction === 0 ? undefined : unixUsFromNtp(ntpSeconds, ntpFraction),
    ntpMiddle: (ntpSeconds % 65536) * 65536 + (ntpFraction >>> 16),
    rtpTimestamp: view.getUint32(offset + 16),
    packetCount: view.getUint32(offset + 20),
    octetCount: view.getUint32(offset + 24),
  }
}

function readBye(view: DataView, offset: number, size: number, count: number): Bye {
  const reasonAt = 4 + count * 4
  if (reasonAt > size) throw new Failure('corrupt', `read RTCP: bye of ${size} bytes for ${count} sources`)
  const ssrcs = Array.from({ length: count }, (_, i) => view.getUint32(offset + 4 + i * 4))
  if (reasonAt === size) return { kind: 'bye', ssrcs, reason: undefined }
  const length = Math.min(view.getUint8(offset + reasonAt), size - reasonAt - 1)
  const text = new Uint8Array(view.buffer, view.byteOffset + offset + reasonAt + 1, length)
  return { kind: 'bye', ssrcs, reason: new TextDecoder().decode(text) }
}

/** What a receiver has seen of one source (§6.4.1, report block). */
export interface Reception {
  /** Who reports, and on whom. */
  ssrc: number
  sourceSsrc: number
  /** Of the packets since the last report, in 256ths. */
  fractionLost: number
  /** In all; from −2²³ to 2²³ − 1, since repeats count against losses. */
  packetsLost: number
  /** Highest sequence number, with the count of its wraps above. */
  highestSequence: number
  /** Mean deviation of arrival, in ticks. */
  jitterTicks: number
  /** `ntpMiddle` of the last sender report and the time since, in 65536ths of a second; 0 and 0 without one. */
  lastSenderReport: number
  delaySinceLast: number
}

/** Builds a compound packet: a receiver report with one block, and the CNAME that §6.1 asks of every one. */
export function receiverReport(reception: Reception, cname: string): Uint8Array {
  const name = new TextEncoder().encode(cname).subarray(0, 255)
  // SSRC, item type and length, name, and one to four zeros that end the chunk on a word.
  const chunkBytes = 4 + Math.ceil((2 + name.length + 1) / 4) * 4
  const bytes = new Uint8Array(32 + 4 + chunkBytes)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, 0x81) // version 2, one report block
  view.setUint8(1, receiverReportType)
  view.setUint16(2, 7) // length in words, less one
  view.setUint32(4, reception.ssrc)
  view.setUint32(8, reception.sourceSsrc)
  const lost = Math.max(-(2 ** 23), Math.min(2 ** 23 - 1, reception.packetsLost))
  view.setUint32(12, (Math.min(255, reception.fractionLost) << 24) | (lost & 0xff_ffff))
  view.setUint32(16, reception.highestSequence)
  view.setUint32(20, reception.jitterTicks)
  view.setUint32(24, reception.lastSenderReport)
  view.setUint32(28, reception.delaySinceLast)
  view.setUint8(32, 0x81) // version 2, one source
  view.setUint8(33, sourceDescriptionType)
  view.setUint16(34, chunkBytes / 4)
  view.setUint32(36, reception.ssrc)
  view.setUint8(40, 1) // CNAME
  view.setUint8(41, name.length)
  bytes.set(name, 42)
  return bytes
}

/** Seconds from 1900, where NTP counts from, to 1970. */
const ntpToUnixSec = 2_208_988_800

/**
 * Microseconds since the Unix epoch of an NTP timestamp (RFC 5905 §6). Seconds below 2³¹ are read as after February
 * 2036, when the 32 bits wrap.
 */
export function unixUsFromNtp(seconds: number, fraction: number): number {
  const era = seconds < 2 ** 31 ? 2 ** 32 : 0
  return (seconds + era - ntpToUnixSec) * 1_000_000 + Math.round((fraction * 1_000_000) / 2 ** 32)
}

/** The NTP timestamp of an instant in microseconds since the Unix epoch, its seconds modulo 2³². */
export function ntpFromUnixUs(utcUs: number): { seconds: number; fraction: number } {
  const sec = Math.floor(utcUs / 1_000_000)
  const fraction = Math.round(((utcUs - sec * 1_000_000) * 2 ** 32) / 1_000_000)
  return { seconds: (sec + ntpToUnixSec) % 2 ** 32, fraction: Math.min(fraction, 0xffff_ffff) }
}

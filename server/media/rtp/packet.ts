/** The fixed header of an RTP packet (RFC 3550 §5.1). */

import { Failure } from '../../../shared/failure.ts'

/** Bytes of the fixed header, before CSRCs and extension. */
export const rtpHeaderBytes = 12

/** An RTP packet as it lies in the bytes it was read from. */
export interface RtpPacket {
  isMarked: boolean
  payloadType: number
  /** 16 bits. */
  sequence: number
  /** The low 32 bits of the track's clock; see `extendTimestamp`. */
  timestamp: number
  ssrc: number
  csrcs: number[]
  /** Header extension (§5.3.1): its profile-defined number, and where its data lies. */
  extension: { profile: number; start: number; end: number } | undefined
  /** The payload without padding: `[payloadStart, payloadEnd)`, which may be empty. */
  payloadStart: number
  payloadEnd: number
}

/** Reads the packet in `bytes[start, end)`. Throws `corrupt` where it is not version 2 or too short for what it says. */
export function readRtpPacket(bytes: Uint8Array, start = 0, end = bytes.length): RtpPacket {
  const payloadStart = rtpPayloadStart(bytes, start, end)
  const payloadEnd = payloadStart < 0 ? -1 : rtpPayloadEnd(bytes, start, end, payloadStart)
  if (payloadEnd < 0) throw new Failure('corrupt', `read RTP packet: ${end - start} bytes are none`)
  const csrcCount = bytes[start]! & 0x0f
  const afterCsrcs = start + rtpHeaderBytes + csrcCount * 4
  const hasExtension = (bytes[start]! & 0x10) !== 0
  return {
    isMarked: rtpIsMarked(bytes, start),
    payloadType: rtpPayloadType(bytes, start),
    sequence: rtpSequence(bytes, start),
    timestamp: rtpTimestamp(bytes, start),
    ssrc: rtpSsrc(bytes, start),
    csrcs: Array.from({ length: csrcCount }, (_, i) => u32(bytes, start + rtpHeaderBytes + i * 4)),
    extension: hasExtension
      ? { profile: bytes[afterCsrcs]! * 256 + bytes[afterCsrcs + 1]!, start: afterCsrcs + 4, end: payloadStart }
      : undefined,
    payloadStart,
    payloadEnd,
  }
}

// What follows is for the path every packet takes: no object is made, nothing is thrown. Only after rtpPayloadStart has
// found a header may the fields be read.

/** Where the payload of the packet in `bytes[start, end)` begins; −1 where there is no RTP version 2 header. */
export function rtpPayloadStart(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < rtpHeaderBytes || end > bytes.length) return -1
  const first = bytes[start]!
  if (first >> 6 !== 2) return -1
  let payload = start + rtpHeaderBytes + (first & 0x0f) * 4
  if (first & 0x10) {
    if (payload + 4 > end) return -1
    payload += 4 + (bytes[payload + 2]! * 256 + bytes[payload + 3]!) * 4
  }
  return payload <= end ? payload : -1
}

/** Where its payload ends, padding taken off; −1 where the padding is longer than the payload. */
export function rtpPayloadEnd(bytes: Uint8Array, start: number, end: number, payloadStart: number): number {
  if ((bytes[start]! & 0x20) === 0) return end
  const padding = payloadStart < end ? bytes[end - 1]! : 0
  return padding >= 1 && end - padding >= payloadStart ? end - padding : -1
}

export function rtpIsMarked(bytes: Uint8Array, start: number): boolean {
  return bytes[start + 1]! >= 0x80
}

export function rtpPayloadType(bytes: Uint8Array, start: number): number {
  return bytes[start + 1]! & 0x7f
}

export function rtpSequence(bytes: Uint8Array, start: number): number {
  return (bytes[start + 2]! << 8) | bytes[start + 3]!
}

export function rtpTimestamp(bytes: Uint8Array, start: number): number {
  return u32(bytes, start + 4)
}

export function rtpSsrc(bytes: Uint8Array, start: number): number {
  return u32(bytes, start + 8)
}

function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

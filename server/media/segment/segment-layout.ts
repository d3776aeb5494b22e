// Numbers of the segment format that writer, scanner and reader share (server/recording/FORMAT.md, section 2).
import { crc32 } from '../crc32.ts'

export const formatVersion = 1

const hex = (text: string) =>
  Uint8Array.from(text.replaceAll('-', '').match(/../g)!, (pair) => Number.parseInt(pair, 16))

/** `usertype` of the three boxes that are ours (ISO/IEC 14496-12 §4.2). */
export const segmentUsertype = hex('a3f1c0de-4e4a-5345-4701-000000000001')
export const fragmentUsertype = hex('a3f1c0de-4e4a-4652-4701-000000000002')
export const footerUsertype = hex('a3f1c0de-4e4a-4654-4701-000000000003')

export const fragmentBoxBytes = 64

/** Flags of a fragment's head. */
export const fragmentFlags = { key: 1, lossBefore: 2, clockUntrusted: 4 } as const

/** Flags of a footer. */
export const footerFlags = { recovered: 1, damaged: 2 } as const

/** Track ids, the same in every segment. */
export const trackIds = { video: 1, audio: 2, metadata: 3 } as const

/** The longest head and data a fragment may have, in bytes: what a reader accepts before it allocates. */
export const maxHeadBytes = 64 * 1024
export const maxDataBytes = 32 * 1024 * 1024

/** `sample_flags` of a sample decoding can begin at, and of one it cannot (ISO/IEC 14496-12 §8.8.3.1). */
export const syncSampleFlags = 0x02000000
export const nonSyncSampleFlags = 0x01010000

/** The seed of all CRCs of a segment: stale bytes of another file never match. */
export function crcSeed(segmentId: Uint8Array): number {
  return crc32(segmentId)
}

export function hasBytesAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  if (at < 0 || at + wanted.length > bytes.length) return false
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}

/** A UUID's 16 bytes as lower-case text, and back. */
export function uuidText(bytes: Uint8Array): string {
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex')
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`
}

export function uuidBytes(text: string): Uint8Array {
  const digits = text.replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/i.test(digits)) throw new RangeError(`not a UUID: ${text}`)
  return hex(digits)
}

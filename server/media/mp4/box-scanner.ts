/** Walking boxes that someone else may have written: every size is checked against what holds it. */

import { Failure } from '../../../shared/failure.ts'

/** Where a box lies in the bytes that were scanned. */
export interface BoxRange {
  /** The four characters of its type. */
  type: string
  start: number
  /** Where its body begins, after a header of 8 bytes, or 16 with a 64-bit size. */
  bodyStart: number
  end: number
}

export function readU16(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! * 256 + bytes[offset + 1]!
}

export function readU32(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset) * 65536 + readU16(bytes, offset + 2)
}

export function readI32(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset) | 0
}

/** An unsigned 64-bit number; what is above 2⁵³ loses its low bits. */
export function readU64(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset) * 2 ** 32 + readU32(bytes, offset + 4)
}

export function readI64(bytes: Uint8Array, offset: number): number {
  return readI32(bytes, offset) * 2 ** 32 + readU32(bytes, offset + 4)
}

export function readFourcc(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(bytes[offset]!, bytes[offset + 1]!, bytes[offset + 2]!, bytes[offset + 3]!)
}

/**
 * Gives the boxes that lie one after another in `bytes[start, end)` (ISO/IEC 14496-12 §4.2).
 *
 * Throws `corrupt` at a box that is too short for its header or leads past `end`; those before it have been given.
 */
export function* scanBoxes(bytes: Uint8Array, start = 0, end = bytes.length): Generator<BoxRange> {
  let offset = start
  while (offset < end) {
    if (end - offset < 8) throw new Failure('corrupt', `read box at byte ${offset}: ${end - offset} bytes are left`)
    const type = readFourcc(bytes, offset + 4)
    let size = readU32(bytes, offset)
    let header = 8
    if (size === 1) {
      if (end - offset < 16) throw new Failure('corrupt', `read box "${type}" at byte ${offset}: ends in its size`)
      size = readU64(bytes, offset + 8)
      header = 16
    } else if (size === 0) {
      size = end - offset // to the end of what holds it
    }
    if (size < header || size > end - offset) {
      throw new Failure('corrupt', `read box "${type}" at byte ${offset}: size ${size}, ${end - offset} bytes are left`)
    }
    yield { type, start: offset, bodyStart: offset + header, end: offset + size }
    offset += size
  }
}

/** The first box at the end of a path of types within `bytes[start, end)`, or undefined. Throws as `scanBoxes` does. */
export function findBox(bytes: Uint8Array, path: string[], start = 0, end = bytes.length): BoxRange | undefined {
  const [type, ...rest] = path
  for (const child of scanBoxes(bytes, start, end)) {
    if (child.type !== type) continue
    if (rest.length === 0) return child
    const found = findBox(bytes, rest, child.bodyStart, child.end)
    if (found) return found
  }
  return undefined
}

/** The same, where there must be one. */
export function needBox(bytes: Uint8Array, path: string[], start = 0, end = bytes.length): BoxRange {
  const found = findBox(bytes, path, start, end)
  if (!found) throw new Failure('corrupt', `read boxes: no "${path.join('/')}"`)
  return found
}

/** Throws `corrupt` unless `sizeBytes` more of a box's body follow `offset`. */
export function needBytes(range: BoxRange, offset: number, sizeBytes: number): void {
  if (offset + sizeBytes > range.end) {
    throw new Failure('corrupt', `read box "${range.type}": ${range.end - range.start} bytes, too short`)
  }
}

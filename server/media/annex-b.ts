/** The two ways NAL units lie in a row: after start codes (H.264 Annex B) or after lengths (ISO/IEC 14496-15 §5.3.4.2). */

import { Failure } from '../../shared/failure.ts'

/**
 * Gives the NAL units of an Annex B byte stream, as views into it, without start codes and trailing zeros.
 *
 * What stands before the first start code is no NAL unit and is skipped. Empty units are left out.
 */
export function* splitAnnexB(bytes: Uint8Array): Generator<Uint8Array> {
  let start = nextStartCode(bytes, 0)
  while (start < bytes.length) {
    const from = start + 3
    const next = nextStartCode(bytes, from)
    let end = next
    while (end > from && bytes[end - 1] === 0) end--
    if (end > from) yield bytes.subarray(from, end)
    start = next
  }
}

/** Where the next 0 0 1 begins, at or after `from`; the length of `bytes` where there is none. */
function nextStartCode(bytes: Uint8Array, from: number): number {
  for (let i = bytes.indexOf(1, from + 2); i !== -1; i = bytes.indexOf(1, i + 1)) {
    if (bytes[i - 1] === 0 && bytes[i - 2] === 0) return i - 2
  }
  return bytes.length
}

/** Joins NAL units into a new Annex B byte stream, each after the 4-byte start code. */
export function joinAnnexB(nals: Iterable<Uint8Array>): Uint8Array {
  return join(nals, () => 1)
}

/** Joins NAL units into a new sample, each after its length in 4 bytes. */
export function joinLengthPrefixed(nals: Iterable<Uint8Array>): Uint8Array {
  return join(nals, (nal) => nal.length)
}

function join(nals: Iterable<Uint8Array>, prefix: (nal: Uint8Array) => number): Uint8Array {
  const list = [...nals]
  const joined = new Uint8Array(list.reduce((sum, nal) => sum + 4 + nal.length, 0))
  const view = new DataView(joined.buffer)
  let offset = 0
  for (const nal of list) {
    view.setUint32(offset, prefix(nal))
    joined.set(nal, offset + 4)
    offset += 4 + nal.length
  }
  return joined
}

/**
 * Gives the NAL units of a sample, as views into it.
 *
 * `lengthSize` is the number of bytes of each length, 1 to 4, as the file's `avcC` or `hvcC` says. Throws
 * `corrupt` at a length that leads past the end; the units before it have been given by then.
 */
export function* splitLengthPrefixed(sample: Uint8Array, lengthSize = 4): Generator<Uint8Array> {
  let offset = 0
  while (offset < sample.length) {
    if (offset + lengthSize > sample.length) {
      throw new Failure('corrupt', `read sample: ends inside a NAL unit length at byte ${offset}`)
    }
    let length = 0
    for (let i = 0; i < lengthSize; i++) length = length * 256 + sample[offset + i]!
    offset += lengthSize
    if (length > sample.length - offset) {
      throw new Failure(
        'corrupt',
        `read sample: NAL unit of ${length} bytes at byte ${offset}, ${sample.length - offset} are left`,
      )
    }
    if (length > 0) yield sample.subarray(offset, offset + length)
    offset += length
  }
}

/** Reading bit fields, as ITU-T H.264 §7.2 and §9.1 and ISO/IEC 14496-3 write them. */

import { Failure } from '../../shared/failure.ts'

/** Reads bits, most significant first. Throws `corrupt` past the end, naming what was being read. */
export class BitReader {
  readonly #bytes: Uint8Array
  readonly #what: string
  #position = 0

  /** `bytes` is read in place; `what` names it in a failure, as in "read SPS: ends at bit 61". */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes
    this.#what = what
  }

  /** How many bits have been read. */
  get position(): number {
    return this.#position
  }

  get bitsLeft(): number {
    return this.#bytes.length * 8 - this.#position
  }

  /** u(1). */
  bit(): number {
    if (this.#position >= this.#bytes.length * 8) this.#fail()
    const bit = (this.#bytes[this.#position >> 3]! >> (7 - (this.#position & 7))) & 1
    this.#position++
    return bit
  }

  flag(): boolean {
    return this.bit() === 1
  }

  /** u(n), `count` from 0 to 32. */
  bits(count: number): number {
    if (count > this.bitsLeft) this.#fail()
    let value = 0
    for (let i = 0; i < count; i++) value = value * 2 + this.bit()
    return value
  }

  skip(count: number): void {
    if (count > this.bitsLeft) this.#fail()
    this.#position += count
  }

  /** ue(v), an Exp-Golomb code of 0 to 2³² − 2 (H.264 §9.1). */
  ue(): number {
    let zeros = 0
    while (this.bit() === 0) {
      zeros++
      if (zeros > 31) throw new Failure('corrupt', `read ${this.#what}: no Exp-Golomb code at bit ${this.#position}`)
    }
    return 2 ** zeros - 1 + this.bits(zeros)
  }

  /** se(v), the signed mapping of ue(v) (H.264 §9.1.1). */
  se(): number {
    const code = this.ue()
    return code % 2 === 1 ? (code + 1) / 2 : code === 0 ? 0 : -code / 2
  }

  #fail(): never {
    throw new Failure('corrupt', `read ${this.#what}: ends at bit ${this.#bytes.length * 8}`)
  }
}

/**
 * Takes the emulation prevention bytes out of a NAL unit (H.264 §7.3.1, H.265 §7.3.1.1): each 3 after two zeros.
 * Gives `nal` itself where there are none, a new array otherwise.
 */
export function removeEmulationPrevention(nal: Uint8Array): Uint8Array {
  let clean: Uint8Array | undefined
  let length = 0
  let zeros = 0
  for (let i = 0; i < nal.length; i++) {
    const byte = nal[i]!
    if (zeros >= 2 && byte === 3) {
      if (!clean) {
        clean = new Uint8Array(nal.length)
        clean.set(nal.subarray(0, i))
        length = i
      }
      zeros = 0
      continue
    }
    if (clean) clean[length++] = byte
    zeros = byte === 0 ? zeros + 1 : 0
  }
  return clean ? clean.subarray(0, length) : nal
}

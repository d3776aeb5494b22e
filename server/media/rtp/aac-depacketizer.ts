// AAC over RTP: access units behind a table of their sizes (RFC 3640, mode AAC-hbr).

export interface AuHeaderLayout {
  /** Bits of the size, of the index of the first unit, and of the step to each later one. */
  sizeLength: number
  indexLength: number
  indexDeltaLength: number
}

export const aacHbrLayout: AuHeaderLayout = { sizeLength: 13, indexLength: 3, indexDeltaLength: 3 }

/** Samples of one access unit (ISO/IEC 14496-3: a frame of AAC-LC). */
export const samplesPerAccessUnit = 1024

/** Receives one access unit: `bytes[start, end)`, at `ticks` of the RTP clock. */
export type AccessUnitHandler = (bytes: Uint8Array, start: number, end: number, ticks: number) => void

/** Longest access unit put together from several packets. */
const maxUnitBytes = 8192

/** Takes packets apart into access units; a unit split over several packets is put together again. */
export class AacDepacketizer {
  readonly #layout: AuHeaderLayout
  readonly #onUnit: AccessUnitHandler
  #partial: Uint8Array | undefined
  #partialFill = 0
  #partialSize = 0
  #partialTicks = 0

  constructor(layout: AuHeaderLayout, onUnit: AccessUnitHandler) {
    this.#layout = layout
    this.#onUnit = onUnit
  }

  payload(bytes: Uint8Array, start: number, end: number, ticks: number, isLossBefore: boolean): void {
    if (isLossBefore) this.#partialFill = 0
    if (end - start < 2) return
    const headerBits = (bytes[start]! << 8) | bytes[start + 1]!
    const headersAt = start + 2
    let dataAt = headersAt + ((headerBits + 7) >> 3)
    if (dataAt > end || headerBits > 4096) return
    let bit = 0
    for (let index = 0; ; index++) {
      const indexLength = index === 0 ? this.#layout.indexLength : this.#layout.indexDeltaLength
      if (bit + this.#layout.sizeLength + indexLength > headerBits) return
      const size = readBits(bytes, headersAt, bit, this.#layout.sizeLength)
      bit += this.#layout.sizeLength + indexLength
      if (index === 0 && dataAt + size > end) {
        this.#piece(bytes, dataAt, end, size, ticks)
        return
      }
      if (dataAt + size > end) return
      if (size > 0) this.#onUnit(bytes, dataAt, dataAt + size, ticks + index * samplesPerAccessUnit)
      dataAt += size
    }
  }

  /** A packet that holds a part of one unit: its header tells the whole unit's size (RFC 3640 §3.2.3). */
  #piece(bytes: Uint8Array, start: number, end: number, size: number, ticks: number): void {
    if (size > maxUnitBytes) return
    this.#partial ??= new Uint8Array(maxUnitBytes)
    // The time tells one unit from the next where pieces were lost: sizes are often the same.
    if (this.#partialSize !== size || this.#partialTicks !== ticks) this.#partialFill = 0
    this.#partialSize = size
    this.#partialTicks = ticks
    const count = Math.min(end - start, size - this.#partialFill)
    this.#partial.set(bytes.subarray(start, start + count), this.#partialFill)
    this.#partialFill += count
    if (this.#partialFill < size) return
    this.#partialFill = 0
    this.#onUnit(this.#partial, 0, size, ticks)
  }
}

function readBits(bytes: Uint8Array, at: number, bit: number, count: number): number {
  let value = 0
  for (let i = bit; i < bit + count; i++) value = (value << 1) | ((bytes[at + (i >> 3)]! >> (7 - (i & 7))) & 1)
  return value
}

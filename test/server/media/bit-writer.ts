/** Writes bit fields as a standard lists them, for tests that read them back. */
export class BitWriter {
  readonly #bits: number[] = []

  /** u(n) */
  u(count: number, value: number): this {
    for (let i = count - 1; i >= 0; i--) this.#bits.push(Math.floor(value / 2 ** i) % 2)
    return this
  }

  /** ue(v) */
  ue(value: number): this {
    const length = Math.floor(Math.log2(value + 1))
    return this.u(length, 0).u(length + 1, value + 1)
  }

  /** se(v) */
  se(value: number): this {
    return this.ue(value > 0 ? 2 * value - 1 : -2 * value)
  }

  /** A 1 and zeros to the end of the byte: rbsp_trailing_bits( ). */
  trail(): this {
    this.u(1, 1)
    while (this.#bits.length % 8 !== 0) this.u(1, 0)
    return this
  }

  /** The bytes, with the emulation prevention that a NAL unit has. */
  nal(): Uint8Array {
    const out: number[] = []
    for (const byte of this.bytes()) {
      if (byte <= 3 && out.at(-1) === 0 && out.at(-2) === 0) out.push(3)
      out.push(byte)
    }
    return Uint8Array.from(out)
  }

  bytes(): Uint8Array {
    const bits = [...this.#bits]
    while (bits.length % 8 !== 0) bits.push(0)
    return Uint8Array.from({ length: bits.length / 8 }, (_, i) =>
      bits.slice(i * 8, i * 8 + 8).reduce((byte, bit) => byte * 2 + bit, 0),
    )
  }
}

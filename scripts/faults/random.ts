/** Random numbers that a seed repeats: a failing run is played again from its number alone. */
export class Random {
  #state: number

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
    for (let i = 0; i < 4; i++) this.next()
  }

  /** 0 ≤ x < 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  /** A whole number, `from` ≤ n < `to`. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from))
  }

  /** True in `share` of all cases. */
  chance(share: number): boolean {
    return this.next() < share
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length)]!
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    const words = new Uint32Array(bytes.buffer, 0, length >>> 2)
    for (let i = 0; i < words.length; i++) words[i] = this.next() * 4294967296
    for (let i = words.length * 4; i < length; i++) bytes[i] = this.next() * 256
    return bytes
  }

  /** A UUID in lower-case text. */
  uuid(): string {
    const digits = Buffer.from(this.bytes(16)).toString('hex')
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

  /** A generator of its own, so that what one part draws does not move another's numbers. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 4294967296))
  }
}

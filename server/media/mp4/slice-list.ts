/** Which bytes of which files make the data of a movie that is never stored. */

/** Bytes that lie in a file. */
export interface FileSlice {
  /** The caller's number for the file; `silence` for bytes that are all alike and lie nowhere. */
  source: number
  /** Where they begin in the file; for `silence`, the value of each byte. */
  offset: number
  sizeBytes: number
}

/** The source of bytes that fill a gap in sound. */
export const silence = -1

/** Slices one after another, 20 bytes of memory each; neighbours in one file become one. */
export class SliceList {
  #count = 0
  #sizeBytes = 0
  #sources = new Int32Array(64)
  #offsets = new Float64Array(64)
  /** Where each begins among the bytes of all. */
  #starts = new Float64Array(64)

  get count(): number {
    return this.#count
  }

  /** Bytes of all slices. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Adds bytes and gives where they begin among those of all slices. */
  add(source: number, offset: number, sizeBytes: number): number {
    const start = this.#sizeBytes
    const follows = this.#follows(source, offset)
    this.#sizeBytes += sizeBytes
    if (follows) return start
    if (this.#count === this.#sources.length) this.#grow()
    this.#sources[this.#count] = source
    this.#offsets[this.#count] = offset
    this.#starts[this.#count] = start
    this.#count++
    return start
  }

  /** True where these bytes only make the last slice longer. */
  #follows(source: number, offset: number): boolean {
    const last = this.#count - 1
    if (last < 0 || this.#sources[last] !== source) return false
    const length = source === silence ? 0 : this.#sizeBytes - this.#starts[last]!
    return this.#offsets[last]! + length === offset
  }

  /** The slices that make `[start, end)` of all bytes, the first and the last cut to it. */
  *between(start: number, end: number): Generator<FileSlice> {
    for (let i = this.#find(start); i < this.#count && this.#starts[i]! < end; i++) {
      const from = Math.max(start, this.#starts[i]!)
      const to = Math.min(end, i + 1 < this.#count ? this.#starts[i + 1]! : this.#sizeBytes)
      if (from >= to) continue
      const source = this.#sources[i]!
      const skipped = source === silence ? 0 : from - this.#starts[i]!
      yield { source, offset: this.#offsets[i]! + skipped, sizeBytes: to - from }
    }
  }

  /** The last slice that begins at or before `position`. */
  #find(position: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#starts[middle]! <= position) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  #grow(): void {
    const larger = <T extends Int32Array | Float64Array>(from: T, to: T): T => {
      to.set(from)
      return to
    }
    this.#sources = larger(this.#sources, new Int32Array(this.#count * 2))
    this.#offsets = larger(this.#offsets, new Float64Array(this.#count * 2))
    this.#starts = larger(this.#starts, new Float64Array(this.#count * 2))
  }
}

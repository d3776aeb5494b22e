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

const pageSlices = 4096

/** Columns of so many slices. */
class SlicePage {
  readonly sources = new Int32Array(pageSlices)
  readonly offsets = new Float64Array(pageSlices)
  /** Where each begins among the bytes of all. */
  readonly starts = new Float64Array(pageSlices)
}

/** Slices one after another, 20 bytes of memory each; neighbours in one file become one. */
export class SliceList {
  readonly #pages: SlicePage[] = []
  #count = 0
  #sizeBytes = 0

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
    const at = this.#count % pageSlices
    if (at === 0) this.#pages.push(new SlicePage())
    const page = this.#pages.at(-1)!
    page.sources[at] = source
    page.offsets[at] = offset
    page.starts[at] = start
    this.#count++
    return start
  }

  /** True where these bytes only make the last slice longer. */
  #follows(source: number, offset: number): boolean {
    const last = this.#count - 1
    if (last < 0 || this.#source(last) !== source) return false
    const length = source === silence ? 0 : this.#sizeBytes - this.#start(last)
    return this.#offset(last) + length === offset
  }

  /** The slices that make `[start, end)` of all bytes, the first and the last cut to it. */
  *between(start: number, end: number): Generator<FileSlice> {
    for (let i = this.#find(start); i < this.#count && this.#start(i) < end; i++) {
      const from = Math.max(start, this.#start(i))
      const to = Math.min(end, i + 1 < this.#count ? this.#start(i + 1) : this.#sizeBytes)
      if (from >= to) continue
      const source = this.#source(i)
      const skipped = source === silence ? 0 : from - this.#start(i)
      yield { source, offset: this.#offset(i) + skipped, sizeBytes: to - from }
    }
  }

  /** The last slice that begins at or before `position`. */
  #find(position: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#start(middle) <= position) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  #page(slice: number): SlicePage {
    return this.#pages[Math.floor(slice / pageSlices)]!
  }

  #source(slice: number): number {
    return this.#page(slice).sources[slice % pageSlices]!
  }

  #offset(slice: number): number {
    return this.#page(slice).offsets[slice % pageSlices]!
  }

  #start(slice: number): number {
    return this.#page(slice).starts[slice % pageSlices]!
  }
}

/** A growing column of 32-bit words as they will stand in a file. */

const smallestPageBytes = 1024
const largestPageBytes = 64 * 1024

/**
 * Collects words, most significant byte first, in pages that are handed out as they are: what a table of millions of
 * samples takes is its own size and no copy.
 */
export class WordColumn {
  readonly #pages: Uint8Array[] = []
  #view = new DataView(new ArrayBuffer(0))
  #at = 0
  #length = 0

  /** How many words there are. */
  get length(): number {
    return this.#length
  }

  push(word: number): void {
    if (this.#at === this.#view.byteLength) this.#addPage()
    this.#view.setUint32(this.#at, word)
    this.#at += 4
    this.#length++
  }

  /** Two words: a whole number of 0 to 2⁵³. Only for columns that hold nothing else. */
  pushPair(value: number): void {
    this.push(Math.floor(value / 2 ** 32))
    this.push(value % 2 ** 32)
  }

  /** Adds `value` to every pair. */
  addToPairs(value: number): void {
    for (const page of this.pages()) {
      const view = new DataView(page.buffer, page.byteOffset, page.length)
      for (let at = 0; at < page.length; at += 8) {
        const sum = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4) + value
        view.setUint32(at, Math.floor(sum / 2 ** 32))
        view.setUint32(at + 4, sum % 2 ** 32)
      }
    }
  }

  /** The column's bytes in order: its own pages, not copies. */
  pages(): Uint8Array[] {
    return this.#pages.map((page, i) => (i === this.#pages.length - 1 ? page.subarray(0, this.#at) : page))
  }

  #addPage(): void {
    const page = new Uint8Array(Math.min(largestPageBytes, Math.max(smallestPageBytes, this.#view.byteLength * 2)))
    this.#pages.push(page)
    this.#view = new DataView(page.buffer)
    this.#at = 0
  }
}

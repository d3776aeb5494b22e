// The picture since the last keyframe of a stream that is not recorded, so that a viewer starts at once.
import { copyOf } from '../media/copy-bytes.ts'
import type { Fragment } from './fragment-builder.ts'

/** Most bytes kept: what is longer starts its viewers at the next keyframe. */
const maxBytes = 8 * 1024 * 1024

export interface KeptFragment {
  fragment: Fragment
  utcUs: number
}

/** Keeps copies of the fragments of the current group of pictures. */
export class GopMemory {
  #kept: KeptFragment[] = []
  #bytes = 0
  #isWhole = false

  /** The fragments since the last keyframe, which begins the first; empty where they were too long to keep. */
  get fragments(): readonly KeptFragment[] {
    return this.#isWhole ? this.#kept : []
  }

  add(fragment: Fragment, utcUs: number): void {
    if (fragment.isKey) {
      this.clear()
      this.#isWhole = true
    }
    const size = fragment.dataEnd - fragment.dataAt
    if (!this.#isWhole || this.#bytes + size > maxBytes) {
      this.clear()
      return
    }
    const bytes = copyOf(fragment.bytes, fragment.dataAt, fragment.dataEnd)
    this.#kept.push({
      fragment: { ...fragment, bytes, view: new DataView(bytes.buffer), dataAt: 0, dataEnd: size },
      utcUs,
    })
    this.#bytes += size
  }

  clear(): void {
    this.#kept = []
    this.#bytes = 0
    this.#isWhole = false
  }
}

// Which segments somebody is reading: the recorder is told, and removes none of them meanwhile.
import type { SegmentRow } from './recorder-protocol.ts'

/** Takes all pins there are, replacing what it was told before. */
export type PinListener = (pins: { spaceId: string; sequence: number }[]) => void

export class Pins {
  readonly #tell: PinListener
  readonly #held = new Map<string, { spaceId: string; sequence: number; holders: number }>()
  #isDue = false

  constructor(tell: PinListener) {
    this.#tell = tell
  }

  /** Keeps segments from being removed until what it returns is called. Each may be held by many. */
  pin(rows: readonly Pick<SegmentRow, 'spaceId' | 'sequence'>[]): () => void {
    const keys = rows.map(({ spaceId, sequence }) => {
      const key = `${spaceId} ${sequence}`
      const held = this.#held.get(key)
      if (held === undefined) this.#held.set(key, { spaceId, sequence, holders: 1 })
      else held.holders++
      return key
    })
    this.#tellSoon()
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      for (const key of keys) {
        const held = this.#held.get(key)
        if (held !== undefined && --held.holders === 0) this.#held.delete(key)
      }
      this.#tellSoon()
    }
  }

  /** Tells all pins again: a recorder that was just connected knows none. */
  repeat(): void {
    this.#tellSoon()
  }

  /** Once for all changes of this turn. */
  #tellSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      this.#tell([...this.#held.values()].map(({ spaceId, sequence }) => ({ spaceId, sequence })))
    })
  }
}

// An arena that knows who holds what: a slot lost, or given back twice, is a bug of its holder.
import { Arena, type Slot } from '../../server/stream/arena.ts'

export class WatchedArena extends Arena {
  readonly held = new Set<Slot>()

  override take(atLeastBytes: number): Slot | undefined {
    const slot = super.take(atLeastBytes)
    if (slot === undefined) return undefined
    for (const other of this.held) {
      const isApart = slot.offset + slot.sizeBytes <= other.offset || other.offset + other.sizeBytes <= slot.offset
      if (!isApart) throw new Error('a slot was given out twice')
    }
    this.held.add(slot)
    return slot
  }

  override release(slot: Slot): void {
    if (!this.held.delete(slot)) throw new Error('a slot was given back twice')
    // What is still read after its release shows.
    this.bytes.fill(0xcc, slot.offset, slot.offset + slot.sizeBytes)
    super.release(slot)
  }
}

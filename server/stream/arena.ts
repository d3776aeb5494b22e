// The one array that media lives in from the socket to the disk, and the slots it is handed out in.
import { carryRoomBytes, type ReadBuffer } from '../media/rtp/interleaved.ts'
import { makeSharedMemory } from './shared-memory.ts'

/** A piece of the arena: `[offset, offset + sizeBytes)`. Belongs to whoever took it, until released. */
export interface Slot {
  readonly offset: number
  readonly sizeBytes: number
}

const readBytes = 512 * 1024
const smallestSlotBytes = 64 * 1024

/** The largest slot: what one fragment, and so one frame, may need. */
export const largestSlotBytes = 16 * 1024 * 1024

/**
 * One buffer for all cameras, so that payloads move within it and no view or object is made for a packet. Shared with the
 * threads that write it to disks.
 *
 * Its size is address space: memory is used as far as slots were ever written. Slots come in powers of two from 64 KiB to
 * 16 MiB; the one released last is given out first, since its memory is warm.
 */
export class Arena implements ReadBuffer {
  readonly memory: SharedArrayBuffer
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Moves `count` bytes from `from` to `to` within `bytes`; they may overlap. `copyWithin` is slow on shared memory. */
  readonly move: (to: number, from: number, count: number) => void
  readonly readStart: number
  readonly readBytes = readBytes
  #free: Slot[][] = []
  #unusedFrom: number

  constructor(sizeBytes: number) {
    const { buffer, move } = makeSharedMemory(sizeBytes)
    this.move = move
    this.memory = buffer
    this.bytes = new Uint8Array(buffer, 0, sizeBytes)
    this.view = new DataView(buffer, 0, sizeBytes)
    this.readStart = carryRoomBytes
    this.#unusedFrom = this.readStart + readBytes
  }

  /** A slot of at least so many bytes; undefined where the arena has no room, or none is that large. */
  take(atLeastBytes: number): Slot | undefined {
    if (atLeastBytes > largestSlotBytes) return undefined
    let sizeBytes = smallestSlotBytes
    let rank = 0
    for (; sizeBytes < atLeastBytes; rank++) sizeBytes *= 2
    const released = this.#free[rank]?.pop()
    if (released !== undefined) return released
    if (this.#unusedFrom + sizeBytes <= this.bytes.length) {
      const slot = { offset: this.#unusedFrom, sizeBytes }
      this.#unusedFrom += sizeBytes
      return slot
    }
    return this.#takeLarger(rank + 1)
  }

  #takeLarger(fromRank: number): Slot | undefined {
    for (let rank = fromRank; rank < this.#free.length; rank++) {
      const slot = this.#free[rank]?.pop()
      if (slot !== undefined) return slot
    }
    return undefined
  }

  release(slot: Slot): void {
    const rank = Math.log2(slot.sizeBytes / smallestSlotBytes)
    this.#free[rank] ??= []
    this.#free[rank].push(slot)
  }
}

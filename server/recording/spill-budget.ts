// Footage that waits for slow disks: how much of it there may be, and where it is kept.
import { copyBytes } from '../media/copy-bytes.ts'
import { type Fragment, headRoomBytes } from '../stream/fragment-builder.ts'

/** Memory that footage waiting for slow disks may take, over all cameras. */
export class SpillBudget {
  readonly limitBytes: number
  usedBytes = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get isSpent(): boolean {
    return this.usedBytes > this.limitBytes
  }
}

/** A copy of a fragment in memory of its own. */
export function detach(fragment: Fragment): Fragment {
  const size = fragment.dataEnd - fragment.dataAt
  const bytes = new Uint8Array(headRoomBytes + size)
  copyBytes(fragment.bytes, fragment.dataAt, fragment.dataEnd, bytes, headRoomBytes)
  const view = new DataView(bytes.buffer)
  return { ...fragment, bytes, view, dataAt: headRoomBytes, dataEnd: headRoomBytes + size }
}

// The room on a volume, asked so that a hung one costs no more than one waiting call.
import { statfs } from 'node:fs/promises'
import { asFinding, type Finding, found, lack } from './finding.ts'

export interface Room {
  totalBytes: number
  /** What a process without privileges may still use. */
  freeBytes: number
}

/** How long a volume may take, in milliseconds. */
const limitMs = 3000

export class VolumeRoom {
  /** Paths whose last call has not come back: each holds a thread of the pool, so no second one is made. */
  readonly #waiting = new Set<string>()

  async read(path: string): Promise<Finding<Room>> {
    if (this.#waiting.has(path)) return lack('failed', `measure ${path}: it still does not answer`)
    return asFinding(`measure ${path}`, limitMs, async () => {
      this.#waiting.add(path)
      try {
        const { blocks, bavail, bsize } = await statfs(path)
        return found({ totalBytes: blocks * bsize, freeBytes: bavail * bsize })
      } finally {
        this.#waiting.delete(path)
      }
    })
  }
}

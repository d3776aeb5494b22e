// Clips that were asked for lately: a player asks for one piece by piece, and its tables are made once.
import type { Clip, ClipWish, SoundConverter } from './clip.ts'
import { buildClip } from './clip.ts'
import type { SegmentRow } from './recorder-protocol.ts'
import type { FootageReader } from './segment-reader.ts'

/** What kept clips may take, in bytes; the newest is kept however large it is. */
const maxBytes = 16 * 1024 * 1024
/** A clip nobody has asked for so long is let go, and its segments with it. */
const keepMs = 60_000

interface Kept {
  clip: Promise<Clip>
  sizeBytes: number
  users: number
  timer: NodeJS.Timeout | undefined
  release: () => void
}

export interface ClipShelfOptions {
  reader: FootageReader
  convert: SoundConverter
  /** Keeps segments from being removed until what it returns is called. */
  pin: (rows: SegmentRow[]) => () => void
}

/** A clip in use. Whoever has it lets it go. */
export interface BorrowedClip {
  clip: Clip
  release: () => void
}

export class ClipShelf {
  readonly #options: ClipShelfOptions
  /** By wish, least recently asked for first. */
  readonly #kept = new Map<string, Kept>()

  constructor(options: ClipShelfOptions) {
    this.#options = options
  }

  /** The clip of a wish, its segments pinned while it is in use. Fails as `buildClip` does. */
  async borrow(wish: ClipWish): Promise<BorrowedClip> {
    const key = JSON.stringify(wish)
    let kept = this.#kept.get(key)
    if (kept === undefined) {
      kept = { clip: this.#build(wish), sizeBytes: 0, users: 0, timer: undefined, release: () => undefined }
      this.#follow(kept)
    }
    const held = kept
    this.#kept.delete(key)
    this.#kept.set(key, held)
    clearTimeout(held.timer)
    held.users++
    let isHeld = true
    const release = () => {
      if (!isHeld) return
      isHeld = false
      held.users--
      if (held.users > 0) return
      held.timer = setTimeout(() => this.#drop(key, held), keepMs)
      held.timer.unref()
    }
    try {
      const clip = await held.clip
      this.#makeRoom()
      return { clip, release }
    } catch (error) {
      release()
      this.#drop(key, held)
      throw error
    }
  }

  close(): void {
    for (const [key, kept] of [...this.#kept]) this.#drop(key, kept)
  }

  #build(wish: ClipWish): Promise<Clip> {
    return buildClip(this.#options.reader, wish, this.#options.convert)
  }

  #follow(kept: Kept): void {
    kept.clip.then(
      (clip) => {
        kept.sizeBytes = clip.movie.headerBytes + clip.movie.slices.count * 20
        kept.release = this.#options.pin(clip.rows)
      },
      () => undefined,
    )
  }

  #makeRoom(): void {
    let total = [...this.#kept.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    for (const [key, kept] of [...this.#kept]) {
      if (total <= maxBytes) return
      if (kept.users > 0) continue
      total -= kept.sizeBytes
      this.#drop(key, kept)
    }
  }

  #drop(key: string, kept: Kept): void {
    clearTimeout(kept.timer)
    if (this.#kept.get(key) === kept) this.#kept.delete(key)
    kept.release()
    kept.release = () => undefined
  }
}

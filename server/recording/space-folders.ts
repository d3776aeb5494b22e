// The folders of a space: made when they are needed, and made safe before footage in them is called safe.
import type { Disk } from './disk.ts'

/** Known folders are forgotten past so many: a year of hours is not kept in memory. */
const maxKnown = 10_000

/** Paths are below the space's folder; '' is that folder itself. */
export class SpaceFolders {
  readonly #disk: Disk
  readonly #root: string
  readonly #known = new Set<string>()
  /** Folders in which a name was made or removed that is not safe yet. */
  readonly #unsynced = new Set<string>()
  readonly #syncs = new Map<string, Promise<void>>()

  constructor(disk: Disk, root: string) {
    this.#disk = disk
    this.#root = root
  }

  /** Looks at every folder again before it is used: the disk may be another one, or retention removed an empty one. */
  forget(): void {
    this.#known.clear()
  }

  /** A name was made in the folder of this path. */
  noteMade(path: string): void {
    this.#unsynced.add(parentOf(path))
  }

  /** All folders of a path may be unsafe, as after a kill. */
  noteUnsafe(path: string): void {
    for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder)) this.#unsynced.add(folder)
    this.#unsynced.add('')
  }

  /** Makes the folders of a path that are not there. */
  async make(path: string): Promise<void> {
    const names = path.split('/').slice(0, -1)
    for (let depth = 1; depth <= names.length; depth++) {
      const folder = names.slice(0, depth).join('/')
      if (this.#known.has(folder)) continue
      const wasMade = await this.#disk.makeFolder(`${this.#root}/${folder}`)
      // One that was there may still be unsynced, from before a crash of ours.
      this.#unsynced.add(parentOf(folder))
      if (wasMade) this.#unsynced.add(folder)
      this.#known.add(folder)
      if (this.#known.size > maxKnown) this.#known.clear()
    }
  }

  /** Makes the names of a path safe, up to the space's folder. */
  async sync(path: string): Promise<void> {
    for (let folder = parentOf(path); ; folder = parentOf(folder)) {
      await this.#syncFolder(folder)
      if (folder === '') return
    }
  }

  /** Makes the names in a folder safe. A sync that another waits for counts only for names made before it began. */
  async #syncFolder(folder: string): Promise<void> {
    for (;;) {
      const running = this.#syncs.get(folder)
      if (running !== undefined) {
        await running.catch(() => undefined)
        continue
      }
      if (!this.#unsynced.delete(folder)) return
      const sync = this.#disk
        .syncFolder(folder === '' ? this.#root : `${this.#root}/${folder}`)
        .catch((error: unknown) => {
          this.#unsynced.add(folder)
          throw error
        })
        .finally(() => this.#syncs.delete(folder))
      this.#syncs.set(folder, sync)
      await sync
    }
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

// Files and folders of a disk with a volatile cache: what is seen, what is safe, and all that lies between.
import type { Random } from './random.ts'

export const blockBytes = 4096
export const sectorBytes = 512

/** A change of a file that no sync has made safe yet. */
interface PendingChange {
  /** First byte changed, and what was written; for a cut, where it begins, and nothing. */
  at: number
  data: Uint8Array | undefined
  /** The file's length before and after. */
  sizeBefore: number
  sizeAfter: number
  /** A failed sync dropped these pages: no later sync makes them safe (Linux marks them clean all the same). */
  isDropped: boolean
}

/** What lies in blocks that a file was given and that were never written: zeros, or another file's old bytes. */
export interface StaleSource {
  /** Content for block `block` of a file; undefined for zeros. */
  blockAt(block: number): Uint8Array | undefined
}

/** Bytes that change in place. */
class Content {
  bytes: Uint8Array
  size: number

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.size = bytes.length
  }

  /** Valid until the next change. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.size)
  }

  apply({ data, at, sizeAfter }: Pick<PendingChange, 'data' | 'at' | 'sizeAfter'>): void {
    const size = data === undefined ? sizeAfter : Math.max(this.size, at + data.length)
    if (size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.bytes.length * 2, 8192))
      grown.set(this.view())
      this.bytes = grown
    }
    if (size < this.size) this.bytes.fill(0, size, this.size)
    if (data !== undefined) this.bytes.set(data, at)
    this.size = size
  }
}

/** The bytes of a file: as programs see them, and as a power cut would at least leave them. */
export class FileNode {
  readonly isFolder = false
  readonly #seen = new Content(new Uint8Array(0))
  readonly #safe = new Content(new Uint8Array(0))
  #pending: PendingChange[] = []

  get size(): number {
    return this.#seen.size
  }

  get pendingChanges(): number {
    return this.#pending.length
  }

  /** A view of what programs see; valid until the next write. */
  view(): Uint8Array {
    return this.#seen.view()
  }

  /** A view of what every crash image holds, were the file reached; valid until the next sync. */
  safeView(): Uint8Array {
    return this.#safe.view()
  }

  write(at: number, data: Uint8Array): void {
    const sizeBefore = this.size
    this.#change({ at, data: data.slice(), sizeBefore, sizeAfter: Math.max(sizeBefore, at + data.length) })
  }

  truncate(length: number): void {
    this.#change({ at: length, data: undefined, sizeBefore: this.size, sizeAfter: length })
  }

  #change(change: Omit<PendingChange, 'isDropped'>): void {
    this.#seen.apply(change)
    this.#pending.push({ ...change, isDropped: false })
  }

  /** Makes the first `changes` pending changes safe: those that were there when the sync was called. */
  sync(changes: number): void {
    const called = this.#pending.slice(0, changes)
    const dirty = new Set(called.filter((change) => !change.isDropped).flatMap((change) => [...blocksOf(change)]))
    const kept: PendingChange[] = []
    for (const change of called) {
      for (const piece of change.isDropped ? blockPieces(change) : [change]) {
        // A page that was written to again is dirty as a whole, with what had been dropped.
        const isWritten = !change.isDropped || piece.data === undefined || dirty.has(Math.floor(piece.at / blockBytes))
        if (isWritten) this.#safe.apply(piece)
        else kept.push(piece)
      }
    }
    this.#pending = [...kept, ...this.#pending.slice(changes)]
  }

  /** A sync that failed: the pages count as clean from now on, and no sync will write them. */
  failSync(changes: number): void {
    for (const change of this.#pending.slice(0, changes)) change.isDropped = true
  }

  /** The file as a power cut may leave it, all of it safe. */
  crashImage(random: Random, stale: StaleSource): FileNode {
    const image = new FileNode()
    const data = this.#crashContent(random, stale)
    for (const content of [image.#seen, image.#safe]) content.apply({ at: 0, data, sizeAfter: data.length })
    return image
  }

  #crashContent(random: Random, stale: StaleSource): Uint8Array {
    const changes = this.#pending
    const style = random.next()
    if (changes.length === 0 || style < 0.1) return this.safeView().slice()
    if (style < 0.2) return this.view().slice()
    const isInOrder = style < 0.45
    const reached = random.int(0, changes.length + 1)
    const size = isInOrder
      ? reached === 0
        ? this.#safe.size
        : changes[reached - 1]!.sizeAfter
      : this.#crashSize(random)
    const choices = this.#chooseVersions(random, isInOrder ? reached : undefined)
    const content = new Uint8Array(size)
    content.set(this.safeView().subarray(0, size))
    for (const block of choices.keys()) {
      const old = block * blockBytes < this.#safe.size ? undefined : stale.blockAt(block)
      if (old !== undefined) setWithin(content, block * blockBytes, old)
    }
    const replay = new Content(this.safeView().slice())
    for (const [i, change] of changes.entries()) {
      replay.apply(change)
      const replayed = replay.view()
      for (const block of blocksOf(change)) {
        const sectors = choices.get(block)!
        for (let sector = 0; sector < sectors.length; sector++) {
          if (sectors[sector] !== i) continue
          const at = block * blockBytes + sector * sectorBytes
          const bytes = new Uint8Array(sectorBytes)
          if (at < replayed.length) bytes.set(replayed.subarray(at, Math.min(at + sectorBytes, replayed.length)))
          setWithin(content, at, bytes)
        }
      }
    }
    return content
  }

  #crashSize(random: Random): number {
    if (random.chance(0.5)) return this.size
    const change = random.pick(this.#pending)
    return random.chance(0.3) ? this.#safe.size : random.chance(0.5) ? change.sizeAfter : change.sizeBefore
  }

  /**
   * For each changed block and each of its sectors, which change is the last that reached the disk; −1 for none. Most
   * blocks are whole, some are torn between two states.
   */
  #chooseVersions(random: Random, reached: number | undefined): Map<number, Int32Array> {
    const touching = new Map<number, number[]>()
    for (const [i, change] of this.#pending.entries()) {
      for (const block of blocksOf(change)) {
        const list = touching.get(block)
        if (list === undefined) touching.set(block, [i])
        else list.push(i)
      }
    }
    const choices = new Map<number, Int32Array>()
    for (const [block, list] of touching) {
      const pick = () => {
        if (reached === undefined)
          return random.chance(0.4) ? list.at(-1)! : [-1, ...list][random.int(0, list.length + 1)]!
        return list.findLast((i) => i < reached) ?? -1
      }
      const sectors = new Int32Array(blockBytes / sectorBytes).fill(pick())
      if (random.chance(0.25)) {
        const other = reached === undefined ? pick() : (list.find((i) => i >= reached) ?? sectors[0]!)
        const tear = random.int(1, sectors.length)
        if (random.chance(0.6)) sectors.fill(other, tear)
        else for (let i = 0; i < sectors.length; i++) if (random.chance(0.5)) sectors[i] = other
      }
      choices.set(block, sectors)
    }
    return choices
  }
}

/** A write as one a block. */
function* blockPieces(change: PendingChange): Generator<PendingChange> {
  if (change.data === undefined) {
    yield change
    return
  }
  for (const block of blocksOf(change)) {
    const from = Math.max(change.at, block * blockBytes)
    const to = Math.min(change.at + change.data.length, (block + 1) * blockBytes)
    yield { ...change, at: from, data: change.data.subarray(from - change.at, to - change.at) }
  }
}

function* blocksOf(change: PendingChange): Generator<number> {
  const end = change.data === undefined ? change.sizeBefore : change.at + change.data.length
  for (let block = Math.floor(change.at / blockBytes); block * blockBytes < end; block++) yield block
}

function setWithin(content: Uint8Array, at: number, bytes: Uint8Array): void {
  if (at < content.length) content.set(bytes.subarray(0, Math.min(bytes.length, content.length - at)), at)
}

export type DiskNode = FileNode | FolderNode

interface PendingName {
  name: string
  node: DiskNode | undefined
  /** Place among all changes of names on the disk. */
  order: number
}

/** A folder: the names programs see, and those that are safe. */
export class FolderNode {
  readonly isFolder = true
  readonly entries = new Map<string, DiskNode>()
  #safe = new Map<string, DiskNode>()
  #pending: PendingName[] = []

  get pendingChanges(): number {
    return this.#pending.length
  }

  /** Gives `name` to `node`, or takes it away. */
  set(name: string, node: DiskNode | undefined, order: number): void {
    if (node === undefined) this.entries.delete(name)
    else this.entries.set(name, node)
    this.#pending.push({ name, node, order })
  }

  sync(changes: number): void {
    for (const { name, node } of this.#pending.splice(0, changes)) {
      if (node === undefined) this.#safe.delete(name)
      else this.#safe.set(name, node)
    }
  }

  /** The node every crash image has under this name; undefined where some have none. */
  safeEntry(name: string): DiskNode | undefined {
    return this.#pending.some((change) => change.name === name) ? undefined : this.#safe.get(name)
  }

  /**
   * The folder as a power cut may leave it. With `cut`, changes of names reached the disk in order, up to that one (a
   * journalling file system); without, each name stands as it was after any of its changes.
   */
  crashImage(random: Random, stale: () => StaleSource, cut: number | undefined): FolderNode {
    const image = new FolderNode()
    const names = new Set([...this.#safe.keys(), ...this.#pending.map((change) => change.name)])
    for (const name of names) {
      const changes = this.#pending.filter((change) => change.name === name)
      const versions = [this.#safe.get(name), ...changes.map((change) => change.node)]
      const kept = cut === undefined ? random.int(0, versions.length) : changes.filter((c) => c.order < cut).length
      const node = versions[kept]
      if (node === undefined) continue
      const copy = node.isFolder ? node.crashImage(random, stale, cut) : node.crashImage(random, stale())
      image.entries.set(name, copy)
      image.#safe.set(name, copy)
    }
    return image
  }
}

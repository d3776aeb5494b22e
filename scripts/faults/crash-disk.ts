// A disk in memory that fails as disks do: a power cut keeps what was synced and any part of the rest, writes come short,
// calls hang, the volume fills up, goes read-only, vanishes or is swapped for another.
import type { Disk, DiskEntry, DiskUsage, OpenMode } from '../../server/recording/disk.ts'
import { blockBytes, type DiskNode, FileNode, FolderNode, type StaleSource, sectorBytes } from './crash-node.ts'
import { usedBytes, type Volume } from './crash-volume.ts'
import type { FileTree } from './oracle/file-tree.ts'
import type { Random } from './random.ts'

export type CallKind =
  | 'open'
  | 'create'
  | 'close'
  | 'write'
  | 'read'
  | 'sync'
  | 'truncate'
  | 'stat'
  | 'list'
  | 'make-folder'
  | 'remove-folder'
  | 'unlink'
  | 'sync-folder'
  | 'usage'

const observed = new Set<CallKind>([
  'create',
  'read',
  'write',
  'sync',
  'truncate',
  'make-folder',
  'remove-folder',
  'unlink',
  'sync-folder',
])

export interface DiskCall {
  kind: CallKind
  path: string
  /** For `write` and `truncate`: where. */
  at: number
  /** For `write`. */
  data: Uint8Array | undefined
}

/** What goes wrong with a call: an error (after `partialBytes` of a write were written), or no answer for now. */
export type Fault = { code: string; partialBytes?: number } | 'hang'

interface QueuedCall extends DiskCall {
  perform(): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

interface OpenFile {
  node: FileNode
  path: string
  volume: Volume
}

/** Calls of one volume that may be under way at once, and so be done in any order, as `NodeDisk` has it. */
const callsInFlight = 16
const graveyardFiles = 6

/** The `Disk` the recorder is given. Calls wait until `step` performs one, so that a seed decides their order. */
export class CrashDisk implements Disk {
  readonly mountPoint: string
  /** What the mount point shows; undefined where the path itself is gone. */
  volume: Volume | undefined
  /** Asked before each call is performed. */
  fault: (call: DiskCall) => Fault | undefined = () => undefined
  /** Told after each call that read, changed or synced something, with the volume it happened on. */
  observe: (call: DiskCall, volume: Volume) => void = () => undefined
  /** Told every call as it is performed, with its outcome, for whoever replays a seed. */
  trace: (line: string) => void = () => undefined
  readonly #random: Random
  #queue: QueuedCall[] = []
  #hung: QueuedCall[] = []
  #open = new Map<number, OpenFile>()
  #lastFile = 2
  #lastOrder = 0
  #graveyard: Uint8Array[] = []
  /** Calls performed so far. */
  calls = 0
  isDead = false

  constructor(mountPoint: string, volume: Volume | undefined, random: Random) {
    this.mountPoint = mountPoint
    this.volume = volume
    this.#random = random
  }

  get waiting(): number {
    return this.#queue.length
  }

  get hung(): number {
    return this.#hung.length
  }

  get openFiles(): number {
    return this.#open.size
  }

  /** Bytes that files take on the volume, in whole blocks. */
  usedBytes(): number {
    return this.volume === undefined ? 0 : usedBytes(this.volume.root)
  }

  open(path: string, mode: OpenMode): Promise<number> {
    return this.#call({ kind: mode === 'create' ? 'create' : 'open', path, at: 0, data: undefined }, () => {
      const { volume, folder, name } = this.#parent(path)
      let node = folder.entries.get(name)
      if (mode === 'create') {
        if (node !== undefined) throw systemError('EEXIST', path)
        this.#refuseReadOnly(volume, path)
        node = new FileNode()
        folder.set(name, node, this.#lastOrder++)
      }
      if (node === undefined) throw systemError('ENOENT', path)
      if (node.isFolder) throw systemError('EISDIR', path)
      if (mode === 'update') this.#refuseReadOnly(volume, path)
      this.#open.set(++this.#lastFile, { node, path, volume })
      return this.#lastFile
    })
  }

  close(file: number): Promise<void> {
    return this.#call({ kind: 'close', path: this.#pathOf(file), at: 0, data: undefined }, () => {
      if (!this.#open.delete(file)) throw systemError('EBADF', String(file))
    })
  }

  write(file: number, bytes: Uint8Array, start: number, end: number, position: number): Promise<void> {
    // The bytes are taken when the call is performed, not now: a writer that reuses its buffer too early is found out.
    const call: DiskCall = { kind: 'write', path: this.#pathOf(file), at: position, data: bytes.subarray(start, end) }
    return this.#call(call, () => {
      const { node, volume, path } = this.#file(file)
      this.#refuseReadOnly(volume, path)
      const room = this.#roomFor(volume, path, node)
      const length = Math.min(end - start, Math.max(0, room.end - position))
      if (length > 0) node.write(position, bytes.subarray(start, start + length))
      if (length < end - start) throw systemError(room.code, path)
    })
  }

  read(file: number, position: number, length: number): Promise<Uint8Array> {
    return this.#call({ kind: 'read', path: this.#pathOf(file), at: position, data: undefined }, () =>
      this.#file(file)
        .node.view()
        .slice(position, position + length),
    )
  }

  sync(file: number): Promise<void> {
    // Only what was written before the call is promised.
    const changes = this.#open.get(file)?.node.pendingChanges ?? 0
    return this.#call({ kind: 'sync', path: this.#pathOf(file), at: changes, data: undefined }, () =>
      this.#file(file).node.sync(changes),
    )
  }

  truncate(file: number, length: number): Promise<void> {
    return this.#call({ kind: 'truncate', path: this.#pathOf(file), at: length, data: undefined }, () => {
      const { node, volume, path } = this.#file(file)
      this.#refuseReadOnly(volume, path)
      node.truncate(length)
    })
  }

  stat(path: string): Promise<{ sizeBytes: number; device: number; isFolder: boolean } | undefined> {
    return this.#call({ kind: 'stat', path, at: 0, data: undefined }, () => {
      if (!this.#isOnVolume(path)) return { sizeBytes: 4096, device: 1, isFolder: true }
      const node = this.#find(path)
      if (node === undefined) return undefined
      const sizeBytes = node.isFolder ? blockBytes : node.size
      return { sizeBytes, device: this.volume!.device, isFolder: node.isFolder }
    })
  }

  list(path: string): Promise<DiskEntry[] | undefined> {
    return this.#call({ kind: 'list', path, at: 0, data: undefined }, () => {
      const entries = this.tree().list(path)
      return entries && shuffled(entries, this.#random)
    })
  }

  makeFolder(path: string): Promise<boolean> {
    return this.#call({ kind: 'make-folder', path, at: 0, data: undefined }, () => {
      if (!this.#isOnVolume(path)) throw systemError('EACCES', path)
      if (path === this.mountPoint) return false
      const { volume, folder, name } = this.#parent(path)
      if (folder.entries.has(name)) return false
      this.#refuseReadOnly(volume, path)
      folder.set(name, new FolderNode(), this.#lastOrder++)
      return true
    })
  }

  removeFolder(path: string): Promise<void> {
    return this.#call({ kind: 'remove-folder', path, at: 0, data: undefined }, () => {
      const { volume, folder, name } = this.#parent(path)
      const node = folder.entries.get(name)
      if (node === undefined) throw systemError('ENOENT', path)
      if (!node.isFolder) throw systemError('ENOTDIR', path)
      this.#refuseReadOnly(volume, path)
      if (node.entries.size > 0) throw systemError('ENOTEMPTY', path)
      folder.set(name, undefined, this.#lastOrder++)
    })
  }

  unlink(path: string): Promise<void> {
    return this.#call({ kind: 'unlink', path, at: 0, data: undefined }, () => {
      const { volume, folder, name } = this.#parent(path)
      const node = folder.entries.get(name)
      if (node === undefined) throw systemError('ENOENT', path)
      if (node.isFolder) throw systemError('EISDIR', path)
      this.#refuseReadOnly(volume, path)
      folder.set(name, undefined, this.#lastOrder++)
      this.#bury(node.view())
    })
  }

  syncFolder(path: string): Promise<void> {
    const asked = this.#findFolder(path)?.pendingChanges ?? 0
    return this.#call({ kind: 'sync-folder', path, at: asked, data: undefined }, () => {
      const folder = this.#findFolder(path)
      if (folder === undefined) throw systemError('ENOENT', path)
      folder.sync(asked)
    })
  }

  async end(): Promise<void> {}

  usage(path: string): Promise<DiskUsage> {
    return this.#call({ kind: 'usage', path, at: 0, data: undefined }, () => {
      if (this.volume === undefined) throw systemError('ENOENT', path)
      const totalBytes = this.volume.capacityBytes
      return { freeBytes: Math.max(0, totalBytes - usedBytes(this.volume.root)), totalBytes }
    })
  }

  /** Performs one waiting call, any of the first few. False where none waits. */
  step(): boolean {
    if (this.isDead || this.#queue.length === 0) return false
    const at = this.#random.int(0, Math.min(callsInFlight, this.#queue.length))
    const [call] = this.#queue.splice(at, 1)
    this.#perform(call!)
    return true
  }

  /** Answers the calls that were left hanging, as a disk that wakes up. */
  release(): void {
    this.#queue.unshift(...this.#hung.splice(0))
  }

  /** What programs see now. */
  tree(volume = this.volume): FileTree {
    return {
      list: (path) => {
        const folder = this.#findFolder(path, volume)
        return folder && [...folder.entries].map(([name, node]) => ({ name, isFolder: node.isFolder }))
      },
      read: (path) => {
        const node = this.#find(path, volume)
        return node === undefined || node.isFolder ? undefined : node.view()
      },
    }
  }

  /** What is safe of a file: its bytes that every crash image holds. Undefined where some images lack its name. */
  safeBytes(path: string, volume = this.volume): Uint8Array | undefined {
    let node: DiskNode | undefined = volume?.root
    for (const name of this.#names(path)) node = node?.isFolder ? node.safeEntry(name) : undefined
    return node === undefined || node.isFolder ? undefined : node.safeView()
  }

  /** The power goes: calls under way are done or not, and what was not synced is there or not. This disk is dead. */
  powerCut(): CrashDisk {
    this.finishCalls()
    const stale = () => this.#staleSource()
    const cut = this.#random.chance(0.3) ? this.#random.int(0, this.#lastOrder + 1) : undefined
    const volume = this.volume && { ...this.volume, root: this.volume.root.crashImage(this.#random, stale, cut) }
    return this.#successor(volume)
  }

  /** The process is killed: calls under way are done, in part or not; the cache stays. This disk object is dead. */
  kill(): CrashDisk {
    this.finishCalls()
    return this.#successor(this.volume)
  }

  #successor(volume: Volume | undefined): CrashDisk {
    this.isDead = true
    const next = new CrashDisk(this.mountPoint, volume, this.#random)
    next.#graveyard = this.#graveyard
    next.trace = this.trace
    next.#lastOrder = this.#lastOrder
    return next
  }

  /** The last moment: calls under way are done, in part or not, and nobody is told. */
  finishCalls(): void {
    for (const call of this.#queue.splice(0).slice(0, callsInFlight)) {
      if (!this.#random.chance(0.5)) continue
      call.resolve = () => undefined
      call.reject = () => undefined
      // Within one sector a write is never torn.
      const isTorn = call.kind === 'write' && !isOneSector(call) && this.#random.chance(0.5)
      this.#perform(
        call,
        isTorn ? { code: 'EINTR', partialBytes: this.#random.int(0, call.data!.length + 1) } : undefined,
      )
    }
    this.#hung = []
  }

  #call<T>(call: DiskCall, perform: () => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ ...call, perform, resolve: resolve as (value: unknown) => void, reject })
    })
  }

  #perform(call: QueuedCall, forced?: Fault): void {
    this.calls++
    const fault = forced ?? this.fault(call)
    if (fault === 'hang') {
      this.trace(`${described(call)}: hangs`)
      this.#hung.push(call)
      return
    }
    const volume = this.#volumeOf(call)
    try {
      if (fault !== undefined) {
        this.#failPartly(call, fault)
        throw systemError(fault.code, call.path)
      }
      const value = call.perform()
      if (volume !== undefined && observed.has(call.kind)) this.observe(call, volume)
      this.trace(described(call))
      call.resolve(value)
    } catch (error) {
      this.trace(`${described(call)}: ${(error as Error).message.split(':')[0]}`)
      call.reject(error)
    }
  }

  #failPartly(call: QueuedCall, fault: { code: string; partialBytes?: number }): void {
    const node = [...this.#open.values()].find((file) => file.path === call.path)?.node
    if (node === undefined) return
    if (call.kind === 'sync') node.failSync(call.at)
    const partialBytes = isOneSector(call) ? 0 : (fault.partialBytes ?? 0)
    const partial = call.kind === 'write' ? call.data!.subarray(0, partialBytes) : undefined
    if (partial !== undefined && partial.length > 0) node.write(call.at, partial)
  }

  #volumeOf(call: DiskCall): Volume | undefined {
    const isByFile = ['read', 'write', 'sync', 'truncate'].includes(call.kind)
    if (!isByFile) return this.volume
    return [...this.#open.values()].find((file) => file.path === call.path)?.volume
  }

  #pathOf(file: number): string {
    return this.#open.get(file)?.path ?? ''
  }

  #file(file: number): OpenFile {
    const open = this.#open.get(file)
    if (open === undefined) throw systemError('EBADF', String(file))
    if (open.volume.isPulled) throw systemError('EIO', open.path)
    return open
  }

  #refuseReadOnly(volume: Volume, path: string): void {
    if (volume.isReadOnly) throw systemError('EROFS', path)
  }

  /** How far a file may grow now, and what the error is beyond. */
  #roomFor(volume: Volume, path: string, node: FileNode): { end: number; code: string } {
    const own = Math.ceil(node.size / blockBytes) * blockBytes
    let end = own + Math.floor((volume.capacityBytes - usedBytes(volume.root)) / blockBytes) * blockBytes
    let code = 'ENOSPC'
    if (volume.quota !== undefined && path.startsWith(volume.quota.path)) {
      const used = usedBytes(this.#find(volume.quota.path) ?? new FolderNode())
      const quotaEnd = own + Math.floor((volume.quota.bytes - used) / blockBytes) * blockBytes
      if (quotaEnd < end) {
        end = quotaEnd
        code = 'EDQUOT'
      }
    }
    return { end: Math.max(end, own), code }
  }

  #isOnVolume(path: string): boolean {
    return path === this.mountPoint || path.startsWith(`${this.mountPoint}/`)
  }

  #names(path: string): string[] {
    return path
      .slice(this.mountPoint.length)
      .split('/')
      .filter((name) => name !== '')
  }

  #find(path: string, volume = this.volume): DiskNode | undefined {
    if (!this.#isOnVolume(path)) return undefined
    let node: DiskNode | undefined = volume?.root
    for (const name of this.#names(path)) node = node?.isFolder ? node.entries.get(name) : undefined
    return node
  }

  #findFolder(path: string, volume = this.volume): FolderNode | undefined {
    const node = this.#find(path, volume)
    return node?.isFolder ? node : undefined
  }

  #parent(path: string): { volume: Volume; folder: FolderNode; name: string } {
    const slash = path.lastIndexOf('/')
    const folder = this.#findFolder(path.slice(0, slash))
    if (folder === undefined || this.volume === undefined) throw systemError('ENOENT', path)
    return { volume: this.volume, folder, name: path.slice(slash + 1) }
  }

  #bury(content: Uint8Array): void {
    if (content.length === 0) return
    const copy = content.slice(0, 256 * 1024)
    if (this.#graveyard.length < graveyardFiles) this.#graveyard.push(copy)
    else this.#graveyard[this.#random.int(0, graveyardFiles)] = copy
  }

  /** Old bytes for one file: mostly of one deleted file at the same place, so that whole stale fragments turn up. */
  #staleSource(): StaleSource {
    const file = this.#graveyard.length > 0 && this.#random.chance(0.6) ? this.#random.pick(this.#graveyard) : undefined
    const shift = this.#random.chance(0.7) ? 0 : this.#random.int(0, 8)
    const zeros = this.#random.next() * 0.3
    return {
      blockAt: (block) => {
        const at = (block + shift) * blockBytes
        if (file === undefined || at >= file.length || this.#random.chance(zeros)) return undefined
        return file.subarray(at, at + blockBytes)
      },
    }
  }
}

function described(call: DiskCall): string {
  const extent = call.data === undefined ? '' : ` at ${call.at}, ${call.data.length} bytes`
  return `${call.kind} ${call.path}${extent}`
}

function isOneSector(call: DiskCall): boolean {
  return Math.floor(call.at / sectorBytes) === Math.floor((call.at + (call.data?.length ?? 0) - 1) / sectorBytes)
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}

function shuffled<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.int(0, i + 1)
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
  return items
}

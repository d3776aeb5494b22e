// All that the recorder asks of a file system, for one volume. Behind an interface so that the fault rig can stand in for
// a disk that tears, lies, fills up or hangs.
import type { Stats } from 'node:fs'
import * as fs from 'node:fs'
import type { WriteThread } from './write-thread.ts'

/** How a file is opened: `create` fails where it exists; `update` reads and writes what is there. */
export type OpenMode = 'create' | 'read' | 'update'

export interface DiskUsage {
  /** What a process without privileges may still write, in bytes (`f_bavail`). Root may write past 0; we do not. */
  freeBytes: number
  totalBytes: number
}

export interface DiskEntry {
  name: string
  isFolder: boolean
}

/**
 * Files of one volume. Every call may fail with a Node system error (`code` such as ENOSPC, EIO, EROFS, ENOENT), and may
 * take for ever: no caller waits for one on a camera's path.
 */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<number>
  close(file: number): Promise<void>
  /**
   * Writes all of `bytes[start, end)` at `position`; a short write is continued. `isWaitedFor`, here and below: more is
   * to follow at once, so its end should be seen at once.
   */
  write(
    file: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    position: number,
    isWaitedFor?: boolean,
  ): Promise<void>
  /** Reads up to `length` bytes at `position`; fewer at the file's end. */
  read(file: number, position: number, length: number): Promise<Uint8Array>
  /** `fdatasync`: data and length of the file are safe when it returns. */
  sync(file: number, isWaitedFor?: boolean): Promise<void>
  truncate(file: number, length: number): Promise<void>
  stat(path: string): Promise<{ sizeBytes: number; device: number; isFolder: boolean } | undefined>
  /** Entries in no order; undefined where there is no such folder. */
  list(path: string): Promise<DiskEntry[] | undefined>
  /** Makes one folder in an existing one. True where it was made, false where it was there. */
  makeFolder(path: string): Promise<boolean>
  removeFolder(path: string): Promise<void>
  unlink(path: string): Promise<void>
  /** `fsync` of a folder: names made in it or removed from it are safe when it returns. */
  syncFolder(path: string): Promise<void>
  usage(path: string): Promise<DiskUsage>
  /** The volume is not used any more; no call follows. */
  end(): Promise<void>
}

/**
 * Calls that may be under way on one volume. libuv's pool is shared by the whole process, and its launcher makes it 64
 * threads wide: a hung disk may hold so many of them and no more, and other volumes go on.
 */
const maxCallsInFlight = 16

/** What the recorder's napping loop must know of file calls: which of them it may not sleep on. */
export interface DiskLoad {
  /** Calls that wait for a place. */
  waiting: number
  /** Calls under way that others wait for: making, opening and reading, but not the writes and syncs of every turn. */
  urgent: number
  /** Calls that have returned, so far. */
  finished: number
}

/**
 * The machine's file system, sixteen calls of a volume in flight at most; the rest wait their turn. Writes that nobody
 * waits for are left to `writeThread`, as far as it takes them.
 */
export class NodeDisk implements Disk {
  readonly #load: DiskLoad
  readonly #writeThread: WriteThread | undefined
  #inFlight = 0
  #waiting: (() => void)[] = []
  /** When each call under way began, by a running number: the oldest tells whether the volume hangs. */
  #began = new Map<number, number>()
  #calls = 0

  constructor(load: DiskLoad = { waiting: 0, urgent: 0, finished: 0 }, writeThread?: WriteThread) {
    this.#load = load
    this.#writeThread = writeThread
  }

  /** For how long the longest call under way has been, in milliseconds; 0 where none is. */
  get stalledMs(): number {
    const nowMs = performance.now()
    const [startedMs = nowMs] = this.#began.values()
    return Math.max(nowMs - startedMs, this.#writeThread?.oldestMs ?? 0)
  }

  open(path: string, mode: OpenMode): Promise<number> {
    const flags = mode === 'create' ? 'wx+' : mode === 'update' ? 'r+' : 'r'
    return this.#call((done) => fs.open(path, flags, 0o640, done))
  }

  close(file: number): Promise<void> {
    return this.#call((done) => fs.close(file, done))
  }

  async write(
    file: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    position: number,
    isWaitedFor = false,
  ): Promise<void> {
    if (!isWaitedFor && this.#writeThread?.canTake(bytes)) {
      await this.#writeThread.write(file, bytes, start, end, position)
      return
    }
    while (start < end) {
      const from = start
      const at = position
      const written = await this.#call<number>((done) => fs.write(file, bytes, from, end - from, at, done), isWaitedFor)
      if (written <= 0) throw Object.assign(new Error('write returned 0 bytes'), { code: 'EIO' })
      start += written
      position += written
    }
  }

  async read(file: number, position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    let got = 0
    while (got < length) {
      const at = got
      const count = await this.#call<number>((done) => fs.read(file, bytes, at, length - at, position + at, done))
      if (count === 0) break
      got += count
    }
    return bytes.subarray(0, got)
  }

  sync(file: number, isWaitedFor = false): Promise<void> {
    return this.#call((done) => fs.fdatasync(file, done), isWaitedFor)
  }

  truncate(file: number, length: number): Promise<void> {
    return this.#call((done) => fs.ftruncate(file, length, done))
  }

  async stat(path: string) {
    const stats = await missingAsUndefined(this.#call<Stats>((done) => fs.stat(path, done)))
    return stats && { sizeBytes: stats.size, device: stats.dev, isFolder: stats.isDirectory() }
  }

  async list(path: string): Promise<DiskEntry[] | undefined> {
    const entries = await missingAsUndefined(
      this.#call<fs.Dirent[]>((done) => fs.readdir(path, { withFileTypes: true }, done)),
    )
    return entries?.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
  }

  async makeFolder(path: string): Promise<boolean> {
    try {
      await this.#call<void>((done) => fs.mkdir(path, 0o750, done))
      return true
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      throw error
    }
  }

  removeFolder(path: string): Promise<void> {
    return this.#call((done) => fs.rmdir(path, done))
  }

  unlink(path: string): Promise<void> {
    return this.#call((done) => fs.unlink(path, done))
  }

  async syncFolder(path: string): Promise<void> {
    const folder = await this.#call<number>((done) => fs.open(path, 'r', done))
    try {
      await this.#call<void>((done) => fs.fsync(folder, done))
    } finally {
      await this.close(folder)
    }
  }

  async usage(path: string): Promise<DiskUsage> {
    const stats = await this.#call<fs.StatsFs>((done) => fs.statfs(path, done))
    return { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize }
  }

  async end(): Promise<void> {
    await this.#writeThread?.end()
  }

  #call<T>(
    start: (done: (error: NodeJS.ErrnoException | null, value?: unknown) => void) => void,
    isUrgent = true,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (isUrgent) this.#load.urgent++
      const run = () => {
        const call = this.#calls++
        this.#inFlight++
        this.#began.set(call, performance.now())
        start((error, value) => {
          this.#began.delete(call)
          this.#inFlight--
          this.#load.finished++
          if (isUrgent) this.#load.urgent--
          const next = this.#waiting.shift()
          if (next !== undefined) {
            this.#load.waiting--
            next()
          }
          if (error === null) resolve(value as T)
          else reject(error)
        })
      }
      if (this.#inFlight < maxCallsInFlight) {
        run()
      } else {
        this.#load.waiting++
        this.#waiting.push(run)
      }
    })
  }
}

/** The system error's name, such as `ENOSPC`; '' where it has none. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : ''
}

/** Whether there was no room: on the volume, or in a quota. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error))
}

async function missingAsUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

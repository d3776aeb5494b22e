// Deletes footage: the oldest while a space is over its threshold, or all of a channel (FORMAT.md §5, *Delete*).
import type { Disk } from './disk.ts'
import type { Journal } from './journal.ts'
import { parseSegmentPath, sequenceOfName } from './segment-path.ts'

export interface Removed {
  sequences: number[]
  bytes: number
  reason: string
}

export interface RetentionOptions {
  disk: Disk
  /** Absolute path of the space's folder. */
  folder: string
  journal: Journal
  report: (removed: Removed) => void
  /** Throws unless the disk is still the right one. */
  prove: () => Promise<void>
}

/** How many files one round deletes at most: what a crash in it leaves to finish. */
const roundFiles = 32

/** How many of a stream's oldest files are remembered where every folder had to be read for them. */
const aheadFiles = 512

interface Candidate {
  sequence: number
  path: string
  startUs: number
}

type Chosen = Pick<Candidate, 'sequence' | 'path'> & { bytes: number }

/** The segments of one `<channel>/<stream>-<kind>` folder, oldest first, an hour's folder at a time. */
interface StreamCursor {
  folder: string
  ahead: Candidate[]
}

/**
 * Finds the oldest segments by walking folders, since the recorder has no database: names tell time and sequence.
 *
 * Keeps invariants 3 and 6 by its order: tombstones, synced; unlink; sync the folders; `gone`; report. A crash anywhere
 * leaves tombstones, and `finishStarted` goes on from them.
 */
export class Retention {
  readonly #options: RetentionOptions
  #cursors: Map<string, StreamCursor> | undefined
  #pins: ReadonlySet<number> = new Set()
  #oldestUs: number | undefined
  #hadStepped = false
  /** Taken in this round, and not yet marked in the journal: a folder that is read again still holds them. */
  readonly #taken = new Set<string>()
  #turn: Promise<void> = Promise.resolve()
  /** Reported and not yet acknowledged: path by sequence number. */
  readonly #unforgotten = new Map<number, string>()

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  /** When the oldest footage known to be here began, UTC microseconds. */
  get oldestUs(): number | undefined {
    return this.#oldestUs
  }

  setPins(sequences: ReadonlySet<number>): void {
    const hasFreed = [...this.#pins].some((sequence) => !sequences.has(sequence))
    this.#pins = sequences
    // What is no longer pinned may be the oldest again.
    if (hasFreed) this.#readAnew()
  }

  /** A segment that a fault had left open was closed: it may be the oldest of its stream. */
  noteRecovered(path: string): void {
    const cursor = this.#cursors?.get(streamFolderOf(path))
    if (cursor !== undefined) cursor.ahead = []
  }

  /** Another disk may have been looked at while this one was away: nothing that was read there counts. */
  forgetFolders(): void {
    this.#cursors = undefined
  }

  #readAnew(): void {
    for (const cursor of this.#cursors?.values() ?? []) cursor.ahead = []
  }

  /** A segment was made: its folder must be looked at again when its turn comes. */
  noteCreated(path: string): void {
    const name = parseSegmentPath(path)
    if (name === undefined) return
    this.#oldestUs ??= name.startUs
    this.#cursors?.set(
      streamFolderOf(path),
      this.#cursors.get(streamFolderOf(path)) ?? { folder: streamFolderOf(path), ahead: [] },
    )
  }

  /** Finishes deletions a crash or a fault interrupted, and reports again what an earlier process had reported. */
  async finishStarted(): Promise<void> {
    const started = [...this.#options.journal.state.tombstones].filter(([, { seq }]) => !this.#unforgotten.has(seq))
    if (started.length === 0) return
    await this.#unlinkAll(
      started.map(([path, { seq }]) => ({ path, sequence: seq })),
      'finished after a restart',
    )
  }

  /** Deletes the oldest files until about `bytes` are freed. Returns how many were; 0 where none could be deleted. */
  removeOldest(bytes: number): Promise<number> {
    return this.#inTurn(() => this.#removeOldest(bytes))
  }

  /** One choice after the other: two at once would take newer files before older ones are marked. */
  #inTurn<T>(remove: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(remove)
    this.#turn = turn.then(
      () => undefined,
      () => undefined,
    )
    return turn
  }

  async #removeOldest(bytes: number): Promise<number> {
    const { hasStepped } = this.#options.journal.state
    if (hasStepped && !this.#hadStepped) this.#readAnew()
    this.#hadStepped = hasStepped
    for (let tries = 0; tries < 3; tries++) {
      const openBefore = new Map(this.#options.journal.state.open)
      const chosen = await this.#choose(bytes)
      if (chosen.length === 0) return 0
      const still = this.#withoutNewer(chosen, openBefore)
      if (still.length === 0) continue
      const removed = await this.#remove(still, 'overwritten, oldest first')
      this.#taken.clear()
      return removed
    }
    return 0
  }

  async #choose(bytes: number): Promise<Chosen[]> {
    const chosen: Chosen[] = []
    let freed = 0
    this.#taken.clear()
    while (freed < bytes && chosen.length < roundFiles) {
      const oldest = await this.#takeOldest()
      if (oldest === undefined) break
      const stats = await this.#options.disk.stat(`${this.#options.folder}/${oldest.path}`)
      if (stats === undefined) continue
      chosen.push({ ...oldest, bytes: stats.sizeBytes })
      freed += stats.sizeBytes
    }
    return chosen
  }

  /**
   * What was chosen, less what is newer than a segment that was closed meanwhile: that one was passed over because it was
   * open, and is the older one now.
   */
  #withoutNewer(chosen: Chosen[], openBefore: ReadonlyMap<string, number>): Chosen[] {
    const { open, tombstones } = this.#options.journal.state
    const closed = [...openBefore].filter(([path]) => !open.has(path) && !tombstones.has(path))
    const limit = Math.min(...closed.map(([, sequence]) => sequence))
    const still = chosen.filter(({ sequence }) => sequence < limit)
    if (still.length < chosen.length) this.#readAnew()
    return still
  }

  removeChannel(channelId: string): Promise<void> {
    return this.#inTurn(() => this.#removeChannel(channelId))
  }

  async #removeChannel(channelId: string): Promise<void> {
    const all: Candidate[] = []
    for await (const candidate of this.#walk(channelId)) {
      if (!this.#options.journal.state.open.has(candidate.path)) all.push(candidate)
    }
    const { disk, folder } = this.#options
    for (let at = 0; at < all.length; at += roundFiles) {
      const chosen: Chosen[] = []
      for (const candidate of all.slice(at, at + roundFiles)) {
        const bytes = (await disk.stat(`${folder}/${candidate.path}`))?.sizeBytes ?? 0
        chosen.push({ ...candidate, bytes })
      }
      await this.#remove(chosen, 'its camera was removed with its recordings')
    }
  }

  /** Deletes a file that holds no footage. */
  async removeEmpty(path: string): Promise<void> {
    const name = parseSegmentPath(path)
    if (name === undefined) return
    await this.#remove([{ path, sequence: name.sequence, bytes: 0 }], 'held no footage')
  }

  async #remove(chosen: Chosen[], reason: string): Promise<number> {
    const { journal } = this.#options
    for (const { path, sequence, bytes } of chosen) journal.append({ tombstone: path, seq: sequence, bytes })
    await journal.sync()
    return await this.#unlinkAll(chosen, reason)
  }

  async #unlinkAll(chosen: Pick<Chosen, 'path' | 'sequence'>[], reason: string): Promise<number> {
    const { disk, folder, journal, prove } = this.#options
    const folders = new Set<string>()
    let bytes = 0
    for (const { path } of chosen) {
      const stats = await disk.stat(`${folder}/${path}`)
      folders.add(path.slice(0, path.lastIndexOf('/')))
      if (stats === undefined) continue
      await disk.unlink(`${folder}/${path}`)
      bytes += stats.sizeBytes
    }
    for (const changed of folders) await this.#syncOrPrune(changed)
    // A file that was not there is gone only if the disk was: a mount that vanished shows an empty folder too.
    await prove()
    for (const { path, sequence } of chosen) {
      journal.append({ gone: path })
      this.#unforgotten.set(sequence, path)
    }
    await journal.sync()
    this.#options.report({ sequences: chosen.map(({ sequence }) => sequence), bytes, reason })
    return bytes
  }

  /** Makes removals in a folder safe. One that is empty and not of this hour goes too, as does the day's. */
  async #syncOrPrune(below: string): Promise<void> {
    const { disk, folder } = this.#options
    if ((await disk.list(`${folder}/${below}`)) === undefined) return
    await disk.syncFolder(`${folder}/${below}`)
    const newest = await this.#newestHour(streamFolderOf(`${below}/`))
    for (let path = below; path.split('/').length > 2; path = path.slice(0, path.lastIndexOf('/'))) {
      const entries = await disk.list(`${folder}/${path}`)
      // The newest hour's folder may be the one a writer is about to make a file in.
      if (entries === undefined || entries.length > 0 || newest === undefined || newest.startsWith(path)) return
      await disk.removeFolder(`${folder}/${path}`)
      await disk.syncFolder(`${folder}/${path.slice(0, path.lastIndexOf('/'))}`)
    }
  }

  async #newestHour(streamFolder: string): Promise<string | undefined> {
    const day = (await this.#names(streamFolder, /^\d{8}$/)).at(-1)
    if (day === undefined) return undefined
    const hour = (await this.#names(`${streamFolder}/${day}`, /^\d{2}$/)).at(-1)
    return hour === undefined ? `${streamFolder}/${day}` : `${streamFolder}/${day}/${hour}`
  }

  /** The index knows: tombstones are needed no more. */
  forget(sequences: readonly number[]): void {
    for (const sequence of sequences) {
      const path = this.#unforgotten.get(sequence)
      if (path === undefined) continue
      this.#unforgotten.delete(sequence)
      this.#options.journal.append({ forget: path })
    }
  }

  async #takeOldest(): Promise<Candidate | undefined> {
    this.#cursors ??= await this.#streamCursors()
    let oldest: StreamCursor | undefined
    for (const cursor of this.#cursors.values()) {
      this.#dropKept(cursor)
      if (cursor.ahead.length === 0) await this.#fill(cursor)
      const first = cursor.ahead[0]
      if (first !== undefined && (oldest === undefined || first.sequence < oldest.ahead[0]!.sequence)) oldest = cursor
    }
    const taken = oldest?.ahead.shift()
    if (taken === undefined) return undefined
    this.#taken.add(taken.path)
    this.#oldestUs = taken.startUs
    return taken
  }

  /** Pins and locks may have come since the folder was read. */
  #dropKept(cursor: StreamCursor): void {
    cursor.ahead = cursor.ahead.filter(({ path, sequence, startUs }) => {
      return this.#mayGo(path, sequence, path.slice(0, path.indexOf('/')), startUs)
    })
  }

  async #streamCursors(): Promise<Map<string, StreamCursor>> {
    const cursors = new Map<string, StreamCursor>()
    for (const channel of await this.#names('', /^[0-9a-f-]{36}$/)) {
      for (const name of await this.#names(channel, /^[1-3]-(normal|event)$/)) {
        cursors.set(`${channel}/${name}`, { folder: `${channel}/${name}`, ahead: [] })
      }
    }
    return cursors
  }

  /** Reads the folders of the oldest hour that holds a segment which may go. */
  async #fill(cursor: StreamCursor): Promise<void> {
    if (this.#options.journal.state.hasStepped) {
      cursor.ahead = await this.#lowestNumbers(cursor.folder)
      return
    }
    for (const day of await this.#names(cursor.folder, /^\d{8}$/)) {
      for (const hour of await this.#names(`${cursor.folder}/${day}`, /^\d{2}$/)) {
        cursor.ahead = await this.#hour(`${cursor.folder}/${day}/${hour}`)
        if (cursor.ahead.length > 0) return
      }
    }
  }

  /** After a clock has stepped, names no longer tell the order: all are looked at, and the lowest numbers kept. */
  async #lowestNumbers(folder: string): Promise<Candidate[]> {
    let lowest: Candidate[] = []
    for (const day of await this.#names(folder, /^\d{8}$/)) {
      for (const hour of await this.#names(`${folder}/${day}`, /^\d{2}$/)) {
        const all = [...lowest, ...(await this.#hour(`${folder}/${day}/${hour}`))]
        lowest = all.sort((a, b) => a.sequence - b.sequence).slice(0, aheadFiles)
      }
    }
    return lowest
  }

  /** The segments of an hour's folder that may go, in the order they were made. */
  async #hour(folder: string): Promise<Candidate[]> {
    const entries = (await this.#options.disk.list(`${this.#options.folder}/${folder}`)) ?? []
    const candidates: Candidate[] = []
    for (const { name } of entries) {
      const path = `${folder}/${name}`
      const segment = sequenceOfName(name) === undefined ? undefined : parseSegmentPath(path)
      if (segment === undefined || !this.#mayGo(path, segment.sequence, segment.channelId, segment.startUs)) continue
      candidates.push({ path, sequence: segment.sequence, startUs: segment.startUs })
    }
    return candidates.sort((a, b) => a.sequence - b.sequence)
  }

  #mayGo(path: string, sequence: number, channelId: string, startUs: number): boolean {
    const { open, tombstones, locks } = this.#options.journal.state
    if (open.has(path) || tombstones.has(path) || this.#taken.has(path) || this.#pins.has(sequence)) return false
    for (const lock of locks.values()) {
      // A segment is about 5 minutes, and twice that without a keyframe: one that may reach into the lock stays.
      if (lock.channel === channelId && startUs < lock.toUs && startUs + 3600e6 > lock.fromUs) return false
    }
    return true
  }

  async *#walk(channelId: string): AsyncGenerator<Candidate> {
    for (const stream of await this.#names(channelId, /^[1-3]-(normal|event)$/)) {
      for (const day of await this.#names(`${channelId}/${stream}`, /^\d{8}$/)) {
        for (const hour of await this.#names(`${channelId}/${stream}/${day}`, /^\d{2}$/)) {
          yield* await this.#hour(`${channelId}/${stream}/${day}/${hour}`)
        }
      }
    }
  }

  /** Bytes of all closed footage in the space, locked and pinned too: counted where the journal does not tell. */
  async countBytes(): Promise<number> {
    const { disk, folder, journal } = this.#options
    let bytes = 0
    for (const below of (await this.#streamCursors()).keys()) {
      for (const day of await this.#names(below, /^\d{8}$/)) {
        for (const hour of await this.#names(`${below}/${day}`, /^\d{2}$/)) {
          for (const { name } of (await disk.list(`${folder}/${below}/${day}/${hour}`)) ?? []) {
            const path = `${below}/${day}/${hour}/${name}`
            if (sequenceOfName(name) === undefined || journal.state.open.has(path)) continue
            bytes += (await disk.stat(`${folder}/${path}`))?.sizeBytes ?? 0
          }
        }
      }
    }
    return bytes
  }

  /** Folders below one, sorted, whose names match. */
  async #names(below: string, pattern: RegExp): Promise<string[]> {
    const path = below === '' ? this.#options.folder : `${this.#options.folder}/${below}`
    const entries = (await this.#options.disk.list(path)) ?? []
    return entries
      .filter((entry) => entry.isFolder && pattern.test(entry.name))
      .map((entry) => entry.name)
      .sort()
  }
}

function streamFolderOf(path: string): string {
  return path.split('/').slice(0, 2).join('/')
}

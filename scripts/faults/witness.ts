// Sees every call the recorder makes on its disk and every event it reports, keeps what is therefore true, and says at
// once when a step breaks an invariant of FORMAT.md.
import type { RecorderEvent, SegmentRow } from '../../server/recording/recorder-protocol.ts'
import type { CrashDisk, DiskCall } from './crash-disk.ts'
import type { Volume } from './crash-volume.ts'
import type { FakeClock } from './fake-clock.ts'
import type { FakeStream } from './fake-stream.ts'
import { type KnownFragment, type KnownSegment, type Problem, type ProblemKind, rowFrom } from './oracle/check-space.ts'
import type { FileTree } from './oracle/file-tree.ts'
import { type FoundFragment, readFragmentAt, readSegmentFile } from './oracle/segment-file.ts'
import { parsePath, readJournal, readMarker } from './oracle/space-files.ts'

/** A segment file and what was written to it. */
interface Watched extends KnownSegment {
  segmentId: string
  startUs: number
  endUs: number
  /** Where the next fragment must begin. */
  endOffset: number
  committed: Map<number, { fragment: KnownFragment; atUs: number; end: number }>
  isDeleted: boolean
  /** Reported as closed, in this life or an earlier one; and when, by monotonic time. */
  isClosed: boolean
  closedAtUs: number
}

export interface Lock {
  channel: string
  fromUs: number
  toUs: number
}

export interface WitnessOptions {
  spaceId: string
  serverId: string
  /** Absolute path of the space's folder. */
  folder: string
  clock: FakeClock
  streams: readonly FakeStream[]
  locks: readonly Lock[]
  /** When the sum of all footage is below this, nothing may be deleted for room; bytes. */
  keepBytes: number
}

export class Witness {
  readonly problems: Problem[] = []
  readonly segments = new Map<string, Watched>()
  /** The index, as the events tell it. */
  readonly rows = new Map<string, SegmentRow>()
  /** Told to the index, not yet acknowledged. */
  readonly removed: number[] = []
  readonly pins = new Set<number>()
  deleted = 0
  spaceErrors: string[] = []
  /** The volume that is ours; anything else at the mount point must not be written to. */
  home: Volume | undefined
  /** Calls seen now were under way when the power went or the process was killed: nobody was told they were done. */
  isEnding = false
  /** Room may be made by deleting more than the threshold asks, because the volume itself is full. */
  isDiskFull = false
  #options: WitnessOptions
  #disk: CrashDisk | undefined
  readonly #sequences = new Set<number>()
  readonly #lastOfChannel = new Map<string, number>()
  /** The largest number of the lives before this one. */
  #lastOfLives = -1
  /** When the marker was last read on the right disk. */
  #provedAtUs = 0
  /** Every path a tombstone was written for, and not lost again. */
  readonly #tombstones = new Set<string>()
  readonly #everPinned = new Set<number>()
  #lastFed = new Map<string, number>()

  constructor(options: WitnessOptions) {
    this.#options = options
  }

  attach(disk: CrashDisk): void {
    this.#disk = disk
    disk.observe = (call, volume) => this.#see(call, volume)
    this.#forgetLostTombstones(disk)
  }

  /** A tombstone that a power cut took was never there: its segment stays, and may be pinned. */
  #forgetLostTombstones(disk: CrashDisk): void {
    if (this.#tombstones.size === 0) return
    const { tombstones } = readJournal(disk.tree(this.home), this.#options.folder)
    for (const path of this.#tombstones) {
      if (!tombstones.has(path) && this.segments.get(path)?.isDeleted === false) this.#tombstones.delete(path)
    }
  }

  broken(kind: ProblemKind, invariant: number, what: string): void {
    if (this.problems.length < 20) this.problems.push({ kind, invariant, what })
  }

  #see(call: DiskCall, volume: Volume): void {
    if (call.kind === 'read' && call.path.endsWith('/.nightjar-space') && volume === this.home)
      this.#provedAtUs = this.#options.clock.monotonicUs()
    if (call.kind.startsWith('sync') || call.kind === 'read') return
    // One look at the marker serves for a second.
    const isProved = this.#options.clock.monotonicUs() - this.#provedAtUs <= 1_000_000
    if (volume !== this.home && !isProved && call.kind !== 'write' && call.kind !== 'truncate') {
      this.broken('invariant', 5, `${call.kind} ${call.path} on a disk that is not the space's`)
    }
    if (!call.path.startsWith(`${this.#options.folder}/`)) return
    const path = call.path.slice(this.#options.folder.length + 1)
    if (path.endsWith('.mp4') && parsePath(path) !== undefined) this.#seeSegment(call, path)
    else if (path.startsWith('journal/') && call.kind === 'write') this.#seeTombstones(call.data!)
    else if (call.kind === 'unlink' && !/^journal\/\d+\.log$/.test(path)) {
      this.broken('wrong-deletion', 6, `${path}: deleted, and it is no segment`)
    } else if (path === '.nightjar-space' && call.kind === 'write') {
      const marker = readMarker(this.#disk!.tree(this.home).read(call.path))
      if (typeof marker === 'string' || marker.space !== this.#options.spaceId) {
        this.broken('invariant', 5, `the marker was overwritten: ${JSON.stringify(marker)}`)
      }
    }
  }

  #seeSegment(call: DiskCall, path: string): void {
    if (call.kind === 'create') this.#seeCreate(path)
    else if (call.kind === 'write') this.#seeWrite(call, path)
    else if (call.kind === 'unlink') this.#seeUnlink(path)
  }

  #seeCreate(path: string): void {
    const parts = parsePath(path)!
    // Files of several cameras are made side by side: order holds for one camera's, and from one start to the next.
    const before = Math.max(this.#lastOfLives, this.#lastOfChannel.get(parts.channelId) ?? -1)
    if (this.#sequences.has(parts.sequence)) this.broken('invariant', 4, `${path}: its number was used before`)
    else if (parts.sequence <= before) this.broken('invariant', 4, `${path}: made after number ${before}`)
    this.#sequences.add(parts.sequence)
    this.#lastOfChannel.set(parts.channelId, parts.sequence)
    this.segments.set(path, {
      path,
      sequence: parts.sequence,
      channelId: parts.channelId,
      channelName: '',
      stream: parts.stream,
      kind: parts.kind,
      runId: parts.runId,
      runIndex: 0,
      mustHave: [],
      mayHave: [],
      mayBeGone: false,
      segmentId: '',
      startUs: parts.startUs,
      endUs: parts.startUs,
      endOffset: 0,
      committed: new Map(),
      isDeleted: false,
      isClosed: false,
      closedAtUs: 0,
    })
  }

  #seeWrite(call: DiskCall, path: string): void {
    const segment = this.segments.get(path)
    const bytes = this.#disk!.tree(this.home).read(call.path)
    if (segment === undefined || bytes === undefined) return
    if (call.at === 0) {
      if (segment.segmentId !== '') return
      const found = readSegmentFile(bytes)
      if (found.head === undefined) return
      const { channelName, runIndex, segmentId } = found.head
      Object.assign(segment, { channelName, runIndex, segmentId, endOffset: found.headBytes })
      for (const problem of found.problems) this.broken('unreadable', 8, `${path}: ${problem}`)
      return
    }
    if (call.at !== segment.endOffset || segment.isClosed) return
    const problems: string[] = []
    const fragment = readFragmentAt(bytes, call.at, segment.segmentId, problems)
    if (fragment === undefined || segment.committed.has(fragment.number)) return
    for (const problem of problems) this.broken('unreadable', 8, `${path}: ${problem}`)
    segment.endOffset += fragment.headBytes + fragment.dataBytes
    this.#checkClaim(path, fragment, bytes)
    this.#checkOrigin(segment, fragment)
    const { number, utcUs, flags } = fragment
    const known = { number, utcUs, flags, data: fragment.data.slice() }
    segment.endUs = Math.max(segment.endUs, utcUs)
    if (this.isEnding) segment.mayHave.push(known)
    else
      segment.committed.set(number, {
        fragment: known,
        atUs: this.#options.clock.monotonicUs(),
        end: segment.endOffset,
      })
  }

  /** `syncedThrough` must be true when it is written. */
  #checkClaim(path: string, fragment: FoundFragment, bytes: Uint8Array): void {
    const claimed = fragment.syncedThrough
    if (claimed === 0) return
    const safe = this.#safe(path)
    const isTrue =
      safe !== undefined &&
      safe.length >= claimed &&
      Buffer.compare(safe.subarray(0, claimed), bytes.subarray(0, claimed)) === 0
    if (!isTrue) this.broken('invariant', 2, `${path}: fragment ${fragment.number} claims ${claimed} bytes to be safe`)
  }

  /** Data must be what the camera sent, each fragment once and in order. */
  #checkOrigin(segment: Watched, fragment: FoundFragment): void {
    const stream = this.#options.streams.find(({ channel }) => channel.id === segment.channelId)
    const number = new DataView(fragment.data.buffer, fragment.data.byteOffset).getUint32(0)
    const fed = stream?.fed.get(number)
    if (fed === undefined || Buffer.compare(fed.data, fragment.data) !== 0) {
      this.broken('unreadable', 1, `${segment.path}: fragment ${fragment.number} is not what the camera sent`)
      return
    }
    if (number <= (this.#lastFed.get(segment.channelId) ?? -1)) {
      this.broken('invariant', 1, `${segment.path}: fragment ${fragment.number} was written before`)
    }
    this.#lastFed.set(segment.channelId, number)
    if (fragment.utcUs < fed.utcUs) this.broken('invariant', 9, `${segment.path}: UTC before the camera's`)
  }

  #seeUnlink(path: string): void {
    const segment = this.segments.get(path)
    if (segment === undefined) return
    const journal = readJournal(this.#safeTree(), this.#options.folder)
    if (!journal.tombstones.has(path)) this.broken('wrong-deletion', 6, `${path}: deleted without a safe tombstone`)
    const holdsFootage = segment.mustHave.length > 0 || segment.committed.size > 0
    if (holdsFootage && this.pins.has(segment.sequence))
      this.broken('wrong-deletion', 6, `${path}: deleted while pinned`)
    if (holdsFootage && this.#isLocked(segment)) this.broken('wrong-deletion', 6, `${path}: deleted while locked`)
    const marker = readMarker(this.#disk!.tree(this.home).read(`${this.#options.folder}/.nightjar-space`))
    if (holdsFootage && (typeof marker === 'string' || marker.state !== 'proved')) {
      this.broken('wrong-deletion', 5, `${path}: deleted while the space is not proved`)
    }
    if (holdsFootage && !segment.isClosed) this.broken('wrong-deletion', 6, `${path}: deleted while it is open`)
    segment.isDeleted = true
    segment.mayBeGone = true
    this.deleted++
  }

  /** What goes must be the oldest that may, and there must be a reason. */
  #seeTombstones(written: Uint8Array): void {
    if (!Buffer.from(written.buffer, written.byteOffset, written.length).includes('tombstone')) return
    const tree = this.#disk!.tree(this.home)
    const journal = readJournal(tree, this.#options.folder)
    const fresh = [...journal.tombstones.keys()].filter((path) => !this.#tombstones.has(path))
    for (const path of fresh) this.#tombstones.add(path)
    const chosen = fresh
      .map((path) => this.segments.get(path))
      .filter((segment) => segment !== undefined && segment.mustHave.length + segment.committed.size > 0)
      .map((segment) => segment!)
    if (chosen.length === 0) return
    const newest = Math.max(...chosen.map((segment) => segment.sequence))
    let footageBytes = 0
    for (const segment of this.segments.values()) {
      const bytes = segment.isDeleted ? undefined : tree.read(`${this.#options.folder}/${segment.path}`)
      if (bytes === undefined) continue
      footageBytes += bytes.length
      const mayGo =
        segment.isClosed &&
        // The choice was made some calls ago: what was closed since could not be part of it.
        segment.closedAtUs + 1_000_000 < this.#options.clock.monotonicUs() &&
        !journal.open.has(segment.path) &&
        !this.#everPinned.has(segment.sequence) &&
        !this.#isNearLock(segment) &&
        !journal.tombstones.has(segment.path)
      if (segment.sequence < newest && mayGo) {
        this.broken('wrong-deletion', 6, `${segment.path} is older than the deleted number ${newest}, and was kept`)
      }
    }
    if (footageBytes < this.#options.keepBytes && !this.isDiskFull) {
      this.broken('wrong-deletion', 6, `number ${newest} was deleted with ${footageBytes} bytes of footage in all`)
    }
  }

  /** Segments that are being served: told to the recorder at the same moment. */
  pin(sequences: readonly number[]): void {
    this.pins.clear()
    for (const segment of this.segments.values()) {
      // One that is on its way out already is not saved by a pin.
      if (!sequences.includes(segment.sequence) || this.#tombstones.has(segment.path)) continue
      this.pins.add(segment.sequence)
      this.#everPinned.add(segment.sequence)
    }
  }

  #isLocked(segment: Watched): boolean {
    return this.#options.locks.some(
      (lock) => lock.channel === segment.channelId && segment.startUs < lock.toUs && segment.endUs > lock.fromUs,
    )
  }

  /** Locks are kept with a margin: a segment near one may stay. */
  #isNearLock(segment: Watched): boolean {
    return this.#options.locks.some(({ channel }) => channel === segment.channelId)
  }

  report(event: RecorderEvent): void {
    if (event.type === 'segment-opened' || event.type === 'segment-closed') this.#onRow(event.type, event.row)
    else if (event.type === 'segments-removed') this.#onRemoved(event.sequences)
    else if (event.type === 'occurrence' && event.name === 'space-error') this.spaceErrors.push(event.message)
  }

  #onRow(type: 'segment-opened' | 'segment-closed', row: SegmentRow): void {
    const segment = this.segments.get(row.path)
    const safe = this.#safe(row.path)
    if (segment === undefined) this.broken('invariant', 3, `${type} ${row.path}: there was no such file`)
    else if (safe === undefined) this.broken('invariant', 2, `${type} ${row.path}: its name is not safe`)
    else {
      const found = readSegmentFile(safe)
      if (found.head === undefined) this.broken('invariant', 2, `${type} ${row.path}: its head is not safe`)
      if (type === 'segment-closed') {
        segment.isClosed = true
        segment.closedAtUs = this.#options.clock.monotonicUs()
        if (found.footer === undefined) this.broken('invariant', 2, `${type} ${row.path}: its footer is not safe`)
        else segment.endUs = Math.max(segment.endUs, rowFrom(row.path, found).endUs)
      } else if (!readJournal(this.#safeTree(), this.#options.folder).open.has(row.path)) {
        this.broken('invariant', 3, `${type} ${row.path}: not in the safe open list`)
      }
    }
    this.rows.set(row.path, row)
  }

  #onRemoved(sequences: number[]): void {
    for (const sequence of sequences) {
      for (const [path, row] of this.rows) if (row.sequence === sequence) this.rows.delete(path)
      if (!this.removed.includes(sequence)) this.removed.push(sequence)
    }
  }

  #safe(path: string): Uint8Array | undefined {
    return this.#disk!.safeBytes(`${this.#options.folder}/${path}`, this.home)
  }

  /** The tree of what is safe, for reading the journal as a power cut would leave it. */
  #safeTree(): FileTree {
    const disk = this.#disk!
    return { list: (path) => disk.tree(this.home).list(path), read: (path) => disk.safeBytes(path, this.home) }
  }

  /** Says what is overdue: footage that waits longer than `withinUs` although the disk had nothing else to do. */
  checkTimely(withinUs: number): void {
    const nowUs = this.#options.clock.monotonicUs()
    for (const segment of this.segments.values()) {
      if (segment.isDeleted || segment.isClosed) continue
      for (const { fragment, atUs, end } of segment.committed.values()) {
        if (nowUs - atUs <= withinUs) continue
        const safe = this.#safe(segment.path)
        if (safe !== undefined && safe.length >= end) continue
        this.broken(
          'invariant',
          2,
          `${segment.path}: fragment ${fragment.number} is not safe ${(nowUs - atUs) / 1e6} s after its write`,
        )
        break
      }
    }
  }

  /** The process ends. From now on must be found: after a power cut what is safe, else what is committed. */
  endLife(isPowerCut: boolean): void {
    for (const segment of this.segments.values()) {
      if (segment.isDeleted) continue
      const all = new Map<number, KnownFragment>()
      for (const fragment of [...segment.mustHave, ...segment.mayHave]) all.set(fragment.number, fragment)
      for (const { fragment } of segment.committed.values()) all.set(fragment.number, fragment)
      let must = new Set<number>([...segment.mustHave.map(({ number }) => number), ...segment.committed.keys()])
      if (isPowerCut) {
        const safe = this.#safe(segment.path)
        const found = safe === undefined ? [] : readSegmentFile(safe).fragments
        const isSafe = new Set(found.filter((fragment) => fragment.isDataWhole).map(({ number }) => number))
        // What an earlier life had to keep was safe by then: it is not let off now.
        const before = new Set(segment.mustHave.map(({ number }) => number))
        must = new Set([...must].filter((number) => isSafe.has(number) || (before.has(number) && segment.isClosed)))
      }
      segment.mustHave = [...all.values()].filter(({ number }) => must.has(number))
      segment.mayHave = [...all.values()].filter(({ number }) => !must.has(number))
      segment.committed.clear()
    }
    this.#lastOfLives = Math.max(-1, ...this.#sequences)
    this.pins.clear()
  }
}

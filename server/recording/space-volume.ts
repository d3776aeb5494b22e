// One recording space on its volume: proves the disk is the right one, hands out segments, keeps it from filling up.
import { randomUUID } from 'node:crypto'
import type { SpaceFault } from '../../shared/space.ts'
import type { Clock } from '../base/clock.ts'
import type { LineLog } from '../base/line-log.ts'
import { type SegmentHead, segmentFileHead } from '../media/segment/segment-head.ts'
import { crcSeed, uuidBytes } from '../media/segment/segment-layout.ts'
import { codeOf, type Disk } from './disk.ts'
import { Journal } from './journal.ts'
import { type Marker, markerBytes, markerName, parseMarker, writeMarker } from './marker.ts'
import type { RecorderEvent, SpaceSettings, SpaceStatus } from './recorder-protocol.ts'
import { recoverSegment } from './recovery.ts'
import { Retention } from './retention.ts'
import { segmentPath } from './segment-path.ts'

export interface SpaceVolumeOptions {
  settings: SpaceSettings
  serverId: string
  bootId: string
  disk: Disk
  clock: Clock
  logger: LineLog
  report: (event: RecorderEvent) => void
  /** The mount point a path stands on; undefined where that cannot be told. */
  mountPointOf: (path: string) => Promise<string | undefined>
}

/** The space cannot take footage now. */
export class SpaceUnavailable extends Error {
  readonly fault: SpaceFault

  constructor(fault: SpaceFault, message: string) {
    super(message)
    this.name = 'SpaceUnavailable'
    this.fault = fault
  }
}

/** A segment file that is being written. Paths are below the space's folder. */
export interface OpenSegment {
  file: number
  path: string
  segmentId: string
  sequence: number
  /** CRC seed of its fragments. */
  seed: number
  /** Where the next fragment goes: all below is committed. */
  position: number
  /** All below is safe on disk. */
  syncedThrough: number
  /** True once file, folders and open list were synced and the index was told. */
  isAnchored: boolean
  /** Monotonic time at which its making began. */
  madeAtUs: number
}

const reserveBlock = 256
const heartbeatMs = 5_000

export class SpaceVolume {
  readonly settings: SpaceSettings
  readonly #options: SpaceVolumeOptions
  readonly #disk: Disk
  readonly #folder: string
  #state: 'opening' | 'ready' | 'error' | 'closed' = 'opening'
  #fault: SpaceFault | undefined
  #faultDetail = ''
  #marker: Marker | undefined
  #journal: Journal | undefined
  #retention: Retention | undefined
  #nextSequence = 0
  /** When the newest segment of each stream began, UTC microseconds. */
  readonly #lastStartUs = new Map<string, number>()
  readonly #openSegments = new Set<OpenSegment>()
  #freeBytes = 0
  #isTight = false
  #knownFolders = new Set<string>()
  /** Folders in which a name was made or removed that is not safe yet. */
  #unsyncedFolders = new Set<string>()
  readonly #folderSyncs = new Map<string, Promise<void>>()
  #latenciesMs: number[] = []
  #heartbeatAtUs = Number.NEGATIVE_INFINITY
  #provedAtUs = Number.NEGATIVE_INFINITY
  #openAtUs = Number.NEGATIVE_INFINITY
  #busy: Promise<void> | undefined
  #relieving: Promise<void> | undefined
  #waiters: (() => void)[] = []

  constructor(options: SpaceVolumeOptions) {
    this.#options = options
    this.settings = options.settings
    this.#disk = options.disk
    this.#folder = `${options.settings.volumePath}/${options.settings.folder}`
  }

  get isReady(): boolean {
    return this.#state === 'ready'
  }

  get fault(): SpaceFault | undefined {
    return this.#fault
  }

  get folder(): string {
    return this.#folder
  }

  get disk(): Disk {
    return this.#disk
  }

  /** Changes the sizes of the space; takes effect at once. */
  resize(allocatedBytes: number, overwriteThresholdPct: number): void {
    this.settings.allocatedBytes = allocatedBytes
    this.settings.overwriteThresholdPct = overwriteThresholdPct
  }

  status(): SpaceStatus {
    const sorted = [...this.#latenciesMs].sort((a, b) => a - b)
    const state = this.#state === 'error' ? 'error' : this.#isTight ? 'warning' : 'normal'
    const oldestUs = this.#retention?.oldestUs
    return {
      id: this.settings.id,
      state: this.#state === 'opening' ? 'idle' : state,
      ...(this.#fault === undefined ? {} : { fault: this.#fault, faultDetail: this.#faultDetail }),
      folder: this.#folder,
      usedBytes: this.#usedBytes,
      freeBytes: this.#freeBytes,
      writeLatencyMs: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
      ...(oldestUs === undefined ? {} : { oldestMs: Math.floor(oldestUs / 1000) }),
    }
  }

  /** Bytes of all footage: of closed segments as the journal counts them, of open ones as far as they are written. */
  get #usedBytes(): number {
    let bytes = this.#journal?.state.closedBytes ?? 0
    for (const segment of this.#openSegments) bytes += segment.position
    return bytes
  }

  /** Called a few times a second: opens, proves, deletes and notes what is due. Never waited for, never overlaps itself. */
  tick(): void {
    if (this.#busy !== undefined || this.#state === 'closed') return
    this.#busy = this.#run().finally(() => {
      this.#busy = undefined
    })
  }

  /** The same, waited for: for tests and the fault rig, which move time themselves. */
  async settle(): Promise<void> {
    await this.#busy
    this.tick()
    await this.#busy
  }

  async #run(): Promise<void> {
    const nowUs = this.#options.clock.monotonicUs()
    try {
      if (this.#state === 'opening' || this.#state === 'error') {
        if (nowUs - this.#openAtUs < heartbeatMs * 1000) return
        this.#openAtUs = nowUs
        await this.#open()
      } else if (nowUs - this.#heartbeatAtUs >= heartbeatMs * 1000) {
        this.#heartbeatAtUs = nowUs
        await this.#proveAnew()
        await this.#beat()
        await this.#recoverOpen()
      }
      if (this.#state === 'ready') await this.#housekeeping()
    } catch (error) {
      this.fail(error)
    }
  }

  async #open(): Promise<void> {
    await this.#checkPlace()
    if (this.settings.isFresh) await this.#makeSpace()
    this.#marker = await this.#readMarker()
    await this.#beat()
    if (this.#journal === undefined) {
      const journal = await Journal.open(this.#disk, `${this.#folder}/journal`)
      this.#nextSequence = journal.state.reserved
      for (const path of journal.state.open.keys()) this.#unrecovered.add(path)
      this.#journal = journal
      this.#retention = new Retention({
        disk: this.#disk,
        folder: this.#folder,
        journal,
        report: (removed) => this.#onRemoved(removed),
        prove: () => this.#proveAnew(),
      })
      await this.#reserve()
    } else {
      // Its file may be on the disk that was pulled, or be damaged by what failed.
      this.#journal.restateNext()
      await this.#journal.sync()
    }
    const { state } = this.#journal
    if (state.closedBytes === undefined) {
      this.#journal.append({ used: await this.#retention!.countBytes() })
    }
    await this.#retention!.finishStarted()
    const { freeBytes } = await this.#disk.usage(this.#folder)
    this.#freeBytes = freeBytes
    const wasError = this.#state === 'error'
    this.#state = 'ready'
    this.#fault = undefined
    if (wasError) this.#occurrence('space-restored', 'info', `space ${this.settings.name} takes footage again`)
    for (const wake of this.#waiters.splice(0)) wake()
    await this.#recoverOpen()
  }

  /** The volume is there and is the one the space was made on. */
  async #checkPlace(): Promise<void> {
    const { volumePath, mountPoint, name } = this.settings
    const stats = await this.#disk.stat(volumePath)
    if (stats === undefined || !stats.isFolder) {
      throw new SpaceUnavailable('missing', `space ${name}: ${volumePath} is not there`)
    }
    const found = await this.#options.mountPointOf(volumePath)
    if (found !== undefined && found !== mountPoint) {
      throw new SpaceUnavailable('not-mounted', `space ${name}: ${volumePath} stands on ${found}, not on ${mountPoint}`)
    }
  }

  async #makeSpace(): Promise<void> {
    await this.#disk.makeFolder(this.#folder)
    const path = `${this.#folder}/${markerName}`
    if ((await this.#disk.stat(path)) === undefined) {
      const file = await this.#disk.open(path, 'create')
      const bytes = writeMarker(this.#freshMarker())
      await this.#disk.write(file, bytes, 0, bytes.length, 0)
      await this.#disk.sync(file)
      await this.#disk.close(file)
    } else {
      await this.#remakeTornMarker(path)
    }
    // Also where both were there: a process killed right after making them had not synced them.
    await this.#disk.syncFolder(this.#folder)
    await this.#disk.syncFolder(this.settings.volumePath)
    this.settings.isFresh = false
    this.#options.report({ type: 'space-made', spaceId: this.settings.id })
  }

  /** A fresh space whose marker was cut short by a crash while it was made: there is nothing else in the folder yet. */
  async #remakeTornMarker(path: string): Promise<void> {
    const file = await this.#disk.open(path, 'update')
    try {
      const isWhole = parseMarker(await this.#disk.read(file, 0, markerBytes)) !== undefined
      const others = ((await this.#disk.list(this.#folder)) ?? []).filter((entry) => entry.name !== markerName)
      if (!isWhole && others.length === 0) {
        const bytes = writeMarker(this.#freshMarker())
        await this.#disk.write(file, bytes, 0, bytes.length, 0)
      }
      await this.#disk.sync(file)
    } finally {
      await this.#disk.close(file)
    }
  }

  #freshMarker(): Marker {
    const { serverId, bootId, clock } = this.#options
    const now = Math.floor(clock.utcUs() / 1000)
    return { format: 1, space: this.settings.id, server: serverId, boot: bootId, heartbeatMs: now, state: 'new' }
  }

  async #readMarker(): Promise<Marker> {
    const { name, id } = this.settings
    const path = `${this.#folder}/${markerName}`
    if ((await this.#disk.stat(path)) === undefined) {
      throw new SpaceUnavailable(
        'marker-missing',
        `space ${name}: ${this.#folder} has no marker: it may be another disk`,
      )
    }
    const file = await this.#disk.open(path, 'read')
    let marker: Marker | undefined
    try {
      marker = parseMarker(await this.#disk.read(file, 0, markerBytes))
    } finally {
      await this.#disk.close(file)
    }
    if (marker === undefined) throw new SpaceUnavailable('marker-unreadable', `space ${name}: its marker is damaged`)
    if (marker.space !== id)
      throw new SpaceUnavailable('marker-foreign', `space ${name}: the marker is another space's`)
    if (marker.server !== this.#options.serverId) {
      throw new SpaceUnavailable('owned-by-another-server', `space ${name}: it belongs to another server`)
    }
    return marker
  }

  async #prove(): Promise<void> {
    const nowUs = this.#options.clock.monotonicUs()
    // Many segments end together: one look at the marker in a second serves them all.
    if (nowUs - this.#provedAtUs < 1e6) return
    await this.#checkPlace()
    this.#marker = await this.#readMarker()
    this.#provedAtUs = nowUs
  }

  /** The same, however lately it was done. */
  async #proveAnew(): Promise<void> {
    this.#provedAtUs = Number.NEGATIVE_INFINITY
    await this.#prove()
  }

  /** Writes the marker anew; a read-only volume shows here. */
  async #beat(state = this.#marker?.state ?? 'new', isSynced = false): Promise<void> {
    const file = await this.#disk.open(`${this.#folder}/${markerName}`, 'update')
    try {
      const marker = { ...this.#freshMarker(), state }
      const bytes = writeMarker(marker)
      await this.#disk.write(file, bytes, 0, bytes.length, 0)
      if (isSynced) await this.#disk.sync(file)
      this.#marker = marker
    } finally {
      await this.#disk.close(file)
    }
  }

  async #housekeeping(): Promise<void> {
    const { freeBytes, totalBytes } = await this.#disk.usage(this.#folder)
    this.#freeBytes = freeBytes
    const triggerBytes = (this.settings.allocatedBytes * this.settings.overwriteThresholdPct) / 100
    const reserveBytes = this.#reserveBytes(totalBytes)
    this.#isTight = freeBytes + this.#usedBytes < this.settings.allocatedBytes
    for (let rounds = 0; rounds < 64; rounds++) {
      const excess = Math.max(this.#usedBytes - triggerBytes, reserveBytes - this.#freeBytes)
      if (excess <= 0 || !(await this.#removeOldest(excess))) break
    }
    if (this.#nextSequence + reserveBlock / 4 > this.#journal!.state.reserved) await this.#reserve()
  }

  /** What is kept free on the volume, so that a full disk never stops a write: 1 %, at most 1 GiB. */
  #reserveBytes(totalBytes: number): number {
    return Math.min(1024 ** 3, Math.floor(totalBytes / 100))
  }

  /** Deletes the oldest footage, about `excessBytes` of it. False where there is none to delete. */
  async #removeOldest(excessBytes: number): Promise<boolean> {
    await this.#prove()
    if (this.#marker?.state !== 'proved') return false
    const freed = await this.#retention!.removeOldest(excessBytes)
    this.#freeBytes += freed
    return freed > 0
  }

  #onRemoved(removed: { sequences: number[]; bytes: number; reason: string }): void {
    const { sequences, reason } = removed
    this.#options.report({ type: 'segments-removed', spaceId: this.settings.id, sequences, reason })
  }

  /** Makes room at once, because a write found none. */
  relieve(): Promise<void> {
    // Every camera finds the disk full at the same moment: what is freed once serves them all.
    this.#relieving ??= this.#removeOldest(16 * 1024 * 1024)
      .then(() => undefined)
      .finally(() => {
        this.#relieving = undefined
      })
    return this.#relieving
  }

  /** Deletes all footage of a camera. */
  async removeFootage(cameraId: string): Promise<void> {
    await this.ready()
    await this.#prove()
    await this.#retention!.removeChannel(cameraId)
  }

  /** Footage that must stay for now: it is being served. */
  setPins(sequences: ReadonlySet<number>): void {
    this.#retention?.setPins(sequences)
  }

  /** The index has dropped its rows of these segments: their tombstones are needed no more. */
  acknowledgeRemoved(sequences: readonly number[]): void {
    this.#retention?.forget(sequences)
  }

  async #reserve(): Promise<void> {
    this.#journal!.append({ reserve: this.#nextSequence + reserveBlock })
    await this.#journal!.sync()
  }

  /** Resolves when the space takes footage. */
  ready(): Promise<void> {
    return this.isReady ? Promise.resolve() : new Promise((resolve) => this.#waiters.push(resolve))
  }

  /** Something failed on this volume: no footage until it was opened and proved again. */
  fail(error: unknown): void {
    if (this.#state === 'closed') return
    const unavailable = error instanceof SpaceUnavailable ? error : asUnavailable(error, this.settings.name)
    const isNews = this.#state !== 'error' || this.#fault !== unavailable.fault
    this.#state = 'error'
    this.#fault = unavailable.fault
    this.#faultDetail = unavailable.message
    this.#knownFolders.clear()
    this.#provedAtUs = Number.NEGATIVE_INFINITY
    if (!isNews) return
    this.#options.logger.error({ err: error }, unavailable.message)
    this.#occurrence('space-error', 'error', unavailable.message)
  }

  #occurrence(name: 'space-error' | 'space-restored', level: 'info' | 'error', message: string): void {
    const atUs = this.#options.clock.utcUs()
    this.#options.report({ type: 'occurrence', name, level, atUs, spaceId: this.settings.id, message })
  }

  /** Makes a segment file and writes its head. `head` lacks what the space decides. */
  async createSegment(
    movie: Uint8Array,
    head: Omit<SegmentHead, 'segmentId' | 'serverId' | 'spaceId' | 'bootId' | 'sequence'>,
  ): Promise<OpenSegment> {
    if (!this.isReady) throw new SpaceUnavailable(this.#fault ?? 'missing', this.#faultDetail)
    await this.#prove()
    if (this.#nextSequence >= this.#journal!.state.reserved) await this.#reserve()
    const sequence = this.#nextSequence++
    const { serverId, bootId } = this.#options
    const full: SegmentHead = {
      ...head,
      serverId,
      bootId,
      segmentId: randomUUID(),
      spaceId: this.settings.id,
      sequence,
    }
    const { channelId, stream, kind, startUs, runId } = full
    const path = segmentPath({ channelId, stream, kind, startUs, runId, sequence })
    if (this.#journal!.state.channels.get(channelId) !== head.channelName) {
      this.#journal!.append({ channel: channelId, name: head.channelName })
    }
    this.#noteStart(path, startUs)
    this.#journal!.append({ open: path, seq: sequence })
    const segment: OpenSegment = {
      file: -1,
      path,
      segmentId: full.segmentId,
      sequence,
      seed: crcSeed(uuidBytes(full.segmentId)),
      position: 0,
      syncedThrough: 0,
      isAnchored: false,
      madeAtUs: this.#options.clock.monotonicUs(),
    }
    try {
      // Before the file: one that the open list does not name would be found by the next reconciling only.
      await this.#journal!.sync()
      segment.file = await this.#openNew(path)
      const bytes = segmentFileHead(movie, full)
      await this.append(segment, bytes, 0, bytes.length)
    } catch (error) {
      await this.abandonSegment(segment)
      throw error
    }
    this.#openSegments.add(segment)
    this.#retention!.noteCreated(path)
    return segment
  }

  /** Notes where a clock that was set back makes names lie about the order of segments. */
  #noteStart(path: string, startUs: number): void {
    const { state } = this.#journal!
    const stream = path.split('/', 2).join('/')
    const lastUs = this.#lastStartUs.get(stream) ?? state.latestStartUs
    const hour = (us: number) => Math.floor(us / 3600e6)
    if (hour(startUs) < hour(lastUs) && !state.hasStepped) this.#journal!.append({ stepped: 1 })
    this.#lastStartUs.set(stream, startUs)
  }

  async #openNew(path: string): Promise<number> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#makeFolders(path)
        const file = await this.#disk.open(`${this.#folder}/${path}`, 'create')
        this.#unsyncedFolders.add(parentOf(path))
        return file
      } catch (error) {
        // Retention may have removed an empty folder just now.
        if (codeOf(error) !== 'ENOENT' || tries === 3) throw error
        this.#knownFolders.clear()
        await this.#proveAnew()
      }
    }
  }

  async #makeFolders(path: string): Promise<void> {
    const names = path.split('/').slice(0, -1)
    for (let depth = 1; depth <= names.length; depth++) {
      const folder = names.slice(0, depth).join('/')
      if (this.#knownFolders.has(folder)) continue
      const wasMade = await this.#disk.makeFolder(`${this.#folder}/${folder}`)
      // One that was there may still be unsynced, from before a crash of ours.
      this.#unsyncedFolders.add(parentOf(folder))
      if (wasMade) this.#unsyncedFolders.add(folder)
      this.#knownFolders.add(folder)
      if (this.#knownFolders.size > 10_000) this.#knownFolders.clear()
    }
  }

  /** Appends `bytes[start, end)` to a segment: committed when it resolves. */
  async append(segment: OpenSegment, bytes: Uint8Array, start: number, end: number): Promise<void> {
    const beganMs = performance.now()
    await this.#disk.write(segment.file, bytes, start, end, segment.position)
    this.#latenciesMs.push(performance.now() - beganMs)
    if (this.#latenciesMs.length > 256) this.#latenciesMs.splice(0, 128)
    segment.position += end - start
  }

  /** Makes what is committed safe. The first time, file, folders and open list too. */
  async sync(segment: OpenSegment): Promise<void> {
    const through = segment.position
    await this.#disk.sync(segment.file)
    if (!segment.isAnchored) {
      await this.#syncFolders(segment.path)
      await this.#journal!.sync()
      // The disk may have been swapped right after the look before the file was made: nobody is told of a stray file.
      if (this.#provedAtUs <= segment.madeAtUs) await this.#proveAnew()
      segment.isAnchored = true
      if (this.#marker?.state === 'new') await this.#beat('proved', true)
    }
    segment.syncedThrough = Math.max(segment.syncedThrough, through)
  }

  async #syncFolders(path: string): Promise<void> {
    for (let folder = parentOf(path); ; folder = parentOf(folder)) {
      await this.#syncFolder(folder)
      if (folder === '') return
    }
  }

  /** Makes the names in a folder safe. A sync that another waits for counts only for names made before it began. */
  async #syncFolder(folder: string): Promise<void> {
    for (;;) {
      const running = this.#folderSyncs.get(folder)
      if (running !== undefined) {
        await running.catch(() => undefined)
        continue
      }
      if (!this.#unsyncedFolders.delete(folder)) return
      const sync = this.#disk
        .syncFolder(folder === '' ? this.#folder : `${this.#folder}/${folder}`)
        .catch((error: unknown) => {
          this.#unsyncedFolders.add(folder)
          throw error
        })
        .finally(() => this.#folderSyncs.delete(folder))
      this.#folderSyncs.set(folder, sync)
      await sync
    }
  }

  /** Writes the footer, makes all safe and lets the file go. */
  async closeSegment(segment: OpenSegment, footer: Uint8Array): Promise<void> {
    await this.append(segment, footer, 0, footer.length)
    await this.sync(segment)
    await this.#disk.close(segment.file)
    this.#openSegments.delete(segment)
    this.#journal!.append({ closed: segment.path, bytes: segment.position })
  }

  /** A segment that failed while it was written: recovered as after a crash, when the volume allows. */
  async abandonSegment(segment: OpenSegment): Promise<void> {
    this.#openSegments.delete(segment)
    if (segment.file >= 0) await this.#disk.close(segment.file).catch(() => undefined)
    this.#unrecovered.add(segment.path)
  }

  /** What an earlier process left open, and what failed in this one. */
  readonly #unrecovered = new Set<string>()

  /** One that cannot be recovered now stays in the list, and keeps no other: it is tried again with each heartbeat. */
  async #recoverOpen(): Promise<void> {
    if (this.#unrecovered.size === 0) return
    for (const path of [...this.#unrecovered]) {
      try {
        await this.#recoverOne(path)
        this.#unrecovered.delete(path)
      } catch (error) {
        this.#options.logger.warn({ err: error }, `recover ${path}: ${String(error)}`)
      }
    }
    await this.#journal!.sync()
  }

  async #recoverOne(path: string): Promise<void> {
    const result = await recoverSegment(this.#disk, this.#folder, path, this.settings.id)
    // Nothing is judged to be missing or empty on a disk that is not ours.
    await this.#proveAnew()
    if (result.kind === 'recovered') {
      // After a kill the names may still be unsafe, as the file was.
      for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder)) this.#unsyncedFolders.add(folder)
      this.#unsyncedFolders.add('')
      await this.#syncFolders(path)
      this.#journal!.append({ closed: path, bytes: result.row.sizeBytes })
      this.#retention!.noteRecovered(path)
      // At once: from now on it may be deleted, and that must not be reported first.
      this.#options.report({ type: 'segment-closed', row: result.row })
      return
    }
    const sequence = this.#journal!.state.open.get(path)
    this.#journal!.append({ closed: path, bytes: 0 })
    if (result.kind === 'empty') await this.#retention!.removeEmpty(path)
    else if (sequence !== undefined)
      this.#onRemoved({ sequences: [sequence], bytes: 0, reason: 'its file is not there' })
  }

  /** Ends all work on the volume. Segments must be closed before. */
  async close(): Promise<void> {
    await this.#busy
    this.#state = 'closed'
    if (this.#journal === undefined) return
    await this.#journal.close()
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

const faultOfCode: Record<string, SpaceFault> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EROFS: 'read-only',
  EACCES: 'not-writable',
  EPERM: 'not-writable',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  ENODEV: 'missing',
}

function asUnavailable(error: unknown, name: string): SpaceUnavailable {
  const fault = faultOfCode[codeOf(error)] ?? 'write-failed'
  return new SpaceUnavailable(fault, `space ${name}: ${error instanceof Error ? error.message : String(error)}`)
}

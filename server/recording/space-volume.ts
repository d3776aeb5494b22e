// One recording space on its volume: proves the disk is the right one, hands out segments, keeps it from filling up.
import { randomUUID } from 'node:crypto'
import type { SpaceFault } from '../../shared/space.ts'
import type { Clock } from '../base/clock.ts'
import type { LineLog } from '../base/line-log.ts'
import { type SegmentHead, segmentFileHead } from '../media/segment/segment-head.ts'
import { crcSeed, uuidBytes } from '../media/segment/segment-layout.ts'
import { codeOf, type Disk } from './disk.ts'
import { Journal } from './journal.ts'
import type { RecorderEvent, SpaceSettings, SpaceStatus } from './recorder-protocol.ts'
import { recoverSegment } from './recovery.ts'
import { Retention } from './retention.ts'
import { segmentPath } from './segment-path.ts'
import { SpaceFolders } from './space-folders.ts'
import { SpaceMarker } from './space-marker.ts'
import { asUnavailable, SpaceUnavailable } from './space-unavailable.ts'

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
/** How often room is looked after. A write that finds none does not wait for it. */
const housekeepingMs = 1_000

export class SpaceVolume {
  readonly settings: SpaceSettings
  readonly #options: SpaceVolumeOptions
  readonly #disk: Disk
  readonly #folder: string
  #state: 'opening' | 'ready' | 'error' | 'closed' = 'opening'
  #fault: SpaceFault | undefined
  #faultDetail = ''
  readonly #marker: SpaceMarker
  #journal: Journal | undefined
  #retention: Retention | undefined
  #nextSequence = 0
  /** When the newest segment of each stream began, UTC microseconds. */
  readonly #lastStartUs = new Map<string, number>()
  readonly #openSegments = new Set<OpenSegment>()
  #freeBytes = 0
  #isTight = false
  readonly #folders: SpaceFolders
  #latenciesMs: number[] = []
  #heartbeatAtUs = Number.NEGATIVE_INFINITY
  #openAtUs = Number.NEGATIVE_INFINITY
  #housekeepingAtUs = Number.NEGATIVE_INFINITY
  #busy: Promise<void> | undefined
  #relieving: Promise<void> | undefined
  #waiters: (() => void)[] = []

  constructor(options: SpaceVolumeOptions) {
    this.#options = options
    this.settings = options.settings
    this.#disk = options.disk
    this.#folder = `${options.settings.volumePath}/${options.settings.folder}`
    this.#folders = new SpaceFolders(options.disk, this.#folder)
    this.#marker = new SpaceMarker({ ...options, folder: this.#folder })
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

  async #run(): Promise<void> {
    const nowUs = this.#options.clock.monotonicUs()
    try {
      if (this.#state === 'opening' || this.#state === 'error') {
        if (nowUs - this.#openAtUs < heartbeatMs * 1000) return
        this.#openAtUs = nowUs
        await this.#open()
      } else if (nowUs - this.#heartbeatAtUs >= heartbeatMs * 1000) {
        this.#heartbeatAtUs = nowUs
        await this.#marker.proveAnew()
        await this.#marker.beat()
        await this.#recoverOpen()
      }
      if (this.#state === 'ready' && nowUs >= this.#housekeepingAtUs) {
        this.#housekeepingAtUs = nowUs + housekeepingMs * 1000
        const hasFailed = !(await this.#housekeeping())
        // All that is left is open, locked or pinned: looking through it again at once finds no more.
        if (hasFailed) this.#housekeepingAtUs = nowUs + heartbeatMs * 1000
      }
    } catch (error) {
      this.fail(error)
    }
  }

  async #open(): Promise<void> {
    await this.#marker.checkPlace()
    if (this.settings.isFresh) {
      await this.#marker.make()
      this.settings.isFresh = false
      this.#options.report({ type: 'space-made', spaceId: this.settings.id })
    }
    await this.#marker.proveAnew()
    await this.#marker.beat()
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
        prove: () => this.#marker.proveAnew(),
      })
      await this.#reserve()
    } else {
      // Its file may be on the disk that was pulled, or be damaged by what failed.
      this.#journal.restateNext()
      await this.#journal.sync()
      this.#retention!.forgetFolders()
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

  /** False where the space is over its threshold and nothing may go. */
  async #housekeeping(): Promise<boolean> {
    const { freeBytes, totalBytes } = await this.#disk.usage(this.#folder)
    this.#freeBytes = freeBytes
    const triggerBytes = (this.settings.allocatedBytes * this.settings.overwriteThresholdPct) / 100
    // What is kept free on the volume, so that a full disk never stops a write: 1 %, at most 1 GiB.
    const reserveBytes = Math.min(1024 ** 3, Math.floor(totalBytes / 100))
    this.#isTight = freeBytes + this.#usedBytes < this.settings.allocatedBytes
    let hasRoom = false
    for (let rounds = 0; rounds < 64; rounds++) {
      const excess = Math.max(this.#usedBytes - triggerBytes, reserveBytes - this.#freeBytes)
      hasRoom = excess <= 0
      if (hasRoom || !(await this.#removeOldest(excess))) break
    }
    if (this.#nextSequence + reserveBlock / 4 > this.#journal!.state.reserved) await this.#reserve()
    return hasRoom
  }

  /** Deletes the oldest footage, about `excessBytes` of it. False where there is none to delete. */
  async #removeOldest(excessBytes: number): Promise<boolean> {
    await this.#marker.prove()
    if (this.#marker.state !== 'proved') return false
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
    await this.#marker.prove()
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
    this.#folders.forget()
    this.#marker.doubt()
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
    await this.#marker.prove()
    await this.#journal!.makeRoom()
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
        await this.#folders.make(path)
        const file = await this.#disk.open(`${this.#folder}/${path}`, 'create')
        this.#folders.noteMade(path)
        return file
      } catch (error) {
        // Retention may have removed an empty folder just now.
        if (codeOf(error) !== 'ENOENT' || tries === 3) throw error
        this.#folders.forget()
        await this.#marker.proveAnew()
      }
    }
  }

  /** Appends `bytes[start, end)` to a segment: committed when it resolves. */
  async append(
    segment: OpenSegment,
    bytes: Uint8Array,
    start: number,
    end: number,
    isWaitedFor = false,
  ): Promise<void> {
    const beganMs = performance.now()
    await this.#disk.write(segment.file, bytes, start, end, segment.position, isWaitedFor)
    this.#latenciesMs.push(performance.now() - beganMs)
    if (this.#latenciesMs.length > 256) this.#latenciesMs.splice(0, 128)
    segment.position += end - start
  }

  /** Makes what is committed safe. The first time, file, folders and open list too. */
  async sync(segment: OpenSegment, isWaitedFor = false): Promise<void> {
    const through = segment.position
    await this.#disk.sync(segment.file, isWaitedFor)
    if (!segment.isAnchored) {
      await this.#folders.sync(segment.path)
      await this.#journal!.sync()
      // The disk may have been swapped right after the look before the file was made: nobody is told of a stray file.
      if (this.#marker.provedAtUs <= segment.madeAtUs) await this.#marker.proveAnew()
      segment.isAnchored = true
      if (this.#marker.state === 'new') await this.#marker.beat('proved', true)
    }
    segment.syncedThrough = Math.max(segment.syncedThrough, through)
  }

  /** Writes the footer, makes all safe and lets the file go. */
  async closeSegment(segment: OpenSegment, footer: Uint8Array): Promise<void> {
    // The next segment waits behind this one: naps between its steps would cost what a crash loses.
    await this.append(segment, footer, 0, footer.length, true)
    await this.sync(segment, true)
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
    await this.#marker.proveAnew()
    if (result.kind === 'recovered') {
      // After a kill the names may still be unsafe, as the file was.
      this.#folders.noteUnsafe(path)
      await this.#folders.sync(path)
      this.#journal!.append({ closed: path, bytes: result.row.sizeBytes })
      this.#retention!.noteRecovered(path)
      // At once: from now on it may be deleted, and that must not be reported first.
      this.#options.report({ type: 'segment-closed', row: result.row })
      return
    }
    const sequence = this.#journal!.state.open.get(path)
    // It leaves the open list last: stopped in between, the next start finds it there.
    if (result.kind === 'empty') await this.#retention!.removeEmpty(path)
    else if (sequence !== undefined)
      this.#onRemoved({ sequences: [sequence], bytes: 0, reason: 'its file is not there' })
    this.#journal!.append({ closed: path, bytes: 0 })
  }

  /** Ends all work on the volume. Segments must be closed before. */
  async close(): Promise<void> {
    await this.#busy
    this.#state = 'closed'
    if (this.#journal === undefined) return
    await this.#journal.close()
  }
}

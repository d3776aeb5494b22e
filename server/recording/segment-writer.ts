// Records the runs of one stream into segments of a space. Fragments wait in memory while the disk is slow, bounded; a
// camera's path never waits for a file.
import { randomBytes } from 'node:crypto'
import type { GapCause } from '../../shared/recording.ts'
import type { NotRecordingReason } from '../../shared/stream.ts'
import type { Clock } from '../base/clock.ts'
import { type FragmentHead, writeFragmentHead } from '../media/segment/fragment-head.ts'
import { movieFragmentRandomAccess, segmentFooter } from '../media/segment/segment-footer.ts'
import type { SegmentHead } from '../media/segment/segment-head.ts'
import { fragmentFlags, trackIds } from '../media/segment/segment-layout.ts'
import type { SegmentTable } from '../media/segment/segment-table.ts'
import type { TrackConfig } from '../media/track.ts'
import type { Arena, Slot } from '../stream/arena.ts'
import type { Fragment } from '../stream/fragment-builder.ts'
import type { RunReader } from '../stream/stream-receiver.ts'
import { isFull } from './disk.ts'
import type { WrittenGop } from './gop-burst.ts'
import type { RecorderEvent, SegmentRow } from './recorder-protocol.ts'
import { segmentRow } from './recovery.ts'
import { movieFor, rebased, tableFor } from './segment-tracks.ts'
import { SpaceUnavailable } from './space-unavailable.ts'
import type { OpenSegment, SpaceVolume } from './space-volume.ts'
import { detach, type SpillBudget } from './spill-budget.ts'

export interface SegmentWriterOptions {
  cameraId: string
  cameraName: string
  stream: number
  volume: SpaceVolume
  arena: Arena
  clock: Clock
  clockTrust: () => number
  segmentSec: number
  flushSec: number
  spill: SpillBudget
  report: (event: RecorderEvent) => void
  /** True: the camera must be held back, memory for its footage is used up. */
  hold: (isHeld: boolean) => void
  /** No keyframe for twice a segment's length: the camera should be asked for one. */
  wantKeyframe: () => void
}

/** Footage of so long may wait for the disk; then the camera is held back. */
const spillSec = 6
/** After so long without a write returning, what waits is given up, so that live view goes on. */
const giveUpSec = 20

type Job =
  | { type: 'begin'; tracks: TrackConfig[]; runId: string }
  | { type: 'config'; tracks: TrackConfig[] }
  | {
      type: 'fragment'
      fragment: Fragment
      slot: Slot | undefined
      utcUs: number
      startOffsetTicks: number
      sizeBytes: number
    }
  | { type: 'end' }
  | { type: 'mark'; reached: () => void }

interface Current {
  segment: OpenSegment
  head: Omit<SegmentHead, 'segmentId' | 'serverId' | 'spaceId' | 'bootId' | 'sequence'>
  table: SegmentTable
  tracks: TrackConfig[]
  /** Run ticks of the picture at the segment's start, and presentation time of the same, microseconds. */
  baseTicks: number
  baseUs: number
  startedUs: number
  lastUtcUs: number
  syncedAtUs: number
  syncing: Promise<void> | undefined
  hasAskedKeyframe: boolean
  /** A sync of the file failed: what the kernel then holds for written may never be. Nothing more is put in it. */
  isBroken: boolean
}

export class SegmentWriter implements RunReader {
  readonly #options: SegmentWriterOptions
  readonly #jobs: Job[] = []
  #isPumping = false
  #idle: (() => void)[] = []
  #current: Current | undefined
  #run: { tracks: TrackConfig[]; runId: string; index: number; startUs: number } | undefined
  #isConfigChanged = false
  #waitsForKey = false
  #isHeld = false
  #writeBeganUs = 0
  #isClosed = false
  #gap: { startUs: number; cause: GapCause; detail: string } | undefined
  #lastEndUs = 0
  #retryAtUs = 0

  constructor(options: SegmentWriterOptions) {
    this.#options = options
  }

  /** Footage that waits for the disk, in seconds. */
  get spillSec(): number {
    const waiting = this.#jobs.filter((job) => job.type === 'fragment')
    if (waiting.length < 2) return 0
    return Math.max(0, (waiting.at(-1)!.utcUs - waiting[0]!.utcUs) / 1e6)
  }

  /** Footage is being written, or waits to be. */
  get isRecording(): boolean {
    return this.#run !== undefined && this.#gap === undefined
  }

  get notRecordingReason(): NotRecordingReason | undefined {
    if (this.isRecording) return undefined
    const { fault } = this.#options.volume
    if (fault === 'full') return 'space-full'
    if (fault === 'stalled') return 'disk-stalled'
    if (fault !== undefined) return 'space-error'
    return 'camera-lost'
  }

  /** How far the open segment has come, for the index; undefined where none is open. */
  progress():
    | { sequence: number; endUs: number; sizeBytes: number; videoSamples: number; audioSamples: number }
    | undefined {
    const current = this.#current
    if (current === undefined || !current.segment.isAnchored) return undefined
    return {
      sequence: current.segment.sequence,
      endUs: current.table.endUs,
      sizeBytes: current.segment.position,
      videoSamples: current.table.samples(trackIds.video),
      audioSamples: current.table.samples(trackIds.audio),
    }
  }

  /** The picture since the last keyframe, of all given so far and once that is written: what starts a viewer. */
  lastGop(): Promise<WrittenGop | undefined> {
    return new Promise((resolve) => this.#push({ type: 'mark', reached: () => resolve(this.#lastGop()) }))
  }

  #lastGop(): WrittenGop | undefined {
    const current = this.#current
    if (current === undefined) return undefined
    const { table, baseTicks, baseUs } = current
    const throughFragment = table.fragments - 1
    for (let fromFragment = throughFragment; fromFragment >= 0; fromFragment--) {
      if ((table.flags.values[fromFragment]! & fragmentFlags.key) === 0) continue
      return { file: current.segment.file, table, fromFragment, throughFragment, baseTicks, baseUs }
    }
    return undefined
  }

  beginRun(tracks: TrackConfig[]): void {
    this.#push({ type: 'begin', tracks, runId: randomBytes(8).toString('hex') })
  }

  config(tracks: TrackConfig[]): void {
    this.#push({ type: 'config', tracks })
  }

  endRun(cause: GapCause, detail: string): void {
    this.#push({ type: 'end' })
    this.noteLoss(cause, detail)
  }

  /** From the end of what was recorded, footage is missing for this reason; until a run begins again. */
  noteLoss(cause: GapCause, detail: string): void {
    // That recording has not begun yet is no cause once there is one: the camera does not answer, say.
    if (this.#gap?.cause === 'stopped' && cause !== 'stopped') {
      this.#lastEndUs = this.#options.clock.utcUs()
      this.#endGap(this.#lastEndUs)
    }
    if (this.#gap !== undefined) return
    const startUs = this.#lastEndUs === 0 ? this.#options.clock.utcUs() : this.#lastEndUs
    this.#gap = { startUs, cause, detail }
    const { cameraId, stream } = this.#options
    this.#options.report({ type: 'gap-began', cameraId, stream, startUs, cause, detail })
  }

  fragment(fragment: Fragment, utcUs: number, startOffsetTicks: number): void {
    const sizeBytes = fragment.dataEnd - fragment.dataAt
    const { spill, volume } = this.#options
    this.#lastEndUs = utcUs
    if (this.#isClosed || (!volume.isReady && volume.fault !== undefined)) {
      this.#drop(fragment.slot)
      if (!this.#isClosed) this.noteLoss(volume.fault === 'full' ? 'space-full' : 'space-error', volume.fault ?? '')
      return
    }
    let job: Job = { type: 'fragment', fragment, slot: fragment.slot, utcUs, startOffsetTicks, sizeBytes }
    // One is being written and others wait: the arena's slots are for what moves.
    if (this.#jobs.filter((waiting) => waiting.type === 'fragment').length >= 2) {
      job = { ...job, fragment: detach(fragment), slot: undefined }
      this.#options.arena.release(fragment.slot)
    }
    spill.usedBytes += sizeBytes
    this.#push(job)
    if (!this.#isHeld && (this.spillSec > spillSec || spill.isSpent)) this.#setHeld(true)
  }

  #drop(slot: Slot | undefined): void {
    if (slot !== undefined) this.#options.arena.release(slot)
    this.#waitsForKey = true
  }

  #setHeld(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#options.hold(isHeld)
  }

  #push(job: Job): void {
    this.#jobs.push(job)
    if (!this.#isPumping) void this.#pump()
  }

  async #pump(): Promise<void> {
    this.#isPumping = true
    while (this.#jobs.length > 0) {
      const job = this.#jobs[0]!
      try {
        this.#writeBeganUs = this.#options.clock.monotonicUs()
        const isDone = await this.#do(job)
        this.#writeBeganUs = 0
        if (!isDone) break
      } catch (error) {
        this.#writeBeganUs = 0
        await this.#onFailure(error)
      }
      if (this.#jobs[0] === job) this.#finish(job)
      if (this.#isHeld && this.spillSec < 1 && !this.#options.spill.isSpent) this.#setHeld(false)
    }
    this.#isPumping = false
    if (this.#jobs.length === 0) for (const wake of this.#idle.splice(0)) wake()
  }

  #finish(job: Job): void {
    this.#jobs.shift()
    if (job.type !== 'fragment') return
    this.#options.spill.usedBytes -= job.sizeBytes
    if (job.slot !== undefined) this.#options.arena.release(job.slot)
  }

  /** False where the job must be tried again later: it stays the first. */
  async #do(job: Job): Promise<boolean> {
    switch (job.type) {
      case 'begin':
        // Whatever comes of the segment before: what follows is another run's.
        this.#run = { tracks: job.tracks, runId: job.runId, index: 0, startUs: 0 }
        this.#isConfigChanged = false
        await this.#closeCurrent()
        return true
      case 'config':
        if (this.#run !== undefined) this.#run.tracks = job.tracks
        this.#isConfigChanged = true
        return true
      case 'end':
        this.#run = undefined
        await this.#closeCurrent()
        return true
      case 'mark':
        job.reached()
        return true
      case 'fragment':
        return await this.#writeWithRoom(job)
    }
  }

  async #writeWithRoom(job: Job & { type: 'fragment' }): Promise<boolean> {
    const nowUs = this.#options.clock.monotonicUs()
    const { volume } = this.#options
    if (nowUs < this.#retryAtUs) return false
    // A volume that is still being opened is waited for; one in error takes nothing.
    if (!volume.isReady && volume.fault === undefined) return false
    try {
      await this.#write(job)
      return true
    } catch (error) {
      if (!isFull(error)) throw error
      // Full is no reason to stop: room is made, and the same bytes go to the same place again.
      await this.#options.volume.relieve()
      this.#retryAtUs = this.#options.clock.monotonicUs() + 200_000
      return false
    }
  }

  async #write(job: Job & { type: 'fragment' }): Promise<void> {
    const { fragment } = job
    if (this.#run === undefined) return
    if (this.#waitsForKey) {
      const hasPicture = this.#run.tracks.some((track) => track.kind === 'video')
      if (hasPicture && !fragment.isKey) return
      this.#waitsForKey = false
    }
    if (this.#current?.isBroken || this.#mustRotate(fragment, job.utcUs)) await this.#closeCurrent()
    if (this.#current === undefined) this.#current = await this.#create(job)
    const current = this.#current
    const utcUs = Math.max(job.utcUs, current.lastUtcUs)
    const tracks = fragment.tracks.map((run) => ({ ...run, tfdtTicks: rebased(run, current) }))
    let flags = fragment.isKey ? fragmentFlags.key : 0
    if (fragment.isLossBefore) flags |= fragmentFlags.lossBefore
    if (this.#options.clockTrust() === 0) flags |= fragmentFlags.clockUntrusted
    const { segment, table } = current
    const headAt = writeFragmentHead(fragment.bytes, fragment.view, fragment.dataAt, fragment.dataEnd, {
      tracks,
      flags,
      utcUs,
      number: table.fragments,
      syncedThrough: segment.syncedThrough,
      seed: segment.seed,
    })
    const position = segment.position
    await this.#options.volume.append(segment, fragment.bytes, headAt, fragment.dataEnd)
    const head: Omit<FragmentHead, 'number' | 'syncedThrough' | 'dataCrc'> = {
      flags,
      utcUs,
      headBytes: fragment.dataAt - headAt,
      dataBytes: fragment.dataEnd - fragment.dataAt,
      headCrc: fragment.view.getUint32(headAt + 60),
      tracks,
    }
    table.push(position, head)
    current.lastUtcUs = utcUs
    this.#lastEndUs = table.endUs
    this.#endGap(utcUs)
  }

  #endGap(utcUs: number): void {
    const gap = this.#gap
    if (gap === undefined) return
    this.#gap = undefined
    const { cameraId, stream, report } = this.#options
    report({ type: 'gap-ended', cameraId, stream, ...gap, endUs: Math.max(utcUs, gap.startUs) })
  }

  #mustRotate(fragment: Fragment, utcUs: number): boolean {
    const current = this.#current
    if (current === undefined) return false
    const hasPicture = current.tracks.some((track) => track.kind === 'video')
    const mayCut = !hasPicture || fragment.isKey
    const ageSec = (utcUs - current.startedUs) / 1e6
    if (mayCut) return this.#isConfigChanged || ageSec >= this.#options.segmentSec
    if (ageSec >= 2 * this.#options.segmentSec && !current.hasAskedKeyframe) {
      current.hasAskedKeyframe = true
      this.#options.wantKeyframe()
    }
    return false
  }

  async #create(job: Job & { type: 'fragment' }): Promise<Current> {
    const run = this.#run!
    const { cameraId, cameraName, stream, clockTrust, clock, volume } = this.#options
    const { fragment, utcUs, startOffsetTicks } = job
    if (run.index === 0) run.startUs = utcUs
    const video = fragment.tracks.find((track) => track.trackId === trackIds.video)
    const head = {
      channelId: cameraId,
      channelName: cameraName,
      stream,
      kind: 'normal' as const,
      runId: run.runId,
      runIndex: run.index,
      startUs: utcUs,
      runStartUs: run.startUs,
      clockTrust: clockTrust(),
      mediaTicks: Math.max(0, Math.round((fragment.mediaUs * 90_000) / 1e6)),
    }
    const segment = await volume.createSegment(movieFor(run.tracks, startOffsetTicks), head)
    run.index++
    this.#isConfigChanged = false
    return {
      segment,
      head,
      table: tableFor(run.tracks, startOffsetTicks > 0),
      tracks: run.tracks,
      baseTicks: video?.tfdtTicks ?? 0,
      baseUs: fragment.mediaUs,
      startedUs: utcUs,
      lastUtcUs: utcUs,
      syncedAtUs: clock.monotonicUs(),
      syncing: undefined,
      hasAskedKeyframe: false,
      isBroken: false,
    }
  }

  /**
   * Called a few times a second: makes safe what has waited for `flushSec`, tries again what found no room, and gives
   * up on a disk that hangs.
   */
  tick(): void {
    const nowUs = this.#options.clock.monotonicUs()
    const current = this.#current
    if (current !== undefined) this.#syncIfDue(current, nowUs)
    if (!this.#isPumping && this.#jobs.length > 0) void this.#pump()
    if (this.#writeBeganUs !== 0 && nowUs - this.#writeBeganUs > giveUpSec * 1e6) this.#giveUp()
  }

  #syncIfDue(current: Current, nowUs: number): void {
    const { segment } = current
    // The first flush comes early: only then does the index know that there is footage.
    const dueUs = segment.isAnchored ? this.#options.flushSec * 1e6 : 1e6
    if (
      current.isBroken ||
      current.syncing !== undefined ||
      nowUs - current.syncedAtUs < dueUs ||
      segment.position === segment.syncedThrough
    )
      return
    current.syncedAtUs = nowUs
    const wasAnchored = segment.isAnchored
    current.syncing = this.#options.volume
      .sync(segment)
      .then(() => {
        if (!wasAnchored) this.#options.report({ type: 'segment-opened', row: this.#row(current) })
      })
      .catch((error: unknown) => {
        current.isBroken = true
        this.#options.volume.fail(error)
      })
      .finally(() => {
        current.syncing = undefined
      })
  }

  /** The disk hangs: what waits behind the call under way is dropped, with its gap, so that live goes on. */
  #giveUp(): void {
    const [first, ...waiting] = this.#jobs
    const kept = waiting.filter((job) => job.type !== 'fragment')
    if (kept.length === waiting.length && !this.#isHeld) return
    for (const job of waiting) {
      if (job.type !== 'fragment') continue
      this.#options.spill.usedBytes -= job.sizeBytes
      this.#drop(job.slot)
    }
    this.#jobs.splice(0, this.#jobs.length, ...(first === undefined ? [] : [first]), ...kept)
    this.#waitsForKey = true
    this.noteLoss('disk-stalled', `a write has not returned for ${giveUpSec} s`)
    this.#options.volume.fail(new SpaceUnavailable('stalled', `a write has not returned for ${giveUpSec} s`))
    if (this.#isHeld) this.#setHeld(false)
  }

  async #onFailure(error: unknown): Promise<void> {
    const current = this.#current
    this.#current = undefined
    this.#waitsForKey = true
    this.noteLoss('space-error', error instanceof Error ? error.message : String(error))
    if (current !== undefined) await this.#options.volume.abandonSegment(current.segment)
    this.#options.volume.fail(error)
  }

  async #closeCurrent(): Promise<void> {
    const current = this.#current
    if (current === undefined) return
    this.#current = undefined
    const { segment, table } = current
    await current.syncing
    if (current.isBroken) {
      await this.#options.volume.abandonSegment(segment)
      return
    }
    const footerOffset = segment.position
    const footer = segmentFooter(segment.segmentId, table, 0)
    const tail = Buffer.concat([footer, movieFragmentRandomAccess(table)])
    try {
      await this.#options.volume.closeSegment(segment, tail)
    } catch (error) {
      await this.#options.volume.abandonSegment(segment)
      if (!isFull(error)) throw error
      await this.#options.volume.relieve()
      return
    }
    const row = { ...this.#row(current), sizeBytes: segment.position, footerOffset, footerBytes: footer.length }
    this.#options.report({ type: 'segment-closed', row })
  }

  #row(current: Current): SegmentRow {
    const { segment, table, tracks, head } = current
    const whole: SegmentHead = {
      ...head,
      segmentId: segment.segmentId,
      sequence: segment.sequence,
      spaceId: this.#options.volume.settings.id,
      serverId: '',
      bootId: '',
    }
    return { ...segmentRow(whole, tracks, table, segment.path), sizeBytes: segment.position }
  }

  /** Resolves when everything given so far has been written. */
  drained(): Promise<void> {
    if (this.#jobs.length === 0 && !this.#isPumping) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Writes what waits, closes the segment and takes nothing more. */
  async close(): Promise<void> {
    this.#push({ type: 'end' })
    await this.drained()
    this.#isClosed = true
  }
}

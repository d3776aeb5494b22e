// A recording space on a real file system, under a clock that the test moves, with streams coded by ffmpeg.
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TrackConfig } from '../../server/media/track.ts'
import { type Disk, NodeDisk } from '../../server/recording/disk.ts'
import type { RecorderEvent, SegmentRow, SpaceSettings } from '../../server/recording/recorder-protocol.ts'
import { SegmentWriter } from '../../server/recording/segment-writer.ts'
import { SpaceVolume } from '../../server/recording/space-volume.ts'
import { SpillBudget } from '../../server/recording/spill-budget.ts'
import { FragmentBuilder } from '../../server/stream/fragment-builder.ts'
import { FakeClock } from './fake-clock.ts'
import { type TestClip, testClip } from './footage.ts'
import { WatchedArena } from './watched-arena.ts'

export const second = 1_000_000

export interface RigOptions {
  /** Folder of the volume. */
  volumePath: string
  disk?: Disk
  clock?: FakeClock
  settings?: Partial<SpaceSettings>
  serverId?: string
  mountPointOf?: (path: string) => Promise<string | undefined>
  segmentSec?: number
  flushSec?: number
  spillBytes?: number
}

export const rigServerId = '11111111-1111-4111-8111-111111111111'
export const rigSpaceId = '22222222-2222-4222-8222-222222222222'
export const rigCameraId = '33333333-3333-4333-8333-333333333333'

/** One start of a recorder over one space: what an earlier one left is found again. */
export class RecordingRig {
  readonly clock: FakeClock
  readonly arena = new WatchedArena(96 * 1024 * 1024)
  readonly events: RecorderEvent[] = []
  readonly messages: string[] = []
  readonly volume: SpaceVolume
  readonly folder: string
  readonly feeders: Feeder[] = []
  readonly #options: RigOptions
  readonly #spill: SpillBudget
  /** Calls of the disk under way. */
  #calls = 0

  constructor(options: RigOptions) {
    this.#options = options
    this.clock = options.clock ?? new FakeClock()
    this.#spill = new SpillBudget(options.spillBytes ?? 64 * 1024 * 1024)
    const log = (first: unknown, message?: string) => this.messages.push(message ?? String(first))
    const settings: SpaceSettings = {
      id: rigSpaceId,
      name: 'Test',
      volumePath: options.volumePath,
      mountPoint: '/',
      folder: 'QVRProSpace_test',
      isFresh: true,
      allocatedBytes: 10e9,
      overwriteThresholdPct: 95,
      ...options.settings,
    }
    mkdirSync(options.volumePath, { recursive: true })
    this.folder = join(options.volumePath, settings.folder)
    this.volume = new SpaceVolume({
      settings,
      serverId: options.serverId ?? rigServerId,
      bootId: randomUUID(),
      disk: this.#counted(options.disk ?? new NodeDisk()),
      clock: this.clock,
      logger: { info: log, warn: log, error: log },
      report: (event) => this.events.push(event),
      mountPointOf: options.mountPointOf ?? (async () => '/'),
    })
  }

  /** Opens the space, and lets the volume do what is due. */
  static async open(options: RigOptions): Promise<RecordingRig> {
    const rig = new RecordingRig(options)
    await rig.settle()
    return rig
  }

  #counted(disk: Disk): Disk {
    return new Proxy(disk, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          const result: unknown = member.apply(target, args)
          if (!(result instanceof Promise)) return result
          this.#calls++
          return result.finally(() => this.#calls--)
        }
      },
    })
  }

  /** The volume does what is due; all file calls that come back have come back. */
  async settle(): Promise<void> {
    this.volume.tick()
    await this.idle()
  }

  /** Resolves when nothing is under way on the disk, or what is hangs. */
  async idle(): Promise<void> {
    const patience = performance.now() + 300
    for (let quiet = 0; quiet < 4; ) {
      await new Promise((resolve) => setImmediate(resolve))
      quiet = this.#calls === 0 ? quiet + 1 : 0
      if (this.isHung && performance.now() > patience) return
    }
  }

  /** True where the test lets calls hang. */
  get isHung(): boolean {
    return (this.#options.disk as { hung?: unknown } | undefined)?.hung !== undefined
  }

  get spilledBytes(): number {
    return this.#spill.usedBytes
  }

  /** A camera's stream and the writer that records it. */
  feeder(options: { cameraId?: string; clip?: TestClip; extraOffsetTicks?: number } = {}): Feeder {
    const { clock, arena, volume } = this
    const clip = options.clip ?? testClip({ seconds: 4, sizePx: '160x96' })
    const cameraId = options.cameraId ?? rigCameraId
    const feeder: Feeder = new Feeder(
      this,
      clip,
      new SegmentWriter({
        cameraId,
        cameraName: 'Gate',
        stream: 1,
        volume,
        arena,
        clock,
        clockTrust: () => 1,
        segmentSec: this.#options.segmentSec ?? 10,
        flushSec: this.#options.flushSec ?? 5,
        spill: this.#spill,
        report: (event) => this.events.push(event),
        hold: (isHeld) => feeder.holds.push(isHeld),
        wantKeyframe: () => {
          feeder.keyframesWanted++
        },
      }),
    )
    this.feeders.push(feeder)
    return feeder
  }

  /** Time passes, and everything that is due is done. */
  async pass(us: number): Promise<void> {
    this.clock.advance(us)
    await this.settle()
    for (const feeder of this.feeders) feeder.writer.tick()
    await this.idle()
  }

  rows(type: 'segment-opened' | 'segment-closed'): SegmentRow[] {
    return this.events.flatMap((event) => (event.type === type ? [(event as { row: SegmentRow }).row] : []))
  }

  eventsOf<T extends RecorderEvent['type']>(type: T): Extract<RecorderEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<RecorderEvent, { type: T }> => event.type === type)
  }

  removed(): number[] {
    return this.eventsOf('segments-removed').flatMap((event) => event.sequences)
  }

  /** Segment files that are there, below the space's folder, by sequence number. */
  files(): string[] {
    return segmentFiles(this.folder)
  }

  sequences(): number[] {
    return this.files().map(sequenceOf)
  }

  async close(): Promise<void> {
    for (const feeder of this.feeders) await feeder.writer.close()
    await this.volume.close()
  }
}

export const sequenceOf = (path: string) => Number(/-(\d+)\.mp4$/.exec(path)?.[1])

export function segmentFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.mp4'))
    .sort((a, b) => sequenceOf(a) - sequenceOf(b))
}

/** Plays a clip in a loop into a writer, half a second at a time. */
export class Feeder {
  readonly writer: SegmentWriter
  readonly holds: boolean[] = []
  keyframesWanted = 0
  /** Picture samples that were given to the writer, in order. */
  readonly sent: Uint8Array[] = []
  tracks: TrackConfig[]
  /** Makes all but the first frame no keyframe. */
  isEndless = false
  readonly #rig: RecordingRig
  readonly #clip: TestClip
  #builder: FragmentBuilder | undefined
  #runStartUs = 0
  #next = 0
  #soundNext = 0

  constructor(rig: RecordingRig, clip: TestClip, writer: SegmentWriter) {
    this.#rig = rig
    this.#clip = clip
    this.writer = writer
    this.tracks = [clip.video.config, ...(clip.audio === undefined ? [] : [clip.audio.config])]
  }

  beginRun(): void {
    const { arena, clock } = this.#rig
    this.#runStartUs = clock.utcUs()
    this.#next = 0
    this.#soundNext = 0
    const builder: FragmentBuilder = new FragmentBuilder(
      arena,
      {
        video: { timescale: 90_000, reorderDepth: 0 },
        audio: this.#clip.audio && { timescale: this.#clip.audio.config.timescale },
        metadata: undefined,
      },
      {
        fragment: (fragment) => {
          this.writer.fragment(fragment, this.#runStartUs + Math.round(fragment.mediaUs), builder.startOffsetTicks)
        },
        dropped: () => undefined,
        parameterSet: () => undefined,
        keyframe: () => true,
        begin: () => undefined,
        frame: () => undefined,
      },
    )
    this.#builder = builder
    this.writer.beginRun(this.tracks)
  }

  endRun(): void {
    this.#builder?.cut()
    this.#builder?.close()
    this.#builder = undefined
    this.writer.endRun('unknown', 'the test ended the run')
  }

  /** Gives the writer what comes in over so many seconds, while time passes. */
  async feed(seconds: number): Promise<void> {
    if (this.#builder === undefined) this.beginRun()
    for (let half = 0; half < seconds * 2; half++) {
      await this.#rig.pass(500_000)
      this.#give()
      await this.#rig.idle()
    }
  }

  /** The same without anything being done meanwhile: what waits is only handed over. With 0, what time has brought. */
  give(seconds: number): void {
    if (this.#builder === undefined) this.beginRun()
    if (seconds === 0) this.#give()
    for (let half = 0; half < seconds * 2; half++) {
      this.#rig.clock.advance(500_000)
      this.#give()
    }
  }

  #give(): void {
    const builder = this.#builder!
    const mediaSec = (this.#rig.clock.utcUs() - this.#runStartUs) / 1e6
    const { video, audio } = this.#clip
    const loopTicks = video.samples.length * video.samples[0]!.durationTicks
    for (;;) {
      const sample = video.samples[this.#next % video.samples.length]!
      const dts = Math.floor(this.#next / video.samples.length) * loopTicks + sample.dtsTicks
      if (dts / 90_000 >= mediaSec) break
      const isKey = this.isEndless ? this.#next === 0 : sample.isKey
      builder.wholeFrame(dts, sample.ctsTicks, isKey, sample.data)
      this.sent.push(sample.data)
      this.#next++
    }
    for (;;) {
      const sample = audio?.samples[this.#soundNext % audio.samples.length]
      if (sample === undefined) break
      const ticks = this.#soundNext * audio!.samples[0]!.durationTicks
      if (ticks / audio!.config.timescale >= mediaSec) break
      builder.sideSample('audio', ticks, sample.durationTicks, sample.data, 0, sample.data.length)
      this.#soundNext++
    }
    builder.cut()
  }
}

/** Frames that ffmpeg decodes of a file, and whether it complained. */
export function decodedFrames(path: string): { frames: number; complaints: string } {
  const options = ['-v', 'error', '-count_frames', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_frames']
  const probed = spawnSync('ffprobe', [...options, '-of', 'csv=p=0', path])
  return { frames: Number(probed.stdout.toString().trim().split(/\D/)[0]), complaints: probed.stderr.toString() }
}

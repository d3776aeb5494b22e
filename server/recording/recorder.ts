// The recorder: every camera's streams and every space, by one set of settings. No HTTP, no SQL.
import type { Clock } from '../base/clock.ts'
import type { LineLog } from '../base/line-log.ts'
import type { Resolver } from '../base/resolver.ts'
import type { Arena } from '../stream/arena.ts'
import { ChannelStream } from './channel-stream.ts'
import type { Disk } from './disk.ts'
import type { NapWaiters } from './nap.ts'
import type { RecorderEvent, RecorderSettings, SpaceStatus, StreamSettings } from './recorder-protocol.ts'
import { SpaceVolume } from './space-volume.ts'
import { SpillBudget } from './spill-budget.ts'

export interface RecorderOptions {
  arena: Arena
  clock: Clock
  logger: LineLog
  resolver: Resolver
  bootId: string
  /** One a volume: what hangs on one must not be waited for on another. */
  makeDisk: () => Disk
  mountPointOf: (path: string) => Promise<string | undefined>
  /** 0 not trusted, 1 as the machine has it, 2 synchronised. */
  clockTrust: () => number
  report: (event: RecorderEvent) => void
  /** Memory for footage that waits for slow disks, in bytes. */
  spillBytes: number
}

/** A step of the wall clock larger than this ends every run; smaller ones are bent away. */
const clockStepUs = 2_000_000

export class Recorder {
  readonly #options: RecorderOptions
  readonly #volumes = new Map<string, SpaceVolume>()
  readonly #streams = new Map<string, ChannelStream>()
  readonly #spill: SpillBudget
  #settings: RecorderSettings | undefined
  #wallUs: number
  #applying: Promise<void> = Promise.resolve()

  constructor(options: RecorderOptions) {
    this.#options = options
    this.#spill = new SpillBudget(options.spillBytes)
    this.#wallUs = options.clock.utcUs() - options.clock.monotonicUs()
  }

  get settings(): RecorderSettings | undefined {
    return this.#settings
  }

  stream(cameraId: string, stream: number): ChannelStream | undefined {
    return this.#streams.get(keyOf({ cameraId, stream }))
  }

  /** Who waits for the recorder to read. */
  waiters(): NapWaiters {
    const nowUs = this.#options.clock.monotonicUs()
    const waiters = { isWatched: false, youngestSec: Number.POSITIVE_INFINITY }
    for (const stream of this.#streams.values()) {
      if (stream.isWatched) waiters.isWatched = true
      waiters.youngestSec = Math.min(waiters.youngestSec, stream.sessionSec(nowUs))
    }
    return waiters
  }

  /** Works by new settings: what did not change goes on untouched. Calls follow each other. */
  apply(settings: RecorderSettings): Promise<void> {
    this.#applying = this.#applying.then(() => this.#apply(settings))
    return this.#applying
  }

  async #apply(settings: RecorderSettings): Promise<void> {
    const before = this.#settings
    this.#settings = settings
    const wanted = new Map(settings.streams.map((stream) => [keyOf(stream), stream]))
    const hasNewWriter =
      before !== undefined && (before.segmentSec !== settings.segmentSec || before.flushSec !== settings.flushSec)
    const closing: Promise<void>[] = []
    for (const [key, stream] of this.#streams) {
      const next = wanted.get(key)
      const getsSpace = stream.lacksSpace && settings.spaces.some((space) => space.id === next?.spaceId)
      if (next !== undefined && !hasNewWriter && !getsSpace && isSame(next, stream.settings)) continue
      this.#streams.delete(key)
      closing.push(stream.close(next === undefined ? 'removed or disabled' : 'settings changed'))
    }
    await Promise.all(closing)
    await this.#applySpaces(settings)
    for (const [key, stream] of wanted) {
      if (!this.#streams.has(key)) this.#streams.set(key, this.#startStream(stream, settings))
    }
  }

  async #applySpaces(settings: RecorderSettings): Promise<void> {
    for (const [id, volume] of this.#volumes) {
      if (settings.spaces.some((space) => space.id === id)) continue
      this.#volumes.delete(id)
      await volume.close()
      // Not waited for: a call that hangs holds it.
      void volume.disk.end()
    }
    const { clock, logger, bootId, report, mountPointOf } = this.#options
    for (const space of settings.spaces) {
      const known = this.#volumes.get(space.id)
      if (known !== undefined) {
        known.resize(space.allocatedBytes, space.overwriteThresholdPct)
        continue
      }
      const volume = new SpaceVolume({
        settings: { ...space },
        serverId: settings.serverId,
        bootId,
        disk: this.#options.makeDisk(),
        clock,
        logger,
        report,
        mountPointOf,
      })
      this.#volumes.set(space.id, volume)
      volume.tick()
    }
  }

  #startStream(stream: StreamSettings, settings: RecorderSettings): ChannelStream {
    const { arena, clock, logger, resolver, report, clockTrust } = this.#options
    const channel = new ChannelStream({
      settings: stream,
      volume: this.#volumes.get(stream.spaceId),
      arena,
      clock,
      logger,
      resolver,
      report,
      writer: { clockTrust, segmentSec: settings.segmentSec, flushSec: settings.flushSec, spill: this.#spill },
    })
    channel.start()
    return channel
  }

  /** Called a few times a second. */
  tick(): void {
    const { clock } = this.#options
    const nowUs = clock.monotonicUs()
    const wallUs = clock.utcUs() - nowUs
    if (Math.abs(wallUs - this.#wallUs) > clockStepUs) this.#onClockStep(wallUs - this.#wallUs)
    this.#wallUs = wallUs
    for (const volume of this.#volumes.values()) volume.tick()
    for (const stream of this.#streams.values()) stream.tick(nowUs)
  }

  #onClockStep(byUs: number): void {
    const detail = `the server's clock was set by ${(byUs / 1e6).toFixed(1)} s`
    this.#options.logger.warn(detail)
    const atUs = this.#options.clock.utcUs()
    this.#options.report({ type: 'occurrence', name: 'clock-stepped', level: 'warning', atUs, message: detail })
    for (const stream of this.#streams.values()) stream.onClockStep('clock-step', detail)
  }

  health() {
    return [...this.#streams.values()].map((stream) => stream.health())
  }

  progress() {
    return [...this.#streams.values()].map((stream) => stream.progress()).filter((progress) => progress !== undefined)
  }

  spaces(): SpaceStatus[] {
    return [...this.#volumes.values()].map((volume) => volume.status())
  }

  setPins(pins: { spaceId: string; sequence: number }[]): void {
    for (const [id, volume] of this.#volumes) {
      volume.setPins(new Set(pins.filter((pin) => pin.spaceId === id).map((pin) => pin.sequence)))
    }
  }

  acknowledgeRemoved(spaceId: string, sequences: readonly number[]): void {
    this.#volumes.get(spaceId)?.acknowledgeRemoved(sequences)
  }

  async removeFootage(cameraId: string): Promise<void> {
    await Promise.all([...this.#volumes.values()].map((volume) => volume.removeFootage(cameraId)))
  }

  /** Closes and syncs every segment, within `patienceMs` even where a disk hangs. */
  async close(patienceMs: number): Promise<void> {
    const streams = [...this.#streams.values()]
    this.#streams.clear()
    const patience = new Promise<void>((resolve) => setTimeout(resolve, patienceMs))
    const all = Promise.allSettled(streams.map((stream) => stream.close('the recorder is stopping'))).then(async () => {
      await Promise.allSettled([...this.#volumes.values()].map((volume) => volume.close()))
    })
    await Promise.race([all, patience])
  }
}

const keyOf = (stream: { cameraId: string; stream: number }) => `${stream.cameraId}/${stream.stream}`

function isSame(a: StreamSettings, b: StreamSettings): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

function sorted(settings: StreamSettings): [string, unknown][] {
  return Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1))
}

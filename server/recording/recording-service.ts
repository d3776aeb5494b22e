// What the recorder tells goes into the index; timelines and gaps come out of it.
import { Failure } from '../../shared/failure.ts'
import { type Gap, maxTimelineMs } from '../../shared/recording.ts'
import type { SystemStatus } from '../../shared/system.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { persist } from '../base/persist.ts'
import type { CameraService } from '../camera/camera-service.ts'
import { type Database, isCorrupt, isDatabaseAway } from '../db/database.ts'
import type { PushHub } from '../http/push-socket.ts'
import type { LogService } from '../log/log-service.ts'
import type { SpaceService } from '../space/space-service.ts'
import type { FootageRemovals } from './footage-removals.ts'
import type { HealthService } from './health-service.ts'
import type { IndexThread } from './index-thread.ts'
import type { Reconciler } from './reconciler.ts'
import type { RecorderHello, RecorderLink, RecorderStatus } from './recorder-link.ts'
import type { RecorderEvent, SegmentRow } from './recorder-protocol.ts'
import type { RecorderConfigurator } from './recorder-settings.ts'
import type { RecordingStore } from './recording-store.ts'
import { RemovalLog } from './removal-log.ts'
import type { OpenEnd } from './timeline.ts'

export interface RecordingServiceOptions {
  index: Database
  store: RecordingStore
  thread: IndexThread
  reconciler: Reconciler
  /** Undefined where the server runs without one: what is in the index is shown, and nothing is added. */
  recorder: RecorderLink | undefined
  configurator: RecorderConfigurator | undefined
  health: HealthService
  cameras: CameraService
  spaces: SpaceService
  removals: FootageRemovals
  log: LogService
  push: PushHub
  bus: Bus
  clock: Clock
  logger: Logger
}

/** `recording-changed` is told at most so often, in milliseconds. */
const changedEveryMs = 1000

/** How often the index's log is moved into its file and removals are looked after, in milliseconds. */
const choresEveryMs = 30_000

/** How long lines of the gap ledger are kept, in microseconds: as long as a timeline may be. */
const keptGapsUs = maxTimelineMs * 1000

export class RecordingService {
  readonly #options: RecordingServiceOptions
  readonly #stop = new AbortController()
  readonly #undoings: (() => void)[] = []
  readonly #removals: RemovalLog
  /** Segments that are being written, and how far each one has grown by the recorder's last word. */
  readonly #open = new Map<string, SegmentRow>()
  readonly #changed = new Set<string>()
  #changedTimer: NodeJS.Timeout | undefined
  #chores: NodeJS.Timeout | undefined
  #hello: RecorderHello | undefined
  #status: RecorderStatus | undefined

  constructor(options: RecordingServiceOptions) {
    this.#options = options
    this.#removals = new RemovalLog(options.log, options.spaces)
  }

  /** Takes up what the index knows, connects to the recorder, and has the index reconciled in the background. */
  async start(): Promise<void> {
    const { store, thread, recorder, bus, health, logger } = this.#options
    for (const row of await store.listOpen()) this.#open.set(segmentKey(row), row)
    await health.refresh()
    const refresh = () => health.refresh().catch((error) => logger.warn({ err: error }, 'cameras could not be read'))
    this.#undoings.push(
      bus.on('camera-changed', refresh),
      bus.on('camera-removed', async ({ cameraId, hasFootageRemoved }) => {
        await refresh()
        await this.#forgetCamera(cameraId, hasFootageRemoved)
      }),
      bus.on('space-removed', ({ spaceId }) => this.#forgetSpace(spaceId)),
    )
    if (recorder !== undefined) this.#follow(recorder)
    this.#options.reconciler.request()
    await store.pruneGaps(this.#nowMs() * 1000 - keptGapsUs)
    this.#chores = setInterval(() => {
      thread.run({ type: 'checkpoint' }).catch((error) => logger.warn({ err: error }, 'no checkpoint of the index'))
      this.#removeLeftovers().catch((error) => logger.warn({ err: error }, 'footage is still to be removed'))
    }, choresEveryMs).unref()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    for (const undo of this.#undoings) undo()
    clearTimeout(this.#changedTimer)
    clearInterval(this.#chores)
    await this.#removals.close()
    await this.#options.reconciler.close()
    await this.#options.configurator?.close()
    await this.#options.recorder?.close()
  }

  /** A timeline as JSON in UTF-8. Fails `invalid` where the span is empty or too long. */
  timeline(cameraIds: string[] | undefined, fromMs: number, toMs: number): Promise<Uint8Array> {
    checkSpan(fromMs, toMs)
    const query = { cameraIds, fromMs, toMs, nowMs: this.#nowMs(), open: this.#openEnds() }
    return this.#options.thread.run({ type: 'timeline', query })
  }

  /** Lines of the gap ledger that reach into a span, oldest first. Fails as `timeline` does. */
  gaps(cameraId: string | undefined, fromMs: number, toMs: number, limit: number): Promise<Gap[]> {
    checkSpan(fromMs, toMs)
    return this.#options.store.listGaps(cameraId, fromMs * 1000, toMs * 1000, limit)
  }

  /** First and last instant there is footage of, over a camera's streams. Fails `not-found` for an unknown camera. */
  async bounds(cameraId: string): Promise<{ startMs: number; endMs: number } | undefined> {
    await this.#options.cameras.get(cameraId)
    const bounds = await this.#options.store.getBounds(cameraId)
    if (bounds === undefined) return undefined
    const growing = this.#openEnds().filter((one) => one.cameraId === cameraId)
    const endUs = Math.max(bounds.endUs, ...growing.map((one) => one.endUs))
    return { startMs: Math.floor(bounds.startUs / 1000), endMs: Math.ceil(endUs / 1000) }
  }

  /** How the recorder is, as far as it told. */
  recorderStatus(): SystemStatus['recorder'] {
    const hello = this.#hello
    if (hello === undefined) return { isConnected: false }
    return {
      isConnected: true,
      pid: hello.pid,
      startedMs: Math.floor(hello.startedUs / 1000),
      ...(this.#status === undefined ? {} : { cpuMsPerSec: this.#status.cpuMsPerSec, rssMb: this.#status.rssMb }),
    }
  }

  #follow(recorder: RecorderLink): void {
    const { configurator, health, reconciler, logger } = this.#options
    recorder.onEvent((event) => this.#take(event))
    recorder.onStatus((status) => this.#takeStatus(status))
    recorder.onEventsLost(() => reconciler.request())
    recorder.onConnected((hello) => {
      this.#hello = hello
      void configurator?.configureAnew()
      this.#removeDueFootage(recorder).catch((error) => logger.warn({ err: error }, 'footage is still to be removed'))
    })
    recorder.onDisconnected(() => {
      this.#hello = undefined
      this.#status = undefined
      health.disconnected()
    })
    // It may take long, or fail and be tried again by the recorder's client: the server answers meanwhile.
    recorder.start().catch((error) => logger.error({ err: error }, 'the recorder could not be started'))
  }

  /** Resolves when the event is safe in the index. It waits while the database is away, and never fails. */
  async #take(event: RecorderEvent): Promise<void> {
    const { logger, index, reconciler } = this.#options
    try {
      await persist(
        {
          firstMs: 200,
          longestMs: 5000,
          isWorthwhile: isDatabaseAway,
          onFailed: (error, tries) => {
            if (tries === 1) logger.warn({ err: error, event: event.type }, 'an event waits for the database')
          },
          signal: this.#stop.signal,
        },
        () => this.#apply(event),
      )
    } catch (error) {
      // Not acknowledged: the recorder tells it again after the restart.
      if (this.#stop.signal.aborted) throw error
      logger.error({ err: error, event: event.type }, 'an event could not be indexed: the files will be read instead')
      if (isCorrupt(error)) await index.recreate()
      reconciler.request()
    }
  }

  async #apply(event: RecorderEvent): Promise<void> {
    const { store, push } = this.#options
    switch (event.type) {
      case 'segment-opened':
        await store.putSegments([event.row])
        this.#open.set(segmentKey(event.row), event.row)
        this.#noteChanged(event.row.cameraId)
        return
      case 'segment-closed':
        await store.putSegments([event.row])
        this.#open.delete(segmentKey(event.row))
        this.#noteChanged(event.row.cameraId)
        await this.#removeLeftovers(event.row.cameraId)
        return
      case 'segments-removed': {
        const cameraIds = await store.removeSegments(event.spaceId, event.sequences)
        for (const sequence of event.sequences) this.#open.delete(segmentKey({ spaceId: event.spaceId, sequence }))
        for (const cameraId of cameraIds) this.#noteChanged(cameraId)
        this.#removals.note(event.spaceId, event.reason, event.sequences.length)
        return
      }
      case 'space-made':
        await this.#options.spaces.noteMade(event.spaceId)
        return
      case 'gap-began':
      case 'gap-ended': {
        const { cameraId, stream, startUs, cause, detail } = event
        const endUs = event.type === 'gap-ended' ? event.endUs : null
        await store.putGap({ camera_id: cameraId, stream, start_us: startUs, end_us: endUs, cause, detail })
        push.broadcast({
          type: 'gap',
          gap: {
            cameraId,
            stream,
            startMs: Math.floor(startUs / 1000),
            ...(endUs === null ? {} : { endMs: Math.ceil(endUs / 1000) }),
            cause,
            detail,
          },
        })
        return
      }
      case 'occurrence':
        this.#options.log.record({
          atMs: Math.floor(event.atUs / 1000),
          kind: event.name === 'recorder-started' || event.name === 'clock-stepped' ? 'system' : 'surveillance',
          level: event.level,
          name: event.name,
          message: event.message,
          ...(event.cameraId === undefined ? {} : { cameraId: event.cameraId }),
        })
    }
  }

  #takeStatus(status: RecorderStatus): void {
    const { health, spaces, logger } = this.#options
    this.#status = status
    health.report(status.streams)
    for (const one of status.open) {
      const row = this.#open.get(segmentKey(one))
      if (row === undefined) continue
      row.endUs = Math.max(row.endUs, one.endUs)
      row.sizeBytes = one.sizeBytes
    }
    for (const { id, folder: _folder, ...report } of status.spaces) {
      spaces.report(id, report).catch((error) => logger.warn({ err: error }, 'the state of a space could not be told'))
    }
  }

  #openEnds(): OpenEnd[] {
    return [...this.#open.values()].map(({ cameraId, stream, kind, runId, endUs }) => ({
      cameraId,
      stream,
      kind,
      runId,
      endUs,
    }))
  }

  #noteChanged(cameraId: string): void {
    this.#changed.add(cameraId)
    this.#changedTimer ??= setTimeout(() => {
      this.#changedTimer = undefined
      this.#options.push.broadcast({ type: 'recording-changed', cameraIds: [...this.#changed] })
      this.#changed.clear()
    }, changedEveryMs).unref()
  }

  async #forgetCamera(cameraId: string, hasFootageRemoved: boolean): Promise<void> {
    await this.#options.store.forgetCamera(cameraId)
    if (hasFootageRemoved && this.#hello !== undefined) this.#options.recorder?.removeFootage(cameraId)
  }

  /** Asks again for all removals: a recorder that was begun anew may not have heard of them. */
  async #removeDueFootage(recorder: RecorderLink): Promise<void> {
    for (const cameraId of await this.#options.removals.list()) recorder.removeFootage(cameraId)
  }

  /** Asks again where something was left: an open segment cannot go before it is closed, nor one that is being served. */
  async #removeLeftovers(only?: string): Promise<void> {
    const { removals, recorder } = this.#options
    if (this.#hello === undefined) return
    for (const cameraId of await removals.listUnfinished()) {
      if (only === undefined || only === cameraId) recorder?.removeFootage(cameraId)
    }
  }

  async #forgetSpace(spaceId: string): Promise<void> {
    while (await this.#options.store.removeSpace(spaceId, 500)) this.#stop.signal.throwIfAborted()
    for (const [key, row] of this.#open) if (row.spaceId === spaceId) this.#open.delete(key)
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.utcUs() / 1000)
  }
}

function segmentKey(one: { spaceId: string; sequence: number }): string {
  return `${one.spaceId}/${one.sequence}`
}

function checkSpan(fromMs: number, toMs: number): void {
  if (toMs <= fromMs) throw new Failure('invalid', 'toMs: must be later than fromMs', { field: 'toMs' })
  if (toMs - fromMs > maxTimelineMs) {
    throw new Failure('invalid', `toMs: at most ${maxTimelineMs / 86_400_000} days after fromMs`, { field: 'toMs' })
  }
}

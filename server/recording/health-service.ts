// The state of every stream, the alarms that follow from it, and the graph of its last day.
import type { HealthHistory } from '../../shared/camera.ts'
import type { Alarm } from '../../shared/push.ts'
import type { NotRecordingReason, StreamHealth } from '../../shared/stream.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { CameraService } from '../camera/camera-service.ts'
import type { PushHub } from '../http/push-socket.ts'
import { HealthMinutes } from './health-minute.ts'
import type { HealthStore } from './health-store.ts'

/** A stream as it is set. */
interface KnownStream {
  cameraId: string
  cameraName: string
  stream: number
  isEnabled: boolean
  isRecordWanted: boolean
}

type Since = Map<string, { sinceUs: number; sinceMs: number }>

export interface HealthServiceOptions {
  cameras: CameraService
  store: HealthStore
  push: PushHub
  clock: Clock
  logger: Logger
}

/** A stream that should record may fail to for so long before the banner shows, in microseconds. */
const alarmAfterUs = 2_000_000

/** After the server's start the recorder is given so long to be found, before its absence is alarmed. */
const findingUs = 10_000_000

const dayMs = 86_400_000

export class HealthService {
  readonly #options: HealthServiceOptions
  readonly #minutes = new HealthMinutes()
  readonly #startedUs: number
  #known: KnownStream[] = []
  #reported = new Map<string, StreamHealth>()
  #isConnected = false
  #disconnectedMs: number
  /** Since when (monotonic, and wall) each stream that should record has not. */
  #notRecording: Since = new Map()
  #alarms: Alarm[] = []
  #told = new Map<string, StreamHealth>()
  #ticks = 0
  readonly #timer: NodeJS.Timeout

  constructor(options: HealthServiceOptions) {
    this.#options = options
    this.#startedUs = options.clock.monotonicUs()
    this.#disconnectedMs = this.#nowMs()
    options.push.greet(() => [
      { type: 'health', streams: this.list() },
      { type: 'alarms', alarms: this.#alarms },
    ])
    this.#timer = setInterval(() => this.#tick(), 1000)
    this.#timer.unref()
  }

  /** Reads again which streams there are. To be called after every change of a camera. */
  async refresh(): Promise<void> {
    const cameras = await this.#options.cameras.list()
    this.#known = cameras.flatMap((camera) =>
      camera.streams.map((one) => ({
        cameraId: camera.id,
        cameraName: camera.name,
        stream: one.stream,
        isEnabled: camera.isEnabled,
        isRecordWanted: camera.isEnabled && one.isRecorded,
      })),
    )
  }

  /** Takes the recorder's word, once a second. */
  report(streams: StreamHealth[]): void {
    this.#isConnected = true
    this.#reported = new Map(streams.map((one) => [keyOf(one), one]))
  }

  /** The recorder is not there: nothing is known of any stream. */
  disconnected(): void {
    this.#isConnected = false
    this.#disconnectedMs = this.#nowMs()
    this.#reported.clear()
  }

  /** The state of every stream of every camera now. */
  list(): StreamHealth[] {
    return this.#known.map((known) => this.#healthOf(known))
  }

  get alarms(): Alarm[] {
    return this.#alarms
  }

  /** The last 24 hours of a camera. Fails `not-found`. */
  async history(cameraId: string): Promise<HealthHistory> {
    await this.#options.cameras.get(cameraId)
    return this.#options.store.list(cameraId, this.#nowMs() - dayMs)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #healthOf(known: KnownStream): StreamHealth {
    const reported = this.#reported.get(keyOf(known))
    if (reported !== undefined && known.isEnabled) return reported
    return {
      cameraId: known.cameraId,
      stream: known.stream,
      state: 'off',
      sinceMs: this.#disconnectedMs,
      lostPackets: 0,
      droppedFrames: 0,
      isRecordWanted: known.isRecordWanted,
      isRecording: false,
      ...(known.isRecordWanted && !this.#isConnected ? { notRecordingReason: 'recorder-down' as const } : {}),
      viewers: 0,
    }
  }

  #tick(): void {
    const streams = this.list()
    this.#raiseAlarms(streams)
    this.#tellHealth(streams)
    if (this.#isConnected) this.#keepMinute(streams)
  }

  #raiseAlarms(streams: StreamHealth[]): void {
    const { clock, push } = this.#options
    const nowUs = clock.monotonicUs()
    const names = new Map(this.#known.map((known) => [known.cameraId, known.cameraName]))
    const since: Since = new Map()
    const alarms: Alarm[] = []
    for (const one of streams) {
      if (!one.isRecordWanted || one.isRecording) continue
      const key = keyOf(one)
      const began = this.#notRecording.get(key) ?? { sinceUs: nowUs, sinceMs: this.#nowMs() }
      since.set(key, began)
      const isFinding = one.notRecordingReason === 'recorder-down' && nowUs - this.#startedUs < findingUs
      if (nowUs - began.sinceUs <= alarmAfterUs || isFinding) continue
      alarms.push({
        cameraId: one.cameraId,
        cameraName: names.get(one.cameraId) ?? '',
        stream: one.stream,
        sinceMs: began.sinceMs,
        reason: reasonOf(one),
      })
    }
    this.#notRecording = since
    const isSame = JSON.stringify(alarms) === JSON.stringify(this.#alarms)
    this.#alarms = alarms
    if (!isSame) push.broadcast({ type: 'alarms', alarms })
  }

  #tellHealth(streams: StreamHealth[]): void {
    if (!this.#options.push.hasListeners) {
      this.#told.clear()
      return
    }
    // Figures that tremble are told of every few seconds, whatever matters at once.
    const isRound = ++this.#ticks % 5 === 0
    const news = streams.filter((one) => {
      const told = this.#told.get(keyOf(one))
      return told === undefined || differs(told, one) || (isRound && JSON.stringify(told) !== JSON.stringify(one))
    })
    if (news.length === 0) return
    for (const one of news) this.#told.set(keyOf(one), one)
    this.#options.push.broadcast({ type: 'health', streams: news })
  }

  #keepMinute(streams: StreamHealth[]): void {
    const { store, logger } = this.#options
    const nowMs = this.#nowMs()
    const points = this.#minutes.add(streams, nowMs)
    if (points.length === 0) return
    // A minute that cannot be written is a hole in a graph, and no more.
    store.put(points).catch((error) => logger.warn({ err: error }, 'a minute of health could not be kept'))
    if (nowMs % 3_600_000 < 60_000) {
      store.prune(nowMs - dayMs - 3_600_000).catch((error) => logger.warn({ err: error }, 'old health stays'))
    }
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.utcUs() / 1000)
  }
}

function keyOf(one: { cameraId: string; stream: number }): string {
  return `${one.cameraId}/${one.stream}`
}

/** Whether two states of a stream differ in what people act on, or in a figure by more than 5 %. */
function differs(a: StreamHealth, b: StreamHealth): boolean {
  const keys = [
    'state',
    'sinceMs',
    'fault',
    'faultDetail',
    'videoCodec',
    'audioCodec',
    'widthPx',
    'heightPx',
    'isRecordWanted',
    'isRecording',
    'notRecordingReason',
    'viewers',
  ] as const
  return (
    keys.some((key) => a[key] !== b[key]) ||
    isFar(a.fps, b.fps) ||
    isFar(a.bitrateKbps, b.bitrateKbps) ||
    isFar(a.spillSec, b.spillSec)
  )
}

function isFar(a = 0, b = 0): boolean {
  return Math.abs(a - b) > 0.05 * Math.max(Math.abs(a), Math.abs(b))
}

const reasonTexts: Record<NotRecordingReason, string> = {
  'camera-lost': 'the camera is lost',
  'no-space-set': 'it has no recording space',
  'space-error': 'its recording space is in error',
  'space-full': 'its recording space is full',
  'disk-stalled': 'the disk does not keep up',
  'recorder-down': 'the recorder does not run',
}

function reasonOf(one: StreamHealth): string {
  const reason = one.notRecordingReason === undefined ? 'it is not connected yet' : reasonTexts[one.notRecordingReason]
  return one.faultDetail === undefined ? reason : `${reason}: ${one.faultDetail}`
}

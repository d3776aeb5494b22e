// One stream of a channel: its source, its recording, whoever watches it, and how it is doing.
import type { GapCause } from '../../shared/recording.ts'
import type { StreamHealth } from '../../shared/stream.ts'
import type { Clock } from '../base/clock.ts'
import type { LineLog } from '../base/line-log.ts'
import type { Resolver } from '../base/resolver.ts'
import { copyOf } from '../media/copy-bytes.ts'
import type { TrackConfig } from '../media/track.ts'
import type { Arena } from '../stream/arena.ts'
import { createSource } from '../stream/create-source.ts'
import { GopMemory } from '../stream/gop-memory.ts'
import type { Source, SourceEnd, SourceTrack } from '../stream/source.ts'
import { type ReceiverCounts, type RunReader, StreamReceiver } from '../stream/stream-receiver.ts'
import { type BurstSample, gopFromMemory, readBackGop, timescaleOf } from './gop-burst.ts'
import type { RecorderEvent, StreamSettings } from './recorder-protocol.ts'
import { SegmentWriter, type SegmentWriterOptions } from './segment-writer.ts'
import type { SpaceVolume } from './space-volume.ts'

/** Whoever watches a stream live. `bytes[start, end)` is valid during the call. */
export interface StreamWatcher {
  config(tracks: TrackConfig[]): void
  sample(sample: WatchedSample, bytes: Uint8Array, start: number, end: number): void
  ended(reason: string): void
}

export interface WatchedSample {
  track: 'video' | 'audio' | 'metadata'
  isKey: boolean
  /** Older than now: sent to start the viewer. */
  isBurst: boolean
  dtsTicks: number
  ctsTicks: number
  utcUs: number
}

export interface ChannelStreamOptions {
  settings: StreamSettings
  /** Where it is recorded; undefined where it is not, or its space is unknown. */
  volume: SpaceVolume | undefined
  arena: Arena
  clock: Clock
  resolver: Resolver
  logger: LineLog
  report: (event: RecorderEvent) => void
  writer: Pick<SegmentWriterOptions, 'clockTrust' | 'segmentSec' | 'flushSec' | 'spill'>
}

/** A session that brought packets but no keyframe for so long is given up. */
const keyframePatienceUs = 20e6
/** A connection that succeeds has done so by then: half a dozen questions and answers, each of which a nap would hold up. */
const handshakeUs = 1e6
/** Live samples kept while a viewer's start is read back; past this, the start is skipped. */
const maxQueuedBytes = 8 * 1024 * 1024

export class ChannelStream {
  readonly settings: StreamSettings
  readonly #options: ChannelStreamOptions
  readonly #source: Source
  readonly #writer: SegmentWriter | undefined
  readonly #gop: GopMemory | undefined
  #receiver: StreamReceiver | undefined
  #state: 'connecting' | 'live' | 'lost' = 'connecting'
  #sinceUs: number
  #end: SourceEnd | undefined
  #retryUs = 0
  #sessionUs = 0
  #tryUs = Number.NEGATIVE_INFINITY
  #watcher: StreamWatcher | undefined
  #isClosed = false
  #counts: ReceiverCounts = freshCounts()
  #window: { atUs: number; frames: number; bytes: number }[] = []
  #wasLostReported = false

  constructor(options: ChannelStreamOptions) {
    this.#options = options
    this.settings = options.settings
    this.#sinceUs = options.clock.utcUs()
    const { settings, arena, clock, resolver, logger } = options
    if (settings.isRecorded && options.volume !== undefined) this.#writer = this.#makeWriter(options.volume)
    else this.#gop = new GopMemory()
    this.#source = createSource({
      address: settings,
      readBuffer: arena,
      clock,
      resolver,
      events: {
        connecting: () => {
          this.#tryUs = clock.monotonicUs()
          this.#setState(this.#state === 'live' ? 'connecting' : this.#state)
        },
        packetSession: (tracks) => this.#session(tracks),
        sampleSession: (tracks) => this.#session(tracks),
        ended: (end, retryAtUs) => this.#onEnded(end, retryAtUs),
      },
      options: {
        onBug: (error) => logger.error({ err: error }, `${settings.cameraName}: a session ended by a bug`),
      },
    })
  }

  #makeWriter(volume: SpaceVolume): SegmentWriter {
    const { settings, arena, clock, report, writer } = this.#options
    return new SegmentWriter({
      ...writer,
      cameraId: settings.cameraId,
      cameraName: settings.cameraName,
      stream: settings.stream,
      volume,
      arena,
      clock,
      report,
      hold: (isHeld) => {
        this.#source.hold(isHeld)
        this.#receiver?.noteHold(isHeld)
      },
      wantKeyframe: () => this.#occurrence('keyframe-wanted', 'warning', 'sends no keyframe: its segments grow long'),
    })
  }

  start(): void {
    this.#source.start()
    if (this.#options.settings.isRecorded && this.#writer !== undefined) {
      this.#writer.noteLoss('stopped', 'recording begins')
    }
  }

  #session(tracks: SourceTrack[]): StreamReceiver {
    this.#counts = freshCounts()
    this.#window = []
    this.#sessionUs = this.#options.clock.monotonicUs()
    this.#receiver = new StreamReceiver(this.#options.arena, this.#options.clock, tracks, this.#reader(), this.#counts)
    if (this.#watcher !== undefined) this.#follow(this.#watcher)
    return this.#receiver
  }

  /** Between receiver and recording: the watcher learns of every new description too. */
  #reader(): RunReader {
    const writer = this.#writer
    const gop = this.#gop
    return {
      beginRun: (tracks) => {
        this.#setState('live')
        writer?.beginRun(tracks)
        this.#watcher?.config(tracks)
      },
      config: (tracks) => {
        gop?.clear()
        writer?.config(tracks)
        this.#watcher?.config(tracks)
      },
      fragment: (fragment, utcUs, startOffsetTicks) => {
        if (writer !== undefined) {
          writer.fragment(fragment, utcUs, startOffsetTicks)
          return
        }
        gop?.add(fragment, utcUs)
        this.#options.arena.release(fragment.slot)
      },
      endRun: (cause, detail) => {
        gop?.clear()
        writer?.endRun(cause, detail)
      },
    }
  }

  #onEnded(end: SourceEnd, retryAtUs: number): void {
    const { clock } = this.#options
    this.#receiver?.end(end.fault, end.detail)
    this.#receiver = undefined
    this.#end = end
    this.#retryUs = clock.utcUs() + (retryAtUs - clock.monotonicUs())
    this.#writer?.noteLoss(end.fault, end.detail)
    this.#watcher?.ended(end.detail)
    this.#setState('lost')
  }

  #setState(state: 'connecting' | 'live' | 'lost'): void {
    if (state === this.#state) return
    const wasLive = this.#state === 'live'
    this.#state = state
    this.#sinceUs = this.#options.clock.utcUs()
    if (state === 'live') {
      this.#end = undefined
      if (this.#wasLostReported) this.#occurrence('camera-back', 'info', 'sends again')
      this.#wasLostReported = false
    } else if (state === 'lost' && (wasLive || !this.#wasLostReported)) {
      this.#wasLostReported = true
      this.#occurrence('camera-lost', 'warning', this.#end?.detail ?? 'the connection ended')
    }
  }

  #occurrence(
    name: 'camera-lost' | 'camera-back' | 'keyframe-wanted',
    level: 'info' | 'warning',
    message: string,
  ): void {
    const { cameraId, cameraName, stream } = this.settings
    const atUs = this.#options.clock.utcUs()
    const text = `${cameraName}, stream ${stream}: ${message}`
    this.#options.report({ type: 'occurrence', name, level, atUs, cameraId, stream, message: text })
  }

  /** Called a few times a second. */
  tick(nowUs: number): void {
    const receiver = this.#receiver
    if (receiver !== undefined) {
      receiver.cutIfOld(nowUs)
      const hasPackets = this.#counts.bytes > 0
      if (!receiver.hasRun && hasPackets && nowUs - this.#sessionUs > keyframePatienceUs) {
        const seconds = keyframePatienceUs / 1e6
        this.#source.abandon({ fault: 'no-keyframe', detail: `packets came, but no keyframe for ${seconds} s` })
      }
    }
    this.#writer?.tick()
  }

  /** The server's clock was set: the run ends at the next keyframe, and another begins at the new time. */
  onClockStep(cause: GapCause, detail: string): void {
    this.#receiver?.endRunAtKeyframe(cause, detail)
  }

  progress() {
    const progress = this.#writer?.progress()
    return progress && { spaceId: this.settings.spaceId, ...progress }
  }

  /** Once a second: the rates over the last five. */
  health(): StreamHealth {
    const { settings } = this
    const { clock } = this.#options
    const nowUs = clock.monotonicUs()
    const counts = this.#counts
    this.#window.push({ atUs: nowUs, frames: counts.frames, bytes: counts.bytes })
    while (this.#window.length > 6) this.#window.shift()
    const first = this.#window[0]!
    const seconds = (nowUs - first.atUs) / 1e6
    const tracks = this.#receiver?.tracks ?? []
    const video = tracks.find((track) => track.kind === 'video')
    const audio = tracks.find((track) => track.kind === 'audio')
    const isRecording = this.#writer?.isRecording ?? false
    const reason = isRecording
      ? undefined
      : settings.isRecorded
        ? (this.#writer?.notRecordingReason ?? 'no-space-set')
        : undefined
    return {
      cameraId: settings.cameraId,
      stream: settings.stream,
      state: this.#state,
      sinceMs: Math.floor(this.#sinceUs / 1000),
      ...(this.#end === undefined ? {} : { fault: this.#end.fault, faultDetail: this.#end.detail }),
      ...(this.#state === 'lost' ? { retryMs: Math.max(0, Math.floor(this.#retryUs / 1000)) } : {}),
      ...(video?.kind === 'video' ? { videoCodec: video.codec, widthPx: video.widthPx, heightPx: video.heightPx } : {}),
      ...(audio?.kind === 'audio' ? { audioCodec: audio.codec } : {}),
      ...(this.#state === 'live' && seconds > 0.5
        ? {
            fps: round1((counts.frames - first.frames) / seconds),
            bitrateKbps: Math.round(((counts.bytes - first.bytes) * 8) / 1000 / seconds),
          }
        : {}),
      ...(counts.gopSec > 0 ? { gopSec: round1(counts.gopSec) } : {}),
      ...(counts.keyframes > 0
        ? { lastKeyframeMs: Math.floor((clock.utcUs() - (nowUs - counts.lastKeyframeUs)) / 1000) }
        : {}),
      lostPackets: counts.lostPackets,
      droppedFrames: counts.droppedFrames,
      ...(counts.clockOffsetMs === undefined ? {} : { clockOffsetMs: Math.round(counts.clockOffsetMs) }),
      spillSec: round1(this.#writer?.spillSec ?? 0),
      isRecordWanted: settings.isRecorded,
      isRecording,
      ...(reason === undefined ? {} : { notRecordingReason: reason }),
      viewers: this.#watcher === undefined ? 0 : 1,
    }
  }

  /** It should be recorded, and its space was not known when it was started. */
  get lacksSpace(): boolean {
    return this.settings.isRecorded && this.#options.volume === undefined
  }

  get isWatched(): boolean {
    return this.#watcher !== undefined
  }

  /** For how long its camera has been sending, in seconds; 0 while it may be answering, Infinity where it does not. */
  sessionSec(nowUs: number): number {
    if (this.#receiver !== undefined) return (nowUs - this.#sessionUs) / 1e6
    return nowUs - this.#tryUs < handshakeUs ? 0 : Number.POSITIVE_INFINITY
  }

  /** Begins to show the stream to `watcher`, from its last keyframe on; replaces who watched before. */
  watch(watcher: StreamWatcher): void {
    this.unwatch()
    this.#watcher = watcher
    this.#follow(watcher)
  }

  unwatch(): void {
    this.#watcher = undefined
    if (this.#receiver !== undefined) this.#receiver.builder.listener = undefined
  }

  #follow(watcher: StreamWatcher): void {
    const receiver = this.#receiver
    if (receiver === undefined) {
      if (this.#end !== undefined) watcher.ended(this.#end.detail)
      return
    }
    if (!receiver.hasRun) {
      this.#listen(receiver, watcher)
      return
    }
    watcher.config(receiver.tracks)
    void this.#startFromKeyframe(receiver, watcher)
  }

  /** Live samples go straight to the watcher, from a keyframe on. */
  #listen(receiver: StreamReceiver, watcher: StreamWatcher, hasKey = false): void {
    const scales = () => receiver.tracks
    let isStarted = hasKey
    receiver.builder.listener = (track, isKey, dtsTicks, ctsTicks, bytes, start, end) => {
      if (!isStarted && track === 'video') isStarted = isKey
      const hasPicture = scales().some((config) => config.kind === 'video')
      if (!isStarted && hasPicture) return
      const utcUs = this.#utcOf(receiver, track, dtsTicks + ctsTicks)
      watcher.sample({ track, isKey, isBurst: false, dtsTicks, ctsTicks, utcUs }, bytes, start, end)
    }
  }

  #utcOf(receiver: StreamReceiver, track: TrackConfig['kind'], ptsTicks: number): number {
    return receiver.utcUs((ptsTicks * 1e6) / timescaleOf(receiver.tracks, track))
  }

  /**
   * What was sent since the last keyframe comes first, so that a picture stands at once. What comes in meanwhile is kept.
   */
  async #startFromKeyframe(receiver: StreamReceiver, watcher: StreamWatcher): Promise<void> {
    const queued: { sample: WatchedSample; data: Uint8Array }[] = []
    let queuedBytes = 0
    receiver.builder.cut()
    receiver.builder.listener = (track, isKey, dtsTicks, ctsTicks, bytes, start, end) => {
      const utcUs = this.#utcOf(receiver, track, dtsTicks + ctsTicks)
      queuedBytes += end - start
      if (queuedBytes <= maxQueuedBytes) {
        queued.push({
          sample: { track, isKey, isBurst: false, dtsTicks, ctsTicks, utcUs },
          data: copyOf(bytes, start, end),
        })
      }
    }
    const burst = await this.#gopSamples().catch(() => [])
    if (this.#watcher !== watcher || this.#receiver !== receiver) return
    const hasKey = burst[0]?.isKey === true && queuedBytes <= maxQueuedBytes
    if (hasKey) {
      for (const { data, ...sample } of burst) {
        const utcUs = this.#utcOf(receiver, sample.track, sample.dtsTicks + sample.ctsTicks)
        watcher.sample({ ...sample, isBurst: true, utcUs }, data, 0, data.length)
      }
      for (const { sample, data } of queued) watcher.sample(sample, data, 0, data.length)
    }
    this.#listen(receiver, watcher, hasKey)
  }

  /** Samples since the last keyframe that were cut into fragments so far, and none that comes while they are read. */
  async #gopSamples(): Promise<BurstSample[]> {
    if (this.#gop !== undefined) return gopFromMemory(this.#gop)
    const { volume } = this.#options
    if (this.#writer === undefined || volume === undefined) return []
    const patience = new Promise<undefined>((resolve) => setTimeout(resolve, 1000, undefined))
    const gop = await Promise.race([this.#writer.lastGop(), patience])
    return gop === undefined ? [] : await readBackGop(volume.disk, gop)
  }

  /** The newest keyframe, with what describes it; undefined where there is none at hand. */
  async keyframe(): Promise<{ data: Uint8Array; utcUs: number; config: TrackConfig } | undefined> {
    const receiver = this.#receiver
    const config = receiver?.tracks.find((track) => track.kind === 'video')
    if (receiver === undefined || config === undefined || !receiver.hasRun) return undefined
    receiver.builder.cut()
    const first = (await this.#gopSamples()).find((sample) => sample.track === 'video')
    if (first === undefined || !first.isKey) return undefined
    return { data: first.data, utcUs: this.#utcOf(receiver, 'video', first.dtsTicks + first.ctsTicks), config }
  }

  /** Says goodbye to the camera and closes the segment. */
  async close(detail: string): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#receiver?.end('stopped', detail)
    this.#receiver = undefined
    this.#watcher?.ended(detail)
    await Promise.all([this.#writer?.close(), this.#source.close()])
  }
}

function freshCounts(): ReceiverCounts {
  return {
    frames: 0,
    bytes: 0,
    lostPackets: 0,
    droppedFrames: 0,
    keyframes: 0,
    lastKeyframeUs: 0,
    gopSec: 0,
    clockOffsetMs: undefined,
  }
}

const round1 = (value: number) => Math.round(value * 10) / 10

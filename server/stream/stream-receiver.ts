// Takes one session of a source: packets or samples in, runs of fragments out.
import type { GapCause } from '../../shared/recording.ts'
import type { Clock } from '../base/clock.ts'
import { copyOf } from '../media/copy-bytes.ts'
import { parseJpegSize } from '../media/jpeg.ts'
import { AacDepacketizer, aacHbrLayout, samplesPerAccessUnit } from '../media/rtp/aac-depacketizer.ts'
import { H264Depacketizer } from '../media/rtp/h264-depacketizer.ts'
import { H265Depacketizer } from '../media/rtp/h265-depacketizer.ts'
import { JpegDepacketizer } from '../media/rtp/jpeg-depacketizer.ts'
import { rtpIsMarked, rtpPayloadEnd, rtpPayloadStart, rtpSequence, rtpTimestamp } from '../media/rtp/packet.ts'
import { parseRtcp } from '../media/rtp/rtcp.ts'
import { extendTimestamp, sequenceDelta } from '../media/rtp/timestamp.ts'
import type { Depacketizer } from '../media/rtp/video-frame.ts'
import type { TrackConfig } from '../media/track.ts'
import type { Arena } from './arena.ts'
import { type Fragment, FragmentBuilder } from './fragment-builder.ts'
import { RunClock } from './run-clock.ts'
import type { PacketSink, SampleSink, SourceTrack } from './source.ts'
import { VideoDescription } from './track-description.ts'

/** Reads the runs of a stream. All calls come in the order: `beginRun` (`config` | `fragment`)* `endRun`. */
export interface RunReader {
  /** A run begins with the next fragment. `startOffsetTicks` is the first composition offset of its picture. */
  beginRun(tracks: TrackConfig[]): void
  /** The stream is described anew from the next fragment on, which begins with a keyframe. */
  config(tracks: TrackConfig[]): void
  /** The reader releases the slot. `utcUs` is when it happened. */
  fragment(fragment: Fragment, utcUs: number, startOffsetTicks: number): void
  endRun(cause: GapCause, detail: string): void
}

/** A jump of a track's time against its arrival larger than this is the camera's clock being set. */
const maxJumpUs = 2_000_000

/** So long after a camera is read again, what its and the kernel's buffers held has come in. */
const heldBuffersUs = 30_000_000

/** What waits for longer than a fragment is long, and a nap, waits for frames that do not come. */
const oldUs = 550_000

interface TrackState {
  config: TrackConfig
  clockHz: number
  depacketizer: Depacketizer | undefined
  lastSequence: number
  /** Extended timestamp of the last packet, from the wire's first. */
  ticks: number
  /** Wire ticks less run ticks: moves when the camera's time jumps. */
  zeroTicks: number
  hasBegun: boolean
  lastArrivalUs: number
  /** Sound and metadata: camera time less ticks, by the sender reports; and the same by arrival. */
  reportBaseUs: number
  arrivalBaseUs: number
  /** Added to its own time to stand on the picture's time line, microseconds. */
  offsetUs: number
  hasOffset: boolean
}

/** What is counted of a session, for the stream's health. */
export interface ReceiverCounts {
  frames: number
  bytes: number
  lostPackets: number
  droppedFrames: number
  keyframes: number
  /** Monotonic instant of the last keyframe and seconds between the last two. */
  lastKeyframeUs: number
  gopSec: number
  /** The camera's clock less ours, milliseconds, by its last sender report. */
  clockOffsetMs: number | undefined
}

export class StreamReceiver implements PacketSink, SampleSink {
  readonly counts: ReceiverCounts
  readonly builder: FragmentBuilder
  readonly #clock: Clock
  readonly #reader: RunReader
  readonly #tracks: TrackState[]
  readonly #video: TrackState | undefined
  readonly #description: VideoDescription | undefined
  #runClock: RunClock | undefined
  /** Why the run ends at the next keyframe. */
  #ending: { cause: GapCause; detail: string } | undefined
  #lastPtsUs = 0
  #cutAfterUs = 0
  /** When the camera was last held back. */
  #held: { fromUs: number; toUs: number } | undefined
  /** When the frame under construction began to come in. */
  #begunUs = 0

  constructor(arena: Arena, clock: Clock, tracks: SourceTrack[], reader: RunReader, counts: ReceiverCounts) {
    this.#clock = clock
    this.#reader = reader
    this.counts = counts
    const video = tracks.find((track) => track.config.kind === 'video')
    const audio = tracks.find((track) => track.config.kind === 'audio')
    const metadata = tracks.find((track) => track.config.kind === 'metadata')
    if (video !== undefined && video.config.kind === 'video') this.#description = new VideoDescription(video.config)
    this.builder = new FragmentBuilder(
      arena,
      {
        video: video && { timescale: video.clockHz, reorderDepth: this.#description?.reorderDepth ?? 0 },
        audio: audio && { timescale: audio.clockHz },
        metadata: metadata && { timescale: metadata.clockHz },
      },
      {
        fragment: (fragment) => this.#onFragment(fragment),
        dropped: (reason) => {
          if (reason !== 'empty') counts.droppedFrames++
        },
        parameterSet: (kind, set) => this.#description?.add(kind, set),
        keyframe: () => this.#onKeyframe(),
        begin: (pts) => this.#onBegin(pts),
        frame: (pts, isKey) => this.#onFrame(pts, isKey),
      },
    )
    const taken = [video, audio, metadata]
    this.#tracks = tracks.map((track) => this.#trackState(track, taken.includes(track)))
    this.#video = video && this.#tracks[tracks.indexOf(video)]
  }

  #trackState(track: SourceTrack, isTaken: boolean): TrackState {
    const state: TrackState = {
      config: track.config,
      clockHz: track.clockHz,
      depacketizer: undefined,
      lastSequence: -1,
      ticks: 0,
      zeroTicks: 0,
      hasBegun: false,
      lastArrivalUs: 0,
      reportBaseUs: Number.NaN,
      arrivalBaseUs: Number.POSITIVE_INFINITY,
      offsetUs: 0,
      hasOffset: false,
    }
    if (isTaken) state.depacketizer = this.#depacketizer(track, state)
    return state
  }

  #depacketizer(track: SourceTrack, state: TrackState): Depacketizer {
    switch (track.config.codec) {
      case 'h264':
        return new H264Depacketizer(this.builder)
      case 'h265':
        return new H265Depacketizer(this.builder)
      case 'mjpeg':
        return new JpegDepacketizer(this.builder)
      case 'aac': {
        const layout = track.rtp?.aac ?? aacHbrLayout
        const units = new AacDepacketizer(layout, (bytes, start, end, ticks) =>
          this.#side(state, 'audio', ticks, samplesPerAccessUnit, bytes, start, end),
        )
        return {
          payload: (bytes, start, end, ticks, _marker, isLoss) => units.payload(bytes, start, end, ticks, isLoss),
        }
      }
      case 'pcmu':
      case 'pcma': {
        const bytesPerTick = track.config.channels
        return {
          payload: (bytes, start, end, ticks) =>
            this.#side(state, 'audio', ticks, Math.floor((end - start) / bytesPerTick), bytes, start, end),
        }
      }
      case 'onvif-metadata':
        return metadataDepacketizer((bytes, ticks) => this.#side(state, 'metadata', ticks, 0, bytes, 0, bytes.length))
    }
  }

  /** The stream's tracks as now described, the picture first. */
  get tracks(): TrackConfig[] {
    return this.#tracks
      .filter((track) => track.depacketizer !== undefined)
      .map((track) => (track === this.#video && this.#description ? this.#description.track : track.config))
  }

  get hasRun(): boolean {
    return this.#runClock !== undefined
  }

  /** UTC of a presentation time of the run, microseconds; for what is shown live. */
  utcUs(mediaUs: number): number {
    return this.#runClock?.utcUs(mediaUs) ?? this.#clock.utcUs()
  }

  rtp(track: number, bytes: Uint8Array, start: number, end: number): void {
    const state = this.#tracks[track]
    if (state?.depacketizer === undefined) return
    const payloadStart = rtpPayloadStart(bytes, start, end)
    if (payloadStart < 0) return
    const payloadEnd = rtpPayloadEnd(bytes, start, end, payloadStart)
    if (payloadEnd < 0) return
    const sequence = rtpSequence(bytes, start)
    let isLossBefore = false
    if (state.lastSequence >= 0) {
      const delta = sequenceDelta(sequence, state.lastSequence)
      // A repeat, or one that comes late: TCP brings no such thing, but some cameras' own queues do.
      if (delta <= 0 && delta > -64) return
      isLossBefore = delta !== 1
      if (delta > 1) this.counts.lostPackets += delta - 1
      if (isLossBefore && state === this.#video) this.builder.noteLoss()
    }
    state.lastSequence = sequence
    this.counts.bytes += payloadEnd - payloadStart
    const low32 = rtpTimestamp(bytes, start)
    if (!state.hasBegun) {
      state.hasBegun = true
      state.ticks = low32
      state.zeroTicks = low32
      state.lastArrivalUs = this.#clock.monotonicUs()
    } else if (low32 !== state.ticks % 2 ** 32) {
      this.#advance(state, extendTimestamp(low32, state.ticks))
    }
    const ticks = state.ticks - state.zeroTicks
    state.depacketizer.payload(bytes, payloadStart, payloadEnd, ticks, rtpIsMarked(bytes, start), isLossBefore)
  }

  /** The track's time moves on. Where it jumps, its zero is moved so that the run goes on smoothly to its end. */
  #advance(state: TrackState, ticks: number): void {
    const nowUs = this.#clock.monotonicUs()
    const stepUs = ((ticks - state.ticks) * 1e6) / state.clockHz
    const passedUs = nowUs - state.lastArrivalUs
    if (stepUs < -maxJumpUs || stepUs - passedUs > maxJumpUs) {
      const stepTicks = state === this.#video ? state.clockHz / 25 : 0
      state.zeroTicks += ticks - state.ticks - stepTicks
      if (state === this.#video) {
        const seconds = Math.round(stepUs / 1e6)
        if (this.#wasHeldFor(stepUs, nowUs)) {
          this.endRunAtKeyframe(
            'disk-stalled',
            `the camera was held back and gave up ${seconds} s: its disk took nothing`,
          )
        } else {
          this.endRunAtKeyframe('clock-step', `the camera's time jumped by ${seconds} s`)
        }
      } else {
        state.hasOffset = false
        state.arrivalBaseUs = Number.POSITIVE_INFINITY
      }
    }
    state.ticks = ticks
    state.lastArrivalUs = nowUs
  }

  /** The camera is read no more, or again: its footage has no place to go. */
  noteHold(isHeld: boolean): void {
    const nowUs = this.#clock.monotonicUs()
    if (isHeld) this.#held = { fromUs: nowUs, toUs: Number.POSITIVE_INFINITY }
    else if (this.#held !== undefined) this.#held.toUs = nowUs
  }

  /** Whether a step of the camera's time is what it gave up while it was held back: it shows once its buffers are read. */
  #wasHeldFor(stepUs: number, nowUs: number): boolean {
    const held = this.#held
    if (held === undefined || stepUs <= 0 || nowUs - held.toUs > heldBuffersUs) return false
    return stepUs <= Math.min(held.toUs, nowUs) - held.fromUs + maxJumpUs
  }

  rtcp(track: number, bytes: Uint8Array, start: number, end: number): void {
    const state = this.#tracks[track]
    if (state === undefined || !state.hasBegun) return
    for (const report of reportsIn(bytes, start, end)) {
      if (report.kind !== 'sender-report' || report.utcUs === undefined) continue
      const ticks = extendTimestamp(report.rtpTimestamp, state.ticks) - state.zeroTicks
      state.reportBaseUs = report.utcUs - (ticks * 1e6) / state.clockHz
      if (state === this.#video) this.counts.clockOffsetMs = (report.utcUs - this.#clock.utcUs()) / 1000
    }
  }

  sample(track: number, dtsTicks: number, ctsTicks: number, isKey: boolean, data: Uint8Array): void {
    const state = this.#tracks[track]
    if (state?.depacketizer === undefined) return
    this.counts.bytes += data.length
    if (!state.hasBegun) {
      const video = this.#video
      // The tracks of a demultiplexed file share one time line: the picture's zero is everybody's.
      if (video !== undefined && state !== video && !video.hasBegun) return
      state.hasBegun = true
      state.zeroTicks =
        video === undefined || state === video
          ? dtsTicks
          : Math.round((video.zeroTicks * state.clockHz) / video.clockHz)
      state.hasOffset = true
    }
    const ticks = dtsTicks - state.zeroTicks
    if (state !== this.#video) {
      const duration = state.config.codec === 'aac' ? samplesPerAccessUnit : data.length
      this.#side(state, state.config.kind === 'audio' ? 'audio' : 'metadata', ticks, duration, data, 0, data.length)
      return
    }
    if (state.config.codec === 'mjpeg') this.#noteJpegSize(data)
    this.builder.wholeFrame(ticks, ctsTicks, isKey || state.config.codec === 'mjpeg', data)
  }

  #side(
    state: TrackState,
    kind: 'audio' | 'metadata',
    ticks: number,
    durationTicks: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this.#video !== undefined && this.builder.isWaiting) return
    if (this.#video === undefined && this.#runClock === undefined) this.#beginRun(0)
    this.#alignSide(state, ticks)
    const onTimeLine = ticks + Math.round((state.offsetUs * state.clockHz) / 1e6)
    this.builder.sideSample(kind, onTimeLine, durationTicks, bytes, start, end)
    if (this.#video === undefined) this.#runClock?.observe((ticks * 1e6) / state.clockHz, this.#clock.monotonicUs())
  }

  /** Puts sound on the picture's time line: by the camera's sender reports, before there are any by arrival. */
  #alignSide(state: TrackState, ticks: number): void {
    const video = this.#video
    if (video === undefined || state.lastSequence < 0) return
    const byArrival = this.#clock.monotonicUs() - (ticks * 1e6) / state.clockHz
    if (byArrival < state.arrivalBaseUs) state.arrivalBaseUs = byArrival
    const hasReports = !Number.isNaN(state.reportBaseUs) && !Number.isNaN(video.reportBaseUs)
    const offsetUs = hasReports ? state.reportBaseUs - video.reportBaseUs : state.arrivalBaseUs - video.arrivalBaseUs
    // Small differences are the network's, not the microphone's: following them would only tear the sound.
    if (state.hasOffset && Math.abs(offsetUs - state.offsetUs) < 60_000) return
    if (Math.abs(offsetUs) === Number.POSITIVE_INFINITY || Number.isNaN(offsetUs)) return
    state.offsetUs = offsetUs
    state.hasOffset = true
  }

  #noteJpegSize(data: Uint8Array): void {
    try {
      const { widthPx, heightPx } = parseJpegSize(data)
      if (this.#description?.setSize(widthPx, heightPx) && this.hasRun) {
        this.builder.cut()
        this.#reader.config(this.tracks)
      }
    } catch {
      // A picture without a readable size is kept as it is: a player may know better.
    }
  }

  #onKeyframe(): boolean {
    const description = this.#description
    if (description === undefined) return true
    const video = this.#video
    let isChanged = description.settle()
    if (video?.depacketizer instanceof JpegDepacketizer) {
      isChanged = description.setSize(video.depacketizer.widthPx, video.depacketizer.heightPx)
    }
    if (!description.isComplete) return false
    if (this.#ending !== undefined && this.#runClock !== undefined) {
      this.#reader.endRun(this.#ending.cause, this.#ending.detail)
      this.#runClock = undefined
    }
    this.#ending = undefined
    if (this.#runClock !== undefined && isChanged) this.#reader.config(this.tracks)
    return true
  }

  /** When a frame's first bytes come in is when it happened: its last ones come later the larger it is. */
  #onBegin(ptsTicks: number): void {
    const video = this.#video!
    const nowUs = this.#clock.monotonicUs()
    const ptsUs = (ptsTicks * 1e6) / video.clockHz
    this.#begunUs = nowUs
    if (nowUs - ptsUs < video.arrivalBaseUs) video.arrivalBaseUs = nowUs - ptsUs
    const runClock = this.#runClock
    if (runClock === undefined) return
    runClock.setWall(this.#clock.utcUs() - nowUs)
    if (!runClock.observe(ptsUs, nowUs)) this.endRunAtKeyframe('clock-step', 'clock and media time parted by over 2 s')
  }

  #onFrame(ptsTicks: number, isKey: boolean): void {
    const nowUs = this.#clock.monotonicUs()
    const ptsUs = (ptsTicks * 1e6) / this.#video!.clockHz
    this.counts.frames++
    this.#lastPtsUs = ptsUs
    if (isKey) {
      if (this.counts.keyframes > 0) this.counts.gopSec = (nowUs - this.counts.lastKeyframeUs) / 1e6
      this.counts.keyframes++
      this.counts.lastKeyframeUs = nowUs
      if (this.#runClock === undefined) this.#beginRun(ptsUs)
    }
    if (this.#cutAfterUs === 0) this.#cutAfterUs = nowUs
  }

  #beginRun(mediaUs: number): void {
    const nowUs = this.#video === undefined ? this.#clock.monotonicUs() : this.#begunUs
    this.#runClock = new RunClock(nowUs - mediaUs, this.#clock.utcUs() - this.#clock.monotonicUs())
    this.#reader.beginRun(this.tracks)
  }

  #onFragment(fragment: Fragment): void {
    this.#cutAfterUs = 0
    const utcUs = this.utcUs(fragment.mediaUs)
    this.#reader.fragment(fragment, utcUs, this.builder.startOffsetTicks)
  }

  /** Ends the run where the next keyframe begins another: so nothing of the footage is lost by it. */
  endRunAtKeyframe(cause: GapCause, detail: string): void {
    this.#ending ??= { cause, detail }
    if (this.#video === undefined) this.end(cause, detail)
  }

  /**
   * Cuts what has waited for so long that a crash would cost more than it may. Called a few times a second, when all that
   * came in has been read: where frames still come, they have cut the fragment already.
   */
  cutIfOld(nowUs: number): void {
    if (this.#cutAfterUs !== 0 && nowUs - this.#cutAfterUs > oldUs) {
      this.#cutAfterUs = 0
      this.builder.cut()
    }
  }

  /** Media time of the newest frame, microseconds from the run's start. */
  get lastPtsUs(): number {
    return this.#lastPtsUs
  }

  /** The session is over: what is whole goes out, the run ends. */
  end(cause: GapCause, detail: string): void {
    this.builder.cut()
    this.builder.close()
    if (this.#runClock !== undefined) this.#reader.endRun(cause, detail)
    this.#runClock = undefined
  }
}

/** The reports of a packet; none where it cannot be read: a camera's odd report is no reason to end its session. */
function reportsIn(bytes: Uint8Array, start: number, end: number): ReturnType<typeof parseRtcp> {
  try {
    return parseRtcp(bytes, start, end)
  } catch {
    return []
  }
}

/** ONVIF metadata: an XML document over one or more packets, the last one marked (ONVIF Streaming §5.1.2.1.1). */
function metadataDepacketizer(onDocument: (bytes: Uint8Array, ticks: number) => void): Depacketizer {
  const maxBytes = 60_000
  const lessThan = 0x3c
  const slash = 0x2f
  let parts: Uint8Array[] = []
  let size = 0
  let partTicks = 0
  let isTorn = false
  return {
    payload(bytes, start, end, ticks, hasMarker, isLossBefore) {
      if (isLossBefore) {
        // What comes now is a document's beginning, or the rest of one that is torn.
        const isRest =
          (parts.length > 0 && ticks === partTicks) || bytes[start] !== lessThan || bytes[start + 1] === slash
        parts = []
        size = 0
        isTorn = isRest
      }
      partTicks = ticks
      size += end - start
      if (size <= maxBytes) parts.push(copyOf(bytes, start, end))
      if (!hasMarker) return
      if (size <= maxBytes && !isTorn) onDocument(Buffer.concat(parts), ticks)
      isTorn = false
      parts = []
      size = 0
    },
  }
}

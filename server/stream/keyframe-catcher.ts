// Waits for the first keyframe of a session, for the test of an address.
import { copyOf } from '../media/copy-bytes.ts'
import { parseJpegSize } from '../media/jpeg.ts'
import { H264Depacketizer } from '../media/rtp/h264-depacketizer.ts'
import { H265Depacketizer } from '../media/rtp/h265-depacketizer.ts'
import type { ReadBuffer } from '../media/rtp/interleaved.ts'
import { JpegDepacketizer } from '../media/rtp/jpeg-depacketizer.ts'
import { rtpIsMarked, rtpPayloadEnd, rtpPayloadStart, rtpSequence, rtpTimestamp } from '../media/rtp/packet.ts'
import { extendTimestamp } from '../media/rtp/timestamp.ts'
import type { Depacketizer, VideoFrameWriter } from '../media/rtp/video-frame.ts'
import type { VideoTrack } from '../media/track.ts'
import type { PacketSink, SampleSink, SourceTrack } from './source.ts'
import { VideoDescription } from './track-description.ts'

export interface CaughtKeyframe {
  track: VideoTrack
  /** As the track's codec lays samples out. */
  sample: Uint8Array
}

/** How many frames are waited for to tell the frame rate. */
const framesForRate = 6

/** One test's sink. `keyframe` is called once, `rated` once when the frame rate can be told as well. */
export class KeyframeCatcher implements PacketSink, SampleSink, VideoFrameWriter {
  readonly bytes: Uint8Array
  at: number
  frameStart: number
  frames = 0
  packets = 0
  readonly #limit: number
  readonly #origin: number
  readonly #videoIndex: number
  readonly #clockHz: number
  readonly #description: VideoDescription | undefined
  readonly #depacketizer: Depacketizer | undefined
  readonly #caught: (keyframe: CaughtKeyframe | undefined) => void
  readonly #rated: () => void
  readonly #times: number[] = []
  #lastSequence = -1
  #ticks = Number.NaN
  #frameTicks = 0
  #isCaught = false

  /**
   * Frames are put together behind the part of the arena that is read into, which must have room for one there.
   * `caught` is given undefined where there is no picture at all, at the first packet.
   */
  constructor(
    readBuffer: ReadBuffer,
    tracks: readonly SourceTrack[],
    caught: (keyframe: CaughtKeyframe | undefined) => void,
    rated: () => void,
  ) {
    this.bytes = readBuffer.bytes
    this.#origin = readBuffer.readStart + readBuffer.readBytes
    this.#limit = readBuffer.bytes.length
    this.at = this.#origin
    this.frameStart = this.#origin
    this.#caught = caught
    this.#rated = rated
    this.#videoIndex = tracks.findIndex((track) => track.config.kind === 'video')
    const video = tracks[this.#videoIndex]
    this.#clockHz = video?.clockHz ?? 0
    if (video?.config.kind !== 'video') return
    this.#description = new VideoDescription(video.config)
    this.#depacketizer = makeDepacketizer(video.config, this)
  }

  /** Frames a second by their times; undefined before there are enough. */
  get fps(): number | undefined {
    // Shown times, since B-frames come out of order; the middle one of the steps, since the last frames seen may have
    // others still to come between them.
    const times = this.#times.toSorted((a, b) => a - b)
    const steps = times.flatMap((time, i) => (i === 0 || time === times[i - 1] ? [] : [time - times[i - 1]!]))
    const step = steps.sort((a, b) => a - b)[steps.length >> 1]
    return step === undefined ? undefined : Math.round((this.#clockHz * 10) / step) / 10
  }

  rtp(track: number, bytes: Uint8Array, start: number, end: number): void {
    this.packets++
    if (this.#videoIndex < 0) this.#catch(undefined)
    if (track !== this.#videoIndex) return
    const payloadStart = rtpPayloadStart(bytes, start, end)
    const payloadEnd = payloadStart < 0 ? -1 : rtpPayloadEnd(bytes, start, end, payloadStart)
    if (payloadEnd < 0) return
    const sequence = rtpSequence(bytes, start)
    const isLossBefore = this.#lastSequence >= 0 && ((this.#lastSequence + 1) & 0xffff) !== sequence
    this.#lastSequence = sequence
    const low32 = rtpTimestamp(bytes, start)
    this.#ticks = Number.isNaN(this.#ticks) ? low32 : extendTimestamp(low32, this.#ticks)
    const hasMarker = rtpIsMarked(bytes, start)
    this.#depacketizer?.payload(bytes, payloadStart, payloadEnd, this.#ticks, hasMarker, isLossBefore)
  }

  rtcp(): void {
    // Reports say nothing of keyframes.
  }

  sample(track: number, dtsTicks: number, ctsTicks: number, isKey: boolean, data: Uint8Array): void {
    this.packets++
    if (this.#videoIndex < 0) this.#catch(undefined)
    if (track !== this.#videoIndex) return
    this.#frame(dtsTicks + ctsTicks)
    if (isKey) this.#key(data)
  }

  beginFrame(ticks: number): void {
    this.#frameTicks = ticks
    this.at = this.#origin
    this.frameStart = this.#origin
  }

  room(count: number): boolean {
    // Two bytes more than asked: the end of a JPEG is put on without asking.
    return this.at + count + 2 <= this.#limit
  }

  endFrame(isKey: boolean): void {
    this.#frame(this.#frameTicks)
    if (isKey) this.#key(copyOf(this.bytes, this.frameStart, this.at))
  }

  append(start: number, end: number): void {
    this.bytes.copyWithin(this.at, start, end)
    this.at += end - start
  }

  abandonFrame(): void {
    this.at = this.frameStart
  }

  parameterSet(kind: 'vps' | 'sps' | 'pps', start: number, end: number): void {
    this.#description?.add(kind, copyOf(this.bytes, start, end))
  }

  #frame(ticks: number): void {
    this.frames++
    if (this.#times.length >= framesForRate) return
    this.#times.push(ticks)
    if (this.#times.length === framesForRate) this.#rated()
  }

  #key(sample: Uint8Array): void {
    const description = this.#description
    if (this.#isCaught || description === undefined) return
    description.settle()
    // Without parameter sets nobody can decode it, keyframe or not.
    if (!description.isComplete) return
    let { track } = description
    if (track.codec === 'mjpeg') {
      try {
        track = { ...track, ...parseJpegSize(sample) }
      } catch {
        return
      }
    }
    this.#catch({ track, sample })
  }

  #catch(keyframe: CaughtKeyframe | undefined): void {
    if (this.#isCaught) return
    this.#isCaught = true
    this.#caught(keyframe)
  }
}

function makeDepacketizer(track: VideoTrack, writer: VideoFrameWriter): Depacketizer {
  if (track.codec === 'h264') return new H264Depacketizer(writer)
  return track.codec === 'h265' ? new H265Depacketizer(writer) : new JpegDepacketizer(writer)
}

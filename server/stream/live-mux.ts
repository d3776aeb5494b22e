// One live stream as one-frame fragments: each sample is muxed once, whoever watches.

import { deltaSampleFlags, keySampleFlags } from '../media/mp4/boxes.ts'
import { initSegment } from '../media/mp4/movie.ts'
import { type AacTrack, codecString, type TrackConfig, type VideoTrack } from '../media/track.ts'

/** Bytes of `moof` and of `mdat`'s header before a fragment's one sample. */
export const fragmentHeadBytes = 112

/** What never changes in the head of a one-frame fragment; the rest is written over it. */
const template = (() => {
  const head = Buffer.alloc(fragmentHeadBytes)
  const box = (at: number, size: number, type: string) => {
    head.writeUInt32BE(size, at)
    head.write(type, at + 4, 'latin1')
  }
  box(0, 104, 'moof')
  box(8, 16, 'mfhd')
  box(24, 80, 'traf')
  box(32, 16, 'tfhd')
  head.writeUInt32BE(0x02_0000, 40) // default-base-is-moof
  box(48, 20, 'tfdt')
  head.writeUInt32BE(0x0100_0000, 56) // version 1
  box(68, 36, 'trun')
  head.writeUInt32BE(0x0100_0f01, 76) // version 1: data offset; duration, size, flags, composition offset
  head.writeUInt32BE(1, 80)
  head.writeUInt32BE(fragmentHeadBytes, 84)
  head.write('mdat', 108, 'latin1')
  return head
})()

/** `moof` and `mdat` of one sample (ISO/IEC 14496-12 §8.8), in a new array: the one copy a live sample is made. */
export function oneFrameFragment(
  trackId: number,
  sequence: number,
  decodeTicks: number,
  durationTicks: number,
  ctsTicks: number,
  isKey: boolean,
  data: Uint8Array,
): Buffer {
  // Not of Node's pool: it lives as long as the slowest viewer's queue.
  const bytes = Buffer.allocUnsafeSlow(fragmentHeadBytes + data.length)
  template.copy(bytes)
  bytes.writeUInt32BE(sequence >>> 0, 20)
  bytes.writeUInt32BE(trackId, 44)
  bytes.writeUInt32BE(Math.floor(decodeTicks / 0x1_0000_0000), 60)
  bytes.writeUInt32BE(decodeTicks >>> 0, 64)
  bytes.writeUInt32BE(durationTicks, 88)
  bytes.writeUInt32BE(data.length, 92)
  bytes.writeUInt32BE(isKey ? keySampleFlags : deltaSampleFlags, 96)
  bytes.writeUInt32BE(Math.max(0, ctsTicks), 100)
  bytes.writeUInt32BE(8 + data.length, 104)
  bytes.set(data, fragmentHeadBytes)
  return bytes
}

/** The sound of a stream, as a tile is told of it. */
export type LiveSound =
  | { kind: 'none' }
  | { kind: 'aac'; mimeType: string; init: Uint8Array }
  | { kind: 'g711'; law: 'mu' | 'a'; sampleRateHz: number; channels: number }

/** Media time begins here, in seconds: sound may come a little before the first picture, and no time is negative. */
const firstSec = 10

/**
 * Puts a stream's runs on one clock, in seconds since the mux was made, and makes fragments of their samples.
 *
 * Picture and sound share the clock, but each has its own init segment and track 1, so that either can be missing.
 */
export class LiveMux {
  video: VideoTrack | undefined
  sound: LiveSound = { kind: 'none' }
  #aac: AacTrack | undefined
  #epochUs: number | undefined
  /** What is added to a run's seconds; undefined until the run's first keyframe. */
  #shiftSec: number | undefined
  /** Composition offset of the run's first keyframe, where its edit list begins. */
  #editTicks = 0
  /** UTC less media time, microseconds. */
  #utcLessMediaUs = 0
  #lastSec = 0
  #lastTicks: number | undefined
  #durationTicks = 0
  #sequence = 0

  /** A run begins. Its clock is known with its first keyframe. */
  configure(tracks: readonly TrackConfig[]): void {
    this.video = tracks.find((track) => track.kind === 'video')
    const audio = tracks.find((track) => track.kind === 'audio')
    this.#aac = audio?.codec === 'aac' ? audio : undefined
    this.sound = soundOf(audio)
    this.#shiftSec = undefined
    this.#lastTicks = undefined
    this.#durationTicks = (this.video?.timescale ?? 90_000) / 25
  }

  /** True once the run's clock is known. */
  get isBegun(): boolean {
    return this.#shiftSec !== undefined
  }

  /** Sets the run's clock by its first keyframe, which was taken at `utcUs`. */
  begin(dtsTicks: number, ctsTicks: number, utcUs: number): void {
    this.#editTicks = Math.max(0, ctsTicks)
    const runSec = (dtsTicks + this.#editTicks) / (this.video?.timescale ?? 90_000)
    this.#epochUs ??= utcUs - firstSec * 1e6
    // A run never begins before the one it follows ended: a clock may have been set back between them.
    const sec = Math.max((utcUs - this.#epochUs) / 1e6, this.#lastSec)
    this.#shiftSec = sec - runSec
    this.#utcLessMediaUs = utcUs - sec * 1e6
  }

  /** The init segment of the picture, once the run has begun. H.264 and H.265 only. */
  pictureInit(): Uint8Array {
    return initSegment({ tracks: [{ id: 1, config: this.video!, startOffsetTicks: this.#editTicks }] })
  }

  get pictureMimeType(): string {
    return `video/mp4; codecs="${codecString(this.video!)}"`
  }

  picture(isKey: boolean, dtsTicks: number, ctsTicks: number, data: Uint8Array): Buffer {
    const { timescale } = this.video!
    if (this.#lastTicks !== undefined) {
      const step = dtsTicks - this.#lastTicks
      // How long it lasts is known when the next one comes: as long as the one before is taken.
      if (step > 0) this.#durationTicks = Math.min(step, timescale)
    }
    this.#lastTicks = dtsTicks
    // The edit list takes off what is added here: pictures are shown at the run's own times, as sound is heard.
    const decodeTicks = dtsTicks + this.#editTicks + Math.round(this.#shiftSec! * timescale)
    this.#lastSec = Math.max(this.#lastSec, (decodeTicks + this.#durationTicks) / timescale)
    return oneFrameFragment(1, ++this.#sequence, decodeTicks, this.#durationTicks, ctsTicks, isKey, data)
  }

  aac(dtsTicks: number, data: Uint8Array): Buffer {
    const { timescale, sampleRateHz } = this.#aac!
    const decodeTicks = Math.max(0, dtsTicks + Math.round(this.#shiftSec! * timescale))
    return oneFrameFragment(
      1,
      ++this.#sequence,
      decodeTicks,
      Math.round((1024 * timescale) / sampleRateHz),
      0,
      true,
      data,
    )
  }

  /** When what is decoded at a media time happened, UTC microseconds. */
  utcUsOf(mediaSec: number): number {
    return Math.round(mediaSec * 1e6 + this.#utcLessMediaUs)
  }
}

function soundOf(audio: TrackConfig | undefined): LiveSound {
  if (audio?.kind !== 'audio') return { kind: 'none' }
  if (audio.codec === 'aac') {
    const init = initSegment({ tracks: [{ id: 1, config: audio }] })
    return { kind: 'aac', mimeType: `audio/mp4; codecs="${codecString(audio)}"`, init }
  }
  const { sampleRateHz, channels } = audio
  return { kind: 'g711', law: audio.codec === 'pcmu' ? 'mu' : 'a', sampleRateHz, channels }
}

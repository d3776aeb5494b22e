// Builds fragments of one stream's run in the arena: the picture's frames lie one behind the other as they came in, sound
// and metadata are kept aside and put behind them when the fragment is cut (FORMAT.md §2.2).

import { copyBytes, copyOf } from '../media/copy-bytes.ts'
import { DecodeOrder } from '../media/rtp/decode-order.ts'
import type { VideoFrameWriter } from '../media/rtp/video-frame.ts'
import type { TrackRun } from '../media/segment/fragment-head.ts'
import { trackIds } from '../media/segment/segment-layout.ts'
import { type Arena, largestSlotBytes, type Slot } from './arena.ts'

/** Bytes kept free before the data, for the head that the recorder writes there. */
export const headRoomBytes = 8 * 1024

const maxVideoSamples = 240
const maxSideSamples = 256
const sideBytes = 64 * 1024
const fragmentUs = 500_000
/** A fragment is cut before it grows past this, keyframe or not. */
const maxFragmentBytes = largestSlotBytes / 2

/** A fragment that was cut, its times those of the run. Whoever got it releases the slot. */
export interface Fragment {
  slot: Slot
  /** The data is `bytes[dataAt, dataEnd)`, with `headRoomBytes` free before it. */
  bytes: Uint8Array
  view: DataView
  dataAt: number
  dataEnd: number
  /** Times from the run's start: the picture's decode times, the others' presentation times, each in its track's ticks. */
  tracks: TrackRun[]
  isKey: boolean
  isLossBefore: boolean
  /** Presentation time of its beginning, microseconds from the run's start. */
  mediaUs: number
}

/** One frame or sample, as soon as it is whole. `bytes[start, end)` is valid during the call. */
export type SampleListener = (
  track: 'video' | 'audio' | 'metadata',
  isKey: boolean,
  dtsTicks: number,
  ctsTicks: number,
  bytes: Uint8Array,
  start: number,
  end: number,
) => void

interface BuilderEvents {
  fragment(fragment: Fragment): void
  /** A frame was given up. */
  dropped(reason: 'damaged' | 'empty' | 'too-large' | 'no-memory'): void
  parameterSet(kind: 'vps' | 'sps' | 'pps', set: Uint8Array): void
  /**
   * A key picture is whole and is the next sample; all before it has been cut. False refuses it: what describes the
   * stream is not known yet, so decoding could not begin here.
   */
  keyframe(ptsTicks: number): boolean
  /** A frame begins to come in. */
  begin(ptsTicks: number): void
  /** A frame was added. */
  frame(ptsTicks: number, isKey: boolean): void
}

/** Samples of sound or metadata waiting for the cut. */
class SideTrack {
  readonly trackId: number
  readonly timescale: number
  readonly slot: Slot
  fill = 0
  count = 0
  firstTicks = 0
  nextTicks = 0
  readonly sizes = new Uint32Array(maxSideSamples)
  readonly durations = new Uint32Array(maxSideSamples)

  constructor(trackId: number, timescale: number, slot: Slot) {
    this.trackId = trackId
    this.timescale = timescale
    this.slot = slot
  }
}

export interface BuilderTracks {
  /** Ticks a second and reorder depth of the picture; undefined where the stream has none. */
  video: { timescale: number; reorderDepth: number } | undefined
  audio: { timescale: number } | undefined
  metadata: { timescale: number } | undefined
}

export class FragmentBuilder implements VideoFrameWriter {
  readonly bytes: Uint8Array
  at = 0
  frameStart = 0
  /** Called with every whole sample while somebody watches. */
  listener: SampleListener | undefined

  readonly #arena: Arena
  readonly #events: BuilderEvents
  readonly #video: { timescale: number } | undefined
  readonly #order: DecodeOrder
  readonly #audio: SideTrack | undefined
  readonly #metadata: SideTrack | undefined
  readonly #fragmentTicks: number
  #slot: Slot | undefined
  #slotHint = 256 * 1024
  #dataAt = 0
  #isFrameOpen = false
  #isStarved = false
  #frameDts = 0
  #frameCts = 0
  #count = 0
  #firstDts = 0
  #lastDts = 0
  #isKey = false
  #isLossBefore = false
  /** Frames were lost since the last whole one: the fragment of the next one says so. */
  #hasLost = false
  #hasOffsets = false
  #startOffsetTicks = 0
  /** Nothing is taken until a keyframe came; with no picture there is nothing to wait for. */
  #isWaiting: boolean
  #typicalDuration: number
  readonly #sizes = new Uint32Array(maxVideoSamples)
  readonly #durations = new Uint32Array(maxVideoSamples)
  readonly #offsets = new Int32Array(maxVideoSamples)

  constructor(arena: Arena, tracks: BuilderTracks, events: BuilderEvents) {
    this.#arena = arena
    this.bytes = arena.bytes
    this.#events = events
    this.#video = tracks.video
    this.#isWaiting = tracks.video !== undefined
    this.#fragmentTicks = ((tracks.video?.timescale ?? 90_000) * fragmentUs) / 1e6
    this.#typicalDuration = (tracks.video?.timescale ?? 90_000) / 25
    this.#order = new DecodeOrder(tracks.video?.reorderDepth ?? 0)
    this.#hasOffsets = this.#order.depth > 0
    this.#audio = tracks.audio && this.#side(trackIds.audio, tracks.audio.timescale)
    this.#metadata = tracks.metadata && this.#side(trackIds.metadata, tracks.metadata.timescale)
  }

  #side(trackId: number, timescale: number): SideTrack {
    const slot = this.#arena.take(sideBytes)
    if (slot === undefined) throw new Error('no memory for a sound track')
    return new SideTrack(trackId, timescale, slot)
  }

  /** Composition offset of the run's first keyframe, in ticks: where the picture's edit list begins. */
  get startOffsetTicks(): number {
    return this.#startOffsetTicks
  }

  get hasOffsets(): boolean {
    return this.#hasOffsets
  }

  /** True until the first keyframe. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** True where samples wait for the next cut. */
  get hasSamples(): boolean {
    return this.#count > 0 || (this.#audio?.count ?? 0) > 0 || (this.#metadata?.count ?? 0) > 0
  }

  beginFrame(ticks: number, mayBeKey: boolean): void {
    this.#events.begin(ticks)
    const dts = this.#order.next(ticks)
    if (this.#order.depth > 0) this.#hasOffsets = true
    if (this.#count > 0) this.#durations[this.#count - 1] = clampDuration(dts - this.#lastDts)
    this.#frameDts = dts
    this.#frameCts = Math.max(0, ticks - dts)
    const isDue = this.#count > 0 && (dts - this.#firstDts >= this.#fragmentTicks || this.#count === maxVideoSamples)
    if (isDue || (mayBeKey && this.#count > 0) || this.at - this.#dataAt > maxFragmentBytes) this.cut()
    this.#isFrameOpen = true
    this.#isStarved = this.#slot === undefined && !this.#takeSlot(this.#slotHint)
    this.frameStart = this.at
  }

  room(count: number): boolean {
    if (this.#slot === undefined) return false
    const end = this.#slot.offset + this.#slot.sizeBytes - 2 * sideBytes
    return this.at + count <= end || this.#grow(count)
  }

  #takeSlot(dataBytes: number): boolean {
    const slot = this.#arena.take(headRoomBytes + dataBytes + 2 * sideBytes)
    if (slot === undefined) return false
    this.#slot = slot
    this.#dataAt = slot.offset + headRoomBytes
    this.at = this.#dataAt
    this.frameStart = this.at
    return true
  }

  #grow(count: number): boolean {
    const old = this.#slot!
    const used = this.at - this.#dataAt
    const larger = this.#arena.take(headRoomBytes + Math.max(used + count, used * 2) + 2 * sideBytes)
    if (larger === undefined) return false
    const dataAt = larger.offset + headRoomBytes
    this.#arena.move(dataAt, this.#dataAt, used)
    this.frameStart += dataAt - this.#dataAt
    this.at += dataAt - this.#dataAt
    this.#dataAt = dataAt
    this.#slot = larger
    this.#arena.release(old)
    return true
  }

  append(start: number, end: number): void {
    this.#arena.move(this.at, start, end - start)
    this.at += end - start
  }

  abandonFrame(reason: 'damaged' | 'empty' | 'too-large'): void {
    this.#isFrameOpen = false
    this.at = this.frameStart
    if (reason !== 'empty') this.#hasLost = true
    this.#events.dropped(this.#isStarved ? 'no-memory' : reason)
    this.#isStarved = false
  }

  /** Packets of the picture never came: whole frames may have been among them. */
  noteLoss(): void {
    this.#hasLost = true
  }

  parameterSet(kind: 'vps' | 'sps' | 'pps', start: number, end: number): void {
    this.#events.parameterSet(kind, copyOf(this.bytes, start, end))
  }

  endFrame(isKey: boolean): void {
    if (this.#isWaiting && !isKey) {
      this.#isFrameOpen = false
      this.at = this.frameStart
      return
    }
    // A keyframe that did not look like one when it began: what came before it is cut off now.
    if (isKey && this.#count > 0) this.cut()
    if (this.#slot === undefined) {
      // A cut took the slot it was in, and there was none to move it to.
      this.abandonFrame('damaged')
      return
    }
    this.#isFrameOpen = false
    if (isKey && !this.#events.keyframe(this.#frameDts + this.#frameCts)) {
      this.at = this.frameStart
      return
    }
    if (this.#isWaiting) this.#startOffsetTicks = this.#frameCts
    this.#isWaiting = false
    if (this.#count === 0) {
      this.#firstDts = this.#frameDts
      this.#isKey = isKey
    }
    if (this.#hasLost) this.#isLossBefore = true
    this.#hasLost = false
    const index = this.#count++
    this.#sizes[index] = this.at - this.frameStart
    this.#offsets[index] = this.#frameCts
    if (index > 0) this.#typicalDuration = this.#durations[index - 1]!
    this.#durations[index] = this.#typicalDuration
    this.#lastDts = this.#frameDts
    this.#events.frame(this.#frameDts + this.#frameCts, isKey)
    this.listener?.('video', isKey, this.#frameDts, this.#frameCts, this.bytes, this.frameStart, this.at)
    this.frameStart = this.at
  }

  /** Adds a whole frame that no depacketizer built. */
  wholeFrame(dtsTicks: number, ctsTicks: number, isKey: boolean, data: Uint8Array): void {
    this.#events.begin(dtsTicks + ctsTicks)
    if (this.#count > 0) this.#durations[this.#count - 1] = clampDuration(dtsTicks - this.#lastDts)
    this.#frameDts = dtsTicks
    this.#frameCts = ctsTicks
    if (ctsTicks > 0) this.#hasOffsets = true
    const isDue = dtsTicks - this.#firstDts >= this.#fragmentTicks || this.#count === maxVideoSamples
    if (this.#count > 0 && (isKey || isDue)) this.cut()
    this.#isStarved = this.#slot === undefined && !this.#takeSlot(Math.max(this.#slotHint, data.length))
    this.frameStart = this.at
    this.#isFrameOpen = true
    if (!this.room(data.length)) {
      this.abandonFrame('too-large')
      return
    }
    copyBytes(data, 0, data.length, this.bytes, this.at)
    this.at += data.length
    this.endFrame(isKey)
  }

  /** Adds a sample of sound or metadata: `from[start, end)`, at a presentation time from the run's start. */
  sideSample(
    kind: 'audio' | 'metadata',
    ticks: number,
    durationTicks: number,
    from: Uint8Array,
    start: number,
    end: number,
  ): void {
    const side = kind === 'audio' ? this.#audio : this.#metadata
    if (side === undefined || this.#isWaiting) return
    const size = end - start
    if (size > sideBytes || size === 0) return
    // A jump of its time, or no room: what there is goes out first, so that a fragment's samples are contiguous.
    const isJump = side.count > 0 && Math.abs(ticks - side.nextTicks) > side.timescale / 10
    if (side.count === maxSideSamples || side.fill + size > sideBytes || isJump) this.cut()
    if (side.count === 0) side.firstTicks = ticks
    const at = side.slot.offset + side.fill
    if (from === this.bytes) this.#arena.move(at, start, size)
    else copyBytes(from, start, end, this.bytes, at)
    side.sizes[side.count] = size
    side.durations[side.count] = durationTicks
    side.count++
    side.fill += size
    side.nextTicks = (side.count === 1 ? ticks : side.nextTicks) + durationTicks
    this.listener?.(kind, true, ticks, 0, from, start, end)
    if (this.#video === undefined && side.nextTicks - side.firstTicks >= side.timescale / 2) this.cut()
  }

  /**
   * Cuts the fragment: all whole samples so far go out, a frame under construction moves to the next slot.
   *
   * Does nothing where there is no whole sample.
   */
  cut(): void {
    const sides = [this.#audio, this.#metadata].filter((side) => side !== undefined && side.count > 0) as SideTrack[]
    if (this.#count === 0 && sides.length === 0) return
    if (this.#slot === undefined && !this.#takeSlot(sideBytes)) {
      for (const side of sides) this.#forget(side)
      this.#events.dropped('no-memory')
      return
    }
    const slot = this.#slot!
    const dataAt = this.#dataAt
    const wholeEnd = this.#isFrameOpen ? this.frameStart : this.at
    const openBytes = this.at - wholeEnd
    this.#slotHint = Math.max(64 * 1024, Math.ceil((wholeEnd - dataAt) * 1.25))
    this.#slot = undefined
    if (this.#isFrameOpen) {
      if (this.#takeSlot(Math.max(this.#slotHint, openBytes))) {
        this.#arena.move(this.at, wholeEnd, openBytes)
        this.at += openBytes
      } else {
        this.#isStarved = true
      }
    }
    const tracks: TrackRun[] = []
    let dataEnd = wholeEnd
    let mediaUs = Number.NaN
    if (this.#count > 0) {
      tracks.push({
        trackId: trackIds.video,
        tfdtTicks: this.#firstDts,
        count: this.#count,
        sizes: this.#sizes.slice(0, this.#count),
        durations: this.#durations.slice(0, this.#count),
        offsets: this.#hasOffsets ? this.#offsets.slice(0, this.#count) : undefined,
      })
      mediaUs = ((this.#firstDts + this.startOffsetTicks) * 1e6) / this.#video!.timescale
    }
    for (const side of sides) {
      this.#arena.move(dataEnd, side.slot.offset, side.fill)
      dataEnd += side.fill
      tracks.push({
        trackId: side.trackId,
        tfdtTicks: side.firstTicks,
        count: side.count,
        sizes: side.sizes.slice(0, side.count),
        durations: side.durations.slice(0, side.count),
        offsets: undefined,
      })
      if (Number.isNaN(mediaUs)) mediaUs = (side.firstTicks * 1e6) / side.timescale
      this.#forget(side)
    }
    const fragment: Fragment = {
      slot,
      bytes: this.bytes,
      view: this.#arena.view,
      dataAt,
      dataEnd,
      tracks,
      isKey: this.#count > 0 && this.#isKey,
      isLossBefore: this.#isLossBefore,
      mediaUs,
    }
    this.#count = 0
    this.#isKey = false
    this.#isLossBefore = false
    this.#events.fragment(fragment)
  }

  #forget(side: SideTrack): void {
    side.count = 0
    side.fill = 0
  }

  /** Gives all memory back. What was not cut is lost: call `cut` first. */
  close(): void {
    if (this.#slot !== undefined) this.#arena.release(this.#slot)
    if (this.#audio !== undefined) this.#arena.release(this.#audio.slot)
    if (this.#metadata !== undefined) this.#arena.release(this.#metadata.slot)
    this.#slot = undefined
  }
}

/** A duration as `trun` can hold it; a step back (a camera's fault) counts as none. */
function clampDuration(ticks: number): number {
  return Math.max(0, Math.min(ticks, 0xffffffff))
}

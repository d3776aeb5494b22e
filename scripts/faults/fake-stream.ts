// A camera's stream as the recorder's writer sees it: cut fragments of random size, with content that tells where it is
// from, so that every byte on the disk can be traced back.

import type { TrackRun } from '../../server/media/segment/fragment-head.ts'
import { trackIds } from '../../server/media/segment/segment-layout.ts'
import type { TrackConfig } from '../../server/media/track.ts'
import type { SegmentWriter } from '../../server/recording/segment-writer.ts'
import { Arena, type Slot } from '../../server/stream/arena.ts'
import { type Fragment, headRoomBytes } from '../../server/stream/fragment-builder.ts'
import type { FakeClock } from './fake-clock.ts'
import { Random } from './random.ts'

const video: TrackConfig = {
  kind: 'video',
  codec: 'h264',
  timescale: 90_000,
  widthPx: 64,
  heightPx: 48,
  sps: Uint8Array.of(0x67, 0x42, 0xc0, 0x0a, 0xda, 0x10, 0xd0, 0x88),
  pps: [Uint8Array.of(0x68, 0xce, 0x3c, 0x80)],
}
const otherVideo: TrackConfig = { ...video, widthPx: 128, heightPx: 96 }
const audio: TrackConfig = { kind: 'audio', codec: 'pcma', timescale: 8000, sampleRateHz: 8000, channels: 1 }

/** Bytes of any content, cut from at random places: making them anew would take most of a run. */
const noise = new Random(0).bytes(1 << 20)

/** An arena that outlives the recorders it is lent to: what a dead one never gave back is taken back. */
export class LentArena extends Arena {
  readonly #lent = new Set<Slot>()

  override take(atLeastBytes: number): Slot | undefined {
    const slot = super.take(atLeastBytes)
    if (slot !== undefined) this.#lent.add(slot)
    return slot
  }

  override release(slot: Slot): void {
    if (this.#lent.delete(slot)) super.release(slot)
  }

  takeBack(): void {
    for (const slot of [...this.#lent]) this.release(slot)
  }
}

export interface Channel {
  id: string
  name: string
  stream: number
}

/** What was given to a writer, by its number on the channel. */
export interface FedFragment {
  data: Uint8Array
  utcUs: number
}

/** Feeds one writer. Numbers go on over restarts of the recorder, as a camera's do. */
export class FakeStream {
  readonly channel: Channel
  readonly fed = new Map<number, FedFragment>()
  isHeld = false
  #random: Random
  #clock: FakeClock
  #next = 0
  #writer: SegmentWriter | undefined
  #arena: Arena | undefined
  #tracks: TrackConfig[] = []
  #isRunning = false
  #ticks = 0
  #runStartUs = 0
  #untilKey = 0
  readonly #largestBytes: number
  readonly #hasOffsets: boolean

  constructor(channel: Channel, random: Random, clock: FakeClock) {
    this.channel = channel
    this.#random = random
    this.#clock = clock
    this.#largestBytes = random.pick([600, 3000, 3000, 9000, 30_000])
    this.#hasOffsets = random.chance(0.2)
  }

  attach(writer: SegmentWriter, arena: Arena): void {
    this.#writer = writer
    this.#arena = arena
    this.#isRunning = false
    this.isHeld = false
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  beginRun(): void {
    this.#tracks = this.#random.chance(0.6) ? [video, audio] : this.#random.chance(0.85) ? [video] : [audio]
    this.#writer!.beginRun(this.#tracks)
    this.#isRunning = true
    this.#ticks = this.#random.int(0, 9000)
    this.#runStartUs = this.#clock.utcUs()
    this.#untilKey = 0
  }

  endRun(): void {
    this.#isRunning = false
    this.#writer!.endRun('unknown', 'the scenario ended the run')
  }

  /** The camera changes its resolution: from the next keyframe on. */
  changeConfig(): void {
    if (!this.#tracks.some((track) => track.kind === 'video')) return
    this.#tracks = this.#tracks.map((track) =>
      track.kind === 'video' ? (track.widthPx === 64 ? otherVideo : video) : track,
    )
    this.#untilKey = 0
    this.#writer!.config(this.#tracks)
  }

  /** Gives the writer what came in over `us`, or starts or ends a run. */
  feed(us: number): void {
    if (this.isHeld) return
    if (!this.#isRunning) {
      if (this.#random.chance(0.7)) this.beginRun()
      return
    }
    if (this.#random.chance(0.02)) {
      this.endRun()
      return
    }
    if (this.#random.chance(0.02)) this.changeConfig()
    const hasPicture = this.#tracks.some((track) => track.kind === 'video')
    const isKey = hasPicture && this.#untilKey-- <= 0
    if (isKey) this.#untilKey = this.#random.int(0, 6)
    const fragment = this.#build(us, isKey)
    if (fragment === undefined) return
    const number = this.#next++
    new DataView(fragment.bytes.buffer, fragment.dataAt).setUint32(0, number)
    const utcUs = this.#runStartUs + Math.round((this.#ticks / 90_000) * 1e6)
    this.fed.set(number, { data: fragment.bytes.slice(fragment.dataAt, fragment.dataEnd), utcUs })
    this.#ticks += Math.round((us * 90_000) / 1e6)
    this.#writer!.fragment(fragment, utcUs, this.#hasOffsets && hasPicture ? 3600 : 0)
  }

  #build(us: number, isKey: boolean): Fragment | undefined {
    const random = this.#random
    const tracks: TrackRun[] = []
    let dataBytes = 0
    const add = (trackId: number, timescale: number, count: number) => {
      const sizes = Uint32Array.from({ length: count }, () => random.int(4, Math.max(8, this.#largestBytes / count)))
      dataBytes += sizes.reduce((sum, size) => sum + size, 0)
      const duration = Math.max(1, Math.round((us * timescale) / 1e6 / count))
      tracks.push({
        trackId,
        tfdtTicks: Math.round((this.#ticks * timescale) / 90_000),
        count,
        sizes,
        durations: new Uint32Array(count).fill(duration),
        offsets:
          trackId === trackIds.video && this.#hasOffsets
            ? Int32Array.from({ length: count }, (_, i) => 3600 * ((i % 3) + 1))
            : undefined,
      })
    }
    const hasPicture = this.#tracks.some((track) => track.kind === 'video')
    if (hasPicture) add(trackIds.video, 90_000, random.int(1, 13))
    if (this.#tracks.includes(audio) && (!hasPicture || random.chance(0.9))) add(trackIds.audio, 8000, random.int(1, 6))
    const slot = this.#arena!.take(headRoomBytes + dataBytes)
    if (slot === undefined) return undefined
    const { bytes, view } = this.#arena!
    const dataAt = slot.offset + headRoomBytes
    const noiseAt = random.int(0, noise.length - dataBytes)
    bytes.set(noise.subarray(noiseAt, noiseAt + dataBytes), dataAt)
    return {
      slot,
      bytes,
      view,
      dataAt,
      dataEnd: dataAt + dataBytes,
      tracks,
      isKey,
      isLossBefore: random.chance(0.03),
      mediaUs: Math.round((this.#ticks / 90_000) * 1e6),
    }
  }
}

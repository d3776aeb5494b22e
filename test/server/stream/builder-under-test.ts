// A fragment builder under test, and a reader of what it cuts.
import assert from 'node:assert/strict'
import { fragmentHeadBytes } from '../../../server/media/segment/fragment-head.ts'
import { type Fragment, FragmentBuilder, headRoomBytes } from '../../../server/stream/fragment-builder.ts'
import { WatchedArena } from '../../support/watched-arena.ts'

export const mib = 1024 * 1024

export interface Taken {
  dtsTicks: number
  ctsTicks: number
  durationTicks: number
  isKey: boolean
  isLast: boolean
  data: string
}

/** Reads fragments back as a player would: each sample by its sizes, its time by `tfdt` and durations. */
export class FragmentReader {
  readonly video: Taken[] = []
  readonly audio: Taken[] = []
  readonly metadata: Taken[] = []
  readonly fragments: Omit<Fragment, 'bytes' | 'view'>[] = []
  readonly #arena: WatchedArena
  #waiting: Fragment[] = []
  /** How many fragments are held before the oldest is read and given back, as by a slow disk. */
  holds = 0

  constructor(arena: WatchedArena) {
    this.#arena = arena
  }

  take(fragment: Fragment): void {
    this.#waiting.push(fragment)
    while (this.#waiting.length > this.holds) this.#read(this.#waiting.shift()!)
  }

  readAll(): void {
    for (const fragment of this.#waiting.splice(0)) this.#read(fragment)
  }

  #read(fragment: Fragment): void {
    const { bytes, view: _view, ...rest } = fragment
    this.fragments.push(rest)
    assert.ok(fragmentHeadBytes(fragment.tracks, fragment.isKey) <= headRoomBytes, 'the head does not fit')
    assert.ok(fragment.dataAt - headRoomBytes >= fragment.slot.offset)
    assert.ok(fragment.dataEnd <= fragment.slot.offset + fragment.slot.sizeBytes)
    let at = fragment.dataAt
    for (const track of fragment.tracks) {
      const list = [this.video, this.audio, this.metadata][track.trackId - 1]!
      let dtsTicks = track.tfdtTicks
      for (let i = 0; i < track.count; i++) {
        list.push({
          dtsTicks,
          ctsTicks: track.offsets?.[i] ?? 0,
          durationTicks: track.durations[i]!,
          isKey: track.trackId !== 1 || (i === 0 && fragment.isKey),
          isLast: i === track.count - 1,
          data: Buffer.from(bytes.subarray(at, at + track.sizes[i]!)).toString('hex'),
        })
        dtsTicks += track.durations[i]!
        at += track.sizes[i]!
      }
    }
    assert.equal(at, fragment.dataEnd, 'samples do not make up the data')
    this.#arena.release(fragment.slot)
  }
}

export interface Builder {
  builder: FragmentBuilder
  arena: WatchedArena
  reader: FragmentReader
  dropped: string[]
  /** Presentation times of key pictures that were whole. */
  keys: number[]
}

export function makeBuilder(options: { arenaBytes?: number; reorderDepth?: number; picture?: boolean } = {}): Builder {
  const arena = new WatchedArena(options.arenaBytes ?? 32 * mib)
  const reader = new FragmentReader(arena)
  const dropped: string[] = []
  const keys: number[] = []
  const hasPicture = options.picture ?? true
  const builder = new FragmentBuilder(
    arena,
    {
      video: hasPicture ? { timescale: 90_000, reorderDepth: options.reorderDepth ?? 0 } : undefined,
      audio: { timescale: 8000 },
      metadata: { timescale: 90_000 },
    },
    {
      fragment: (fragment) => reader.take(fragment),
      dropped: (reason) => dropped.push(reason),
      parameterSet: () => undefined,
      keyframe: (pts) => {
        keys.push(pts)
        return true
      },
      begin: () => undefined,
      frame: () => undefined,
    },
  )
  return { builder, arena, reader, dropped, keys }
}

/** Writes a frame as a depacketizer does, in pieces. */
export function frame(
  builder: FragmentBuilder,
  ticks: number,
  isKey: boolean,
  data: Uint8Array,
  mayBeKey = isKey,
): void {
  builder.beginFrame(ticks, mayBeKey)
  if (!put(builder, data)) builder.abandonFrame('too-large')
  else builder.endFrame(isKey)
}

export function put(builder: FragmentBuilder, data: Uint8Array): boolean {
  if (!builder.room(data.length)) return false
  builder.bytes.set(data, builder.at)
  builder.at += data.length
  return true
}

export function sound(builder: FragmentBuilder, ticks: number, data: Uint8Array): void {
  builder.sideSample('audio', ticks, 160, data, 0, data.length)
}

export const bytesOf = (length: number, fill: number) => new Uint8Array(length).fill(fill)
export const hexOf = (data: Uint8Array) => Buffer.from(data).toString('hex')

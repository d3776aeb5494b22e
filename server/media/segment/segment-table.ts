// The index of one segment: a row a fragment, a row a sample, held in columns. Grown by the writer as it goes, filled
// by the scanner from an open or torn file, or read in one piece from a footer.
import type { FragmentHead } from './fragment-head.ts'

/** A growing column of numbers. */
class Column<T extends Uint32Array | Int32Array | Float64Array> {
  values: T
  length = 0

  constructor(values: T) {
    this.values = values
  }

  push(value: number): void {
    if (this.length === this.values.length) this.grow(this.length + 1)
    this.values[this.length++] = value
  }

  append(values: Uint32Array | Int32Array, count: number): void {
    if (this.length + count > this.values.length) this.grow(this.length + count)
    for (let i = 0; i < count; i++) this.values[this.length + i] = values[i]!
    this.length += count
  }

  grow(atLeast: number): void {
    const make = this.values.constructor as new (length: number) => T
    const grown = new make(Math.max(64, this.values.length * 2, atLeast))
    grown.set(this.values)
    this.values = grown
  }

  view(): T {
    return this.values.subarray(0, this.length) as T
  }
}

/** One track's samples over a whole segment. */
export class TrackTable {
  readonly trackId: number
  readonly timescale: number
  /** Becomes true with the first fragment that has offsets: some cameras reorder frames and do not say so. */
  hasOffsets: boolean
  /** A value a fragment: decode time of its first sample from the segment's start, −1 where it has none. */
  readonly tfdtTicks: Column<Float64Array>
  /** A value a fragment: how many samples. */
  readonly counts: Column<Uint32Array>
  /** A value a sample. */
  readonly sizes: Column<Uint32Array>
  readonly durations: Column<Uint32Array>
  readonly offsets: Column<Int32Array>

  constructor(trackId: number, timescale: number, hasOffsets: boolean) {
    this.trackId = trackId
    this.timescale = timescale
    this.hasOffsets = hasOffsets
    this.tfdtTicks = new Column(new Float64Array(0))
    this.counts = new Column(new Uint32Array(0))
    this.sizes = new Column(new Uint32Array(0))
    this.durations = new Column(new Uint32Array(0))
    this.offsets = new Column(new Int32Array(0))
  }
}

export class SegmentTable {
  readonly tracks: TrackTable[]
  /** A value a fragment: where its head begins in the file. */
  readonly fileOffsets = new Column(new Float64Array(0))
  readonly utcUs = new Column(new Float64Array(0))
  readonly headBytes = new Column(new Uint32Array(0))
  readonly dataBytes = new Column(new Uint32Array(0))
  readonly flags = new Column(new Uint32Array(0))
  readonly headCrcs = new Column(new Uint32Array(0))

  constructor(tracks: TrackTable[]) {
    this.tracks = tracks
  }

  get fragments(): number {
    return this.fileOffsets.length
  }

  track(trackId: number): TrackTable | undefined {
    return this.tracks.find((track) => track.trackId === trackId)
  }

  samples(trackId: number): number {
    return this.track(trackId)?.sizes.length ?? 0
  }

  /** Adds the next fragment. Tracks this table does not know are left out. */
  push(fileOffset: number, head: Omit<FragmentHead, 'number' | 'syncedThrough' | 'dataCrc'>): void {
    this.fileOffsets.push(fileOffset)
    this.utcUs.push(head.utcUs)
    this.headBytes.push(head.headBytes)
    this.dataBytes.push(head.dataBytes)
    this.flags.push(head.flags)
    this.headCrcs.push(head.headCrc)
    for (const track of this.tracks) {
      const run = head.tracks.find((candidate) => candidate.trackId === track.trackId)
      track.tfdtTicks.push(run === undefined ? -1 : run.tfdtTicks)
      track.counts.push(run?.count ?? 0)
      if (run === undefined) continue
      if (run.offsets !== undefined && !track.hasOffsets) {
        track.hasOffsets = true
        track.offsets.append(new Int32Array(track.sizes.length), track.sizes.length)
      }
      track.sizes.append(run.sizes, run.count)
      track.durations.append(run.durations, run.count)
      if (!track.hasOffsets) continue
      track.offsets.append(run.offsets ?? new Int32Array(run.count), run.count)
    }
  }

  /** One past the last byte of the last fragment; 0 where there is none. */
  get endOffset(): number {
    const last = this.fragments - 1
    return last < 0 ? 0 : this.fileOffsets.values[last]! + this.headBytes.values[last]! + this.dataBytes.values[last]!
  }

  /**
   * When the segment's footage ends, UTC microseconds: the last fragment's time plus the durations in it of its first
   * track with samples. 0 where there is no fragment.
   */
  get endUs(): number {
    const last = this.fragments - 1
    if (last < 0) return 0
    for (const track of this.tracks) {
      const count = track.counts.values[last]!
      if (count === 0) continue
      let ticks = 0
      for (let i = track.durations.length - count; i < track.durations.length; i++) ticks += track.durations.values[i]!
      return this.utcUs.values[last]! + Math.round((ticks * 1e6) / track.timescale)
    }
    return this.utcUs.values[last]!
  }

  get startUs(): number {
    return this.fragments === 0 ? 0 : this.utcUs.values[0]!
  }
}

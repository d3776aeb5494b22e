/** One track of a progressive movie while its sample tables grow. */

import { Failure } from '../../../shared/failure.ts'
import { g711Silence } from '../g711.ts'
import { sameConfig, type TrackConfig } from '../track.ts'
import { type Edit, movieTimescale } from './boxes.ts'
import { hasDeltas } from './movie.ts'
import { type SliceList, silence } from './slice-list.ts'
import { WordColumn } from './word-column.ts'

/** The samples that one file has of one track. */
export interface SegmentTrack {
  /** `track_ID` in the movie. */
  trackId: number
  config: TrackConfig
  /** Composition time at which the file's edit list begins: the first sample's offset where there are B-frames, else 0. */
  startOffsetTicks: number
  /** A value a sample. */
  sizes: Uint32Array
  durations: Uint32Array
  /** Composition time minus decode time; undefined where that is 0 throughout. */
  offsets: Int32Array | undefined
  /** Indices of the samples where decoding can begin, ascending; undefined where that is all of them. */
  keys: Uint32Array | undefined
  /** Stretches of samples that lie one after another in the file, in the order of their places. */
  chunks: {
    /** Where each begins in the file. */
    offsets: Float64Array
    /** How many samples; 0 is passed over. */
    counts: Uint32Array
    /** Decode time of its first sample from the start of the segment, in the track's ticks. */
    ticks: Float64Array
  }
}

/** Decode time of a track's first sample from the start of its segment, in ticks; undefined where it has none. */
export function firstTicks({ chunks }: SegmentTrack): number | undefined {
  const first = chunks.counts.findIndex((count) => count > 0)
  return first < 0 ? undefined : chunks.ticks[first]
}

/** A stretch of a segment's samples, ready to be placed. */
interface Chunk {
  source: number
  offset: number
  /** First sample, and one past the last. */
  from: number
  to: number
  /** Decode time of the first on the movie's clock, in ticks; and on the clock asked in, which has all gaps. */
  clockTicks: number
  trueTicks: number
}

/**
 * A track's tables: `stts ctts stsz stss stsc co64`, filled chunk by chunk.
 *
 * Decode times count from the first sample. `leadTicks` places that on the movie's clock, whose 0 is the instant asked
 * for: negative where decoding must begin before it.
 */
export abstract class ProgressiveTrack {
  readonly id: number
  readonly timescale: number
  /** Each sample description, in order. */
  readonly configs: TrackConfig[] = []
  readonly durationRuns = new WordColumn()
  readonly offsetRuns = new WordColumn()
  readonly sizes = new WordColumn()
  readonly keys = new WordColumn()
  readonly chunkRuns = new WordColumn()
  readonly chunkPlaces = new WordColumn()
  /** True once a composition offset other than 0, or below it, has been seen. */
  hasOffsets = false
  hasNegativeOffsets = false
  sampleCount = 0
  chunkCount = 0
  leadTicks = 0
  startOffsetTicks = 0
  protected description = 0
  #runSamples = 0
  #runDescription = 0

  constructor(id: number, timescale: number) {
    this.id = id
    this.timescale = timescale
  }

  /** Decode time of what comes next on the movie's clock. */
  abstract get endTicks(): number

  /** Adds the samples of a chunk. */
  abstract place(segment: SegmentTrack, chunk: Chunk, slices: SliceList, endTicks: number): void

  /** Which samples of a segment that begins at `startTicks` are needed for `[0, endTicks)`: `[from, to)`. */
  abstract cut(segment: SegmentTrack, startTicks: number, endTicks: number): [from: number, to: number]

  /** Writes down what is still open. Called once, before the tables are read. */
  finish(): void {}

  /** Makes a sample's codec parameters those of what comes next. Throws `conflict` where the movie cannot hold both. */
  describe(config: TrackConfig): void {
    const first = this.configs[0] ?? config
    const isSound = first.kind === 'audio' && config.kind === 'audio'
    if (
      first.codec !== config.codec ||
      first.timescale !== config.timescale ||
      (isSound && first.codec !== 'aac' && first.channels !== config.channels)
    ) {
      throw new Failure('conflict', `build movie: track ${this.id} is ${named(first)}, and later ${named(config)}`)
    }
    let index = this.configs.findIndex((known) => sameConfig(known, config))
    if (index < 0) index = this.configs.push(config) - 1
    this.description = index + 1
  }

  /** Says where the first sample lies on the movie's clock. */
  begin(clockTicks: number, startOffsetTicks: number): void {
    this.leadTicks = clockTicks
    this.startOffsetTicks = startOffsetTicks
  }

  /** The edit list that shows the track from the instant asked for to `endTicks` on the movie's clock. */
  edits(endTicks: number): Edit[] {
    const inMovie = (ticks: number): number => Math.round((ticks * movieTimescale) / this.timescale)
    const startTicks = Math.max(0, this.leadTicks)
    const shownTicks = inMovie(Math.min(endTicks, this.endTicks)) - inMovie(startTicks)
    const shown: Edit = {
      durationTicks: Math.max(1, shownTicks),
      mediaTimeTicks: this.startOffsetTicks + startTicks - this.leadTicks,
    }
    const wait = inMovie(startTicks)
    return wait > 0 ? [{ durationTicks: wait, mediaTimeTicks: -1 }, shown] : [shown]
  }

  protected addChunk(place: number, samples: number): void {
    this.chunkPlaces.pushPair(place)
    this.chunkCount++
    if (samples === this.#runSamples && this.description === this.#runDescription) return
    this.chunkRuns.push(this.chunkCount)
    this.chunkRuns.push(samples)
    this.chunkRuns.push(this.description)
    this.#runSamples = samples
    this.#runDescription = this.description
  }
}

function named(config: TrackConfig): string {
  return `${config.codec} at ${config.timescale} Hz${config.kind === 'audio' ? `, ${config.channels} channels` : ''}`
}

/** A track whose samples are frames, packets or documents: all but G.711. */
export class SampledTrack extends ProgressiveTrack {
  readonly #hasDeltas: boolean
  /** Ticks of all samples but the last, whose duration may still change to meet what comes next. */
  #ticks = 0
  #lastTicks = 0
  #runTicks = 0
  #runLength = 0
  #offsetTicks = 0
  #offsetLength = 0
  /** Of the present segment's keys, the first that is not behind; `cut` begins each segment. */
  #nextKey = 0

  constructor(id: number, config: TrackConfig) {
    super(id, config.timescale)
    this.#hasDeltas = hasDeltas(config)
  }

  get endTicks(): number {
    return this.leadTicks + this.#ticks + this.#lastTicks
  }

  cut(segment: SegmentTrack, startTicks: number, endTicks: number): [number, number] {
    this.#nextKey = 0
    const { offsets, durations, startOffsetTicks } = segment
    const { counts, ticks } = segment.chunks
    const isFirst = this.sampleCount === 0
    let from = isFirst && segment.keys ? (segment.keys[0] ?? segment.sizes.length) : 0
    let to = 0
    let key = 0
    let sample = 0
    let dts = startTicks
    for (let chunk = 0; chunk < counts.length; chunk++) {
      if (counts[chunk] === 0) continue
      dts = startTicks + ticks[chunk]!
      for (const end = sample + counts[chunk]!; sample < end; sample++) {
        const shownTicks = dts + (offsets?.[sample] ?? 0) - startOffsetTicks
        dts += durations[sample]!
        if (shownTicks < endTicks) to = sample + 1
        if (!isFirst) continue
        const isKey = !segment.keys || segment.keys[key] === sample
        if (isKey) key++
        // Begins with the last keyframe shown at or before the instant; with what lasts until after it where all are keys.
        if (isKey && (this.#hasDeltas ? shownTicks <= 0 : dts - durations[sample]! <= 0)) from = sample
      }
    }
    if (isFirst && dts <= 0) from = sample // it ends before the instant
    return [from, to]
  }

  place(segment: SegmentTrack, chunk: Chunk, slices: SliceList): void {
    const { sizes, durations, offsets, keys } = segment
    if (this.sampleCount === 0) this.begin(chunk.clockTicks, segment.startOffsetTicks)
    else this.#meet(chunk.clockTicks)
    let sizeBytes = 0
    for (let i = chunk.from; i < chunk.to; i++) {
      const size = sizes[i]!
      sizeBytes += size
      this.sizes.push(size)
      this.#addDuration(durations[i]!)
      this.#addOffset(offsets ? offsets[i]! : 0)
      this.sampleCount++
      if (!keys) continue
      while (keys[this.#nextKey]! < i) this.#nextKey++
      if (keys[this.#nextKey] === i) this.keys.push(this.sampleCount)
    }
    this.addChunk(slices.add(chunk.source, chunk.offset, sizeBytes), chunk.to - chunk.from)
  }

  override finish(): void {
    if (this.sampleCount === 0) return
    this.#addDuration(0)
    this.#endDurationRun()
    this.#endOffsetRun()
  }

  /** Makes the last sample last until `clockTicks`; at least a tick, so that no two decode at once. */
  #meet(clockTicks: number): void {
    this.#lastTicks = Math.max(1, this.#lastTicks + clockTicks - this.endTicks)
  }

  #addDuration(ticks: number): void {
    if (this.#lastTicks !== this.#runTicks) {
      this.#endDurationRun()
      this.#runTicks = this.#lastTicks
    }
    if (this.sampleCount > 0) this.#runLength++
    this.#ticks += this.#lastTicks
    this.#lastTicks = ticks
  }

  #endDurationRun(): void {
    if (this.#runLength === 0) return
    this.durationRuns.push(this.#runLength)
    this.durationRuns.push(this.#runTicks)
    this.#runLength = 0
  }

  #addOffset(ticks: number): void {
    if (ticks !== this.#offsetTicks) {
      this.#endOffsetRun()
      this.#offsetTicks = ticks
      this.hasOffsets = true
      if (ticks < 0) this.hasNegativeOffsets = true
    }
    this.#offsetLength++
  }

  #endOffsetRun(): void {
    if (this.#offsetLength === 0) return
    this.offsetRuns.push(this.#offsetLength)
    this.offsetRuns.push(this.#offsetTicks)
    this.#offsetLength = 0
  }
}

/**
 * G.711, written as samples of one byte a channel: players count them right, and can be cut anywhere. A tick is a sample,
 * so that a gap is filled with silence, and what comes twice is left out.
 */
export class PcmTrack extends ProgressiveTrack {
  readonly bytesPerSample: number
  readonly #silence: number
  /** Gaps and overlaps up to this are left to add up: 20 ms, a packet. */
  readonly #toleranceTicks: number

  constructor(id: number, config: TrackConfig & { codec: 'pcmu' | 'pcma' }) {
    super(id, config.timescale)
    this.bytesPerSample = Math.max(1, config.channels)
    this.#silence = g711Silence[config.codec]
    this.#toleranceTicks = Math.round(config.timescale / 50)
  }

  get endTicks(): number {
    return this.leadTicks + this.sampleCount
  }

  cut(segment: SegmentTrack): [number, number] {
    return [0, segment.sizes.length]
  }

  place(segment: SegmentTrack, chunk: Chunk, slices: SliceList, endTicks: number): void {
    let sizeBytes = 0
    for (let i = chunk.from; i < chunk.to; i++) sizeBytes += segment.sizes[i]!
    const samples = Math.floor(sizeBytes / this.bytesPerSample)
    const last = Math.min(samples, endTicks - chunk.trueTicks)
    if (last <= 0) return
    let first = 0
    if (this.sampleCount === 0) {
      first = Math.max(0, -chunk.clockTicks)
    } else if (Math.abs(chunk.clockTicks - this.endTicks) >= this.#toleranceTicks) {
      this.fill(chunk.clockTicks, slices)
      first = Math.max(0, this.endTicks - chunk.clockTicks)
    }
    if (first >= last) return
    if (this.sampleCount === 0) this.begin(chunk.clockTicks + first, 0)
    this.sampleCount += last - first
    const offset = chunk.offset + first * this.bytesPerSample
    this.addChunk(slices.add(chunk.source, offset, (last - first) * this.bytesPerSample), last - first)
  }

  /** Adds silence up to `clockTicks`, where that lies ahead and there has been any sound. */
  fill(clockTicks: number, slices: SliceList): void {
    const samples = clockTicks - this.endTicks
    if (samples <= 0 || this.sampleCount === 0) return
    this.sampleCount += samples
    this.addChunk(slices.add(silence, this.#silence, samples * this.bytesPerSample), samples)
  }
}

/** The progressive movie: any span of segments as one MP4 whose `moov` comes first, with nothing copied. */

import type { TrackConfig } from '../track.ts'
import {
  ascii,
  box,
  concat,
  dinf,
  edts,
  ftyp,
  hdlr,
  mdhd,
  mediaInformationHeader,
  movieTimescale,
  mvhd,
  stsd,
  tkhd,
  u32,
  u64,
} from './boxes.ts'
import { handlerOfKind } from './movie.ts'
import { firstTicks, PcmTrack, type ProgressiveTrack, SampledTrack, type SegmentTrack } from './progressive-track.ts'
import { sampleEntry } from './sample-entry.ts'
import { type FileSlice, SliceList, silence } from './slice-list.ts'
import type { WordColumn } from './word-column.ts'

/** A file that takes part in a movie. */
export interface MovieSegment {
  /** The caller's number for the file, from 0. */
  source: number
  /**
   * When the segment begins on the movie's clock, whose 0 is the instant asked for, in microseconds; negative for the
   * one that holds that instant. Undefined where it follows the segment before at once.
   */
  startUs: number | undefined
  tracks: SegmentTrack[]
}

export interface ProgressiveOptions {
  /** Where to end, on the same clock; undefined for all there is. */
  endUs?: number
  /**
   * True keeps the time between runs, the last picture standing until the next begins; false takes out what no track
   * covers. Of one gap no more than six hours are kept, since tables count ticks in 31 bits. Runs that overlap, after a
   * clock was set back, are shown one after the other either way.
   */
  keepsGaps: boolean
}

/** A movie that exists as its header in memory and a list of what follows. */
export interface ProgressiveMovie {
  /** `ftyp`, `moov` and the header of `mdat`, in pieces. */
  header: Uint8Array[]
  headerBytes: number
  /** Of the whole file: the header and the data. */
  sizeBytes: number
  durationUs: number
  /** What the data of `mdat` is made of. */
  slices: SliceList
}

const longestGapUs = 6 * 3600 * 1_000_000

/** How far segments may overlap before the later one is moved: less is made up within them, a frame at a time. */
const longestOverlapUs = 500_000

/** How far G.711 may lag behind the picture before it is taken to be missing, and what is then left for it to come. */
const missingAfterSec = 2
const leftForLateSec = 1

/**
 * Builds a progressive movie from segments in their order.
 *
 * A segment's tables are read while it is added and not kept. Time grows with the number of samples, memory by 4 bytes a
 * sample and 8 to 20 a chunk, and by 8 for each change of duration or composition offset.
 */
export class ProgressiveBuilder {
  readonly #endUs: number
  readonly #keepsGaps: boolean
  readonly #tracks = new Map<number, ProgressiveTrack>()
  readonly #slices = new SliceList()
  /** What is added to a segment's time for gaps that have been taken out and overlaps that have been laid in a row. */
  #shiftUs = 0

  constructor({ endUs = Number.POSITIVE_INFINITY, keepsGaps }: ProgressiveOptions) {
    this.#endUs = endUs
    this.#keepsGaps = keepsGaps
  }

  /**
   * Adds what lies in the span of the next segment. The first must begin each track at, or before, the last keyframe
   * before the instant asked for.
   *
   * Throws `conflict` where a track's codec, clock or channels differ from before: such a span is two movies. Changed
   * parameters, such as a new SPS, become another sample description.
   */
  add(segment: MovieSegment): void {
    const parts = segment.tracks.filter((part) => firstTicks(part) !== undefined)
    const startUs = segment.startUs ?? this.#followingUs(parts)
    this.#setClock(startUs, parts)
    const cursors = parts.map((part) => {
      const track = this.#track(part.trackId, part.config)
      return new SegmentCursor(part, track, segment.source, startUs, this.#shiftUs, this.#endUs)
    })
    for (;;) {
      // Of the next chunk of each track, the one that comes first in the file, which is the order of time.
      let next: SegmentCursor | undefined
      for (const cursor of cursors) {
        if (cursor.moveToChunk() && (!next || cursor.offset < next.offset)) next = cursor
      }
      if (!next) break
      if (next.track instanceof SampledTrack) this.#fillMissingSound(next.clockSec)
      next.place(this.#slices)
    }
  }

  /** Gives the movie, of which nothing can be added to any more. One without samples has no tracks. */
  finish(): ProgressiveMovie {
    const tracks = [...this.#tracks.values()].filter((track) => track.sampleCount > 0).sort((a, b) => a.id - b.id)
    const traks = tracks.map((track) => {
      track.finish()
      const endTicks = Math.round(((this.#endUs + this.#shiftUs) * track.timescale) / 1_000_000)
      const edits = track.edits(endTicks)
      const durationTicks = edits.reduce((sum, edit) => sum + edit.durationTicks, 0)
      return { durationTicks, parts: trak(track, edits, durationTicks) }
    })
    const durationTicks = Math.max(0, ...traks.map((part) => part.durationTicks))
    const nextTrackId = Math.max(0, ...tracks.map((track) => track.id)) + 1
    const dataBytes = this.#slices.sizeBytes
    const header = [
      ftyp('isom', 0x200, ['isom', 'iso6', 'mp41']),
      ...container('moov', [mvhd(durationTicks, nextTrackId), ...traks.flatMap((part) => part.parts)]),
      dataBytes + 8 > 0xffff_ffff
        ? concat([u32(1), ascii('mdat'), u64(dataBytes + 16)])
        : concat([u32(dataBytes + 8), ascii('mdat')]),
    ]
    const headerBytes = sizeOf(header)
    for (const track of tracks) track.chunkPlaces.addToPairs(headerBytes)
    return {
      header,
      headerBytes,
      sizeBytes: headerBytes + dataBytes,
      durationUs: Math.round((durationTicks * 1_000_000) / movieTimescale),
      slices: this.#slices,
    }
  }

  #track(id: number, config: TrackConfig): ProgressiveTrack {
    let track = this.#tracks.get(id)
    if (!track || track.sampleCount === 0) {
      const isPcm = config.codec === 'pcmu' || config.codec === 'pcma'
      track = isPcm ? new PcmTrack(id, config) : new SampledTrack(id, config)
      this.#tracks.set(id, track)
    }
    return track
  }

  /** Tracks that have samples. */
  #begun(): ProgressiveTrack[] {
    return [...this.#tracks.values()].filter((track) => track.sampleCount > 0)
  }

  /** When a segment begins that follows at once: by the first of its tracks that was there before. */
  #followingUs(parts: SegmentTrack[]): number {
    for (const part of parts) {
      const track = this.#tracks.get(part.trackId)
      if (!track || track.sampleCount === 0) continue
      const ticks = track.endTicks - firstTicks(part)! - track.startOffsetTicks + part.startOffsetTicks
      return (ticks * 1_000_000) / track.timescale - this.#shiftUs
    }
    return Math.max(0, ...this.#begun().map(endUs)) - this.#shiftUs
  }

  /** Moves the clock so that a segment begins no later than gaps allow, and not before what is there has ended. */
  #setClock(startUs: number, parts: SegmentTrack[]): void {
    const begun = this.#begun()
    if (begun.length === 0 || parts.length === 0) return
    const shownUs = (part: SegmentTrack): number =>
      startUs + this.#shiftUs + (firstTicks(part)! * 1_000_000) / part.config.timescale
    const gapUs = Math.min(...parts.map(shownUs)) - Math.max(...begun.map(endUs))
    const keptUs = this.#keepsGaps ? longestGapUs : 0
    const overlaps = parts.map((part) => {
      const track = begun.find(({ id }) => id === part.trackId)
      return track ? endUs(track) - shownUs(part) : 0
    })
    const overlapUs = Math.max(...overlaps)
    if (gapUs > keptUs) this.#shiftUs -= gapUs - keptUs
    else if (overlapUs > longestOverlapUs) this.#shiftUs += overlapUs
  }

  #fillMissingSound(clockSec: number): void {
    for (const track of this.#tracks.values()) {
      if (!(track instanceof PcmTrack) || clockSec - track.endTicks / track.timescale < missingAfterSec) continue
      track.fill(Math.round((clockSec - leftForLateSec) * track.timescale), this.#slices)
    }
  }
}

function endUs(track: ProgressiveTrack): number {
  return (track.endTicks * 1_000_000) / track.timescale
}

/** Goes through the chunks of one track in one segment. */
class SegmentCursor {
  readonly track: ProgressiveTrack
  readonly #part: SegmentTrack
  readonly #source: number
  /** When the segment begins in the track's ticks: on the clock asked in, which has all gaps, and on the movie's. */
  readonly #trueStartTicks: number
  readonly #clockStartTicks: number
  readonly #endTicks: number
  readonly #from: number
  readonly #to: number
  #chunk = 0
  /** The chunk's first sample. */
  #sample = 0
  /** Where the part of the chunk that is wanted begins in the file. */
  offset = 0
  #chunkFrom = 0
  #chunkTo = 0
  #skippedTicks = 0
  #isReady = false

  constructor(
    part: SegmentTrack,
    track: ProgressiveTrack,
    source: number,
    startUs: number,
    shiftUs: number,
    endUs: number,
  ) {
    this.#part = part
    this.track = track
    this.#source = source
    const ticks = (us: number): number => Math.round((us * track.timescale) / 1_000_000)
    this.#trueStartTicks = ticks(startUs)
    this.#clockStartTicks = ticks(startUs + shiftUs)
    // Where presentations begin at different composition times, each is shown from its own.
    if (track.sampleCount > 0) this.#clockStartTicks += track.startOffsetTicks - part.startOffsetTicks
    this.#endTicks = ticks(endUs)
    ;[this.#from, this.#to] = track.cut(part, this.#trueStartTicks, this.#endTicks)
    if (this.#from < this.#to) track.describe(part.config)
  }

  /** Decode time of the chunk on the movie's clock, in seconds. */
  get clockSec(): number {
    return (this.#clockStartTicks + this.#part.chunks.ticks[this.#chunk]!) / this.track.timescale
  }

  /** Goes to the next chunk that has wanted samples, if it is not there; false after the last. */
  moveToChunk(): boolean {
    const { chunks, sizes, durations } = this.#part
    while (!this.#isReady && this.#chunk < chunks.counts.length) {
      const end = this.#sample + chunks.counts[this.#chunk]!
      this.#chunkFrom = Math.max(this.#sample, this.#from)
      this.#chunkTo = Math.min(end, this.#to)
      if (this.#chunkFrom < this.#chunkTo) {
        this.offset = chunks.offsets[this.#chunk]!
        this.#skippedTicks = 0
        for (let i = this.#sample; i < this.#chunkFrom; i++) {
          this.offset += sizes[i]!
          this.#skippedTicks += durations[i]!
        }
        this.#isReady = true
      } else {
        this.#chunk++
        this.#sample = end
      }
    }
    return this.#isReady
  }

  /** Adds the chunk to its track and leaves it. */
  place(slices: SliceList): void {
    const ticks = this.#part.chunks.ticks[this.#chunk]! + this.#skippedTicks
    const chunk = {
      source: this.#source,
      offset: this.offset,
      from: this.#chunkFrom,
      to: this.#chunkTo,
      clockTicks: this.#clockStartTicks + ticks,
      trueTicks: this.#trueStartTicks + ticks,
    }
    this.track.place(this.#part, chunk, slices, this.#endTicks)
    this.#sample += this.#part.chunks.counts[this.#chunk]!
    this.#chunk++
    this.#isReady = false
  }
}

/** A track's boxes (ISO/IEC 14496-12 §8.3 to §8.7), its tables in the pages they were collected in. */
function trak(track: ProgressiveTrack, edits: Parameters<typeof edts>[0], durationTicks: number): Uint8Array[] {
  const config = track.configs[0]!
  const handler = handlerOfKind[config.kind]
  const size = config.kind === 'video' ? config : { widthPx: 0, heightPx: 0 }
  const isPcm = track instanceof PcmTrack
  const tables = [
    stsd(track.configs.map(sampleEntry)),
    ...(isPcm ? [box('stts', u32(0, 1, track.sampleCount, 1))] : table('stts', 0, [], track.durationRuns, 2)),
    ...(track.hasOffsets ? table('ctts', track.hasNegativeOffsets ? 1 : 0, [], track.offsetRuns, 2) : []),
    ...(isPcm ? [box('stsz', u32(0, track.bytesPerSample, track.sampleCount))] : table('stsz', 0, [0], track.sizes, 1)),
    // Without stss every sample is a sync sample.
    ...(track.keys.length > 0 && track.keys.length < track.sampleCount ? table('stss', 0, [], track.keys, 1) : []),
    ...table('stsc', 0, [], track.chunkRuns, 3),
    ...table('co64', 0, [], track.chunkPlaces, 2),
  ]
  const mediaTicks = track.endTicks - track.leadTicks
  return container('trak', [
    tkhd(track.id, durationTicks, config.kind === 'audio', size.widthPx, size.heightPx),
    edts(edits),
    ...container('mdia', [
      mdhd(track.timescale, mediaTicks),
      hdlr(handler),
      ...container('minf', [mediaInformationHeader(handler), dinf(), ...container('stbl', tables)]),
    ]),
  ])
}

/** A box made of parts that are not joined. */
function container(type: string, parts: Uint8Array[]): Uint8Array[] {
  return [concat([u32(8 + sizeOf(parts)), ascii(type)]), ...parts]
}

/** A full box of `fields`, a count and the entries it counts, `words` words each. */
function table(type: string, version: number, fields: number[], column: WordColumn, words: number): Uint8Array[] {
  const head = u32(version * 2 ** 24, ...fields, column.length / words)
  return container(type, [head, ...column.pages()])
}

function sizeOf(parts: Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

const silenceBytes = 64 * 1024

/**
 * Gives bytes `[start, end)` of a movie, in order: what is in memory as bytes, to be sent and not written to, and the rest
 * as slices of files for the caller to read. `[0, sizeBytes)` is the whole file.
 */
export function* readMovie(movie: ProgressiveMovie, start: number, end: number): Generator<Uint8Array | FileSlice> {
  let at = 0
  for (const part of movie.header) {
    const from = Math.max(start - at, 0)
    const to = Math.min(end - at, part.length)
    if (from < to) yield part.subarray(from, to)
    at += part.length
  }
  for (const slice of movie.slices.between(Math.max(0, start - at), end - at)) {
    if (slice.source !== silence) {
      yield slice
      continue
    }
    for (let left = slice.sizeBytes; left > 0; left -= silenceBytes) {
      yield new Uint8Array(Math.min(left, silenceBytes)).fill(slice.offset)
    }
  }
}

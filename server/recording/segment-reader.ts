// Finds footage by time: which segments, which fragments in them, and when each sample was.
import { Failure } from '../../shared/failure.ts'
import type { RecordingKind } from '../../shared/recording.ts'
import { fragmentFlags, trackIds } from '../media/segment/segment-layout.ts'
import type { SegmentTable, TrackTable } from '../media/segment/segment-table.ts'
import type { FootageFile, FootageFiles } from './footage-file.ts'
import type { SegmentRow } from './recorder-protocol.ts'
import type { FooterScratch, SegmentContent, SegmentIndex } from './segment-index.ts'

/** The segments that the index database knows. */
export interface SegmentCatalogue {
  /**
   * Segments with footage in `[fromMs, toMs)`, in any order. One that is open counts as reaching to any later time, since
   * it grows faster than its row.
   */
  segments(cameraId: string, stream: number, kind: RecordingKind, fromMs: number, toMs: number): Promise<SegmentRow[]>
  /** Absolute path of a space's own folder, which rows' paths stand below; undefined where the space is not known. */
  folderOf(spaceId: string): Promise<string | undefined> | string | undefined
}

/** Whose footage is asked for. */
export interface FootageOf {
  cameraId: string
  stream: number
  /** `normal` where not given. */
  kind?: RecordingKind
}

/** Footage of one segment that was read once: what it held then, whatever is added or removed meanwhile. */
export class FootageSegment {
  readonly row: SegmentRow
  readonly folder: string
  readonly content: SegmentContent
  readonly table: SegmentTable
  /** How many fragments it had. */
  readonly fragments: number
  readonly #firstSamples = new Map<number, Uint32Array>()

  constructor(row: SegmentRow, folder: string, content: SegmentContent) {
    this.row = row
    this.folder = folder
    this.content = content
    this.table = content.table
    this.fragments = content.table.fragments
  }

  utcUs(fragment: number): number {
    return this.table.utcUs.values[fragment]!
  }

  /** Whether decoding can begin with this fragment. */
  isEntry(fragment: number): boolean {
    return (this.table.flags.values[fragment]! & fragmentFlags.key) !== 0 || this.video === undefined
  }

  get video(): TrackTable | undefined {
    return this.table.track(trackIds.video)
  }

  /** The last fragment that begins at or before an instant; −1 where all begin later. */
  fragmentAt(utcUs: number): number {
    let low = 0
    let high = this.fragments
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.utcUs(middle) <= utcUs) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** The last fragment at or before an instant where decoding can begin; −1 where there is none. */
  entryAtOrBefore(utcUs: number): number {
    let fragment = this.fragmentAt(utcUs)
    while (fragment >= 0 && !this.isEntry(fragment)) fragment--
    return fragment
  }

  /** The first fragment from `fragment` on where decoding can begin; `fragments` where there is none. */
  entryFrom(fragment: number): number {
    let at = Math.max(0, fragment)
    while (at < this.fragments && !this.isEntry(at)) at++
    return at
  }

  /** When the fragment's footage ends: where the next begins, or by the durations of the last one's first track. */
  endUs(fragment: number): number {
    if (fragment + 1 < this.fragments) return this.utcUs(fragment + 1)
    const track = this.firstTrack(fragment)
    if (track === undefined) return this.utcUs(fragment)
    const first = this.firstSample(track, fragment)
    let ticks = 0
    for (let i = 0; i < track.counts.values[fragment]!; i++) ticks += track.durations.values[first + i]!
    return this.utcUs(fragment) + Math.round((ticks * 1e6) / track.timescale)
  }

  get startUs(): number {
    return this.fragments === 0 ? 0 : this.utcUs(0)
  }

  get stopUs(): number {
    return this.fragments === 0 ? 0 : this.endUs(this.fragments - 1)
  }

  /** The track whose decode time the fragment's UTC is: the first in it that has samples. */
  firstTrack(fragment: number): TrackTable | undefined {
    return this.table.tracks.find((track) => track.counts.values[fragment]! > 0)
  }

  /** When a track's first sample in a fragment is presented, UTC microseconds; undefined where it has none there. */
  trackUtcUs(track: TrackTable, fragment: number): number | undefined {
    const reference = this.firstTrack(fragment)
    if (reference === undefined || track.counts.values[fragment]! === 0) return undefined
    const own = track.tfdtTicks.values[fragment]! / track.timescale
    const its = reference.tfdtTicks.values[fragment]! / reference.timescale
    return this.utcUs(fragment) + (own - its) * 1e6
  }

  /** The number in the segment of a track's first sample in a fragment; for `fragments` itself, how many there are. */
  firstSample(track: TrackTable, fragment: number): number {
    let sums = this.#firstSamples.get(track.trackId)
    if (sums === undefined) {
      sums = new Uint32Array(this.fragments + 1)
      for (let i = 0; i < this.fragments; i++) sums[i + 1] = sums[i]! + track.counts.values[i]!
      this.#firstSamples.set(track.trackId, sums)
    }
    return sums[fragment]!
  }

  /** Where a track's data lies in a fragment: from the file's start, and how long. */
  trackData(track: TrackTable, fragment: number): { offset: number; sizeBytes: number } {
    let offset = this.table.fileOffsets.values[fragment]! + this.table.headBytes.values[fragment]!
    for (const other of this.table.tracks) {
      const from = this.firstSample(other, fragment)
      const to = this.firstSample(other, fragment + 1)
      let sizeBytes = 0
      for (let i = from; i < to; i++) sizeBytes += other.sizes.values[i]!
      if (other === track) return { offset, sizeBytes }
      offset += sizeBytes
    }
    return { offset, sizeBytes: 0 }
  }
}

/** Fragments `[first, end)` of a segment. */
export interface Stretch {
  segment: FootageSegment
  first: number
  end: number
}

/** Two runs that overlap by less than this follow each other: the last sample's duration is a guess. */
const overlapToleranceUs = 200_000

/** Reads footage by time through the index database, the segments' own indexes and the files. */
export class FootageReader {
  readonly #catalogue: SegmentCatalogue
  readonly #index: SegmentIndex
  readonly #files: FootageFiles

  constructor(catalogue: SegmentCatalogue, index: SegmentIndex, files: FootageFiles) {
    this.#catalogue = catalogue
    this.#index = index
    this.#files = files
  }

  /**
   * Rows of a span in the order they are shown: by time, but each run to its end.
   *
   * Where two runs tell of the same time (a clock was set back), the one that began first is shown until it ends.
   */
  async rows(of: FootageOf, fromUs: number, toUs: number): Promise<SegmentRow[]> {
    const found = await this.#catalogue.segments(
      of.cameraId,
      of.stream,
      of.kind ?? 'normal',
      Math.max(0, Math.floor(fromUs / 1000)),
      Math.ceil(toUs / 1000),
    )
    return inShownOrder(found)
  }

  /**
   * What a segment holds now; undefined where it was removed meanwhile, or its file is damaged. With `scratch` it is good
   * until the next is opened with it.
   */
  async open(row: SegmentRow, scratch?: FooterScratch): Promise<FootageSegment | undefined> {
    const folder = await this.#catalogue.folderOf(row.spaceId)
    if (folder === undefined) return undefined
    try {
      const content = await this.#index.open(folder, row, scratch)
      return content.table.fragments === 0 ? undefined : new FootageSegment(row, folder, content)
    } catch (error) {
      if (!(error instanceof Failure) || (error.kind !== 'not-found' && error.kind !== 'corrupt')) throw error
      this.#index.forget(row.segmentId)
      return undefined
    }
  }

  /** Opens a segment's file. Fails `not-found` where it was removed. Whoever asks closes it. */
  async openFile(segment: FootageSegment): Promise<FootageFile> {
    try {
      return await this.#files.open(segment.folder, segment.row.path)
    } catch (error) {
      this.#index.forget(segment.row.segmentId)
      throw error
    }
  }

  /**
   * The footage of a span, oldest first: from the last fragment at or before `fromUs` where decoding can begin, if one
   * segment holds both, else from the first after it; to the last that begins before `toUs`. With `scratch` each is good
   * until the next is asked for.
   */
  async *stretches(of: FootageOf, fromUs: number, toUs: number, scratch?: FooterScratch): AsyncGenerator<Stretch> {
    let reachedUs = Number.NEGATIVE_INFINITY
    let last: SegmentRow | undefined
    for (const row of await this.rows(of, fromUs, toUs)) {
      if (row.startUs >= toUs) continue
      const segment = await this.open(row, scratch)
      if (segment === undefined) continue
      const { stopUs } = segment
      if (stopUs <= fromUs || segment.startUs >= toUs) continue
      let first = Math.max(0, segment.entryAtOrBefore(fromUs))
      const isNext = last?.runId === row.runId && row.runIndex > last.runIndex
      if (!isNext && segment.utcUs(first) < reachedUs - overlapToleranceUs) {
        if (stopUs <= reachedUs) continue
        first = segment.entryFrom(segment.fragmentAt(reachedUs - 1) + 1)
      }
      first = segment.entryFrom(first)
      const end = segment.fragmentAt(toUs - 1) + 1
      if (first >= end) continue
      yield { segment, first, end }
      reachedUs = Math.max(reachedUs, stopUs)
      last = row
    }
  }
}

function inShownOrder(rows: readonly SegmentRow[]): SegmentRow[] {
  const left = [...rows].sort((a, b) => a.startUs - b.startUs || a.sequence - b.sequence)
  const ordered: SegmentRow[] = []
  while (left.length > 0) {
    const last = ordered.at(-1)
    const next = last && left.findIndex((row) => row.runId === last.runId && row.runIndex > last.runIndex)
    ordered.push(...left.splice(next === undefined || next < 0 ? 0 : next, 1))
  }
  return ordered
}

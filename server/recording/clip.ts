// Any span of one stream as a progressive MP4 that exists as a header in memory and a list of where its data lies.
import { createHash } from 'node:crypto'
import { Failure } from '../../shared/failure.ts'
import type { ClipSound } from '../../shared/recording.ts'
import { ProgressiveBuilder, type ProgressiveMovie } from '../media/mp4/progressive.ts'
import type { SegmentTrack } from '../media/mp4/progressive-track.ts'
import { fragmentFlags, trackIds } from '../media/segment/segment-layout.ts'
import type { TrackTable } from '../media/segment/segment-table.ts'
import type { ConvertedSound } from './clip-sound.ts'
import type { SegmentRow } from './recorder-protocol.ts'
import { FooterScratch } from './segment-index.ts'
import type { FootageOf, FootageReader, FootageSegment, Stretch } from './segment-reader.ts'

export interface ClipWish extends FootageOf {
  fromUs: number
  toUs: number
  sound: ClipSound
  /** Where footage that still grows was when the clip was first asked for: it is cut there ever after. */
  until: FrozenEnd | undefined
}

/** The last segment of a clip and how many of its fragments belong to it. */
export interface FrozenEnd {
  segmentId: string
  fragments: number
}

/** Where a source's bytes lie: `path` below `folder`. */
export interface ClipSource {
  folder: string
  path: string
}

export interface Clip {
  movie: ProgressiveMovie
  /** Files by the number their slices name. */
  sources: ClipSource[]
  /** The segments to be kept from removal while it is read. */
  rows: SegmentRow[]
  /** A strong entity tag, quotes and all: of what footage and which part of it. */
  etag: string
  /** When the first picture shown was taken, UTC microseconds: what was asked for, or later where nothing was recorded. */
  startUs: number
}

/** Makes AAC of a span's G.711 sound; the same span again is answered from a cache. */
export type SoundConverter = (stretches: readonly Stretch[], fromUs: number, toUs: number) => Promise<ConvertedSound>

/** Where footage ends so shortly before now, more may follow that is told of with its first flush only. */
const freshUs = 15 * 1_000_000

/**
 * The end at which a clip must be frozen, so that later requests for parts of it find the same bytes; undefined where it
 * cannot grow any more.
 */
export async function frozenEndOf(
  reader: FootageReader,
  wish: ClipWish,
  nowUs: number,
): Promise<FrozenEnd | undefined> {
  // What was closed long ago needs no opening: of a day that would be hundreds of indexes, read for nothing.
  const rows = await reader.rows(wish, wish.fromUs, wish.toUs)
  if (rows.every((row) => row.footerOffset > 0 && row.endUs <= nowUs - freshUs)) return undefined
  let last: Stretch | undefined
  for await (const stretch of reader.stretches(wish, wish.fromUs, wish.toUs)) last = stretch
  if (last === undefined) return undefined
  const { segment } = last
  const isGrowing = !segment.content.isClosed || segment.stopUs > nowUs - freshUs
  return isGrowing && segment.stopUs < wish.toUs + 1_000_000 && last.end === segment.fragments
    ? { segmentId: segment.row.segmentId, fragments: segment.fragments }
    : undefined
}

/**
 * Builds a clip from the indexes of its segments; no media data is read but G.711 that is to become AAC.
 *
 * Fails `not-found` where nothing was recorded in the span, `conflict` where its codec changes.
 */
export async function buildClip(reader: FootageReader, wish: ClipWish, convert: SoundConverter): Promise<Clip> {
  const stretches: Stretch[] = []
  const builder = new ProgressiveBuilderOf(wish)
  for await (const stretch of reader.stretches(wish, wish.fromUs, wish.toUs, new FooterScratch())) {
    const isLast = stretch.segment.row.segmentId === wish.until?.segmentId
    if (isLast) stretch.end = Math.min(stretch.end, wish.until!.fragments)
    // An index of a day would be too much to hold: only where sound is converted are the stretches gone through again.
    if (stretch.first < stretch.end) {
      if (builder.wantsConversion(stretch)) stretches.push(await kept(reader, stretch))
      else builder.add(stretch)
    }
    if (isLast) break
  }
  if (stretches.length > 0) {
    const startUs = Math.max(wish.fromUs, stretches[0]!.segment.utcUs(stretches[0]!.first))
    const sound = await convert(stretches, startUs, wish.toUs)
    for (const stretch of stretches) builder.addConverted(stretch, sound)
  }
  return builder.finish()
}

/** The same stretch, its index in memory of its own. */
async function kept(reader: FootageReader, stretch: Stretch): Promise<Stretch> {
  const segment = await reader.open(stretch.segment.row)
  if (segment === undefined) throw new Failure('not-found', `read segment ${stretch.segment.row.path}: it was removed`)
  return { ...stretch, segment }
}

class ProgressiveBuilderOf {
  readonly #wish: ClipWish
  readonly #sources: ClipSource[] = []
  readonly #rows: SegmentRow[] = []
  readonly #identity = createHash('sha256')
  #builder: ProgressiveBuilder | undefined
  #startUs = 0
  #soundSource = -1
  #soundSample = 0

  constructor(wish: ClipWish) {
    this.#wish = wish
    this.#identity.update(JSON.stringify(['clip', 1, wish.fromUs, wish.toUs, wish.sound]))
  }

  wantsConversion({ segment }: Stretch): boolean {
    if (this.#wish.sound !== 'aac') return false
    const codec = configOf(segment, trackIds.audio)?.codec
    // Once any sound is converted all stretches go the same way, so that they stay in order.
    return codec === 'pcmu' || codec === 'pcma'
  }

  add(stretch: Stretch): void {
    const ids = this.#wish.sound === 'none' ? [trackIds.video] : [trackIds.video, trackIds.audio]
    const source = this.#source(stretch)
    this.#addPart(stretch, source, ids, stretch.first, stretch.end)
  }

  /** Adds a stretch a few seconds at a time, and behind each the sound of that time. */
  addConverted(stretch: Stretch, sound: ConvertedSound): void {
    const source = this.#source(stretch)
    if (this.#soundSource < 0) this.#soundSource = this.#sources.push(sound.file) - 1
    const { segment, first, end } = stretch
    for (let from = first; from < end; ) {
      let to = from + 1
      while (to < end && segment.utcUs(to) - segment.utcUs(from) < interleaveUs) to++
      this.#addPart(stretch, source, [trackIds.video], from, to)
      this.#addSound(sound, to < end ? segment.utcUs(to) : segment.endUs(end - 1))
      from = to
    }
  }

  finish(): Clip {
    const movie = this.#builder?.finish()
    if (movie === undefined || movie.slices.sizeBytes === 0) {
      throw new Failure('not-found', 'nothing was recorded in this span')
    }
    this.#identity.update(String(movie.sizeBytes))
    const etag = `"${this.#identity.digest('base64url').slice(0, 32)}"`
    return { movie, sources: this.#sources, rows: this.#rows, etag, startUs: this.#startUs }
  }

  #source({ segment, first, end }: Stretch): number {
    this.#builder ??= this.#begin(segment.utcUs(first))
    this.#rows.push(segment.row)
    this.#identity.update(`${segment.row.segmentId} ${first} ${end}\n`)
    return this.#sources.push({ folder: segment.folder, path: segment.row.path }) - 1
  }

  #begin(firstUs: number): ProgressiveBuilder {
    this.#startUs = Math.max(this.#wish.fromUs, firstUs)
    return new ProgressiveBuilder({ endUs: this.#wish.toUs - this.#startUs, keepsGaps: true })
  }

  #addPart({ segment }: Stretch, source: number, ids: readonly number[], from: number, to: number): void {
    const reference = segment.firstTrack(from)
    if (reference === undefined) return
    // The instant at which this segment's media time 0 would have been, by the first fragment that is used.
    const zeroUs = segment.utcUs(from) - (reference.tfdtTicks.values[from]! * 1e6) / reference.timescale
    const tracks = ids.flatMap((id) => segmentTrack(segment, id, from, to) ?? [])
    if (tracks.length > 0) this.#builder!.add({ source, startUs: zeroUs - this.#startUs, tracks })
  }

  #addSound(sound: ConvertedSound, untilUs: number): void {
    for (;;) {
      const island = sound.islands.find(({ end }) => this.#soundSample < end)
      if (island === undefined) return
      const { sampleRateHz } = sound.config
      const from = this.#soundSample
      const untilTicks = ((untilUs - island.startUs) * sampleRateHz) / 1e6
      const to = Math.min(island.end, Math.max(from, island.first + Math.ceil(untilTicks / 1024)))
      if (to <= from) return
      this.#soundSample = to
      this.#builder!.add({
        source: this.#soundSource,
        startUs: island.startUs - this.#startUs,
        tracks: [
          {
            trackId: trackIds.audio,
            config: sound.config,
            startOffsetTicks: 0,
            sizes: sound.sizes.subarray(from, to),
            durations: new Uint32Array(to - from).fill(1024),
            offsets: undefined,
            keys: undefined,
            chunks: {
              offsets: Float64Array.of(sound.offsets[from]!),
              counts: Uint32Array.of(to - from),
              ticks: Float64Array.of((from - island.first) * 1024),
            },
          },
        ],
      })
    }
  }
}

/** Converted sound lies behind each two seconds of picture. */
const interleaveUs = 2_000_000

function configOf(segment: FootageSegment, trackId: number) {
  return segment.content.tracks.find((track) => track.id === trackId)?.config
}

/** One track of fragments `[from, to)` of a segment, as the movie's builder takes it; undefined without samples. */
function segmentTrack(segment: FootageSegment, trackId: number, from: number, to: number): SegmentTrack | undefined {
  const track = segment.table.track(trackId)
  const movieTrack = segment.content.tracks.find(({ id }) => id === trackId)
  if (track === undefined || movieTrack?.config === undefined) return undefined
  const first = segment.firstSample(track, from)
  const end = segment.firstSample(track, to)
  if (first === end) return undefined
  const isVideo = trackId === trackIds.video
  const keys: number[] = []
  const offsets = new Float64Array(to - from)
  for (let fragment = from; fragment < to; fragment++) {
    offsets[fragment - from] = dataOffset(segment, track, fragment)
    const isKey = (segment.table.flags.values[fragment]! & fragmentFlags.key) !== 0
    if (isKey && track.counts.values[fragment]! > 0) keys.push(segment.firstSample(track, fragment) - first)
  }
  const hasDeltas = movieTrack.config.codec === 'h264' || movieTrack.config.codec === 'h265'
  return {
    trackId,
    config: movieTrack.config,
    startOffsetTicks: movieTrack.startOffsetTicks,
    sizes: track.sizes.values.subarray(first, end),
    durations: track.durations.values.subarray(first, end),
    offsets: track.hasOffsets ? track.offsets.values.subarray(first, end) : undefined,
    keys: isVideo && hasDeltas ? Uint32Array.from(keys) : undefined,
    chunks: {
      offsets,
      counts: track.counts.values.subarray(from, to),
      ticks: track.tfdtTicks.values.subarray(from, to),
    },
  }
}

/** Where a track's data begins in a fragment. The picture's comes first, at the data's own beginning. */
function dataOffset(segment: FootageSegment, track: TrackTable, fragment: number): number {
  return track.trackId === trackIds.video
    ? segment.table.fileOffsets.values[fragment]! + segment.table.headBytes.values[fragment]!
    : segment.trackData(track, fragment).offset
}

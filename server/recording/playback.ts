// Footage for a browser's player: an init segment and fragments, their decode times moved to one clock (UTC less an epoch).
import { Failure } from '../../shared/failure.ts'
import { fragment as makeFragment } from '../media/mp4/fragment.ts'
import { type MovieTrack, relabelForBrowser } from '../media/mp4/movie.ts'
import { parseFragmentHead, readU64, writeU64 } from '../media/segment/fragment-head.ts'
import { crcSeed, fragmentBoxBytes, trackIds, uuidBytes } from '../media/segment/segment-layout.ts'
import type { TrackTable } from '../media/segment/segment-table.ts'
import type { VideoCodec } from '../media/track.ts'
import type { FootageFile } from './footage-file.ts'
import type { FootageOf, FootageReader, FootageSegment, Stretch } from './segment-reader.ts'

export interface PlaybackWish extends FootageOf {
  fromUs: number
  toUs: number
  /** The instant of media time 0. */
  epochUs: number
  /** Only the keyframes, each lasting until the next. */
  isKeysOnly: boolean
  hasSound: boolean
  /** The server's clock now, UTC microseconds. */
  nowUs: number
}

/** What a player is given for a wish: one init segment and the fragments that go with it. */
export interface PlaybackPiece {
  /** `video/mp4; codecs="…"`, naming the tracks that are not relabelled; undefined where a browser plays none of them. */
  mimeType: string | undefined
  videoCodec: VideoCodec | undefined
  /** `ftyp` and `moov` for a browser. */
  init: Uint8Array
  /** The same with the picture as it was recorded, whatever plays it: for a decoder. */
  decoderInit: Uint8Array
  /** The epoch that was used: earlier than asked for where footage would lie before it, since media time is never negative. */
  epochUs: number
  /** Where to ask next, UTC microseconds. */
  nextUs: number
  /** True where the piece ends at the newest footage of a recording that goes on. */
  isGrowing: boolean
  /** The fragments, each chunk whole ones. Fails where a segment was removed meanwhile. */
  fragments(): AsyncGenerator<Uint8Array>
}

/** No footage in the span: ask at `nextUs`; where it `isGrowing`, that is the same place a little later. */
export interface NoFootage {
  nextUs: number
  isGrowing: boolean
}

/** How much footage one piece holds at most, from its first picture on; the next piece continues it. */
const longestPieceUs = { all: 60 * 1_000_000, keys: 3600 * 1_000_000 }

/** A piece goes on to the end of its last group of pictures where that is so near, so that the next begins with a keyframe. */
const overrunUs = 12 * 1_000_000

/**
 * Where footage ends so shortly before now, more is taken to follow: a segment that was just begun is told of with its
 * first flush only.
 */
const freshUs = 15 * 1_000_000

/** What is read at once. */
const windowBytes = 1024 * 1024

/** Finds what a player is to be given. Reads no media data. */
export async function planPlayback(reader: FootageReader, wish: PlaybackWish): Promise<PlaybackPiece | NoFootage> {
  let { toUs } = wish
  const stretches: Stretch[] = []
  let changeUs: number | undefined
  for await (const stretch of reader.stretches(wish, wish.fromUs, toUs)) {
    const first = stretches[0]
    const startUs = stretch.segment.utcUs(stretch.first)
    if (first === undefined) {
      // A wish may span a day without footage, and an hour with some is too much for one answer.
      const longest = wish.isKeysOnly ? longestPieceUs.keys : longestPieceUs.all
      toUs = Math.min(toUs, Math.max(wish.fromUs, startUs) + longest)
    }
    if (startUs >= toUs) break
    stretch.end = Math.min(stretch.end, stretch.segment.fragmentAt(toUs - 1) + 1)
    if (first !== undefined && !isSameMovie(first.segment, stretch.segment)) {
      changeUs = startUs
      break
    }
    stretches.push(stretch)
  }
  const last = stretches.at(-1)
  if (last === undefined) return whereNothingIs(reader, wish, toUs)
  const end = changeUs === undefined ? endPiece(last, toUs, wish.nowUs) : { nextUs: changeUs, isGrowing: false }
  return piece(reader, wish, stretches, end)
}

async function whereNothingIs(reader: FootageReader, wish: PlaybackWish, toUs: number): Promise<NoFootage> {
  for (const row of await reader.rows(wish, wish.fromUs - freshUs, toUs)) {
    const isFresh = toUs > wish.nowUs - freshUs && row.endUs > wish.nowUs - freshUs
    const segment = row.footerOffset === 0 ? await reader.open(row) : undefined
    const isOpen = segment !== undefined && !segment.content.isClosed
    if (isFresh || isOpen) return { nextUs: wish.fromUs, isGrowing: true }
  }
  return { nextUs: toUs, isGrowing: false }
}

/** Lets the last stretch end where a group of pictures does, if that is near. */
function endPiece(last: Stretch, toUs: number, nowUs: number): { nextUs: number; isGrowing: boolean } {
  const { segment } = last
  const entry = segment.entryFrom(last.end)
  if (entry < segment.fragments) {
    if (segment.utcUs(entry) > toUs + overrunUs) return { nextUs: toUs, isGrowing: false }
    last.end = entry
    return { nextUs: segment.utcUs(entry), isGrowing: false }
  }
  const { stopUs } = segment
  if (stopUs > toUs + overrunUs) return { nextUs: toUs, isGrowing: false }
  last.end = segment.fragments
  const isGrowing = !segment.content.isClosed || stopUs > nowUs - freshUs
  if (isGrowing) return { nextUs: Math.min(stopUs, toUs), isGrowing: stopUs < toUs }
  return { nextUs: Math.max(stopUs, toUs), isGrowing: false }
}

function isSameMovie(a: FootageSegment, b: FootageSegment): boolean {
  return Buffer.compare(a.content.movie, b.content.movie) === 0
}

function piece(
  reader: FootageReader,
  wish: PlaybackWish,
  stretches: Stretch[],
  end: { nextUs: number; isGrowing: boolean },
): PlaybackPiece {
  const { movie, tracks } = stretches[0]!.segment.content
  const isPlayable = ({ config }: MovieTrack) =>
    config?.codec === 'h264' ||
    config?.codec === 'h265' ||
    (config?.codec === 'aac' && wish.hasSound && !wish.isKeysOnly)
  const codecs = tracks.filter(isPlayable).map((track) => track.codecString)
  const video = tracks.find((track) => track.id === trackIds.video)?.config
  const epochUs = earliestEpoch(stretches[0]!, wish.epochUs)
  return {
    mimeType: codecs.length === 0 ? undefined : `video/mp4; codecs="${codecs.join(', ')}"`,
    videoCodec: video?.kind === 'video' ? video.codec : undefined,
    init: relabelForBrowser(movie, isPlayable),
    decoderInit: relabelForBrowser(movie, (track) => track.kind === 'video' || isPlayable(track)),
    epochUs,
    nextUs: end.nextUs,
    isGrowing: end.isGrowing,
    fragments: () =>
      wish.isKeysOnly ? keyFragments(reader, stretches, epochUs) : allFragments(reader, stretches, epochUs),
  }
}

function earliestEpoch({ segment, first }: Stretch, wantedUs: number): number {
  const starts = segment.table.tracks.map((track) => segment.trackUtcUs(track, first) ?? segment.utcUs(first))
  const earliestUs = Math.min(...starts)
  // A second to spare: sound of later fragments may begin a little before the picture.
  return wantedUs <= earliestUs ? wantedUs : Math.floor(earliestUs / 1000) * 1000 - 1_000_000
}

/** A track's decode time at its first sample in a fragment, in ticks since the epoch; undefined where it has none there. */
function ticksSince(epochUs: number, segment: FootageSegment, track: TrackTable, fragment: number): number | undefined {
  const utcUs = segment.trackUtcUs(track, fragment)
  return utcUs === undefined ? undefined : Math.max(0, Math.round(((utcUs - epochUs) * track.timescale) / 1e6))
}

async function* allFragments(
  reader: FootageReader,
  stretches: readonly Stretch[],
  epochUs: number,
): AsyncGenerator<Uint8Array> {
  for (const { segment, first, end } of stretches) {
    const file = await reader.openFile(segment)
    try {
      for (let from = first; from < end; ) {
        const to = windowEnd(segment, from, end)
        yield* readWindow(file, segment, from, to, epochUs)
        from = to
      }
    } finally {
      await file.close()
    }
  }
}

/** One past the last fragment that is read together with `from`. */
function windowEnd(segment: FootageSegment, from: number, end: number): number {
  const { fileOffsets, headBytes, dataBytes } = segment.table
  const start = fileOffsets.values[from]!
  let to = from + 1
  while (to < end && fileOffsets.values[to]! + headBytes.values[to]! + dataBytes.values[to]! - start <= windowBytes)
    to++
  return to
}

async function* readWindow(
  file: FootageFile,
  segment: FootageSegment,
  from: number,
  to: number,
  epochUs: number,
): AsyncGenerator<Uint8Array> {
  const { fileOffsets, headBytes, dataBytes } = segment.table
  const seed = crcSeed(uuidBytes(segment.content.head.segmentId))
  const start = fileOffsets.values[from]!
  const bytes = await file.read(
    fileOffsets.values[to - 1]! + headBytes.values[to - 1]! + dataBytes.values[to - 1]! - start,
    start,
  )
  for (let i = from; i < to; i++) {
    const at = fileOffsets.values[i]! - start
    const end = at + headBytes.values[i]! + dataBytes.values[i]!
    if (end > bytes.length) throw new Failure('corrupt', `read segment ${file.path}: it ends in fragment ${i}`)
    // What was damaged since is left out, as any other gap: a player would stop for good at a head that lies.
    if (parseFragmentHead(bytes, at, seed) === undefined) continue
    moveFragment(bytes, at + fragmentBoxBytes, segment, i, epochUs)
    yield bytes.subarray(at + fragmentBoxBytes, end)
  }
}

/** A last sample is stretched to the next fragment over gaps up to this. */
const longestBridgeSec = 1

/**
 * Moves a fragment's `moof` to the epoch, in place. The last sample of each track, whose duration was a guess, is made to
 * last until the next fragment begins, if that is near.
 */
function moveFragment(
  bytes: Uint8Array,
  moofAt: number,
  segment: FootageSegment,
  fragment: number,
  epochUs: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const moofEnd = moofAt + view.getUint32(moofAt)
  // The layout is FORMAT.md's, proved by the head's CRC: moof 8, mfhd 16; traf 8, tfhd 16, tfdt 20, trun.
  for (let at = moofAt + 24; at < moofEnd; ) {
    const trafBytes = view.getUint32(at)
    const track = segment.table.track(view.getUint32(at + 20))
    const ticks = track && ticksSince(epochUs, segment, track, fragment)
    if (track !== undefined && ticks !== undefined) {
      const shift = ticks - readU64(view, at + 36)
      writeU64(view, at + 36, ticks)
      const next = fragment + 1 < segment.fragments ? track.tfdtTicks.values[fragment + 1]! : -1
      if (next >= 0) {
        const nextTicks = ticksSince(epochUs, segment, track, fragment + 1)!
        const sampleBytes = (view.getUint32(at + 52) & 0x800) === 0 ? 8 : 12
        const lastAt = at + trafBytes - sampleBytes
        const first = segment.firstSample(track, fragment)
        let lastTicks = track.tfdtTicks.values[fragment]! + shift
        for (let i = first; i < segment.firstSample(track, fragment + 1) - 1; i++)
          lastTicks += track.durations.values[i]!
        const duration = nextTicks - lastTicks
        if (duration > 0 && duration <= longestBridgeSec * track.timescale) view.setUint32(lastAt, duration)
      }
    }
    at += trafBytes
  }
}

async function* keyFragments(
  reader: FootageReader,
  stretches: readonly Stretch[],
  epochUs: number,
): AsyncGenerator<Uint8Array> {
  let sequence = 0
  for (const { segment, first, end } of stretches) {
    const track = segment.video
    if (track === undefined) continue
    const file = await reader.openFile(segment)
    try {
      let fragment = segment.entryFrom(first)
      while (fragment < end) {
        const next = segment.entryFrom(fragment + 1)
        const untilUs = next < segment.fragments ? segment.utcUs(next) : segment.endUs(segment.fragments - 1)
        const { data, ctsTicks } = await readKeyframe(file, segment, track, fragment)
        const decodeTicks = ticksSince(epochUs, segment, track, fragment)!
        const endTicks = Math.round(((untilUs - epochUs) * track.timescale) / 1e6)
        const durationTicks = Math.max(1, endTicks - decodeTicks)
        yield makeFragment(++sequence, [
          { trackId: track.trackId, decodeTicks, samples: [{ durationTicks, ctsTicks, isKey: true, data }] },
        ])
        fragment = next
      }
    } finally {
      await file.close()
    }
  }
}

/** The keyframe that begins a fragment. */
export async function readKeyframe(
  file: FootageFile,
  segment: FootageSegment,
  track: TrackTable,
  fragment: number,
): Promise<{ data: Uint8Array; ctsTicks: number }> {
  const sample = segment.firstSample(track, fragment)
  const { offset } = segment.trackData(track, fragment)
  const data = await file.read(track.sizes.values[sample]!, offset)
  return { data, ctsTicks: track.hasOffsets ? track.offsets.values[sample]! : 0 }
}

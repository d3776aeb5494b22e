/** The movie box of a fragmented file: written for our own segments, read from anyone's, relabelled for browsers. */

import { Failure } from '../../../shared/failure.ts'
import { codecString, type TrackConfig } from '../track.ts'
import {
  type BoxRange,
  findBox,
  needBox,
  needBytes,
  readFourcc,
  readI32,
  readI64,
  readU32,
  readU64,
  scanBoxes,
} from './box-scanner.ts'
import {
  box,
  concat,
  deltaSampleFlags,
  dinf,
  edts,
  emptyStbl,
  ftyp,
  hdlr,
  keySampleFlags,
  mdhd,
  mediaInformationHeader,
  mvhd,
  stsd,
  tkhd,
  trex,
} from './boxes.ts'
import { mettEntry, type ParsedSampleEntry, parseSampleEntry, sampleEntry } from './sample-entry.ts'

/** A track of a fragmented movie to be written. */
export interface InitTrack {
  /** `track_ID`, from 1; fragments name it. */
  id: number
  config: TrackConfig
  /**
   * Composition offset of the first sample, in the track's ticks. Where it is not 0 (B-frames) an edit list begins the
   * presentation there, without which players start late by it.
   */
  startOffsetTicks?: number
}

/** The handler a track of each kind has. */
export const handlerOfKind = { video: 'vide', audio: 'soun', metadata: 'meta' } as const

/**
 * Builds an init segment: `ftyp` (iso6, compatible iso6 and mp41) and `moov`, its samples all in fragments to come.
 *
 * Every track has a `trex`: samples of H.264 and H.265 are no keyframes unless a fragment says so, all others are.
 */
export function initSegment(movie: { tracks: InitTrack[] }): Uint8Array {
  const nextTrackId = Math.max(0, ...movie.tracks.map((track) => track.id)) + 1
  return concat([
    ftyp('iso6', 0, ['iso6', 'mp41']),
    box(
      'moov',
      mvhd(0, nextTrackId),
      ...movie.tracks.map(initTrak),
      box(
        'mvex',
        ...movie.tracks.map(({ id, config }) => trex(id, hasDeltas(config) ? deltaSampleFlags : keySampleFlags)),
      ),
    ),
  ])
}

/** True for codecs in which a sample may depend on others. */
export function hasDeltas({ codec }: TrackConfig): boolean {
  return codec === 'h264' || codec === 'h265'
}

function initTrak({ id, config, startOffsetTicks = 0 }: InitTrack): Uint8Array {
  const handler = handlerOfKind[config.kind]
  const size = config.kind === 'video' ? config : { widthPx: 0, heightPx: 0 }
  return box(
    'trak',
    tkhd(id, 0, config.kind === 'audio', size.widthPx, size.heightPx),
    ...(startOffsetTicks === 0 ? [] : [edts([{ durationTicks: 0, mediaTimeTicks: startOffsetTicks }])]),
    box(
      'mdia',
      mdhd(config.timescale, 0),
      hdlr(handler),
      box('minf', mediaInformationHeader(handler), dinf(), emptyStbl([sampleEntry(config)])),
    ),
  )
}

/** A track as a `moov` describes it. */
export interface MovieTrack {
  id: number
  /** `other` is a handler we do not know: subtitles, hints. */
  kind: TrackConfig['kind'] | 'other'
  timescale: number
  /** In the track's ticks; 0 where all is in fragments. */
  durationTicks: number
  /** Each sample description, in order; `sample_description_index` counts from 1. */
  entries: ParsedSampleEntry[]
  /** Of the first entry; undefined where it is no codec we know. */
  config: TrackConfig | undefined
  /** RFC 6381 name of `config`; undefined without one. */
  codecString: string | undefined
  /** Composition time where the first edit that shows something begins, in the track's ticks. 0 without an edit list. */
  startOffsetTicks: number
  /** What fragments leave out (`trex`, ISO/IEC 14496-12 §8.8.3). */
  defaults: SampleDefaults
}

/** Values of samples that a fragment does not give. */
export interface SampleDefaults {
  durationTicks: number
  sizeBytes: number
  flags: number
}

/**
 * Reads the tracks of a `moov`, which `bytes` either is or holds at the top level, as an init segment does.
 *
 * Throws `corrupt` where there is none, or a box in it is damaged.
 */
export function parseMoov(bytes: Uint8Array): MovieTrack[] {
  const moov = needBox(bytes, ['moov'])
  const defaults = new Map<number, SampleDefaults>()
  const tracks: MovieTrack[] = []
  for (const child of scanBoxes(bytes, moov.bodyStart, moov.end)) {
    if (child.type === 'trak') {
      tracks.push(parseTrak(bytes, child))
    } else if (child.type === 'mvex') {
      for (const range of scanBoxes(bytes, child.bodyStart, child.end)) {
        if (range.type !== 'trex') continue
        const at = range.bodyStart
        needBytes(range, at, 24)
        defaults.set(readU32(bytes, at + 4), {
          durationTicks: readU32(bytes, at + 12),
          sizeBytes: readU32(bytes, at + 16),
          flags: readU32(bytes, at + 20),
        })
      }
    }
  }
  return tracks.map((track) => ({ ...track, defaults: defaults.get(track.id) ?? track.defaults }))
}

function parseTrak(bytes: Uint8Array, trak: BoxRange): MovieTrack {
  const id = readTrackId(bytes, trak)
  const mdhdBox = needBox(bytes, ['mdia', 'mdhd'], trak.bodyStart, trak.end)
  const isLong = isVersion1(bytes, mdhdBox)
  needBytes(mdhdBox, mdhdBox.bodyStart, isLong ? 32 : 20)
  const timescale = readU32(bytes, mdhdBox.bodyStart + (isLong ? 20 : 12))
  if (timescale === 0) throw new Failure('corrupt', `read track ${id}: timescale 0`)
  const durationTicks = isLong ? readU64(bytes, mdhdBox.bodyStart + 24) : readU32(bytes, mdhdBox.bodyStart + 16)
  const handler = readHandler(bytes, trak)
  const description = needBox(bytes, ['mdia', 'minf', 'stbl', 'stsd'], trak.bodyStart, trak.end)
  needBytes(description, description.bodyStart, 8)
  const entries = [...scanBoxes(bytes, description.bodyStart + 8, description.end)].map((range) =>
    parseSampleEntry(bytes, range, handler, timescale),
  )
  const config = entries[0]?.config
  return {
    id,
    kind: ({ vide: 'video', soun: 'audio', meta: 'metadata' } as const)[handler] ?? 'other',
    timescale,
    durationTicks,
    entries,
    config,
    codecString: config && codecString(config),
    startOffsetTicks: readStartOffset(bytes, trak),
    defaults: { durationTicks: 0, sizeBytes: 0, flags: 0 },
  }
}

function isVersion1(bytes: Uint8Array, range: BoxRange): boolean {
  needBytes(range, range.bodyStart, 4)
  return bytes[range.bodyStart] === 1
}

function readTrackId(bytes: Uint8Array, trak: BoxRange): number {
  const range = needBox(bytes, ['tkhd'], trak.bodyStart, trak.end)
  const offset = range.bodyStart + (isVersion1(bytes, range) ? 20 : 12)
  needBytes(range, offset, 4)
  return readU32(bytes, offset)
}

function readHandler(bytes: Uint8Array, trak: BoxRange): string {
  const range = needBox(bytes, ['mdia', 'hdlr'], trak.bodyStart, trak.end)
  needBytes(range, range.bodyStart, 12)
  return readFourcc(bytes, range.bodyStart + 8)
}

function readStartOffset(bytes: Uint8Array, trak: BoxRange): number {
  const range = findBox(bytes, ['edts', 'elst'], trak.bodyStart, trak.end)
  if (!range) return 0
  const isLong = isVersion1(bytes, range)
  needBytes(range, range.bodyStart, 8)
  const count = readU32(bytes, range.bodyStart + 4)
  for (let i = 0; i < count; i++) {
    const entry = range.bodyStart + 8 + i * (isLong ? 20 : 12)
    needBytes(range, entry, isLong ? 20 : 12)
    const mediaTimeTicks = isLong ? readI64(bytes, entry + 8) : readI32(bytes, entry + 4)
    if (mediaTimeTicks >= 0) return mediaTimeTicks
  }
  return 0
}

/** What an unplayable track is called in a relabelled movie. */
const hiddenMimeType = 'application/octet-stream'

/**
 * Gives `init` (a `moov`, or the init segment that holds one) with the tracks a browser cannot play turned into
 * metadata, which MSE ignores. Other boxes are kept as they are.
 *
 * Track ids stay, since a fragment whose track is missing from the `moov` makes MSE refuse the whole append; so
 * the file's own fragments can follow as they are.
 */
export function relabelForBrowser(init: Uint8Array, isPlayable: (track: MovieTrack) => boolean): Uint8Array {
  const hidden = new Set(
    parseMoov(init)
      .filter((track) => !isPlayable(track))
      .map((track) => track.id),
  )
  return concat(
    mapBoxes(init, 0, init.length, (range) => {
      if (range.type !== 'moov') return undefined
      return rebuild(init, range, (child) => {
        if (child.type !== 'trak' || !hidden.has(readTrackId(init, child))) return undefined
        return rebuild(init, child, (part) => (part.type === 'mdia' ? hideMedia(init, part) : undefined))
      })
    }),
  )
}

function hideMedia(bytes: Uint8Array, mdia: BoxRange): Uint8Array {
  const headers = new Set(['vmhd', 'smhd', 'nmhd', 'sthd', 'hmhd'])
  return rebuild(bytes, mdia, (range) => {
    if (range.type === 'hdlr') return hdlr('meta')
    if (range.type !== 'minf') return undefined
    return rebuild(bytes, range, (part) => {
      if (headers.has(part.type)) return mediaInformationHeader('meta')
      if (part.type !== 'stbl') return undefined
      return rebuild(bytes, part, (table) => (table.type === 'stsd' ? stsd([mettEntry(hiddenMimeType)]) : undefined))
    })
  })
}

/** A container rebuilt with some of its children replaced. */
function rebuild(bytes: Uint8Array, range: BoxRange, replace: (child: BoxRange) => Uint8Array | undefined): Uint8Array {
  return box(range.type, ...mapBoxes(bytes, range.bodyStart, range.end, replace))
}

function mapBoxes(
  bytes: Uint8Array,
  start: number,
  end: number,
  replace: (range: BoxRange) => Uint8Array | undefined,
): Uint8Array[] {
  return [...scanBoxes(bytes, start, end)].map((range) => replace(range) ?? bytes.subarray(range.start, range.end))
}

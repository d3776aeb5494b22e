/**
 * Writers of ISO base media boxes (ISO/IEC 14496-12:2015), one small function a box, each giving new bytes.
 *
 * They run once a segment or a request, so they are written to be read; what runs once a frame writes its own bytes.
 */

/** Ticks a second of `mvhd`, `tkhd` and `elst` in every movie we write: fine enough to place any frame. */
export const movieTimescale = 90_000

/** `sample_flags` (§8.8.3.1) of a sample where decoding can begin: depends on no other. */
export const keySampleFlags = 0x0200_0000
/** `sample_flags` of every other sample: depends on others, is no sync sample. */
export const deltaSampleFlags = 0x0101_0000

const max32 = 0xffff_ffff

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

export function u8(...values: number[]): Uint8Array {
  return Uint8Array.from(values)
}

/** 16 bits each, most significant byte first; the low bits of what does not fit. */
export function u16(...values: number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >> 8, value]))
}

/** 32 bits each, most significant byte first; negative numbers in two's complement. */
export function u32(...values: number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >>> 24, value >>> 16, value >>> 8, value]))
}

/** 64 bits each; whole numbers within ±2⁵³. */
export function u64(...values: number[]): Uint8Array {
  return u32(...values.flatMap((value) => [Math.floor(value / 2 ** 32), value % 2 ** 32]))
}

/** One byte a character: a fourcc, or a text of Latin-1. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/** A box: size, type, body (§4.2). */
export function box(type: string, ...body: Uint8Array[]): Uint8Array {
  const size = body.reduce((sum, part) => sum + part.length, 8)
  return concat([u32(size), ascii(type), ...body])
}

/** A box with version and flags (§4.2). */
export function fullBox(type: string, version: number, flags: number, ...body: Uint8Array[]): Uint8Array {
  return box(type, u32(version * 2 ** 24 + flags), ...body)
}

/** File type (§4.3). */
export function ftyp(majorBrand: string, minorVersion: number, compatibleBrands: string[]): Uint8Array {
  return box('ftyp', ascii(majorBrand), u32(minorVersion), ...compatibleBrands.map(ascii))
}

/** The transformation that changes nothing (§6.2.2). */
const unityMatrix = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)

/** Movie header (§8.2.2), in 64-bit form where the duration needs it. */
export function mvhd(durationTicks: number, nextTrackId: number): Uint8Array {
  const isLong = durationTicks > max32
  return fullBox(
    'mvhd',
    isLong ? 1 : 0,
    0,
    isLong ? u64(0, 0) : u32(0, 0), // creation_time, modification_time
    u32(movieTimescale),
    isLong ? u64(durationTicks) : u32(durationTicks),
    u32(0x10000), // rate 1
    u16(0x100, 0), // volume 1, reserved
    u32(0, 0), // reserved
    unityMatrix,
    u32(0, 0, 0, 0, 0, 0), // pre_defined
    u32(nextTrackId),
  )
}

/** Track header (§8.3.2) of an enabled track. Duration in `movieTimescale`; sizes 0 for what has no picture. */
export function tkhd(
  id: number,
  durationTicks: number,
  isAudio: boolean,
  widthPx: number,
  heightPx: number,
): Uint8Array {
  const isLong = durationTicks > max32
  return fullBox(
    'tkhd',
    isLong ? 1 : 0,
    3, // track_enabled, track_in_movie
    isLong ? u64(0, 0) : u32(0, 0), // creation_time, modification_time
    u32(id, 0), // track_ID, reserved
    isLong ? u64(durationTicks) : u32(durationTicks),
    u32(0, 0), // reserved
    u16(0, 0, isAudio ? 0x100 : 0, 0), // layer, alternate_group, volume, reserved
    unityMatrix,
    u32(widthPx * 65536, heightPx * 65536),
  )
}

/** One entry of an edit list. */
export interface Edit {
  /** How long it plays, in `movieTimescale`; 0, in a fragmented file: to the end. */
  durationTicks: number
  /** Composition time of the media that is shown first, in the track's ticks; −1 shows nothing. */
  mediaTimeTicks: number
}

/** Edit list in its container (§8.6.5, §8.6.6). */
export function edts(edits: Edit[]): Uint8Array {
  const isLong = edits.some((edit) => edit.durationTicks > max32 || edit.mediaTimeTicks > 0x7fff_ffff)
  const word = isLong ? u64 : u32
  const entries = edits.map(
    (edit) => concat([word(edit.durationTicks, edit.mediaTimeTicks), u16(1, 0)]), // media_rate 1
  )
  return box('edts', fullBox('elst', isLong ? 1 : 0, 0, u32(edits.length), ...entries))
}

/** Media header (§8.4.2); language undetermined. */
export function mdhd(timescale: number, durationTicks: number): Uint8Array {
  const isLong = durationTicks > max32
  return fullBox(
    'mdhd',
    isLong ? 1 : 0,
    0,
    isLong ? u64(0, 0) : u32(0, 0), // creation_time, modification_time
    u32(timescale),
    isLong ? u64(durationTicks) : u32(durationTicks),
    u16(0x55c4, 0), // "und", pre_defined
  )
}

/** Handler (§8.4.3), which says what kind of track this is. */
export function hdlr(handler: 'vide' | 'soun' | 'meta'): Uint8Array {
  const name = { vide: 'Video', soun: 'Sound', meta: 'Metadata' }[handler]
  return fullBox('hdlr', 0, 0, u32(0), ascii(handler), u32(0, 0, 0), ascii(`${name}\0`))
}

/** The media information header that goes with a handler (§8.4.5, §12.1.2, §12.2.2). */
export function mediaInformationHeader(handler: 'vide' | 'soun' | 'meta'): Uint8Array {
  if (handler === 'vide') return fullBox('vmhd', 0, 1, u16(0, 0, 0, 0)) // graphicsmode copy, opcolor
  if (handler === 'soun') return fullBox('smhd', 0, 0, u16(0, 0)) // balance
  return fullBox('nmhd', 0, 0)
}

/** Data information (§8.7.1, §8.7.2): the media is in this file. */
export function dinf(): Uint8Array {
  return box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1)))
}

/** Sample descriptions (§8.5.2), each a whole sample entry box. */
export function stsd(entries: Uint8Array[]): Uint8Array {
  return fullBox('stsd', 0, 0, u32(entries.length), ...entries)
}

/** The sample table of a movie whose samples are all in fragments: nothing but the descriptions. */
export function emptyStbl(entries: Uint8Array[]): Uint8Array {
  return box(
    'stbl',
    stsd(entries),
    fullBox('stts', 0, 0, u32(0)),
    fullBox('stsc', 0, 0, u32(0)),
    fullBox('stsz', 0, 0, u32(0, 0)),
    fullBox('stco', 0, 0, u32(0)),
  )
}

/** Track extends (§8.8.3): sample description 1, and `defaultFlags` where a fragment says nothing else. */
export function trex(trackId: number, defaultFlags: number): Uint8Array {
  return fullBox('trex', 0, 0, u32(trackId, 1, 0, 0, defaultFlags))
}

/** Movie fragment header (§8.8.5). */
export function mfhd(sequenceNumber: number): Uint8Array {
  return fullBox('mfhd', 0, 0, u32(sequenceNumber))
}

/** Track fragment header (§8.8.7) with no field but the track's id: data offsets count from the `moof`. */
export function tfhd(trackId: number): Uint8Array {
  return fullBox('tfhd', 0, 0x02_0000, u32(trackId))
}

/** Track fragment decode time (§8.8.12), always in 64 bits. */
export function tfdt(decodeTicks: number): Uint8Array {
  return fullBox('tfdt', 1, 0, u64(decodeTicks))
}

/** Sample entries: how a track's codec and its parameters are written in `stsd` (ISO/IEC 14496-12 §8.5.2). */

import { Failure } from '../../../shared/failure.ts'
import { parseAudioSpecificConfig } from '../aac.ts'
import { avcDecoderConfigurationRecord, parseAvcDecoderConfigurationRecord } from '../h264.ts'
import { hevcDecoderConfigurationRecord, parseHevcDecoderConfigurationRecord } from '../h265.ts'
import { metadataMimeType, type TrackConfig } from '../track.ts'
import { type BoxRange, findBox, needBytes, readU16, readU32 } from './box-scanner.ts'
import { ascii, box, concat, fullBox, u8, u16, u32 } from './boxes.ts'

/** objectTypeIndication (ISO/IEC 14496-1 table 5) of the streams we read from an `esds`. */
const esdsMpeg4Audio = 0x40
const esdsMpeg2Audio = [0x66, 0x67, 0x68]
const esdsJpeg = 0x6c

/** Builds the sample entry of a track: `avc1`, `hvc1`, `jpeg`, `mp4a`, `ulaw`, `alaw` or `mett`. */
export function sampleEntry(track: TrackConfig): Uint8Array {
  switch (track.codec) {
    case 'h264':
      return visualEntry('avc1', track, box('avcC', avcDecoderConfigurationRecord([track.sps], track.pps)))
    case 'h265':
      return visualEntry(
        'hvc1',
        track,
        box('hvcC', hevcDecoderConfigurationRecord([track.vps], [track.sps], track.pps)),
      )
    case 'mjpeg':
      return visualEntry('jpeg', track)
    case 'aac':
      return audioEntry('mp4a', track, esds(track.config))
    case 'pcmu':
      return audioEntry('ulaw', track)
    case 'pcma':
      return audioEntry('alaw', track)
    case 'onvif-metadata':
      return mettEntry(metadataMimeType)
  }
}

/** SampleEntry: six reserved bytes and data_reference_index 1. */
const entryHead = u16(0, 0, 0, 1)

/** VisualSampleEntry (§12.1.3). */
function visualEntry(type: string, size: { widthPx: number; heightPx: number }, ...children: Uint8Array[]): Uint8Array {
  return box(
    type,
    entryHead,
    u32(0, 0, 0, 0), // pre_defined, reserved
    u16(size.widthPx, size.heightPx),
    u32(0x48_0000, 0x48_0000, 0), // 72 dpi each way, reserved
    u16(1), // frame_count
    new Uint8Array(32), // compressorname
    u16(0x18, 0xffff), // depth, pre_defined
    ...children,
  )
}

/** AudioSampleEntry (§12.2.3). */
function audioEntry(
  type: string,
  audio: { channels: number; sampleRateHz: number },
  ...children: Uint8Array[]
): Uint8Array {
  return box(
    type,
    entryHead,
    u32(0, 0), // reserved
    u16(audio.channels, 16), // samplesize
    u32(0), // pre_defined, reserved
    u32(audio.sampleRateHz <= 0xffff ? audio.sampleRateHz * 65536 : 0), // 16.16; 0: see the codec's own
    ...children,
  )
}

/** TextMetaDataSampleEntry (§12.3.3): documents of `mimeType`, not compressed. */
export function mettEntry(mimeType: string): Uint8Array {
  return box('mett', entryHead, ascii('\0'), ascii(`${mimeType}\0`)) // content_encoding, mime_format
}

/** Elementary stream descriptor of AAC (ISO/IEC 14496-14 §5.6, ISO/IEC 14496-1 §7.2.6.5). */
function esds(config: Uint8Array): Uint8Array {
  const decoderConfig = descriptor(
    0x04,
    u8(
      esdsMpeg4Audio,
      0x15, // streamType 5 (audio), upStream 0, reserved 1
      0, // bufferSizeDB, unknown
      0,
      0,
    ),
    u32(0, 0), // maxBitrate, avgBitrate, unknown
    descriptor(0x05, config),
  )
  const slConfig = descriptor(0x06, u8(2)) // predefined: MP4 file
  return fullBox('esds', 0, 0, descriptor(0x03, u16(0), u8(0), decoderConfig, slConfig)) // ES_ID, flags
}

/** A descriptor with its size in the 4-byte form (ISO/IEC 14496-1 §8.3.3). */
function descriptor(tag: number, ...body: Uint8Array[]): Uint8Array {
  const bytes = concat(body)
  const size = bytes.length
  return concat([
    u8(tag, 0x80 | (size >> 21), 0x80 | ((size >> 14) & 0x7f), 0x80 | ((size >> 7) & 0x7f), size & 0x7f),
    bytes,
  ])
}

/** A sample entry as it was read. */
export interface ParsedSampleEntry {
  /** Its four characters: `avc1`. */
  format: string
  /** Undefined where it is none of the codecs we know, or its parameters are missing. */
  config: TrackConfig | undefined
  /** Bytes of the length before each NAL unit; 4 in everything we write. */
  nalLengthSize: number
  /** Picture size as the entry gives it; 0 for what has none. */
  widthPx: number
  heightPx: number
}

/**
 * Reads the sample entry that lies at `range` in `bytes`; `timescale` is the track's. Parameter sets are copied out.
 *
 * Takes other writers' forms too: `avc3`, `hev1`, and JPEG as `mjpg` or `mp4v`. Throws `corrupt` where a box does not fit
 * or a parameter set cannot be read.
 */
export function parseSampleEntry(
  bytes: Uint8Array,
  range: BoxRange,
  handler: string,
  timescale: number,
): ParsedSampleEntry {
  if (handler === 'vide') return parseVisualEntry(bytes, range, timescale)
  if (handler === 'soun') return parseAudioEntry(bytes, range, timescale)
  const parsed = unknownEntry(range.type)
  if (range.type === 'mett') {
    needBytes(range, range.bodyStart, 8)
    const [, mimeType] = readStrings(bytes.subarray(range.bodyStart + 8, range.end))
    if (mimeType === metadataMimeType) parsed.config = { kind: 'metadata', codec: 'onvif-metadata', timescale }
  }
  return parsed
}

function unknownEntry(format: string): ParsedSampleEntry {
  return { format, config: undefined, nalLengthSize: 4, widthPx: 0, heightPx: 0 }
}

function parseVisualEntry(bytes: Uint8Array, range: BoxRange, timescale: number): ParsedSampleEntry {
  const at = range.bodyStart
  needBytes(range, at, 78)
  const widthPx = readU16(bytes, at + 24)
  const heightPx = readU16(bytes, at + 26)
  const parsed: ParsedSampleEntry = { ...unknownEntry(range.type), widthPx, heightPx }
  const child = (type: string): Uint8Array | undefined => {
    const found = findBox(bytes, [type], at + 78, range.end)
    return found && new Uint8Array(bytes.subarray(found.bodyStart, found.end))
  }
  const picture = { kind: 'video' as const, timescale, widthPx, heightPx }
  if (range.type === 'avc1' || range.type === 'avc3') {
    const record = child('avcC')
    if (!record) return parsed
    const { sps, pps, lengthSize } = parseAvcDecoderConfigurationRecord(record)
    parsed.nalLengthSize = lengthSize
    if (sps[0]) parsed.config = { ...picture, codec: 'h264', sps: sps[0], pps }
  } else if (range.type === 'hvc1' || range.type === 'hev1') {
    const record = child('hvcC')
    if (!record) return parsed
    const { vps, sps, pps, lengthSize } = parseHevcDecoderConfigurationRecord(record)
    parsed.nalLengthSize = lengthSize
    if (vps[0] && sps[0]) parsed.config = { ...picture, codec: 'h265', vps: vps[0], sps: sps[0], pps }
  } else if (range.type === 'jpeg' || range.type === 'mjpg' || range.type === 'mjpa') {
    parsed.config = { ...picture, codec: 'mjpeg' }
  } else if (range.type === 'mp4v') {
    const body = child('esds')
    if (body && parseEsds(body).objectType === esdsJpeg) parsed.config = { ...picture, codec: 'mjpeg' }
  }
  return parsed
}

function parseAudioEntry(bytes: Uint8Array, range: BoxRange, timescale: number): ParsedSampleEntry {
  const at = range.bodyStart
  needBytes(range, at, 28)
  const parsed = unknownEntry(range.type)
  const channels = readU16(bytes, at + 16)
  const sampleRateHz = readU32(bytes, at + 24) >>> 16
  const sound = { kind: 'audio' as const, timescale, sampleRateHz, channels }
  if (range.type === 'ulaw') parsed.config = { ...sound, codec: 'pcmu' }
  if (range.type === 'alaw') parsed.config = { ...sound, codec: 'pcma' }
  if (range.type !== 'mp4a') return parsed
  // QuickTime's version 1 of the entry has four more fields before its boxes.
  const childrenAt = at + 28 + (readU16(bytes, at + 8) === 1 ? 16 : 0)
  if (childrenAt > range.end) throw new Failure('corrupt', 'read box "mp4a": too short')
  const found = findBox(bytes, ['esds'], childrenAt, range.end)
  if (!found) return parsed
  const { objectType, specificInfo } = parseEsds(new Uint8Array(bytes.subarray(found.bodyStart, found.end)))
  if (specificInfo && (objectType === esdsMpeg4Audio || esdsMpeg2Audio.includes(objectType))) {
    const info = parseAudioSpecificConfig(specificInfo)
    parsed.config = {
      ...sound,
      codec: 'aac',
      config: specificInfo,
      sampleRateHz: info.sampleRateHz,
      channels: info.channels || channels,
    }
  }
  return parsed
}

/** Reads the body of an `esds`: objectTypeIndication and DecoderSpecificInfo (ISO/IEC 14496-1 §7.2.6.5, §7.2.6.6). */
function parseEsds(body: Uint8Array): { objectType: number; specificInfo: Uint8Array | undefined } {
  const es = readDescriptor(body, 4, 0x03)
  if (es.length < 3) throw new Failure('corrupt', 'read esds: ES descriptor is too short')
  const flags = es[2]!
  let offset = 3
  if (flags & 0x80) offset += 2 // dependsOn_ES_ID
  if (flags & 0x40) offset += 1 + (es[offset] ?? 0) // URL
  if (flags & 0x20) offset += 2 // OCR_ES_ID
  const decoderConfig = readDescriptor(es, offset, 0x04)
  if (decoderConfig.length < 13) throw new Failure('corrupt', 'read esds: decoder configuration is too short')
  const objectType = decoderConfig[0]!
  return {
    objectType,
    specificInfo: decoderConfig.length > 13 ? readDescriptor(decoderConfig, 13, 0x05) : undefined,
  }
}

/** The body of the descriptor at `offset`, which must have this tag. */
function readDescriptor(bytes: Uint8Array, offset: number, tag: number): Uint8Array {
  if (bytes[offset] !== tag)
    throw new Failure('corrupt', `read esds: tag ${bytes[offset]} at byte ${offset}, not ${tag}`)
  let size = 0
  let at = offset + 1
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at++]
    if (byte === undefined) throw new Failure('corrupt', 'read esds: ends in the size of a descriptor')
    size = size * 128 + (byte & 0x7f)
    if ((byte & 0x80) === 0) break
  }
  if (at + size > bytes.length) {
    throw new Failure('corrupt', `read esds: descriptor of ${size} bytes, ${bytes.length - at} are left`)
  }
  return bytes.subarray(at, at + size)
}

/** The null-terminated strings in `bytes`. */
function readStrings(bytes: Uint8Array): string[] {
  return String.fromCharCode(...bytes.subarray(0, 1024)).split('\0')
}

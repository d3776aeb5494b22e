/** What a track is, whatever carries it: the words that sources, recorder, live view and movies share. */

import { aacCodecString } from './aac.ts'
import { avcCodecString } from './h264.ts'
import { hevcCodecString } from './h265.ts'

export type VideoCodec = 'h264' | 'h265' | 'mjpeg'
export type AudioCodec = 'aac' | 'pcmu' | 'pcma'
export type MetadataCodec = 'onvif-metadata'
export type Codec = VideoCodec | AudioCodec | MetadataCodec

/** H.264 video. Samples are NAL units, each after its 4-byte length (ISO/IEC 14496-15 §5). */
export interface H264Track {
  kind: 'video'
  codec: 'h264'
  /** Ticks a second of every time in this track: 90000 for what came over RTP. */
  timescale: number
  /** Picture size in pixels, cropped as the SPS asks. */
  widthPx: number
  heightPx: number
  /** The sequence parameter set: one NAL unit with its header, without start code. */
  sps: Uint8Array
  /** Every picture parameter set in use, likewise. */
  pps: Uint8Array[]
}

/** H.265 video. Samples as for H.264. */
export interface H265Track {
  kind: 'video'
  codec: 'h265'
  timescale: number
  widthPx: number
  heightPx: number
  vps: Uint8Array
  sps: Uint8Array
  pps: Uint8Array[]
}

/** Motion JPEG. A sample is one whole JPEG file. */
export interface MjpegTrack {
  kind: 'video'
  codec: 'mjpeg'
  timescale: number
  widthPx: number
  heightPx: number
}

/** MPEG-4 AAC. A sample is one raw access unit, without ADTS header. */
export interface AacTrack {
  kind: 'audio'
  codec: 'aac'
  timescale: number
  /** AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1), two bytes or more. */
  config: Uint8Array
  sampleRateHz: number
  channels: number
}

/** G.711, mu-law or A-law. A sample is a packet of any length, one byte a tick and channel. */
export interface G711Track {
  kind: 'audio'
  codec: 'pcmu' | 'pcma'
  timescale: number
  sampleRateHz: number
  channels: number
}

/** ONVIF metadata. A sample is one XML document (ONVIF Streaming Specification §5.1.2.1.1). */
export interface MetadataTrack {
  kind: 'metadata'
  codec: 'onvif-metadata'
  timescale: number
}

export type VideoTrack = H264Track | H265Track | MjpegTrack
export type AudioTrack = AacTrack | G711Track
export type TrackConfig = VideoTrack | AudioTrack | MetadataTrack

/** One coded frame, one packet of audio or one document of metadata. */
export interface Sample {
  /** Decode time from the start of the run, in ticks of the track's clock. Never decreases. */
  dtsTicks: number
  /** Composition time minus decode time, in the same ticks, ≥ 0; not 0 where a stream has B-frames. */
  ctsTicks: number
  /** True where decoding can begin: an IDR or IRAP picture; every sample of what is not H.264 or H.265. */
  isKey: boolean
  /** The bytes, laid out as the track's codec says above. Shared: never written to. */
  data: Uint8Array
}

/** The ONVIF metadata stream's media type, as SDP and the `mett` sample entry name it. */
export const metadataMimeType = 'application/vnd.onvif.metadata'

/**
 * Names a track's codec as the `codecs` parameter of RFC 6381 does, which is what a browser's MSE is asked about:
 * `avc1.640028`, `hvc1.1.6.L93.B0`, `mp4a.40.2`; for the rest the sample entry's name, which no browser accepts.
 */
export function codecString(track: TrackConfig): string {
  switch (track.codec) {
    case 'h264':
      return avcCodecString(track.sps)
    case 'h265':
      return hevcCodecString(track.sps)
    case 'mjpeg':
      return 'jpeg'
    case 'aac':
      return aacCodecString(track.config)
    case 'pcmu':
      return 'ulaw'
    case 'pcma':
      return 'alaw'
    case 'onvif-metadata':
      return 'mett'
  }
}

/** Tells whether samples of `a` and `b` can follow each other under one sample entry. */
export function sameConfig(a: TrackConfig, b: TrackConfig): boolean {
  if (a.codec !== b.codec || a.timescale !== b.timescale) return false
  if (a.kind === 'video' && b.kind === 'video' && (a.widthPx !== b.widthPx || a.heightPx !== b.heightPx)) return false
  if (a.kind === 'audio' && b.kind === 'audio' && (a.sampleRateHz !== b.sampleRateHz || a.channels !== b.channels)) {
    return false
  }
  if (a.codec === 'h264' && b.codec === 'h264') return sameBytes(a.sps, b.sps) && sameLists(a.pps, b.pps)
  if (a.codec === 'h265' && b.codec === 'h265') {
    return sameBytes(a.vps, b.vps) && sameBytes(a.sps, b.sps) && sameLists(a.pps, b.pps)
  }
  if (a.codec === 'aac' && b.codec === 'aac') return sameBytes(a.config, b.config)
  return true
}

function sameLists(a: Uint8Array[], b: Uint8Array[]): boolean {
  return a.length === b.length && a.every((bytes, i) => sameBytes(bytes, b[i]!))
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

// What an SDP says of a track, as a source offers it.
import { parseAudioSpecificConfig } from '../media/aac.ts'
import { parseH264Sps } from '../media/h264.ts'
import { parseH265Sps } from '../media/h265.ts'
import type { SdpTrack } from '../media/rtsp/sdp.ts'
import type { TrackConfig } from '../media/track.ts'
import type { SourceTrack } from './source.ts'

/** The track as it is known before its first packet, or undefined where its codec is none of ours. */
export function sourceTrackFromSdp(track: SdpTrack): SourceTrack | undefined {
  const config = configFromSdp(track)
  if (config === undefined) return undefined
  const { payloadType, aac, frameRateHz } = track
  return { config, clockHz: track.clockRateHz, rtp: { payloadType, aac, frameRateHz } }
}

const nothing = new Uint8Array(0)

function configFromSdp(track: SdpTrack): TrackConfig | undefined {
  const timescale = track.clockRateHz
  const { vps, sps, pps } = track.parameterSets
  switch (track.codec) {
    case 'h264': {
      const set = sps[0] ?? nothing
      return { kind: 'video', codec: 'h264', timescale, ...pictureSize(set, parseH264Sps), sps: set, pps }
    }
    case 'h265': {
      const set = sps[0] ?? nothing
      const size = pictureSize(set, parseH265Sps)
      return { kind: 'video', codec: 'h265', timescale, ...size, vps: vps[0] ?? nothing, sps: set, pps }
    }
    case 'mjpeg':
      return { kind: 'video', codec: 'mjpeg', timescale, widthPx: 0, heightPx: 0 }
    case 'aac': {
      const config = track.aac?.config ?? nothing
      const { sampleRateHz, channels } = parseAudioSpecificConfig(config)
      return { kind: 'audio', codec: 'aac', timescale, config, sampleRateHz, channels: channels || track.channels }
    }
    case 'pcmu':
    case 'pcma':
      return { kind: 'audio', codec: track.codec, timescale, sampleRateHz: timescale, channels: track.channels }
    case 'onvif-metadata':
      return { kind: 'metadata', codec: 'onvif-metadata', timescale }
    case 'unsupported':
      return undefined
  }
}

/** The size that a parameter set tells; 0 × 0 where there is none or it is damaged: the one in band will tell. */
function pictureSize(
  sps: Uint8Array,
  parse: (nal: Uint8Array) => { widthPx: number; heightPx: number },
): { widthPx: number; heightPx: number } {
  try {
    const { widthPx, heightPx } = parse(sps)
    return { widthPx, heightPx }
  } catch {
    return { widthPx: 0, heightPx: 0 }
  }
}

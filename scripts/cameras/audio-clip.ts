// Packs AAC as RFC 3640 (AAC-hbr) and G.711 as RFC 3551.
import type { AudioRecipe } from './clip-recipe.ts'
import { FramePacker, type RtpClip, type RtpFrame } from './rtp-clip.ts'

const AAC_PAYLOAD_TYPE = 97
const AAC_SAMPLE_RATE = 16_000
const AAC_FRAME_SAMPLES = 1024
const G711_SAMPLE_RATE = 8000
const G711_PACKET_SAMPLES = 160 // 20 ms

/** The sound as RTP, a frame a packet. */
export function packAudio(recipe: AudioRecipe, raw: Buffer): RtpClip {
  const isAac = recipe.codec === 'aac'
  const frameTicks = isAac ? AAC_FRAME_SAMPLES : G711_PACKET_SAMPLES
  const clockRate = isAac ? AAC_SAMPLE_RATE : G711_SAMPLE_RATE
  const count = Math.max(1, Math.floor((recipe.seconds * clockRate) / frameTicks))
  return {
    media: 'audio',
    payloadType: isAac ? AAC_PAYLOAD_TYPE : recipe.codec === 'pcmu' ? 0 : 8,
    clockRate,
    rtpmap: isAac ? `MPEG4-GENERIC/${clockRate}/1` : `${recipe.codec.toUpperCase()}/${clockRate}`,
    // AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1): AAC LC, 16 kHz (index 8), mono.
    fmtp: isAac
      ? 'streamtype=5;profile-level-id=15;mode=AAC-hbr;config=1408;sizelength=13;indexlength=3;indexdeltalength=3'
      : undefined,
    frameTicks,
    // A packet is sent when its last sample was taken, and stamped with the time of its first.
    leadTicks: -frameTicks,
    frames: isAac ? packAac(raw, count) : packG711(raw, count, recipe.codec === 'pcmu' ? 0 : 8),
    widthPx: 0,
    heightPx: 0,
  }
}

/** Takes frames out of ADTS (ISO/IEC 13818-7 6.2); the encoder's first one is priming and left out. */
function packAac(adts: Buffer, count: number): RtpFrame[] {
  const frames: RtpFrame[] = []
  let at = 0
  while (at + 7 <= adts.length && frames.length <= count) {
    const sizeBytes = ((adts[at + 3]! & 3) << 11) | (adts[at + 4]! << 3) | (adts[at + 5]! >> 5)
    const headBytes = adts[at + 1]! & 1 ? 7 : 9
    const frame = adts.subarray(at + headBytes, at + sizeBytes)
    const packer = new FramePacker(AAC_PAYLOAD_TYPE)
    // AU-headers-length in bits, then one header: 13 bits of size, 3 of index (RFC 3640 3.2.1, 3.3.6).
    packer.add([Buffer.from([0, 16, frame.length >> 5, (frame.length << 3) & 0xff]), frame], true)
    frames.push(packer.finish(true))
    at += sizeBytes
  }
  return frames.slice(1)
}

function packG711(samples: Buffer, count: number, payloadType: number): RtpFrame[] {
  return Array.from({ length: count }, (_, i) => {
    const packer = new FramePacker(payloadType)
    // The marker bit says that a talkspurt begins (RFC 3551 4.1): here sound never pauses.
    packer.add([samples.subarray(i * G711_PACKET_SAMPLES, (i + 1) * G711_PACKET_SAMPLES)], false)
    return packer.finish(true)
  })
}

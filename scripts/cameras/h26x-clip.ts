// Packs H.264 (RFC 6184, packetization mode 1) and H.265 (RFC 7798).
import type { RawVideo } from './clip-cache.ts'
import { buildFrameSei } from './frame-sei.ts'
import { FramePacker, RTP_PAYLOAD_BYTES, type RtpClip, type RtpFrame } from './rtp-clip.ts'

const PAYLOAD_TYPE = 96
const CLOCK_RATE = 90_000

/** H.264 NAL unit types (ITU-T H.264 table 7-1). */
const H264 = { idr: 5, sei: 6, sps: 7, pps: 8, aud: 9 }
/** H.265 NAL unit types (ITU-T H.265 table 7-1). */
const H265 = { firstIrap: 16, lastIrap: 23, vps: 32, sps: 33, pps: 34, aud: 35, prefixSei: 39, suffixSei: 40 }

/** The clip as RTP; every frame carries the mark of `frame-sei.ts` before its first slice. */
export function packH26x(raw: RawVideo): RtpClip {
  const codec = raw.recipe.codec === 'h265' ? 'h265' : 'h264'
  const frameTicks = CLOCK_RATE / raw.recipe.fps
  let leadFrames = 0
  const frames = raw.frames.map((accessUnit, i) => {
    const ahead = raw.displayIndexes[i]! - i
    leadFrames = Math.max(leadFrames, ahead)
    return packFrame(codec, splitNals(accessUnit), ahead * frameTicks)
  })
  const firstNals = splitNals(raw.frames[0]!)
  return {
    media: 'video',
    payloadType: PAYLOAD_TYPE,
    clockRate: CLOCK_RATE,
    rtpmap: `${codec.toUpperCase()}/${CLOCK_RATE}`,
    fmtp: codec === 'h264' ? h264Fmtp(firstNals) : h265Fmtp(firstNals),
    frameTicks,
    leadTicks: leadFrames * frameTicks,
    frames,
    widthPx: raw.recipe.widthPx,
    heightPx: raw.recipe.heightPx,
  }
}

function typeOf(codec: 'h264' | 'h265', nal: Buffer): number {
  return codec === 'h264' ? nal[0]! & 0x1f : (nal[0]! >> 1) & 0x3f
}

function packFrame(codec: 'h264' | 'h265', nals: Buffer[], ptsOffsetTicks: number): RtpFrame {
  const packer = new FramePacker(PAYLOAD_TYPE)
  const sei = buildFrameSei(codec)
  let isKey = false
  let markOffset = -1
  const isDropped = (type: number) =>
    codec === 'h264'
      ? type === H264.sei || type === H264.aud
      : type === H265.aud || type === H265.prefixSei || type === H265.suffixSei
  const kept = nals.filter((nal) => !isDropped(typeOf(codec, nal)))
  kept.forEach((nal, i) => {
    const type = typeOf(codec, nal)
    const isSlice = codec === 'h264' ? type <= H264.idr : type < H265.vps
    if (isSlice && markOffset < 0) markOffset = packer.add([sei.nal], false) + sei.markOffset
    isKey ||= codec === 'h264' ? type === H264.idr : type >= H265.firstIrap && type <= H265.lastIrap
    addNal(packer, codec, nal, i === kept.length - 1)
  })
  return packer.finish(isKey, ptsOffsetTicks, markOffset)
}

/** One packet, or fragments: FU-A (RFC 6184 5.8), FU (RFC 7798 4.4.3). */
function addNal(packer: FramePacker, codec: 'h264' | 'h265', nal: Buffer, isLast: boolean): void {
  if (nal.length <= RTP_PAYLOAD_BYTES) {
    packer.add([nal], isLast)
    return
  }
  const headBytes = codec === 'h264' ? 1 : 2
  const type = typeOf(codec, nal)
  const indicator = codec === 'h264' ? [(nal[0]! & 0xe0) | 28] : [(nal[0]! & 0x81) | (49 << 1), nal[1]!]
  const pieceBytes = RTP_PAYLOAD_BYTES - headBytes - 1
  for (let at = headBytes; at < nal.length; at += pieceBytes) {
    const isStart = at === headBytes
    const isEnd = at + pieceBytes >= nal.length
    const fuHeader = (isStart ? 0x80 : 0) | (isEnd ? 0x40 : 0) | type
    packer.add([Buffer.from([...indicator, fuHeader]), nal.subarray(at, at + pieceBytes)], isLast && isEnd)
  }
}

/** NAL units between the start codes of Annex B, without the zero bytes that trail them. */
function splitNals(accessUnit: Buffer): Buffer[] {
  const nals: Buffer[] = []
  const startCode = Buffer.from([0, 0, 1])
  let start = accessUnit.indexOf(startCode)
  while (start >= 0) {
    const next = accessUnit.indexOf(startCode, start + 3)
    let end = next < 0 ? accessUnit.length : next
    while (end > start + 3 && accessUnit[end - 1] === 0) end--
    nals.push(accessUnit.subarray(start + 3, end))
    start = next
  }
  return nals
}

function h264Fmtp(nals: Buffer[]): string {
  const sps = nals.find((nal) => typeOf('h264', nal) === H264.sps)!
  const pps = nals.find((nal) => typeOf('h264', nal) === H264.pps)!
  const profile = sps.subarray(1, 4).toString('hex').toUpperCase()
  const sets = `${sps.toString('base64')},${pps.toString('base64')}`
  return `packetization-mode=1;profile-level-id=${profile};sprop-parameter-sets=${sets}`
}

function h265Fmtp(nals: Buffer[]): string {
  const set = (type: number) => nals.find((nal) => typeOf('h265', nal) === type)!.toString('base64')
  return `sprop-vps=${set(H265.vps)};sprop-sps=${set(H265.sps)};sprop-pps=${set(H265.pps)}`
}

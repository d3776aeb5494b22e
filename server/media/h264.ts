/** H.264: what a NAL unit is, what a sequence parameter set says, and the `avcC` record. */

import { Failure } from '../../shared/failure.ts'
import { BitReader, removeEmulationPrevention } from './bits.ts'

/** nal_unit_type (ITU-T H.264 table 7-1), those that matter here. */
export const h264Nal = {
  slice: 1,
  partitionA: 2,
  idr: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  aud: 9,
  endOfSequence: 10,
  endOfStream: 11,
  filler: 12,
} as const

/** nal_unit_type of a NAL unit that begins with `firstByte`. */
export function h264NalType(firstByte: number): number {
  return firstByte & 0x1f
}

/** True for NAL units that carry picture (VCL): types 1 to 5. */
export function isH264Vcl(nalType: number): boolean {
  return nalType >= 1 && nalType <= 5
}

/** What a sequence parameter set says (ITU-T H.264 §7.3.2.1.1, Annex E). */
export interface H264Sps {
  profile: number
  /** constraint_set0_flag to constraint_set5_flag and two zeros, as they lie in the byte. */
  constraints: number
  /** level_idc: 10 times the level, so 31 is level 3.1. */
  level: number
  id: number
  /** 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  chromaFormat: number
  bitDepthLuma: number
  bitDepthChroma: number
  /** 2 means that output order is decoding order: no B-frames are reordered. */
  picOrderCntType: number
  maxNumRefFrames: number
  /** Picture size in pixels after cropping. */
  widthPx: number
  heightPx: number
  isInterlaced: boolean
  /** Frames a second by the VUI's timing; undefined where it has none. Cameras often lie here. */
  frameRateHz: number | undefined
  /** Whether the VUI promises a constant frame rate. */
  isFixedFrameRate: boolean
  /**
   * How many frames may come before another in decoding order and after it in output: 0 means no B-frames.
   * Undefined where the VUI has no bitstream_restriction and neither profile nor order type settles it.
   */
  maxReorderFrames: number | undefined
}

/** Profiles whose SPS carries chroma format, bit depths and scaling matrices (§7.3.2.1.1). */
const highProfiles = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])

/** Reads an SPS NAL unit (header included, without start code). Throws `corrupt` where it is none or too short. */
export function parseH264Sps(nal: Uint8Array): H264Sps {
  if (nal.length < 4 || h264NalType(nal[0]!) !== h264Nal.sps)
    throw new Failure('corrupt', 'read H.264 SPS: no SPS NAL unit')
  const r = new BitReader(removeEmulationPrevention(nal), 'H.264 SPS')
  r.skip(8)
  const profile = r.bits(8)
  const constraints = r.bits(8)
  const level = r.bits(8)
  const id = r.ue()
  if (id > 31) throw new Failure('corrupt', `read H.264 SPS: id ${id} is above 31`)
  let chromaFormat = 1
  let bitDepthLuma = 8
  let bitDepthChroma = 8
  let separatePlanes = false
  if (highProfiles.has(profile)) {
    chromaFormat = r.ue()
    if (chromaFormat > 3) throw new Failure('corrupt', `read H.264 SPS: chroma format ${chromaFormat} is above 3`)
    if (chromaFormat === 3) separatePlanes = r.flag()
    bitDepthLuma = 8 + r.ue()
    bitDepthChroma = 8 + r.ue()
    r.skip(1) // qpprime_y_zero_transform_bypass_flag
    if (r.flag()) skipScalingLists(r, chromaFormat === 3 ? 12 : 8)
  }
  r.ue() // log2_max_frame_num_minus4
  const picOrderCntType = r.ue()
  if (picOrderCntType === 0) {
    r.ue() // log2_max_pic_order_cnt_lsb_minus4
  } else if (picOrderCntType === 1) {
    r.skip(1) // delta_pic_order_always_zero_flag
    r.se() // offset_for_non_ref_pic
    r.se() // offset_for_top_to_bottom_field
    const cycle = r.ue()
    if (cycle > 255) throw new Failure('corrupt', `read H.264 SPS: picture order cycle of ${cycle} is above 255`)
    for (let i = 0; i < cycle; i++) r.se() // offset_for_ref_frame
  }
  const maxNumRefFrames = r.ue()
  r.skip(1) // gaps_in_frame_num_value_allowed_flag
  const widthMbs = r.ue() + 1
  const heightMapUnits = r.ue() + 1
  const frameMbsOnly = r.flag()
  if (!frameMbsOnly) r.skip(1) // mb_adaptive_frame_field_flag
  r.skip(1) // direct_8x8_inference_flag
  const crop = { left: 0, right: 0, top: 0, bottom: 0 }
  if (r.flag()) {
    crop.left = r.ue()
    crop.right = r.ue()
    crop.top = r.ue()
    crop.bottom = r.ue()
  }
  const fieldFactor = frameMbsOnly ? 1 : 2
  // CropUnitX and CropUnitY, equations 7-19 to 7-22; planes coded apart count as monochrome.
  const chromaArray = separatePlanes ? 0 : chromaFormat
  const cropX = chromaArray === 1 || chromaArray === 2 ? 2 : 1
  const cropY = (chromaArray === 1 ? 2 : 1) * fieldFactor
  const widthPx = widthMbs * 16 - cropX * (crop.left + crop.right)
  const heightPx = heightMapUnits * 16 * fieldFactor - cropY * (crop.top + crop.bottom)
  if (widthPx < 1 || heightPx < 1 || widthPx > 65535 || heightPx > 65535) {
    throw new Failure('corrupt', `read H.264 SPS: picture of ${widthPx} × ${heightPx}`)
  }
  const vui = r.flag() ? parseVui(r) : undefined
  return {
    profile,
    constraints,
    level,
    id,
    chromaFormat,
    bitDepthLuma,
    bitDepthChroma,
    picOrderCntType,
    maxNumRefFrames,
    widthPx,
    heightPx,
    isInterlaced: !frameMbsOnly,
    frameRateHz: vui?.frameRateHz,
    isFixedFrameRate: vui?.isFixedFrameRate ?? false,
    maxReorderFrames: vui?.maxReorderFrames ?? (picOrderCntType === 2 || profile === 66 ? 0 : undefined),
  }
}

/** scaling_list() §7.3.2.1.1.1: only its length in bits is of interest. */
function skipScalingLists(r: BitReader, count: number): void {
  for (let list = 0; list < count; list++) {
    if (!r.flag()) continue
    const size = list < 6 ? 16 : 64
    let last = 8
    for (let i = 0; i < size; i++) {
      const next = (((last + r.se()) % 256) + 256) % 256
      if (next === 0) break
      last = next
    }
  }
}

interface Vui {
  frameRateHz: number | undefined
  isFixedFrameRate: boolean
  maxReorderFrames: number | undefined
}

/** vui_parameters() §E.1.1. A VUI that ends early, as some cameras send, says what it said until then. */
function parseVui(r: BitReader): Vui {
  const vui: Vui = { frameRateHz: undefined, isFixedFrameRate: false, maxReorderFrames: undefined }
  try {
    if (r.flag() && r.bits(8) === 255) r.skip(32) // aspect_ratio_idc Extended_SAR: sar_width, sar_height
    if (r.flag()) r.skip(1) // overscan_appropriate_flag
    if (r.flag()) {
      r.skip(4) // video_format, video_full_range_flag
      if (r.flag()) r.skip(24) // colour description
    }
    if (r.flag()) {
      r.ue() // chroma_sample_loc_type_top_field
      r.ue() // chroma_sample_loc_type_bottom_field
    }
    if (r.flag()) {
      const unitsInTick = r.bits(32)
      const timeScale = r.bits(32)
      vui.isFixedFrameRate = r.flag()
      // A tick is a field: §E.2.1, semantics of time_scale.
      if (unitsInTick > 0 && timeScale > 0) vui.frameRateHz = timeScale / unitsInTick / 2
    }
    const nalHrd = r.flag()
    if (nalHrd) skipHrd(r)
    const vclHrd = r.flag()
    if (vclHrd) skipHrd(r)
    if (nalHrd || vclHrd) r.skip(1) // low_delay_hrd_flag
    r.skip(1) // pic_struct_present_flag
    if (r.flag()) {
      r.skip(1) // motion_vectors_over_pic_boundaries_flag
      r.ue() // max_bytes_per_pic_denom
      r.ue() // max_bits_per_mb_denom
      r.ue() // log2_max_mv_length_horizontal
      r.ue() // log2_max_mv_length_vertical
      const reorder = r.ue()
      if (reorder <= 16) vui.maxReorderFrames = reorder
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
  }
  return vui
}

/** hrd_parameters() §E.1.2. */
function skipHrd(r: BitReader): void {
  const count = r.ue() + 1
  if (count > 32) throw new Failure('corrupt', `read H.264 SPS: ${count} coded picture buffers`)
  r.skip(8) // bit_rate_scale, cpb_size_scale
  for (let i = 0; i < count; i++) {
    r.ue() // bit_rate_value_minus1
    r.ue() // cpb_size_value_minus1
    r.skip(1) // cbr_flag
  }
  r.skip(20) // four lengths of 5 bits
}

/** `avc1.PPCCLL`: profile, constraints and level in hexadecimal (RFC 6381 §3.3). Throws where the SPS is too short. */
export function avcCodecString(sps: Uint8Array): string {
  if (sps.length < 4) throw new Failure('corrupt', `read H.264 SPS: ${sps.length} bytes`)
  return `avc1.${[sps[1]!, sps[2]!, sps[3]!].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** What an `avcC` record says (ISO/IEC 14496-15 §5.3.3.1). */
export interface AvcConfig {
  sps: Uint8Array[]
  pps: Uint8Array[]
  /** Bytes of the length before each NAL unit of a sample: 1, 2 or 4. */
  lengthSize: number
}

/** Builds an AVCDecoderConfigurationRecord for samples with 4-byte lengths. Needs one SPS at least. */
export function avcDecoderConfigurationRecord(sps: Uint8Array[], pps: Uint8Array[]): Uint8Array {
  const first = sps[0]
  if (!first || first.length < 4) throw new Failure('corrupt', 'write avcC: no SPS')
  if (sps.length > 31 || pps.length > 255) throw new Failure('corrupt', 'write avcC: too many parameter sets')
  const out: number[] = [
    1, // configurationVersion
    first[1]!, // AVCProfileIndication
    first[2]!, // profile_compatibility
    first[3]!, // AVCLevelIndication
    0xff, // reserved 6 bits, lengthSizeMinusOne 3
    0xe0 | sps.length, // reserved 3 bits, numOfSequenceParameterSets
  ]
  for (const nal of sps) out.push(nal.length >> 8, nal.length & 0xff, ...nal)
  out.push(pps.length)
  for (const nal of pps) out.push(nal.length >> 8, nal.length & 0xff, ...nal)
  if (highProfiles.has(first[1]!)) {
    const { chromaFormat, bitDepthLuma, bitDepthChroma } = parseH264Sps(first)
    out.push(
      0xfc | chromaFormat, // reserved 6 bits, chroma_format
      0xf8 | (bitDepthLuma - 8), // reserved 5 bits, bit_depth_luma_minus8
      0xf8 | (bitDepthChroma - 8), // reserved 5 bits, bit_depth_chroma_minus8
      0, // numOfSequenceParameterSetExt
    )
  }
  return Uint8Array.from(out)
}

/** Reads an `avcC` record; the parameter sets are views into it. Throws `corrupt` where it is cut or not version 1. */
export function parseAvcDecoderConfigurationRecord(record: Uint8Array): AvcConfig {
  const r = new BitReader(record, 'avcC')
  const version = r.bits(8)
  if (version !== 1) throw new Failure('corrupt', `read avcC: version ${version}`)
  r.skip(24 + 6) // profile, compatibility, level; reserved
  const lengthSize = r.bits(2) + 1
  r.skip(3)
  const readSets = (count: number): Uint8Array[] =>
    Array.from({ length: count }, () => {
      const length = r.bits(16)
      const start = r.position / 8
      r.skip(length * 8)
      return record.subarray(start, start + length)
    })
  const sps = readSets(r.bits(5))
  const pps = readSets(r.bits(8))
  return { sps, pps, lengthSize }
}

/** H.265: what a NAL unit is, what a sequence parameter set says, and the `hvcC` record. */

import { Failure } from '../../shared/failure.ts'
import { BitReader, removeEmulationPrevention } from './bits.ts'

/** nal_unit_type (ITU-T H.265 table 7-1), those that matter here. */
export const h265Nal = {
  idrWithRadl: 19,
  idrNoLeading: 20,
  cra: 21,
  vps: 32,
  sps: 33,
  pps: 34,
  aud: 35,
  filler: 38,
  prefixSei: 39,
  suffixSei: 40,
} as const

/** nal_unit_type of a NAL unit that begins with `firstByte`. */
export function h265NalType(firstByte: number): number {
  return (firstByte >> 1) & 0x3f
}

/** True for NAL units that carry picture (VCL): types 0 to 31. */
export function isH265Vcl(nalType: number): boolean {
  return nalType < 32
}

/** True for pictures where decoding can begin (IRAP: BLA, IDR, CRA), types 16 to 23. */
export function isH265Irap(nalType: number): boolean {
  return nalType >= 16 && nalType <= 23
}

/** What a sequence parameter set says (ITU-T H.265 §7.3.2.2, Annex E). */
export interface H265Sps {
  /** profile_tier_level() without sub-layers, as it lies in the SPS: 12 bytes, the last one the level. */
  profileTierLevel: Uint8Array
  /** general_profile_idc. */
  profile: number
  isHighTier: boolean
  /** general_level_idc: 30 times the level, so 93 is level 3.1. */
  level: number
  maxSubLayers: number
  isTemporalIdNested: boolean
  id: number
  /** 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  chromaFormat: number
  bitDepthLuma: number
  bitDepthChroma: number
  /** Picture size in pixels within the conformance window. */
  widthPx: number
  heightPx: number
  /** sps_max_num_reorder_pics of the highest sub-layer: 0 means no B-frames are reordered. */
  maxReorderFrames: number
  /** Frames a second by the VUI's timing; undefined where it has none. */
  frameRateHz: number | undefined
}

/** Reads an SPS NAL unit (2-byte header included, without start code). Throws `corrupt` where it is none or too short. */
export function parseH265Sps(nal: Uint8Array): H265Sps {
  if (nal.length < 4 || h265NalType(nal[0]!) !== h265Nal.sps) {
    throw new Failure('corrupt', 'read H.265 SPS: no SPS NAL unit')
  }
  const clean = removeEmulationPrevention(nal)
  const r = new BitReader(clean, 'H.265 SPS')
  r.skip(16 + 4) // header, sps_video_parameter_set_id
  const maxSubLayers = r.bits(3) + 1
  const isTemporalIdNested = r.flag()
  const profileTierLevel = new Uint8Array(clean.subarray(3, 15))
  skipProfileTierLevel(r, maxSubLayers)
  const id = r.ue()
  if (id > 15) throw new Failure('corrupt', `read H.265 SPS: id ${id} is above 15`)
  const chromaFormat = r.ue()
  if (chromaFormat > 3) throw new Failure('corrupt', `read H.265 SPS: chroma format ${chromaFormat} is above 3`)
  if (chromaFormat === 3) r.skip(1) // separate_colour_plane_flag
  const codedWidth = r.ue()
  const codedHeight = r.ue()
  let widthPx = codedWidth
  let heightPx = codedHeight
  if (r.flag()) {
    // conf_win_*_offset count chroma samples: SubWidthC and SubHeightC of table 6-1.
    const unitX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1
    const unitY = chromaFormat === 1 ? 2 : 1
    widthPx -= unitX * (r.ue() + r.ue())
    heightPx -= unitY * (r.ue() + r.ue())
  }
  if (widthPx < 1 || heightPx < 1 || widthPx > 65535 || heightPx > 65535) {
    throw new Failure('corrupt', `read H.265 SPS: picture of ${widthPx} × ${heightPx}`)
  }
  const bitDepthLuma = 8 + r.ue()
  const bitDepthChroma = 8 + r.ue()
  if (bitDepthLuma > 16 || bitDepthChroma > 16) {
    throw new Failure('corrupt', `read H.265 SPS: ${bitDepthLuma} and ${bitDepthChroma} bits a sample`)
  }
  const log2MaxPocLsb = r.ue() + 4
  const hasAllSubLayers = r.flag() // sps_sub_layer_ordering_info_present_flag
  let maxReorderFrames = 0
  for (let i = hasAllSubLayers ? 0 : maxSubLayers - 1; i < maxSubLayers; i++) {
    r.ue() // sps_max_dec_pic_buffering_minus1
    maxReorderFrames = r.ue()
    r.ue() // sps_max_latency_increase_plus1
  }
  return {
    profileTierLevel,
    profile: profileTierLevel[0]! & 0x1f,
    isHighTier: (profileTierLevel[0]! & 0x20) !== 0,
    level: profileTierLevel[11]!,
    maxSubLayers,
    isTemporalIdNested,
    id,
    chromaFormat,
    bitDepthLuma,
    bitDepthChroma,
    widthPx,
    heightPx,
    maxReorderFrames,
    frameRateHz: parseFrameRate(r, log2MaxPocLsb),
  }
}

/** profile_tier_level( 1, maxSubLayers − 1 ) §7.3.3. */
function skipProfileTierLevel(r: BitReader, maxSubLayers: number): void {
  r.skip(96)
  if (maxSubLayers === 1) return
  const present: { profile: boolean; level: boolean }[] = []
  for (let i = 1; i < maxSubLayers; i++) present.push({ profile: r.flag(), level: r.flag() })
  for (let i = maxSubLayers - 1; i < 8; i++) r.skip(2) // reserved_zero_2bits
  for (const { profile, level } of present) r.skip((profile ? 88 : 0) + (level ? 8 : 0))
}

/** Reads on from after the sub-layer ordering to the VUI's timing. What is cut short has no frame rate. */
function parseFrameRate(r: BitReader, log2MaxPocLsb: number): number | undefined {
  try {
    for (let i = 0; i < 6; i++) r.ue() // coding block, transform block and hierarchy sizes
    if (r.flag() && r.flag()) skipScalingListData(r)
    r.skip(2) // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if (r.flag()) {
      r.skip(8) // pcm sample bit depths
      r.ue() // log2_min_pcm_luma_coding_block_size_minus3
      r.ue() // log2_diff_max_min_pcm_luma_coding_block_size
      r.skip(1) // pcm_loop_filter_disabled_flag
    }
    skipReferencePictureSets(r)
    if (r.flag()) {
      const count = r.ue() // num_long_term_ref_pics_sps
      if (count > 32) return undefined
      r.skip(count * (log2MaxPocLsb + 1))
    }
    r.skip(2) // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    return r.flag() ? parseVuiFrameRate(r) : undefined
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return undefined
  }
}

/** scaling_list_data() §7.3.4. */
function skipScalingListData(r: BitReader): void {
  for (let size = 0; size < 4; size++) {
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (!r.flag()) {
        r.ue() // scaling_list_pred_matrix_id_delta
        continue
      }
      if (size > 1) r.se() // scaling_list_dc_coef_minus8
      const count = Math.min(64, 1 << (4 + (size << 1)))
      for (let i = 0; i < count; i++) r.se()
    }
  }
}

/** num_short_term_ref_pic_sets and each st_ref_pic_set( i ) §7.3.7, whose length depends on the sets before it. */
function skipReferencePictureSets(r: BitReader): void {
  const sets = r.ue()
  if (sets > 64) throw new Failure('corrupt', `read H.265 SPS: ${sets} reference picture sets`)
  let deltaPocs = 0 // NumDeltaPocs of the set before
  for (let set = 0; set < sets; set++) {
    if (set > 0 && r.flag()) {
      // inter_ref_pic_set_prediction_flag; delta_idx_minus1 is read only in slice headers
      r.skip(1) // delta_rps_sign
      r.ue() // abs_delta_rps_minus1
      let kept = 0
      for (let i = 0; i <= deltaPocs; i++) {
        const isUsed = r.flag() // used_by_curr_pic_flag
        if (isUsed || r.flag()) kept++ // use_delta_flag
      }
      deltaPocs = kept
    } else {
      const pictures = r.ue() + r.ue() // num_negative_pics, num_positive_pics
      if (pictures > 32) throw new Failure('corrupt', `read H.265 SPS: ${pictures} reference pictures`)
      for (let i = 0; i < pictures; i++) {
        r.ue() // delta_poc_minus1
        r.skip(1) // used_by_curr_pic_flag
      }
      deltaPocs = pictures
    }
  }
}

/** vui_parameters() §E.2.1 up to the timing. */
function parseVuiFrameRate(r: BitReader): number | undefined {
  if (r.flag() && r.bits(8) === 255) r.skip(32) // aspect_ratio_idc EXTENDED_SAR: sar_width, sar_height
  if (r.flag()) r.skip(1) // overscan_appropriate_flag
  if (r.flag()) {
    r.skip(4) // video_format, video_full_range_flag
    if (r.flag()) r.skip(24) // colour description
  }
  if (r.flag()) {
    r.ue() // chroma_sample_loc_type_top_field
    r.ue() // chroma_sample_loc_type_bottom_field
  }
  r.skip(3) // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
  if (r.flag()) for (let i = 0; i < 4; i++) r.ue() // default display window
  if (!r.flag()) return undefined
  const unitsInTick = r.bits(32)
  const timeScale = r.bits(32)
  return unitsInTick > 0 && timeScale > 0 ? timeScale / unitsInTick : undefined
}

/**
 * `hvc1.P.C.TL.…` (ISO/IEC 14496-15 §E.3): profile space and idc, compatibility flags in reverse bit order, tier and
 * level, then the constraint bytes up to the last that is not 0.
 */
export function hevcCodecString(sps: Uint8Array): string {
  const { profileTierLevel: ptl } = parseH265Sps(sps)
  const space = ['', 'A', 'B', 'C'][ptl[0]! >> 6]!
  let compatibility = 0
  for (let i = 0; i < 32; i++) {
    if ((ptl[1 + (i >> 3)]! >> (7 - (i & 7))) & 1) compatibility += 2 ** i
  }
  let constraints = [...ptl.subarray(5, 11)]
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints = constraints.slice(0, -1)
  const tier = ptl[0]! & 0x20 ? 'H' : 'L'
  return [
    'hvc1',
    `${space}${ptl[0]! & 0x1f}`,
    compatibility.toString(16).toUpperCase(),
    `${tier}${ptl[11]}`,
    ...constraints.map((byte) => byte.toString(16).toUpperCase()),
  ].join('.')
}

/** What an `hvcC` record says (ISO/IEC 14496-15 §8.3.3.1). */
export interface HevcConfig {
  vps: Uint8Array[]
  sps: Uint8Array[]
  pps: Uint8Array[]
  /** Bytes of the length before each NAL unit of a sample: 1, 2 or 4. */
  lengthSize: number
}

/** Builds an HEVCDecoderConfigurationRecord for samples with 4-byte lengths. Needs one SPS at least. */
export function hevcDecoderConfigurationRecord(vps: Uint8Array[], sps: Uint8Array[], pps: Uint8Array[]): Uint8Array {
  const first = sps[0]
  if (!first) throw new Failure('corrupt', 'write hvcC: no SPS')
  const info = parseH265Sps(first)
  const arrays: [number, Uint8Array[]][] = [
    [h265Nal.vps, vps],
    [h265Nal.sps, sps],
    [h265Nal.pps, pps],
  ]
  const out: number[] = [
    1, // configurationVersion
    ...info.profileTierLevel, // profile space, tier, profile, compatibility, constraints, level
    0xf0, // reserved 4 bits, min_spatial_segmentation_idc 0: unknown
    0x00,
    0xfc, // reserved 6 bits, parallelismType 0: unknown
    0xfc | info.chromaFormat, // reserved 6 bits, chroma_format_idc
    0xf8 | (info.bitDepthLuma - 8), // reserved 5 bits, bit_depth_luma_minus8
    0xf8 | (info.bitDepthChroma - 8), // reserved 5 bits, bit_depth_chroma_minus8
    0, // avgFrameRate: unknown
    0,
    (info.maxSubLayers << 3) | (info.isTemporalIdNested ? 4 : 0) | 3, // constantFrameRate 0, lengthSizeMinusOne 3
    arrays.length, // numOfArrays
  ]
  for (const [type, nals] of arrays) {
    out.push(0x80 | type) // array_completeness 1: `hvc1` keeps parameter sets out of the samples
    out.push(nals.length >> 8, nals.length & 0xff)
    for (const nal of nals) out.push(nal.length >> 8, nal.length & 0xff, ...nal)
  }
  return Uint8Array.from(out)
}

/** Reads an `hvcC` record; the parameter sets are views into it. Throws `corrupt` where it is cut or not version 1. */
export function parseHevcDecoderConfigurationRecord(record: Uint8Array): HevcConfig {
  const r = new BitReader(record, 'hvcC')
  const version = r.bits(8)
  // Version 0 was written by early muxers; its fields are the same.
  if (version > 1) throw new Failure('corrupt', `read hvcC: version ${version}`)
  r.skip(8 * 20)
  r.skip(6)
  const config: HevcConfig = { vps: [], sps: [], pps: [], lengthSize: r.bits(2) + 1 }
  const arrays = r.bits(8)
  for (let i = 0; i < arrays; i++) {
    const type = r.bits(8) & 0x3f
    const count = r.bits(16)
    for (let j = 0; j < count; j++) {
      const length = r.bits(16)
      const start = r.position / 8
      r.skip(length * 8)
      const nal = record.subarray(start, start + length)
      if (type === h265Nal.vps) config.vps.push(nal)
      else if (type === h265Nal.sps) config.sps.push(nal)
      else if (type === h265Nal.pps) config.pps.push(nal)
    }
  }
  return config
}

import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  h265NalType,
  hevcCodecString,
  hevcDecoderConfigurationRecord,
  isH265Irap,
  isH265Vcl,
  parseH265Sps,
  parseHevcDecoderConfigurationRecord,
} from '../../../server/media/h265.ts'
import { parseMoov } from '../../../server/media/mp4/movie.ts'
import { Failure } from '../../../shared/failure.ts'
import { BitWriter } from './bit-writer.ts'
import { ffprobe, pictureClip, TempFolder } from './ffmpeg.ts'

/** general_profile_space to general_level_idc: Main, main tier, level 3.1, as in ISO/IEC 14496-15 §E.3's example. */
function profileTierLevel(w: BitWriter): BitWriter {
  return w
    .u(2, 0) // general_profile_space
    .u(1, 0) // general_tier_flag
    .u(5, 1) // general_profile_idc
    .u(32, 0x60000000) // general_profile_compatibility_flag[ 1 ] and [ 2 ]
    .u(8, 0xb0) // progressive, non-packed and frame-only constraints
    .u(32, 0) // the rest of the constraints
    .u(8, 0)
    .u(8, 93) // general_level_idc
}

/** 1920 × 1080 with two sub-layers, reference picture sets of both kinds, scaling lists and a VUI. */
const fullSps = (() => {
  const w = new BitWriter()
    .u(16, 0x4201) // forbidden_zero_bit, nal_unit_type 33, nuh_layer_id 0, nuh_temporal_id_plus1 1
    .u(4, 0) // sps_video_parameter_set_id
    .u(3, 1) // sps_max_sub_layers_minus1
    .u(1, 1) // sps_temporal_id_nesting_flag
  profileTierLevel(w)
    .u(1, 1) // sub_layer_profile_present_flag[ 0 ]
    .u(1, 1) // sub_layer_level_present_flag[ 0 ]
    .u(14, 0) // reserved_zero_2bits, seven times
    .u(32, 0x01600000) // sub-layer profile
    .u(32, 0)
    .u(24, 0)
    .u(8, 90) // sub_layer_level_idc[ 0 ]
    .ue(0) // sps_seq_parameter_set_id
    .ue(1) // chroma_format_idc
    .ue(1920) // pic_width_in_luma_samples
    .ue(1088) // pic_height_in_luma_samples
    .u(1, 1) // conformance_window_flag
    .ue(0) // conf_win_left_offset
    .ue(0) // conf_win_right_offset
    .ue(0) // conf_win_top_offset
    .ue(4) // conf_win_bottom_offset
    .ue(2) // bit_depth_luma_minus8
    .ue(2) // bit_depth_chroma_minus8
    .ue(4) // log2_max_pic_order_cnt_lsb_minus4
    .u(1, 1) // sps_sub_layer_ordering_info_present_flag
  for (const reorder of [1, 2]) w.ue(4).ue(reorder).ue(0) // buffering, sps_max_num_reorder_pics, latency
  for (const value of [0, 3, 0, 3, 0, 0]) w.ue(value) // block sizes and depths
  w.u(1, 1) // scaling_list_enabled_flag
    .u(1, 1) // sps_scaling_list_data_present_flag
  for (let size = 0; size < 4; size++) {
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (matrix > 0) {
        w.u(1, 0).ue(1) // scaling_list_pred_mode_flag, scaling_list_pred_matrix_id_delta
        continue
      }
      w.u(1, 1) // scaling_list_pred_mode_flag
      if (size > 1) w.se(0) // scaling_list_dc_coef_minus8
      for (let i = 0; i < Math.min(64, 1 << (4 + size * 2)); i++) w.se(i % 3) // scaling_list_delta_coef
    }
  }
  w.u(2, 3) // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    .u(1, 1) // pcm_enabled_flag
    .u(8, 0x77) // pcm bit depths
    .ue(0) // log2_min_pcm_luma_coding_block_size_minus3
    .ue(1) // log2_diff_max_min_pcm_luma_coding_block_size
    .u(1, 0) // pcm_loop_filter_disabled_flag
    .ue(2) // num_short_term_ref_pic_sets
    .ue(2) // set 0: num_negative_pics
    .ue(1) // num_positive_pics
  for (let i = 0; i < 3; i++) w.ue(i).u(1, 1) // delta_poc_minus1, used_by_curr_pic_flag
  w.u(1, 1) // set 1: inter_ref_pic_set_prediction_flag
    .u(1, 0) // delta_rps_sign
    .ue(0) // abs_delta_rps_minus1
  for (const used of [1, 0, 1, 1]) {
    w.u(1, used) // used_by_curr_pic_flag
    if (!used) w.u(1, 0) // use_delta_flag
  }
  w.u(1, 1) // long_term_ref_pics_present_flag
    .ue(1) // num_long_term_ref_pics_sps
    .u(8, 3) // lt_ref_pic_poc_lsb_sps
    .u(1, 1) // used_by_curr_pic_lt_sps_flag
    .u(2, 3) // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    .u(1, 1) // vui_parameters_present_flag
    .u(1, 0) // aspect_ratio_info_present_flag
    .u(1, 0) // overscan_info_present_flag
    .u(1, 1) // video_signal_type_present_flag
    .u(4, 0b1010) // video_format, video_full_range_flag
    .u(1, 1) // colour_description_present_flag
    .u(24, 0x010101)
    .u(1, 0) // chroma_loc_info_present_flag
    .u(3, 0) // neutral chroma, field_seq, frame_field_info
    .u(1, 1) // default_display_window_flag
    .ue(0)
    .ue(0)
    .ue(0)
    .ue(0)
    .u(1, 1) // vui_timing_info_present_flag
    .u(32, 1) // vui_num_units_in_tick
    .u(32, 15) // vui_time_scale
    .u(1, 0) // vui_poc_proportional_to_timing_flag
    .u(1, 0) // vui_hrd_parameters_present_flag
    .u(1, 0) // bitstream_restriction_flag
    .u(1, 0) // sps_extension_present_flag
  return w.trail().nal()
})()

const vps = Uint8Array.of(0x40, 1, 0x0c, 1)
const pps = Uint8Array.of(0x44, 1, 0xc1, 0x72)

describe('H.265 parameter sets', () => {
  it('says profile, size, depth, reordering and frame rate of a full SPS', () => {
    assert.deepEqual(parseH265Sps(fullSps), {
      profileTierLevel: Uint8Array.of(1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93),
      profile: 1,
      isHighTier: false,
      level: 93,
      maxSubLayers: 2,
      isTemporalIdNested: true,
      id: 0,
      chromaFormat: 1,
      bitDepthLuma: 10,
      bitDepthChroma: 10,
      widthPx: 1920,
      heightPx: 1080,
      maxReorderFrames: 2,
      frameRateHz: 15,
    })
  })

  it('names the codec as ISO/IEC 14496-15 §E.3 does', () => {
    assert.equal(hevcCodecString(fullSps), 'hvc1.1.6.L93.B0')
  })

  it('knows pictures, and those where decoding can begin', () => {
    assert.equal(h265NalType(0x42), 33)
    assert.deepEqual([1, 15, 16, 19, 21, 23, 24, 32].map(isH265Irap), [
      false,
      false,
      true,
      true,
      true,
      true,
      false,
      false,
    ])
    assert.deepEqual([0, 21, 31, 32, 39].map(isH265Vcl), [true, true, true, false, false])
  })

  it('refuses what is no SPS or is cut, and never throws anything else', () => {
    assert.throws(() => parseH265Sps(pps), /no SPS NAL unit/)
    assert.throws(() => parseH265Sps(fullSps.subarray(0, 20)), Failure)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        try {
          parseH265Sps(Uint8Array.of(0x42, 1, ...bytes))
        } catch (error) {
          assert.ok(error instanceof Failure)
        }
      }),
    )
  })

  it('writes hvcC as ISO/IEC 14496-15 §8.3.3.1 lists it', () => {
    const record = hevcDecoderConfigurationRecord([vps], [fullSps], [pps])

    assert.deepEqual(
      [...record],
      [
        1, // configurationVersion
        1, // general_profile_space, general_tier_flag, general_profile_idc
        ...[0x60, 0, 0, 0], // general_profile_compatibility_flags
        ...[0xb0, 0, 0, 0, 0, 0], // general_constraint_indicator_flags
        93, // general_level_idc
        ...[0xf0, 0], // reserved, min_spatial_segmentation_idc
        0xfc, // reserved, parallelismType
        0xfd, // reserved, chroma_format_idc
        0xfa, // reserved, bit_depth_luma_minus8
        0xfa, // reserved, bit_depth_chroma_minus8
        ...[0, 0], // avgFrameRate
        0b00_010_1_11, // constantFrameRate, numTemporalLayers, temporalIdNested, lengthSizeMinusOne
        3, // numOfArrays
        0xa0, // array_completeness, NAL_unit_type 32
        ...[0, 1], // numNalus
        ...[0, vps.length],
        ...vps,
        0xa1, // array_completeness, NAL_unit_type 33
        ...[0, 1],
        ...[0, fullSps.length],
        ...fullSps,
        0xa2, // array_completeness, NAL_unit_type 34
        ...[0, 1],
        ...[0, pps.length],
        ...pps,
      ],
    )
    assert.deepEqual(parseHevcDecoderConfigurationRecord(record), {
      vps: [vps],
      sps: [fullSps],
      pps: [pps],
      lengthSize: 4,
    })
  })

  it('refuses a damaged hvcC', () => {
    const record = hevcDecoderConfigurationRecord([vps], [fullSps], [pps, pps])
    for (let length = 0; length < record.length; length++) {
      assert.throws(() => parseHevcDecoderConfigurationRecord(record.subarray(0, length)), Failure)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          parseHevcDecoderConfigurationRecord(bytes)
        } catch (error) {
          assert.ok(error instanceof Failure)
        }
      }),
    )
  })

  it('agrees with ffprobe on what x265 wrote', () => {
    const folder = new TempFolder()
    try {
      const clip = pictureClip(
        '-c:v',
        'libx265',
        '-x265-params',
        'log-level=error:bframes=3:keyint=25',
        '-tag:v',
        'hvc1',
      )
      const stream = ffprobe(folder.file('clip.mp4', clip), '-show_streams').streams[0]!

      const config = parseMoov(clip)[0]!.config

      assert.ok(config?.codec === 'h265')
      const sps = parseH265Sps(config.sps)
      assert.deepEqual([sps.widthPx, sps.heightPx, sps.level], [stream['width'], stream['height'], stream['level']])
      assert.equal(`${sps.frameRateHz}/1`, stream['r_frame_rate'])
      assert.equal(sps.maxReorderFrames, stream['has_b_frames'])
      assert.equal(hevcCodecString(config.sps), `hvc1.1.6.L${sps.level}.90`)
    } finally {
      folder.remove()
    }
  })
})

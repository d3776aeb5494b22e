import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  avcCodecString,
  avcDecoderConfigurationRecord,
  h264NalType,
  isH264Vcl,
  parseAvcDecoderConfigurationRecord,
  parseH264Sps,
} from '../../../server/media/h264.ts'
import { parseMoov } from '../../../server/media/mp4/movie.ts'
import { Failure } from '../../../shared/failure.ts'
import { BitWriter } from './bit-writer.ts'
import { ffprobe, pictureClip, TempFolder } from './ffmpeg.ts'

/** 1920 × 1080 High profile at 25 frames a second, as a camera would send it. */
function highSps(vui: (w: BitWriter) => void): Uint8Array {
  const w = new BitWriter()
    .u(8, 0x67) // forbidden_zero_bit, nal_ref_idc 3, nal_unit_type 7
    .u(8, 100) // profile_idc
    .u(8, 0) // constraint flags, reserved_zero_2bits
    .u(8, 40) // level_idc
    .ue(0) // seq_parameter_set_id
    .ue(1) // chroma_format_idc
    .ue(0) // bit_depth_luma_minus8
    .ue(0) // bit_depth_chroma_minus8
    .u(1, 0) // qpprime_y_zero_transform_bypass_flag
    .u(1, 1) // seq_scaling_matrix_present_flag
    .u(1, 1) // seq_scaling_list_present_flag[ 0 ]
  for (let i = 0; i < 16; i++) w.se(i === 0 ? 2 : 0) // delta_scale
  w.u(1, 1) // seq_scaling_list_present_flag[ 1 ]
    .se(-8) // delta_scale, which ends the list
    .u(6, 0) // seq_scaling_list_present_flag[ 2 ] to [ 7 ]
    .ue(0) // log2_max_frame_num_minus4
    .ue(0) // pic_order_cnt_type
    .ue(2) // log2_max_pic_order_cnt_lsb_minus4
    .ue(4) // max_num_ref_frames
    .u(1, 0) // gaps_in_frame_num_value_allowed_flag
    .ue(119) // pic_width_in_mbs_minus1
    .ue(67) // pic_height_in_map_units_minus1
    .u(1, 1) // frame_mbs_only_flag
    .u(1, 1) // direct_8x8_inference_flag
    .u(1, 1) // frame_cropping_flag
    .ue(0) // frame_crop_left_offset
    .ue(0) // frame_crop_right_offset
    .ue(0) // frame_crop_top_offset
    .ue(4) // frame_crop_bottom_offset
    .u(1, 1) // vui_parameters_present_flag
  vui(w)
  return w.trail().nal()
}

/** A VUI with all its parts. */
function fullVui(w: BitWriter): void {
  w.u(1, 1) // aspect_ratio_info_present_flag
    .u(8, 255) // aspect_ratio_idc Extended_SAR
    .u(16, 4) // sar_width
    .u(16, 3) // sar_height
    .u(1, 1) // overscan_info_present_flag
    .u(1, 0) // overscan_appropriate_flag
    .u(1, 1) // video_signal_type_present_flag
    .u(3, 5) // video_format
    .u(1, 0) // video_full_range_flag
    .u(1, 1) // colour_description_present_flag
    .u(24, 0x010101) // colour_primaries, transfer_characteristics, matrix_coefficients
    .u(1, 1) // chroma_loc_info_present_flag
    .ue(0) // chroma_sample_loc_type_top_field
    .ue(0) // chroma_sample_loc_type_bottom_field
    .u(1, 1) // timing_info_present_flag
    .u(32, 1) // num_units_in_tick
    .u(32, 50) // time_scale
    .u(1, 1) // fixed_frame_rate_flag
    .u(1, 1) // nal_hrd_parameters_present_flag
    .ue(0) // cpb_cnt_minus1
    .u(8, 0) // bit_rate_scale, cpb_size_scale
    .ue(999) // bit_rate_value_minus1
    .ue(999) // cpb_size_value_minus1
    .u(1, 0) // cbr_flag
    .u(20, 0) // four lengths
    .u(1, 0) // vcl_hrd_parameters_present_flag
    .u(1, 0) // low_delay_hrd_flag
    .u(1, 0) // pic_struct_present_flag
    .u(1, 1) // bitstream_restriction_flag
    .u(1, 1) // motion_vectors_over_pic_boundaries_flag
    .ue(0) // max_bytes_per_pic_denom
    .ue(0) // max_bits_per_mb_denom
    .ue(11) // log2_max_mv_length_horizontal
    .ue(11) // log2_max_mv_length_vertical
    .ue(2) // max_num_reorder_frames
    .ue(4) // max_dec_frame_buffering
}

/** 704 × 576, interlaced, Baseline-like, with picture order type 1 and no VUI. */
const interlacedSps = new BitWriter()
  .u(8, 0x67)
  .u(8, 77) // profile_idc Main
  .u(8, 0x40) // constraint_set1_flag
  .u(8, 30) // level_idc
  .ue(3) // seq_parameter_set_id
  .ue(0) // log2_max_frame_num_minus4
  .ue(1) // pic_order_cnt_type
  .u(1, 0) // delta_pic_order_always_zero_flag
  .se(-2) // offset_for_non_ref_pic
  .se(1) // offset_for_top_to_bottom_field
  .ue(2) // num_ref_frames_in_pic_order_cnt_cycle
  .se(4) // offset_for_ref_frame[ 0 ]
  .se(4) // offset_for_ref_frame[ 1 ]
  .ue(2) // max_num_ref_frames
  .u(1, 0) // gaps_in_frame_num_value_allowed_flag
  .ue(43) // pic_width_in_mbs_minus1
  .ue(17) // pic_height_in_map_units_minus1
  .u(1, 0) // frame_mbs_only_flag
  .u(1, 0) // mb_adaptive_frame_field_flag
  .u(1, 1) // direct_8x8_inference_flag
  .u(1, 0) // frame_cropping_flag
  .u(1, 0) // vui_parameters_present_flag
  .trail()
  .nal()

describe('H.264 parameter sets', () => {
  it('says profile, size, frame rate and reordering of a full SPS', () => {
    assert.deepEqual(parseH264Sps(highSps(fullVui)), {
      profile: 100,
      constraints: 0,
      level: 40,
      id: 0,
      chromaFormat: 1,
      bitDepthLuma: 8,
      bitDepthChroma: 8,
      picOrderCntType: 0,
      maxNumRefFrames: 4,
      widthPx: 1920,
      heightPx: 1080,
      isInterlaced: false,
      frameRateHz: 25,
      isFixedFrameRate: true,
      maxReorderFrames: 2,
    })
  })

  it('counts fields and order cycles of an interlaced SPS', () => {
    const sps = parseH264Sps(interlacedSps)

    assert.deepEqual(
      { ...sps },
      {
        profile: 77,
        constraints: 0x40,
        level: 30,
        id: 3,
        chromaFormat: 1,
        bitDepthLuma: 8,
        bitDepthChroma: 8,
        picOrderCntType: 1,
        maxNumRefFrames: 2,
        widthPx: 704,
        heightPx: 576,
        isInterlaced: true,
        frameRateHz: undefined,
        isFixedFrameRate: false,
        maxReorderFrames: undefined,
      },
    )
  })

  it('takes what a VUI says before it breaks off', () => {
    const sps = parseH264Sps(
      highSps((w) => {
        w.u(4, 0) // no aspect ratio, overscan, signal type, chroma location
          .u(1, 1) // timing_info_present_flag
          .u(32, 1001)
          .u(32, 60000)
          .u(1, 1)
      }),
    )

    assert.equal(sps.frameRateHz, 60000 / 2002)
    assert.equal(sps.maxReorderFrames, undefined)
  })

  it('knows that order type 2 has no B-frames', () => {
    const w = new BitWriter().u(8, 0x67).u(24, 0x4d001e).ue(0).ue(0).ue(2).ue(1).u(1, 0).ue(19).ue(14).u(4, 0b1100)

    assert.equal(parseH264Sps(w.trail().nal()).maxReorderFrames, 0)
  })

  it('refuses what is no SPS, is cut or has no size, and never throws anything else', () => {
    assert.throws(() => parseH264Sps(Uint8Array.of(0x68, 1, 2, 3)), /no SPS NAL unit/)
    assert.throws(() => parseH264Sps(highSps(fullVui).subarray(0, 12)), Failure)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          parseH264Sps(Uint8Array.of(0x67, ...bytes))
        } catch (error) {
          assert.ok(error instanceof Failure)
        }
      }),
    )
  })

  it('tells pictures from the rest', () => {
    assert.equal(h264NalType(0x65), 5)
    assert.deepEqual([1, 5, 6, 7, 9].map(isH264Vcl), [true, true, false, false, false])
  })

  it('writes avcC as ISO/IEC 14496-15 §5.3.3.1 lists it', () => {
    const sps = highSps(fullVui)
    const pps = Uint8Array.of(0x68, 0xee, 0x3c, 0x80)

    assert.deepEqual(
      [...avcDecoderConfigurationRecord([sps], [pps])],
      [
        1, // configurationVersion
        100, // AVCProfileIndication
        0, // profile_compatibility
        40, // AVCLevelIndication
        0xff, // reserved, lengthSizeMinusOne
        0xe1, // reserved, numOfSequenceParameterSets
        ...[0, sps.length], // sequenceParameterSetLength
        ...sps, // sequenceParameterSetNALUnit
        1, // numOfPictureParameterSets
        ...[0, 4], // pictureParameterSetLength
        ...[0x68, 0xee, 0x3c, 0x80], // pictureParameterSetNALUnit
        0xfd, // reserved, chroma_format
        0xf8, // reserved, bit_depth_luma_minus8
        0xf8, // reserved, bit_depth_chroma_minus8
        0, // numOfSequenceParameterSetExt
      ],
    )
  })

  it('reads back the parameter sets it wrote', () => {
    const set = fc.uint8Array({ minLength: 4, maxLength: 300 })
    fc.assert(
      fc.property(fc.array(set, { minLength: 1, maxLength: 3 }), fc.array(set, { maxLength: 4 }), (more, pps) => {
        const sps = [interlacedSps, ...more]

        const parsed = parseAvcDecoderConfigurationRecord(avcDecoderConfigurationRecord(sps, pps))

        assert.deepEqual(parsed, { sps, pps, lengthSize: 4 })
      }),
    )
  })

  it('refuses a damaged avcC', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          parseAvcDecoderConfigurationRecord(bytes)
        } catch (error) {
          assert.ok(error instanceof Failure)
        }
      }),
    )
    assert.throws(() => parseAvcDecoderConfigurationRecord(Uint8Array.of(2, 0, 0, 0, 0, 0, 0)), /version 2/)
    assert.throws(() => avcDecoderConfigurationRecord([], []), /no SPS/)
  })

  it('agrees with ffprobe on what x264 wrote', () => {
    const folder = new TempFolder()
    try {
      for (const [profile, bFrames] of [
        ['baseline', 0],
        ['high', 2],
      ] as const) {
        const clip = pictureClip('-c:v', 'libx264', '-profile:v', profile, '-bf', String(bFrames), '-g', '25')
        const stream = ffprobe(folder.file('clip.mp4', clip), '-show_streams').streams[0]!

        const config = parseMoov(clip)[0]!.config

        assert.ok(config?.codec === 'h264')
        const sps = parseH264Sps(config.sps)
        assert.deepEqual([sps.widthPx, sps.heightPx, sps.level], [stream['width'], stream['height'], stream['level']])
        assert.equal(`${sps.frameRateHz}/1`, stream['r_frame_rate'])
        assert.equal(sps.maxReorderFrames, stream['has_b_frames'])
        assert.match(
          avcCodecString(config.sps),
          profile === 'high' ? /^avc1\.6400[0-9a-f]{2}$/ : /^avc1\.42c0[0-9a-f]{2}$/,
        )
      }
    } finally {
      folder.remove()
    }
  })
})

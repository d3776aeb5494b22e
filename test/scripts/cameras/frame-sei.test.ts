import assert from 'node:assert/strict'
import fc from 'fast-check'
import { buildFrameSei, FRAME_SEI_UUID, patchFrameMark, readFrameMark } from '../../../scripts/cameras/frame-sei.ts'

describe('frame SEI', () => {
  it('is user_data_unregistered as H.264 lists it', () => {
    const { nal, markOffset } = buildFrameSei('h264')
    patchFrameMark(nal, markOffset, 300, 1)

    assert.deepEqual(
      [...nal],
      [
        0x06, // nal_unit_type 6
        0x05, // payloadType
        0x1d, // payloadSize: 16 + 5 + 8
        ...FRAME_SEI_UUID,
        ...[0x80, 0x80, 0x80, 0x82, 0xac], // 300 = 2 * 128 + 44
        ...[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81],
        0x80, // rbsp_trailing_bits
      ],
    )
  })

  it('is a prefix SEI in H.265', () => {
    assert.deepEqual([...buildFrameSei('h265').nal.subarray(0, 4)], [0x4e, 0x01, 0x05, 0x1d])
  })

  it('gives back any number and never holds a zero byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 35 - 1 }), fc.maxSafeNat(), (sequence, sentUs) => {
        const { nal, markOffset } = buildFrameSei('h264')
        patchFrameMark(nal, markOffset, sequence, sentUs)

        assert.equal(nal.includes(0), false)
        assert.deepEqual(readFrameMark(Buffer.concat([Buffer.from([9, 9]), nal])), { sequence, sentUs })
      }),
    )
  })

  it('is absent from a frame without it, and from one cut short', () => {
    const { nal } = buildFrameSei('h264')

    assert.equal(readFrameMark(Buffer.alloc(100, 7)), undefined)
    assert.equal(readFrameMark(nal.subarray(0, 25)), undefined)
  })
})

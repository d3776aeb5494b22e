import assert from 'node:assert/strict'
import fc from 'fast-check'
import { joinAnnexB, joinLengthPrefixed, splitAnnexB, splitLengthPrefixed } from '../../../server/media/annex-b.ts'
import { Failure } from '../../../shared/failure.ts'

/** Any NAL unit: no start code within, no zero at the end. */
const nalUnit = fc
  .array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 30 })
  .map((bytes) => Uint8Array.from([...bytes, 0x80]))
  .filter((nal) => nal.every((byte, i) => !(byte <= 1 && nal[i - 1] === 0 && nal[i - 2] === 0)))
  .filter((nal) => !(nal[0] === 0 && nal[1] === 0))

describe('annex B', () => {
  it('splits at start codes of three and four bytes', () => {
    const stream = Uint8Array.of(9, 0, 0, 0, 1, 0x67, 0x42, 0, 0, 1, 0x68, 0, 0, 3, 1, 0, 0, 0, 0, 1, 0x65)

    assert.deepEqual(
      [...splitAnnexB(stream)].map((nal) => [...nal]),
      [[0x67, 0x42], [0x68, 0, 0, 3, 1], [0x65]],
    )
  })

  it('finds nothing in what has no start code', () => {
    assert.deepEqual([...splitAnnexB(new Uint8Array())], [])
    assert.deepEqual([...splitAnnexB(Uint8Array.of(0, 0, 2, 1))], [])
    assert.deepEqual([...splitAnnexB(Uint8Array.of(0, 0, 1))], [])
  })

  it('gives back the units that were joined', () => {
    fc.assert(
      fc.property(fc.array(nalUnit), (nals) => {
        assert.deepEqual([...splitAnnexB(joinAnnexB(nals))], nals)
        assert.deepEqual([...splitLengthPrefixed(joinLengthPrefixed(nals))], nals)
      }),
    )
  })

  it('refuses a length that leads past the end of the sample', () => {
    assert.throws(
      () => [...splitLengthPrefixed(Uint8Array.of(0, 0, 0, 2, 9))],
      /NAL unit of 2 bytes at byte 4, 1 are left/,
    )
    assert.throws(() => [...splitLengthPrefixed(Uint8Array.of(0, 0))], Failure)
    assert.deepEqual([...splitLengthPrefixed(Uint8Array.of(0, 2, 9, 8), 2)], [Uint8Array.of(9, 8)])
  })
})

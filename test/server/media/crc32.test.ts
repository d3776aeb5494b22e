import assert from 'node:assert/strict'
import * as zlib from 'node:zlib'
import fc from 'fast-check'
import { crc32 } from '../../../server/media/crc32.ts'

describe('crc32', () => {
  it('has the check value of ISO 3309', () => {
    assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926)
    assert.equal(crc32('123456789'), 0xcbf43926)
  })

  it('is zlib’s, goes on from what came before, and reads memory that threads share', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(5000), (bytes, at) => {
        const cut = Math.min(at, bytes.length)
        const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
        shared.set(bytes)

        assert.equal(crc32(bytes, 77), zlib.crc32(bytes, 77))
        assert.equal(crc32(shared.subarray(cut), crc32(shared.subarray(0, cut))), zlib.crc32(bytes))
      }),
    )
  })
})

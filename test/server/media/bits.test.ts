import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BitReader, removeEmulationPrevention } from '../../../server/media/bits.ts'
import { Failure } from '../../../shared/failure.ts'
import { BitWriter } from './bit-writer.ts'

describe('bit reader', () => {
  it('reads the Exp-Golomb codes of H.264 table 9-2', () => {
    // 1 010 011 00100 00101 00110 00111 0001000 0001001 0001010
    const r = new BitReader(Uint8Array.of(0b10100110, 0b01000010, 0b10011000, 0b11100010, 0b00000100, 0b10001010), 'x')

    assert.deepEqual(
      Array.from({ length: 10 }, () => r.ue()),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    )
  })

  it('reads back what was written, of any width', () => {
    const field = fc.oneof(
      fc
        .integer({ min: 1, max: 32 })
        .chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 0, max: 2 ** count - 1 }))),
      fc.tuple(fc.constant('ue' as const), fc.integer({ min: 0, max: 2 ** 31 - 2 })),
      fc.tuple(fc.constant('se' as const), fc.integer({ min: -(2 ** 30), max: 2 ** 30 })),
    )
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const w = new BitWriter()
        for (const [kind, value] of fields) {
          if (kind === 'ue') w.ue(value)
          else if (kind === 'se') w.se(value)
          else w.u(kind, value)
        }

        const r = new BitReader(w.bytes(), 'x')
        const read = fields.map(([kind]) => (kind === 'ue' ? r.ue() : kind === 'se' ? r.se() : r.bits(kind)))

        assert.deepEqual(
          read,
          fields.map(([, value]) => value),
        )
      }),
    )
  })

  it('names what it read where it ends', () => {
    const r = new BitReader(Uint8Array.of(0xff), 'SPS')

    assert.throws(() => r.bits(9), new Failure('corrupt', 'read SPS: ends at bit 8'))
    assert.throws(() => r.skip(9), Failure)
    assert.throws(() => new BitReader(new Uint8Array(9), 'SPS').ue(), /no Exp-Golomb code/)
  })

  it('takes out emulation prevention bytes and nothing else', () => {
    const clean = removeEmulationPrevention(Uint8Array.of(0, 0, 3, 1, 0, 0, 3, 0, 0, 3, 3, 0, 3))

    assert.deepEqual([...clean], [0, 0, 1, 0, 0, 0, 0, 3, 0, 3])
  })

  it('undoes the emulation prevention of any payload', () => {
    const bytes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 60 })
    fc.assert(
      fc.property(bytes, (payload) => {
        const w = new BitWriter()
        for (const byte of payload) w.u(8, byte)

        assert.deepEqual([...removeEmulationPrevention(w.nal())], payload)
      }),
    )
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { extendTimestamp, sequenceDelta } from '../../../../server/media/rtp/timestamp.ts'

describe('RTP timestamp', () => {
  it('goes on past the wrap of 32 bits', () => {
    assert.equal(extendTimestamp(5, 2 ** 32 - 10), 2 ** 32 + 5)
    assert.equal(extendTimestamp(5, 7 * 2 ** 32 - 10), 7 * 2 ** 32 + 5)
  })

  it('takes a small step back as a step back', () => {
    assert.equal(extendTimestamp(90, 100), 90)
    assert.equal(extendTimestamp(2 ** 32 - 10, 2 ** 32 + 5), 2 ** 32 - 10)
    assert.equal(extendTimestamp(2 ** 32 - 1, 0), -1)
  })

  it('finds any time within 2³¹ ticks of the one before', () => {
    const ticks = fc.integer({ min: 0, max: 2 ** 50 })
    const step = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    fc.assert(
      fc.property(ticks, step, (previous, delta) => {
        const next = previous + delta
        const low32 = ((next % 2 ** 32) + 2 ** 32) % 2 ** 32

        assert.equal(extendTimestamp(low32, previous), next)
      }),
    )
  })

  it('counts packets over the wrap of 16 bits', () => {
    assert.equal(sequenceDelta(1, 0xffff), 2)
    assert.equal(sequenceDelta(0xffff, 1), -2)
    assert.equal(sequenceDelta(7, 7), 0)
    assert.equal(sequenceDelta(0x8000, 0), -0x8000)
  })
})

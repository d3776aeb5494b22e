import assert from 'node:assert/strict'
import { quantile } from '../../../scripts/bench/quantile.ts'

describe('quantile', () => {
  it('is the nearest rank, whatever the order', () => {
    const values = [9, 1, 8, 2, 7, 3, 6, 4, 5, 10]

    assert.deepEqual(
      [0, 0.1, 0.5, 0.9, 0.95, 1].map((share) => quantile(values, share)),
      [1, 1, 5, 9, 10, 10],
    )
  })

  it('fails where nothing was measured', () => {
    assert.throws(() => quantile([], 0.5), /nothing was measured/)
  })
})

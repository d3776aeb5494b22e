import assert from 'node:assert/strict'

describe('x', () => {
  it('runs', () => {
    const a: number = 1
    assert.equal(a, 1)
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BLOCK_CODE_SQUARES, blockCodeSquares, readBlockCode } from '../../../scripts/cameras/block-code.ts'

/** A grey picture with the code of `number` drawn as the geometry says. */
function draw(number: number, widthPx: number, heightPx: number, black = 16, white = 235): Uint8Array {
  const luma = new Uint8Array(widthPx * heightPx).fill(128)
  const squares = blockCodeSquares(number)
  for (let y = heightPx - Math.round((heightPx * 2) / 27); y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      luma[y * widthPx + x] = squares[Math.floor((x * BLOCK_CODE_SQUARES) / widthPx)] ? white : black
    }
  }
  return luma
}

describe('block code', () => {
  it('is laid out as documented', () => {
    const squares = blockCodeSquares(0b1000_0000_0000_0000_0110)

    assert.deepEqual(squares, [
      ...[1, 0], // references
      ...[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0], // number, most significant bit first
      ...[0, 1], // parities of squares 2, 4, ... 20 (two are white) and 3, 5, ... 21 (one is)
    ])
  })

  it('reads back any number at any size', () => {
    const sizes = fc.constantFrom([1920, 1080], [640, 360], [320, 180], [160, 90], [352, 288], [961, 541])

    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 20 - 1 }), sizes, (number, [widthPx, heightPx]) => {
        assert.equal(readBlockCode(draw(number, widthPx!, heightPx!), widthPx!, heightPx!), number)
      }),
      { numRuns: 60 },
    )
  })

  it('is not read where a square is spoilt', () => {
    const luma = draw(1234, 480, 270)
    for (let y = 250; y < 270; y++) luma.fill(235, y * 480 + 5 * 20, y * 480 + 6 * 20)

    assert.equal(readBlockCode(luma, 480, 270), undefined)
  })

  it('is not read where there is none', () => {
    assert.equal(readBlockCode(new Uint8Array(480 * 270).fill(90), 480, 270), undefined)
  })
})

// A number drawn into a picture as black and white squares, so that a program can read it back from a decoded frame.
//
// Geometry, all in fractions of the picture, so that a scaled copy reads the same: one row of 24 equal squares along
// the bottom edge; square i spans [i/24, (i+1)/24) of the width, and the row is the lowest 2/27 of the height
// (80 x 80 pixels in 1920 x 1080). From the left: square 0 white and square 1 black, always, for the threshold;
// squares 2 to 21 the number, most significant of 20 bits first, white for 1; square 22 white where an odd number of
// the bits at squares 2, 4, ... 20 are white; square 23 the same for squares 3, 5, ... 21.

/** Squares in the row, the two reference squares and the two parities included. */
export const BLOCK_CODE_SQUARES = 24
/** Bits of the number: it counts from 0 to 2^20 - 1 and starts again. */
export const BLOCK_CODE_BITS = 20
/** Height of the row, as a part of the picture's height. */
export const BLOCK_CODE_HEIGHT = 2 / 27

/** White squares (1) and black ones (0) for `number`, from the left. */
export function blockCodeSquares(number: number): number[] {
  const squares = [1, 0]
  for (let bit = BLOCK_CODE_BITS - 1; bit >= 0; bit--) squares.push(Math.floor(number / 2 ** bit) % 2)
  squares.push(parityOf(squares, 2), parityOf(squares, 3))
  return squares
}

/**
 * Filters that draw the frame's number, for ffmpeg's `-vf`: `drawbox` alone, one a square, switched by `enable`.
 *
 * `n` is the number of the frame as the filter counts it, from 0.
 */
export function blockCodeFilters(widthPx: number, heightPx: number): string {
  const topPx = heightPx - Math.round(heightPx * BLOCK_CODE_HEIGHT)
  const rowPx = heightPx - topPx
  const box = (square: number, colour: string, enable?: string) => {
    const leftPx = Math.round((square * widthPx) / BLOCK_CODE_SQUARES)
    const rightPx = Math.round(((square + 1) * widthPx) / BLOCK_CODE_SQUARES)
    const when = enable === undefined ? '' : `:enable='${enable}'`
    return `drawbox=x=${leftPx}:y=${topPx}:w=${rightPx - leftPx}:h=${rowPx}:color=${colour}:t=fill${when}`
  }
  const bitAt = (square: number) => `mod(floor(n/${2 ** (BLOCK_CODE_BITS + 1 - square)}),2)`
  const filters = [`drawbox=x=0:y=${topPx}:w=${widthPx}:h=${rowPx}:color=black:t=fill`, box(0, 'white')]
  for (let square = 2; square < 2 + BLOCK_CODE_BITS; square++) filters.push(box(square, 'white', bitAt(square)))
  for (const first of [2, 3]) {
    const bits: string[] = []
    for (let square = first; square < 2 + BLOCK_CODE_BITS; square += 2) bits.push(bitAt(square))
    filters.push(box(20 + first, 'white', `mod(${bits.join('+')},2)`))
  }
  return filters.join(',')
}

/**
 * The number drawn into a picture, or undefined where there is none or it cannot be trusted: too little contrast, or
 * a parity that does not fit.
 *
 * @param luma brightness, one byte a pixel, rows from the top
 * @param strideBytes bytes from one row to the next; the width where rows are packed
 */
export function readBlockCode(
  luma: Uint8Array,
  widthPx: number,
  heightPx: number,
  strideBytes = widthPx,
): number | undefined {
  const means: number[] = []
  for (let square = 0; square < BLOCK_CODE_SQUARES; square++) {
    means.push(meanOfSquare(luma, widthPx, heightPx, strideBytes, square))
  }
  if (means[0]! - means[1]! < 64) return undefined
  const threshold = (means[0]! + means[1]!) / 2
  const squares = means.map((mean) => (mean > threshold ? 1 : 0))
  if (parityOf(squares, 2) !== squares[22] || parityOf(squares, 3) !== squares[23]) return undefined
  return squares.slice(2, 2 + BLOCK_CODE_BITS).reduce<number>((number, bit) => number * 2 + bit, 0)
}

function parityOf(squares: number[], first: number): number {
  let sum = 0
  for (let square = first; square < 2 + BLOCK_CODE_BITS; square += 2) sum += squares[square]!
  return sum % 2
}

/** Mean of the square's middle half, where ringing of the edges does not reach. */
function meanOfSquare(luma: Uint8Array, widthPx: number, heightPx: number, strideBytes: number, square: number) {
  const unitPx = widthPx / BLOCK_CODE_SQUARES
  const rowPx = heightPx * BLOCK_CODE_HEIGHT
  const left = Math.floor((square + 0.25) * unitPx)
  const right = Math.max(left + 1, Math.floor((square + 0.75) * unitPx))
  const top = Math.floor(heightPx - 0.75 * rowPx)
  const bottom = Math.max(top + 1, Math.floor(heightPx - 0.25 * rowPx))
  let sum = 0
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) sum += luma[y * strideBytes + x]!
  }
  return sum / ((bottom - top) * (right - left))
}

import assert from 'node:assert/strict'
import { dark, light, markPairs, type Palette, textPairs } from '../../../web-desktop/base/tokens.ts'

/** Relative luminance, WCAG 2.2. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (high! + 0.05) / (low! + 0.05)
}

describe('the contrast helper', () => {
  it('gives 21 for black on white', () => {
    assert.equal(Math.round(contrast('#000000', '#ffffff')), 21)
  })
})

for (const [name, palette] of Object.entries({ light, dark }) as [string, Palette][]) {
  describe(`the ${name} theme`, () => {
    it('has 4.5:1 for every text on what it stands on', () => {
      const low = textPairs.filter(([ink, ground]) => contrast(palette[ink], palette[ground]) < 4.5)
      assert.deepEqual(low, [])
    })

    it('has 3:1 for every mark that is not text', () => {
      const low = markPairs.filter(([ink, ground]) => contrast(palette[ink], palette[ground]) < 3)
      assert.deepEqual(low, [])
    })
  })
}

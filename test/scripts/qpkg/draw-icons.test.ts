import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { drawIcon, iconFiles } from '../../../scripts/qpkg/draw-icons.ts'
import { qpkgFolder } from '../../support/nas/test-package.ts'

/** Width, height and pixels (RGB and alpha) of a PNG without filters. */
function pixelsOf(png: Buffer): { widthPx: number; heightPx: number; pixels: Buffer } {
  const [widthPx, heightPx] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const dataBytes = png.readUInt32BE(33)
  return { widthPx, heightPx, pixels: inflateSync(png.subarray(41, 41 + dataBytes)) }
}

describe('the icons', () => {
  for (const { file, sizePx, isGray } of iconFiles) {
    it(`${file} is as drawn, ${sizePx} pixels wide and high`, () => {
      const kept = pixelsOf(readFileSync(join(qpkgFolder, 'icons', file)))

      assert.deepEqual([kept.widthPx, kept.heightPx], [sizePx, sizePx])
      assert.deepEqual(kept.pixels, pixelsOf(drawIcon(sizePx, isGray)).pixels)
    })
  }
})

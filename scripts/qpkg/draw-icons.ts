// Draws the package's icons: a nightjar's eye and gape under a crescent moon. `scripts/node scripts/qpkg/draw-icons.ts`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'

type Color = readonly [number, number, number]

/** Points a pixel is asked at, each way: what makes edges smooth. */
const samplesAcross = 5
const night: readonly [Color, Color] = [
  [0x1c, 0x2b, 0x4a],
  [0x0b, 0x12, 0x24],
]
const moon: Color = [0xf4, 0xd3, 0x5e]
const feather: Color = [0x8a, 0x6a, 0x4f]
const feathers: Color = [0x5f, 0x48, 0x37]
const iris: Color = [0xff, 0xf6, 0xe0]
const pupil: Color = [0x10, 0x12, 0x18]

const isInCircle = (x: number, y: number, atX: number, atY: number, radius: number) =>
  (x - atX) ** 2 + (y - atY) ** 2 <= radius ** 2

/** Whether the point is within the rounded square that icons of QTS are. */
function isInTile(x: number, y: number): boolean {
  const radius = 0.2
  const dx = Math.max(Math.abs(x - 0.5) - (0.5 - radius), 0)
  const dy = Math.max(Math.abs(y - 0.5) - (0.5 - radius), 0)
  return dx * dx + dy * dy <= radius * radius
}

/** The color at a point of the unit square; undefined outside the icon. */
function colorAt(x: number, y: number): Color | undefined {
  if (!isInTile(x, y)) return undefined
  // The eye, which is also a lens.
  if (isInCircle(x, y, 0.475, 0.505, 0.035)) return iris
  if (isInCircle(x, y, 0.46, 0.52, 0.085)) return pupil
  if (isInCircle(x, y, 0.46, 0.52, 0.14)) return iris
  // The head, its beak to the left; the wing; the tail to the right.
  const beak = x > 0.1 && x < 0.4 && Math.abs(y - 0.6) < (x - 0.1) * 0.32
  const isHead = isInCircle(x, y, 0.47, 0.55, 0.26)
  const body = ((x - 0.62) / 0.34) ** 2 + ((y - 0.74) / 0.19) ** 2 <= 1
  const wing = ((x - 0.68) / 0.3) ** 2 + ((y - 0.72) / 0.11) ** 2 <= 1
  if (wing && !isHead) return feathers
  if (isHead || beak || body) return feather
  if (isInCircle(x, y, 0.79, 0.24, 0.14) && !isInCircle(x, y, 0.73, 0.2, 0.125)) return moon
  const share = y
  return [0, 1, 2].map((at) => night[0][at]! * (1 - share) + night[1][at]! * share) as unknown as Color
}

/** The look of a disabled package: without color, half as strong. */
function toGray([red, green, blue]: Color): Color {
  const light = 0.3 * red + 0.59 * green + 0.11 * blue
  const gray = 96 + light * 0.5
  return [gray, gray, gray]
}

/** An icon as PNG, with transparent corners. `sizePx` is its width and height. */
export function drawIcon(sizePx: number, isGray: boolean): Buffer {
  const rows = Buffer.alloc(sizePx * (1 + sizePx * 4))
  for (let row = 0; row < sizePx; row++) {
    for (let column = 0; column < sizePx; column++) {
      const pixel = pixelAt(column, row, sizePx, isGray)
      rows.set(pixel, row * (1 + sizePx * 4) + 1 + column * 4)
    }
  }
  return png(sizePx, rows)
}

function pixelAt(column: number, row: number, sizePx: number, isGray: boolean): number[] {
  const sums = [0, 0, 0]
  let covered = 0
  for (let at = 0; at < samplesAcross ** 2; at++) {
    const x = (column + ((at % samplesAcross) + 0.5) / samplesAcross) / sizePx
    const y = (row + (Math.floor(at / samplesAcross) + 0.5) / samplesAcross) / sizePx
    const found = colorAt(x, y)
    if (found === undefined) continue
    covered++
    for (const [channel, value] of (isGray ? toGray(found) : found).entries()) sums[channel]! += value
  }
  if (covered === 0) return [0, 0, 0, 0]
  return [...sums.map((sum) => Math.round(sum / covered)), Math.round((covered * 255) / samplesAcross ** 2)]
}

/** PNG (ISO/IEC 15948): 8 bits a channel, RGB and alpha, no filter. */
function png(sizePx: number, rows: Buffer): Buffer {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(sizePx, 0)
  head.writeUInt32BE(sizePx, 4)
  head.set([8, 6, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND')])
}

function chunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** File names, sizes and looks that App Center wants. */
export const iconFiles = [
  { file: 'Nightjar.png', sizePx: 64, isGray: false },
  { file: 'Nightjar_80.png', sizePx: 80, isGray: false },
  { file: 'Nightjar_gray.png', sizePx: 64, isGray: true },
]

if (import.meta.main) {
  const folder = join(import.meta.dirname, '../../qpkg/icons')
  for (const { file, sizePx, isGray } of iconFiles) writeFileSync(join(folder, file), drawIcon(sizePx, isGray))
}

// Draws a timeline on a canvas.
import type { Gap } from '../../../shared/recording.ts'
import { shareOf, spanOf, ticksOf, type View } from './timeline-view.ts'

export const rulerPx = 24
export const rowPx = 30

export interface TimelineRow {
  name: string
  spans: readonly [number, number][]
  gaps: readonly Gap[]
}

export interface TimelineColors {
  ground: string
  row: string
  text: string
  line: string
  footage: string
  gap: string
  accent: string
  future: string
}

export interface TimelinePicture {
  view: View
  rows: readonly TimelineRow[]
  nowMs: number
  positionMs: number
  hoverMs: number | undefined
  range: { fromMs: number; toMs: number } | undefined
}

/** The colours of the theme, as the element's computed style has them. */
export function colorsOf(element: Element): TimelineColors {
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(`--nj-${name}`).trim()
  return {
    ground: color('surface'),
    row: color('surface2'),
    text: color('text2'),
    line: color('border'),
    footage: color('footage'),
    gap: color('gap'),
    accent: color('accent'),
    future: color('surface3'),
  }
}

export function drawTimeline(canvas: HTMLCanvasElement, picture: TimelinePicture, colors: TimelineColors): void {
  const widthPx = canvas.clientWidth
  const heightPx = rulerPx + picture.rows.length * rowPx
  const scale = devicePixelRatio
  if (canvas.width !== Math.round(widthPx * scale)) canvas.width = Math.round(widthPx * scale)
  if (canvas.height !== Math.round(heightPx * scale)) canvas.height = Math.round(heightPx * scale)
  const context = canvas.getContext('2d')
  if (context === null || widthPx === 0) return
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, widthPx, heightPx)
  const { view } = picture
  const x = (ms: number): number => shareOf(view, ms) * widthPx
  context.fillStyle = colors.ground
  context.fillRect(0, 0, widthPx, rulerPx)
  context.fillStyle = colors.row
  picture.rows.forEach((_, i) => {
    context.fillRect(0, rulerPx + i * rowPx, widthPx, rowPx - 1)
  })
  drawTicks(context, view, widthPx, heightPx, colors)
  picture.rows.forEach((row, i) => {
    const top = rulerPx + i * rowPx
    drawGaps(context, row, view, widthPx, top, colors)
    drawSpans(context, row, view, widthPx, top, colors)
  })
  const nowX = x(picture.nowMs)
  if (nowX < widthPx) {
    context.fillStyle = colors.future
    context.fillRect(Math.max(0, nowX), rulerPx, widthPx, heightPx)
  }
  if (picture.range !== undefined) drawRange(context, picture.range, x, heightPx, colors)
  if (picture.hoverMs !== undefined) {
    context.fillStyle = colors.text
    context.fillRect(Math.round(x(picture.hoverMs)), 0, 1, heightPx)
  }
  const at = x(picture.positionMs)
  context.fillStyle = colors.accent
  context.fillRect(Math.round(at) - 1, 0, 2, heightPx)
  context.beginPath()
  context.moveTo(at - 6, 0)
  context.lineTo(at + 6, 0)
  context.lineTo(at, 8)
  context.fill()
}

/** Runs as bars. What is narrower than a pixel is still a pixel, and neighbours in one pixel are drawn once. */
function drawSpans(
  context: CanvasRenderingContext2D,
  row: TimelineRow,
  view: View,
  widthPx: number,
  top: number,
  colors: TimelineColors,
): void {
  context.fillStyle = colors.footage
  const perMs = widthPx / spanOf(view)
  let drawnTo = Number.NEGATIVE_INFINITY
  for (const [start, end] of row.spans) {
    if (end < view.fromMs) continue
    if (start > view.toMs) break
    const left = Math.max(0, (start - view.fromMs) * perMs)
    const right = Math.min(widthPx, Math.max(left + 1, (end - view.fromMs) * perMs))
    if (right <= drawnTo) continue
    context.fillRect(Math.max(left, drawnTo), top + 5, right - Math.max(left, drawnTo), rowPx - 11)
    drawnTo = right
  }
}

/** Gaps that have a cause, hatched: told by pattern as well as by colour. */
function drawGaps(
  context: CanvasRenderingContext2D,
  row: TimelineRow,
  view: View,
  widthPx: number,
  top: number,
  colors: TimelineColors,
): void {
  const perMs = widthPx / spanOf(view)
  for (const gap of row.gaps) {
    const left = Math.max(0, (gap.startMs - view.fromMs) * perMs)
    const right = Math.min(widthPx, ((gap.endMs ?? view.toMs) - view.fromMs) * perMs)
    if (right < 0 || left > widthPx || right - left < 1) continue
    context.save()
    context.beginPath()
    context.rect(left, top + 5, right - left, rowPx - 11)
    context.clip()
    context.strokeStyle = colors.gap
    context.lineWidth = 1.5
    context.beginPath()
    for (let at = Math.floor(left / 7) * 7 - rowPx; at < right; at += 7) {
      context.moveTo(at, top + rowPx)
      context.lineTo(at + rowPx, top)
    }
    context.stroke()
    context.restore()
  }
}

function drawTicks(
  context: CanvasRenderingContext2D,
  view: View,
  widthPx: number,
  heightPx: number,
  colors: TimelineColors,
): void {
  context.font = '12px system-ui, sans-serif'
  context.textBaseline = 'middle'
  for (const tick of ticksOf(view, widthPx)) {
    const at = Math.round(shareOf(view, tick.ms) * widthPx)
    context.fillStyle = colors.line
    context.fillRect(at, tick.isDay ? 0 : rulerPx - 6, 1, heightPx)
    context.fillStyle = colors.text
    context.font = tick.isDay ? '600 12px system-ui, sans-serif' : '12px system-ui, sans-serif'
    context.fillText(tick.label, at + 5, rulerPx / 2)
  }
}

function drawRange(
  context: CanvasRenderingContext2D,
  range: { fromMs: number; toMs: number },
  x: (ms: number) => number,
  heightPx: number,
  colors: TimelineColors,
): void {
  const left = x(range.fromMs)
  const right = x(range.toMs)
  context.save()
  context.globalAlpha = 0.22
  context.fillStyle = colors.accent
  context.fillRect(left, rulerPx - 4, right - left, heightPx)
  context.restore()
  context.fillStyle = colors.accent
  for (const [at, way] of [
    [left, 1],
    [right, -1],
  ] as const) {
    context.fillRect(at - (way === 1 ? 0 : 2), rulerPx - 4, 2, heightPx)
    context.fillRect(way === 1 ? at : at - 8, rulerPx - 4, 8, 12)
  }
}

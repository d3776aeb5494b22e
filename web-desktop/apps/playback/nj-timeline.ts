import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { causeText } from '../../api/camera-status.ts'
import { fire } from '../../base/fire.ts'
import { formatDateTime, formatDuration } from '../../base/format.ts'
import { wordsOf } from '../../base/i18n.ts'
import { styled } from '../../base/styled.ts'
import { controls } from '../../ui/controls.ts'
import { colorsOf, drawTimeline, rowPx, rulerPx, type TimelineRow } from './timeline-draw.ts'
import { centredOn, msAt, panned, shareOf, spanAt, spanOf, stepped, type View, zoomed } from './timeline-view.ts'

const t = wordsOf({
  label: 'Timeline',
  help: 'Arrow keys move by a second, with Shift by ten, with Ctrl by a minute. Page keys move by a page, plus and minus zoom.',
  text: '{at}, {rows}',
  recorded: '{name} recorded',
  missing: '{name} no recording',
  gap: '{name}: no recording, {cause}, {lasted}',
  none: '{name}: no recording',
})

const wheelFactor = 1.0016
const edgePx = 8
const clickPx = 5
const hoverPictureMs = 350

interface Grip {
  kind: 'pan' | 'scrub' | 'from' | 'to'
  startX: number
  view: View
  hasMoved: boolean
}

/**
 * Footage over time. The wheel zooms about the pointer, dragging a row pans, dragging the ruler scrubs, a click seeks.
 *
 * @fires nj-view - `View` wished
 * @fires nj-seek - the instant wished, in milliseconds
 * @fires nj-range - `{fromMs, toMs}` after a handle was dragged
 * @fires nj-peek - the instant under the pointer once it rests there, or undefined
 */
@customElement('nj-timeline')
export class NjTimeline extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        position: relative;
        user-select: none;
        border-top: 1px solid var(--nj-border);
        background: var(--nj-surface);
      }
      .names {
        padding-top: ${rulerPx}px;
        max-width: 140px;
        border-inline-end: 1px solid var(--nj-border);
      }
      .names div {
        height: ${rowPx}px;
        padding: 0 10px;
        line-height: ${rowPx - 1}px;
        font-size: 12.5px;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .line {
        position: relative;
        touch-action: none;
        cursor: grab;
        outline-offset: -2px;
      }
      .line.scrub {
        cursor: col-resize;
      }
      .line.pan {
        cursor: grabbing;
      }
      canvas {
        display: block;
        width: 100%;
      }
      .tip {
        position: absolute;
        bottom: calc(100% + 6px);
        z-index: 3;
        translate: -50% 0;
        width: max-content;
        max-width: 300px;
        padding: 6px 10px;
        border-radius: 7px;
        background: #0c1220;
        color: #f2f5fa;
        font-size: 12.5px;
        font-variant-numeric: tabular-nums;
        pointer-events: none;
        text-align: center;
      }
      .tip img {
        display: block;
        width: 208px;
        aspect-ratio: 16 / 9;
        object-fit: contain;
        background: #000;
        border-radius: 4px;
        margin-bottom: 4px;
      }
      @media (max-width: 767px) {
        .names {
          display: none;
        }
        :host {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ]

  @property({ attribute: false }) view!: View
  @property({ attribute: false }) rows: TimelineRow[] = []
  @property({ type: Number }) positionMs = 0
  @property({ type: Number }) nowMs = 0
  @property({ attribute: false }) range: { fromMs: number; toMs: number } | undefined
  /** The playhead stands in the middle and the line is drawn under it: for fingers. */
  @property({ type: Boolean }) isCentred = false
  /** Address of a picture of the instant under the pointer. */
  @property() peekUrl = ''
  @state() private hoverMs: number | undefined
  @state() private grip: Grip | undefined
  @state() private isOverRuler = false
  @query('canvas') private canvas!: HTMLCanvasElement
  @query('.line') private line!: HTMLElement
  #pointers = new Map<number, number>()
  #peekTimer: ReturnType<typeof setTimeout> | undefined
  #sizes: ResizeObserver | undefined
  #lastScrub = 0
  readonly #redraw = (): void => this.#draw()

  override connectedCallback(): void {
    super.connectedCallback()
    document.addEventListener('nj-theme', this.#redraw)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    document.removeEventListener('nj-theme', this.#redraw)
    this.#sizes?.disconnect()
    clearTimeout(this.#peekTimer)
  }

  override firstUpdated(): void {
    this.#sizes = new ResizeObserver(() => this.#draw())
    this.#sizes.observe(this.line)
  }

  override updated(_changed: PropertyValues): void {
    this.#draw()
  }

  #draw(): void {
    if (!this.canvas) return
    const { view, rows, nowMs, positionMs, hoverMs, range } = this
    drawTimeline(this.canvas, { view, rows, nowMs, positionMs, hoverMs, range }, colorsOf(this))
  }

  #shareAt(clientX: number): number {
    const box = this.line.getBoundingClientRect()
    return (clientX - box.left) / Math.max(1, box.width)
  }

  #msAt(clientX: number): number {
    return msAt(this.view, this.#shareAt(clientX))
  }

  #wish(view: View): void {
    fire(this, 'nj-view', view)
  }

  #onWheel(event: WheelEvent): void {
    event.preventDefault()
    const unit = event.deltaMode === 1 ? 30 : 1
    const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY)
    if (event.shiftKey || isSideways) {
      const by = (isSideways ? event.deltaX : event.deltaY) * unit
      this.#wish(panned(this.view, (by / this.line.clientWidth) * spanOf(this.view)))
      return
    }
    const atMs = this.isCentred ? this.positionMs : this.#msAt(event.clientX)
    this.#wish(zoomed(this.view, wheelFactor ** (event.deltaY * unit), atMs))
  }

  #gripKind(event: PointerEvent): Grip['kind'] {
    if (this.range !== undefined) {
      const box = this.line.getBoundingClientRect()
      for (const edge of ['from', 'to'] as const) {
        const at = box.left + shareOf(this.view, this.range[`${edge}Ms`]) * box.width
        if (Math.abs(event.clientX - at) <= edgePx) return edge
      }
    }
    return this.#isRuler(event) && !this.isCentred ? 'scrub' : 'pan'
  }

  #isRuler(event: PointerEvent): boolean {
    return event.clientY - this.line.getBoundingClientRect().top < rulerPx
  }

  #onDown(event: PointerEvent): void {
    if (event.button !== 0) return
    this.line.setPointerCapture(event.pointerId)
    this.#pointers.set(event.pointerId, event.clientX)
    this.grip = { kind: this.#gripKind(event), startX: event.clientX, view: this.view, hasMoved: false }
  }

  #onMove(event: PointerEvent): void {
    this.isOverRuler = this.#isRuler(event)
    const { grip } = this
    if (grip === undefined || !this.#pointers.has(event.pointerId)) {
      this.#hover(event.pointerType === 'mouse' ? this.#msAt(event.clientX) : undefined)
      return
    }
    if (this.#pointers.size === 2) this.#pinch(event)
    this.#pointers.set(event.pointerId, event.clientX)
    if (this.#pointers.size > 1) return
    if (!grip.hasMoved && Math.abs(event.clientX - grip.startX) < clickPx) return
    grip.hasMoved = true
    const byMs = ((event.clientX - grip.startX) / this.line.clientWidth) * spanOf(this.view)
    if (grip.kind === 'pan') {
      this.#hover(undefined)
      this.#wish(panned(grip.view, -byMs))
    } else if (grip.kind === 'scrub') {
      this.#hover(this.#msAt(event.clientX))
      if (event.timeStamp - this.#lastScrub > 120) {
        this.#lastScrub = event.timeStamp
        fire(this, 'nj-seek', this.#msAt(event.clientX))
      }
    } else if (this.range !== undefined) {
      const ms = Math.round(this.#msAt(event.clientX))
      const range = { ...this.range, [`${grip.kind}Ms`]: ms }
      if (range.toMs - range.fromMs >= 100) fire(this, 'nj-range', range)
    }
  }

  /** Two fingers: what is under each stays under it. */
  #pinch(event: PointerEvent): void {
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)
    const before = this.#pointers.get(event.pointerId)
    if (other === undefined || before === undefined) return
    const was = Math.abs(before - other[1])
    const is = Math.abs(event.clientX - other[1])
    if (was > 8 && is > 8)
      this.#wish(zoomed(this.view, was / is, this.isCentred ? this.positionMs : this.#msAt(other[1])))
    if (this.grip) this.grip = { ...this.grip, hasMoved: true }
  }

  #onUp(event: PointerEvent): void {
    const { grip } = this
    this.#pointers.delete(event.pointerId)
    if (grip === undefined || this.#pointers.size > 0) return
    this.grip = undefined
    if (!grip.hasMoved || grip.kind === 'scrub') fire(this, 'nj-seek', this.#msAt(event.clientX))
    else if (grip.kind === 'pan' && this.isCentred) fire(this, 'nj-seek', (this.view.fromMs + this.view.toMs) / 2)
  }

  #hover(ms: number | undefined): void {
    this.hoverMs = ms
    clearTimeout(this.#peekTimer)
    this.#peekTimer = setTimeout(() => fire(this, 'nj-peek', ms), ms === undefined ? 0 : hoverPictureMs)
  }

  #onKey(event: KeyboardEvent): void {
    const stepMs = event.ctrlKey ? 60_000 : event.shiftKey ? 10_000 : 1000
    const at = this.positionMs
    const seekBy: Record<string, number> = {
      ArrowLeft: -stepMs,
      ArrowRight: stepMs,
      ArrowUp: stepMs,
      ArrowDown: -stepMs,
      PageUp: -spanOf(this.view),
      PageDown: spanOf(this.view),
    }
    const by = seekBy[event.key]
    const all = this.rows.flatMap((row) => row.spans)
    if (by !== undefined) fire(this, 'nj-seek', at + by)
    else if (event.key === 'Home' && all.length > 0) fire(this, 'nj-seek', Math.min(...all.map(([start]) => start)))
    else if (event.key === 'End' && all.length > 0) fire(this, 'nj-seek', Math.max(...all.map(([, end]) => end)) - 1000)
    else if (event.key === '+' || event.key === '=') this.#wish(stepped(this.view, 'in', at))
    else if (event.key === '-') this.#wish(stepped(this.view, 'out', at))
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  #rowText(row: TimelineRow, ms: number): string {
    const gap = row.gaps.find((one) => one.startMs <= ms && ms < (one.endMs ?? this.nowMs))
    if (spanAt(row.spans, ms) !== undefined) return t('recorded', { name: row.name })
    if (gap === undefined) return t('none', { name: row.name })
    const lasted = formatDuration((gap.endMs ?? this.nowMs) - gap.startMs)
    return t('gap', { name: row.name, cause: causeText(gap.cause), lasted })
  }

  override render(): TemplateResult {
    const rows = this.rows.map((row) => this.#rowText(row, this.positionMs)).join('; ')
    const look = this.grip?.kind === 'pan' && this.grip.hasMoved ? 'pan' : this.isOverRuler ? 'scrub' : ''
    return html`<div class="names" aria-hidden="true">
        ${this.rows.map((row) => html`<div title=${row.name}>${row.name}</div>`)}
      </div>
      <div
        class="line ${look}"
        role="slider"
        tabindex="0"
        aria-label=${t('label')}
        aria-description=${t('help')}
        aria-valuemin=${Math.round(this.view.fromMs / 1000)}
        aria-valuemax=${Math.round(Math.max(this.view.toMs, this.positionMs) / 1000)}
        aria-valuenow=${Math.round(this.positionMs / 1000)}
        aria-valuetext=${t('text', { at: formatDateTime(this.positionMs), rows })}
        @wheel=${{ handleEvent: (event: WheelEvent) => this.#onWheel(event), passive: false }}
        @pointerdown=${this.#onDown}
        @pointermove=${this.#onMove}
        @pointerup=${this.#onUp}
        @pointercancel=${this.#onUp}
        @pointerleave=${() => this.#hover(undefined)}
        @dblclick=${(event: MouseEvent) => this.#wish(stepped(this.view, 'out', this.#msAt(event.clientX)))}
        @keydown=${this.#onKey}
      >
        <canvas></canvas>
        ${this.#renderTip()}
      </div>`
  }

  #renderTip(): TemplateResult | typeof nothing {
    const ms = this.hoverMs
    if (ms === undefined || this.line === null) return nothing
    const share = Math.min(0.9, Math.max(0.1, shareOf(this.view, ms)))
    const isHere = ms <= this.nowMs && this.rows.some((row) => spanAt(row.spans, ms) !== undefined)
    const gaps = this.rows.filter((row) => spanAt(row.spans, ms) === undefined)
    return html`<div class="tip" ${styled({ left: `${share * 100}%` })}>
      ${this.peekUrl && isHere ? html`<img src=${this.peekUrl} alt="" />` : nothing}
      ${formatDateTime(ms)}
      ${ms > this.nowMs ? nothing : gaps.map((row) => html`<div>${this.#rowText(row, ms)}</div>`)}
    </div>`
  }
}

/** A view that keeps the playhead in sight: turned like a page once it leaves, or always about it. */
export function followingView(view: View, positionMs: number, isCentred: boolean): View {
  if (isCentred) return centredOn(view, positionMs)
  const share = shareOf(view, positionMs)
  if (share >= 0 && share <= 0.98) return view
  return panned(view, positionMs - view.fromMs - spanOf(view) * 0.15)
}

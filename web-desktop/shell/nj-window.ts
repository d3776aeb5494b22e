import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import backIcon from 'lucide-static/icons/arrow-left.svg'
import restoreIcon from 'lucide-static/icons/copy.svg'
import minimiseIcon from 'lucide-static/icons/minus.svg'
import maximiseIcon from 'lucide-static/icons/square.svg'
import closeIcon from 'lucide-static/icons/x.svg'
import { messageOf } from '../api/client.ts'
import { push } from '../api/push.ts'
import type { AppDefinition, AppPage } from '../base/app.ts'
import { fire } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from '../ui/controls.ts'
import { deepFocus, focusFirst } from '../ui/focus.ts'
import '../ui/nj-icon.ts'
import './nj-app-icon.ts'
import { type Edge, edges, resizedBy, windowStyles } from './window-parts.ts'
import type { Rect, WindowState } from './window-state.ts'

const t = wordsOf({
  menu: 'Window menu of {title}',
  minimise: 'Minimise',
  maximise: 'Maximise',
  restore: 'Restore',
  close: 'Close',
  loading: 'Opening {title}…',
  failed: '{title} could not be opened',
  retry: 'Try again',
  moving: 'Arrow keys move the window. Enter keeps it there, Esc puts it back.',
  sizing: 'Arrow keys change the size. Enter keeps it, Esc puts it back.',
})

/** What a pointer holds while it moves or resizes a window. */
interface Grip {
  pointerId: number
  xPx: number
  yPx: number
  frame: Rect
  edge: Edge | undefined
  hasMoved: boolean
}

/** What `nj-move` tells: where the corner would be, and where the pointer is, both within the desktop. */
export interface MoveWish {
  leftPx: number
  topPx: number
  xPx: number
  yPx: number
}

/**
 * A window of the desktop. It shows what it is given and asks for what it wants; only its properties move it.
 *
 * @fires nj-move - `MoveWish`, at each frame of a drag by the title bar
 * @fires nj-drop - `MoveWish`, when the pointer lets go
 * @fires nj-resize - `Rect`, at each frame of a drag of an edge
 * @fires nj-give-up - Esc during a drag: back to where it began
 * @fires nj-grip - a drag begins
 * @fires nj-window-menu - `{anchor}`: the element to show the menu at
 * @fires nj-minimise, nj-maximise, nj-close
 */
@customElement('nj-window')
export class NjWindow extends LitElement {
  static override styles = [controls, windowStyles]

  @property({ attribute: false }) window!: WindowState
  @property({ attribute: false }) frame!: Rect
  @property({ attribute: false }) app!: AppDefinition
  @property({ attribute: false }) page!: AppPage
  @property({ type: Boolean, reflect: true }) isActive = false
  @property({ type: Boolean, reflect: true }) isPhone = false
  @property({ type: Number }) depth = 0
  /** Moved or sized by the arrow keys, begun from the window menu. */
  @property() keyMode: 'move' | 'size' | undefined
  @state() private state: 'idle' | 'loading' | 'ready' | 'failed' = 'idle'
  @state() private failure = ''
  #content: (HTMLElement & { page?: AppPage }) | undefined
  #lastFocus: HTMLElement | undefined
  #grip: Grip | undefined
  #undo: (() => void) | undefined
  #wish: { type: string; detail: unknown } | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    this.addEventListener('focusin', this.#onFocusIn)
    this.#undo = push.state.subscribe(() => {
      if (push.state.value.isConnected && this.state === 'failed') void this.#load()
    })
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.removeEventListener('focusin', this.#onFocusIn)
    this.#undo?.()
  }

  override willUpdate(): void {
    // A window restored minimised loads its app when it is first shown.
    if (this.state === 'idle' && this.page.isShown) void this.#load()
  }

  override updated(changed: PropertyValues<this>): void {
    const { style } = this
    style.zIndex = String(this.depth)
    style.visibility = this.page.isShown ? 'visible' : 'hidden'
    if (this.isPhone) {
      style.transform = ''
      style.width = ''
      style.height = ''
    } else {
      style.transform = `translate3d(${this.frame.leftPx}px, ${this.frame.topPx}px, 0)`
      style.width = `${this.frame.widthPx}px`
      style.height = `${this.frame.heightPx}px`
    }
    if (this.#content !== undefined && changed.has('page')) this.#content.page = this.page
    if (changed.has('keyMode') && this.keyMode !== undefined) {
      this.renderRoot.querySelector<HTMLElement>('.bar')?.focus()
    }
  }

  /** Puts the keyboard where it last was in this window, else on the first thing in it. */
  takeFocus(): void {
    if (this.contains(deepFocus() ?? null) || this.#holds(deepFocus())) return
    const last = this.#lastFocus
    if (last?.isConnected && last.checkVisibility()) last.focus()
    else if (this.#content === undefined || !focusFirst(this.#content)) {
      this.renderRoot.querySelector<HTMLElement>('section')?.focus()
    }
  }

  #holds(element: Element | undefined): boolean {
    for (let at: Node | null | undefined = element; at; at = at.parentNode ?? (at as ShadowRoot).host) {
      if (at === this) return true
    }
    return false
  }

  readonly #onFocusIn = (event: FocusEvent): void => {
    const inner = event.composedPath()[0]
    if (inner instanceof HTMLElement && inner !== this) this.#lastFocus = inner
  }

  async #load(): Promise<void> {
    this.state = 'loading'
    try {
      await this.app.open()
      const content = document.createElement(this.app.tag) as HTMLElement & { page?: AppPage }
      content.page = this.page
      this.#content = content
      this.append(content)
      this.state = 'ready'
      await this.updateComplete
      await new Promise(requestAnimationFrame)
      if (this.isActive && (deepFocus() === undefined || this.#holds(deepFocus()))) this.#takeFirstFocus()
    } catch (caught) {
      this.state = 'failed'
      this.failure = messageOf(caught)
    }
  }

  /** An app may have nothing to focus until its data is there: it is looked for until then, or until focus is elsewhere. */
  #takeFirstFocus(triesLeft = 30): void {
    const focused = deepFocus()
    const section = this.renderRoot.querySelector('section')
    const isFree = focused === section || focused === undefined
    if (!isFree || !this.isActive || this.#content === undefined || !this.isConnected) return
    this.#lastFocus = undefined
    if (focusFirst(this.#content)) return
    section?.focus()
    if (triesLeft > 0) setTimeout(() => this.#takeFirstFocus(triesLeft - 1), 100)
  }

  #onGrip(event: PointerEvent, edge?: Edge): void {
    if (event.button !== 0 || this.isPhone || this.keyMode !== undefined) return
    if (edge === undefined && (event.target as Element).closest('button')) return
    const target = event.currentTarget as HTMLElement
    target.setPointerCapture(event.pointerId)
    const { pointerId, clientX: xPx, clientY: yPx } = event
    this.#grip = { pointerId, xPx, yPx, frame: this.frame, edge, hasMoved: false }
    addEventListener('keydown', this.#onGripKey, true)
  }

  #onPointerMove(event: PointerEvent): void {
    const grip = this.#grip
    if (grip?.pointerId !== event.pointerId) return
    const dx = event.clientX - grip.xPx
    const dy = event.clientY - grip.yPx
    if (!grip.hasMoved && Math.abs(dx) + Math.abs(dy) < 4) return
    if (!grip.hasMoved) fire(this, 'nj-grip')
    grip.hasMoved = true
    if (grip.edge === undefined) this.#ask('nj-move', this.#moveWish(grip, event))
    else {
      const rect = resizedBy(grip.frame, grip.edge, dx, dy, this.window, event.shiftKey)
      this.#ask('nj-resize', rect)
    }
  }

  /** Wishes of a drag go up once a frame, however often the pointer moves. */
  #ask(type: string, detail: unknown): void {
    const isFirst = this.#wish === undefined
    this.#wish = { type, detail }
    if (!isFirst) return
    requestAnimationFrame(() => {
      const wish = this.#wish
      this.#wish = undefined
      if (wish !== undefined) fire(this, wish.type, wish.detail)
    })
  }

  #moveWish(grip: Grip, event: PointerEvent): MoveWish {
    const desk = this.offsetParent?.getBoundingClientRect()
    return {
      leftPx: grip.frame.leftPx + event.clientX - grip.xPx,
      topPx: grip.frame.topPx + event.clientY - grip.yPx,
      xPx: event.clientX - (desk?.left ?? 0),
      yPx: event.clientY - (desk?.top ?? 0),
    }
  }

  /** Where the drag counts from, once the desktop has taken this window off its place under the pointer. */
  regrip(frame: Rect, xPx: number, yPx: number): void {
    const desk = this.offsetParent?.getBoundingClientRect()
    if (this.#grip === undefined) return
    this.#grip = { ...this.#grip, frame, xPx: xPx + (desk?.left ?? 0), yPx: yPx + (desk?.top ?? 0) }
  }

  #onPointerUp(event: PointerEvent): void {
    const grip = this.#grip
    if (grip?.pointerId !== event.pointerId) return
    this.#endGrip()
    if (!grip.hasMoved) return
    const last = this.#wish
    if (last !== undefined) fire(this, last.type, last.detail)
    this.#wish = undefined
    if (grip.edge === undefined) fire(this, 'nj-drop', this.#moveWish(grip, event))
  }

  #onPointerCancel(): void {
    if (this.#grip?.hasMoved) fire(this, 'nj-give-up')
    this.#endGrip()
  }

  #endGrip(): void {
    this.#grip = undefined
    removeEventListener('keydown', this.#onGripKey, true)
  }

  readonly #onGripKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return
    event.preventDefault()
    event.stopPropagation()
    this.#wish = undefined
    this.#onPointerCancel()
  }

  #onHeaderKey(event: KeyboardEvent): void {
    if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      event.preventDefault()
      fire(this, 'nj-window-menu', { anchor: this.renderRoot.querySelector('.menu') })
      return
    }
    if (this.keyMode === undefined) return
    const stepPx = event.shiftKey ? 1 : 16
    const by: Record<string, [number, number]> = {
      ArrowLeft: [-stepPx, 0],
      ArrowRight: [stepPx, 0],
      ArrowUp: [0, -stepPx],
      ArrowDown: [0, stepPx],
    }
    const way = by[event.key]
    if (way !== undefined) {
      const { leftPx, topPx } = this.frame
      if (this.keyMode === 'move') {
        fire(this, 'nj-move', { leftPx: leftPx + way[0], topPx: topPx + way[1], xPx: -1, yPx: -1 } satisfies MoveWish)
      } else fire(this, 'nj-resize', resizedBy(this.frame, 'bottom-right', way[0], way[1], this.window, false))
    } else if (event.key === 'Enter') fire(this, 'nj-key-mode', undefined)
    else if (event.key === 'Escape') {
      fire(this, 'nj-give-up')
      fire(this, 'nj-key-mode', undefined)
    } else return
    event.preventDefault()
    event.stopPropagation()
  }

  override render(): TemplateResult {
    const { title } = this.app
    const isMaximised = this.window.place !== 'normal'
    return html`<section role="dialog" aria-labelledby="title" tabindex="-1">
      <div
        class="bar"
        tabindex=${this.keyMode === undefined ? nothing : '-1'}
        @pointerdown=${(event: PointerEvent) => this.#onGrip(event)}
        @pointermove=${this.#onPointerMove}
        @pointerup=${this.#onPointerUp}
        @pointercancel=${this.#onPointerCancel}
        @dblclick=${(event: MouseEvent) => {
          if (!(event.target as Element).closest('button') && !this.isPhone) fire(this, 'nj-maximise')
        }}
        @contextmenu=${(event: MouseEvent) => {
          event.preventDefault()
          if (!this.isPhone) fire(this, 'nj-window-menu', { anchor: { xPx: event.clientX, yPx: event.clientY } })
        }}
        @keydown=${this.#onHeaderKey}
        @blur=${() => {
          if (this.keyMode !== undefined) fire(this, 'nj-key-mode', undefined)
        }}
      >
        ${
          this.isPhone
            ? html`<button class="plain" aria-label=${t('close')} @click=${() => fire(this, 'nj-close')}>
                <nj-icon .svg=${backIcon}></nj-icon>
              </button>`
            : html`<button
                class="plain menu"
                aria-label=${t('menu', { title })}
                aria-haspopup="menu"
                @click=${(event: Event) => fire(this, 'nj-window-menu', { anchor: event.currentTarget })}
              >
                <nj-app-icon .app=${this.app}></nj-app-icon>
              </button>`
        }
        <h2 id="title">${title}</h2>
        ${
          this.isPhone
            ? nothing
            : html`<button class="plain" aria-label=${t('minimise')} @click=${() => fire(this, 'nj-minimise')}>
                  <nj-icon .svg=${minimiseIcon}></nj-icon>
                </button>
                <button
                  class="plain"
                  aria-label=${isMaximised ? t('restore') : t('maximise')}
                  @click=${() => fire(this, 'nj-maximise')}
                >
                  <nj-icon .svg=${isMaximised ? restoreIcon : maximiseIcon}></nj-icon>
                </button>
                <button class="plain close" aria-label=${t('close')} @click=${() => fire(this, 'nj-close')}>
                  <nj-icon .svg=${closeIcon}></nj-icon>
                </button>`
        }
      </div>
      <div class="content">
        ${this.state === 'loading' ? html`<p class="wait" role="status">${t('loading', { title })}</p>` : nothing}
        ${
          this.state === 'failed'
            ? html`<div class="wait" role="alert">
                <p>${t('failed', { title })}</p>
                <p class="hint">${this.failure}</p>
                <button @click=${() => this.#load()}>${t('retry')}</button>
              </div>`
            : nothing
        }
        <slot></slot>
      </div>
      ${
        this.keyMode === undefined
          ? nothing
          : html`<p class="mode" role="status">${this.keyMode === 'move' ? t('moving') : t('sizing')}</p>`
      }
      ${
        this.isPhone || this.window.place === 'maximised'
          ? nothing
          : edges.map(
              (edge) => html`<div
                class="edge ${edge}"
                @pointerdown=${(event: PointerEvent) => this.#onGrip(event, edge)}
                @pointermove=${this.#onPointerMove}
                @pointerup=${this.#onPointerUp}
                @pointercancel=${this.#onPointerCancel}
              ></div>`,
            )
      }
    </section>`
  }
}

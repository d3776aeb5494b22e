import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { classMap } from 'lit/directives/class-map.js'
import downIcon from 'lucide-static/icons/arrow-down.svg'
import downLeftIcon from 'lucide-static/icons/arrow-down-left.svg'
import downRightIcon from 'lucide-static/icons/arrow-down-right.svg'
import leftIcon from 'lucide-static/icons/arrow-left.svg'
import rightIcon from 'lucide-static/icons/arrow-right.svg'
import upIcon from 'lucide-static/icons/arrow-up.svg'
import upLeftIcon from 'lucide-static/icons/arrow-up-left.svg'
import upRightIcon from 'lucide-static/icons/arrow-up-right.svg'
import homeIcon from 'lucide-static/icons/house.svg'
import closeIcon from 'lucide-static/icons/x.svg'
import zoomInIcon from 'lucide-static/icons/zoom-in.svg'
import zoomOutIcon from 'lucide-static/icons/zoom-out.svg'
import type { Camera } from '../../../shared/camera.ts'
import type { PtzAbilities } from '../../../shared/ptz.ts'
import { messageOf } from '../../api/client.ts'
import { listPresets, moveCamera, sendHome, stopCamera } from '../../api/ptz.ts'
import { fire } from '../../base/fire.ts'
import { wordsOf } from '../../base/i18n.ts'
import { controls } from '../../ui/controls.ts'
import '../../ui/nj-icon.ts'
import { toast } from '../../ui/toast.ts'
import './nj-ptz-presets.ts'
import { PtzDrive, type PtzWay } from './ptz-drive.ts'
import { ptzStyles } from './ptz-styles.ts'

const t = wordsOf({
  label: 'Turn {name}',
  pad: 'Direction',
  move: 'Move',
  presets: 'Presets',
  close: 'Close',
  'up-left': 'Up and left',
  up: 'Up',
  'up-right': 'Up and right',
  left: 'Left',
  right: 'Right',
  'down-left': 'Down and left',
  down: 'Down',
  'down-right': 'Down and right',
  'zoom-in': 'Zoom in',
  'zoom-out': 'Zoom out',
  home: 'Home position',
  speed: 'Speed',
  slow: 'Slow',
  medium: 'Medium',
  fast: 'Fast',
})

type WayName =
  | 'up-left'
  | 'up'
  | 'up-right'
  | 'left'
  | 'right'
  | 'down-left'
  | 'down'
  | 'down-right'
  | 'zoom-in'
  | 'zoom-out'

const ways: Record<WayName, PtzWay & { icon: string; keys?: string }> = {
  'up-left': { pan: -1, tilt: 1, zoom: 0, icon: upLeftIcon },
  up: { pan: 0, tilt: 1, zoom: 0, icon: upIcon, keys: 'ArrowUp' },
  'up-right': { pan: 1, tilt: 1, zoom: 0, icon: upRightIcon },
  left: { pan: -1, tilt: 0, zoom: 0, icon: leftIcon, keys: 'ArrowLeft' },
  right: { pan: 1, tilt: 0, zoom: 0, icon: rightIcon, keys: 'ArrowRight' },
  'down-left': { pan: -1, tilt: -1, zoom: 0, icon: downLeftIcon },
  down: { pan: 0, tilt: -1, zoom: 0, icon: downIcon, keys: 'ArrowDown' },
  'down-right': { pan: 1, tilt: -1, zoom: 0, icon: downRightIcon },
  'zoom-in': { pan: 0, tilt: 0, zoom: 1, icon: zoomInIcon, keys: '+' },
  'zoom-out': { pan: 0, tilt: 0, zoom: -1, icon: zoomOutIcon, keys: '-' },
}
/** Row by row; the middle is home. */
const pad = ['up-left', 'up', 'up-right', 'left', undefined, 'right', 'down-left', 'down', 'down-right'] as const

const wayOfKey: Record<string, WayName> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  '+': 'zoom-in',
  // The same key without Shift, on most keyboards.
  '=': 'zoom-in',
  '-': 'zoom-out',
}

const speeds = { slow: 0.15, medium: 0.4, fast: 1 }

/** How long a click moves that is neither pressed nor let go, in milliseconds: that of a screen reader. */
const nudgeMs = 400

/**
 * Turns a camera: what is kept pressed moves it, by pointer, touch or key. It stands still once it is let go, and when
 * this goes away or nobody looks.
 *
 * @fires nj-steer - to be closed
 */
@customElement('nj-ptz')
export class NjPtz extends LitElement {
  static override styles = [controls, ptzStyles]

  @property({ attribute: false }) camera!: Camera
  @property({ attribute: false }) abilities!: Extract<PtzAbilities, { hasPtz: true }>
  @state() private view: 'move' | 'presets' = 'move'
  @state() private speed: keyof typeof speeds = 'medium'
  /** What is pressed, by source. */
  @state() private held: Record<string, WayName> = {}
  #drive: PtzDrive | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    window.addEventListener('blur', this.#onGone)
    document.addEventListener('visibilitychange', this.#onGone)
    this.addEventListener('focusout', this.#onFocusOut)
    for (const type of ['dblclick', 'contextmenu']) this.addEventListener(type, this.#onOwn)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    window.removeEventListener('blur', this.#onGone)
    document.removeEventListener('visibilitychange', this.#onGone)
    this.#releaseAll()
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('camera') || changed.get('camera')?.id === this.camera.id) return
    this.#releaseAll()
    const { id } = this.camera
    const wheel = { move: (wish: PtzWay) => moveCamera(id, wish), stop: () => stopCamera(id) }
    this.#drive = new PtzDrive(wheel, (caught) => {
      this.held = {}
      toast(messageOf(caught), 'error')
    })
    this.#drive.speed = speeds[this.speed]
    // The server logs in at the camera for it, so that the first press moves at once. What it finds is asked for again.
    if (this.abilities.maxPresets > 0) void listPresets(id).catch(() => undefined)
  }

  override firstUpdated(): void {
    this.renderRoot.querySelector<HTMLElement>('.turn button')?.focus()
  }

  /** A second click of a press is no wish to see the picture large. */
  readonly #onOwn = (event: Event): void => {
    event.stopPropagation()
    if (event.type === 'contextmenu') event.preventDefault()
  }

  readonly #onGone = (): void => this.#releaseAll()

  readonly #onFocusOut = (event: FocusEvent): void => {
    // A key that is let go elsewhere is not heard of here.
    if (event.relatedTarget === null || !this.shadowRoot?.contains(event.relatedTarget as Node)) this.#releaseAll()
  }

  #press(source: string, name: WayName): void {
    if (this.held[source] === name || !this.#can(name)) return
    this.held = { ...this.held, [source]: name }
    const { pan, tilt, zoom } = ways[name]
    this.#drive?.press(source, { pan, tilt, zoom })
  }

  #release(source: string): void {
    const { [source]: _, ...held } = this.held
    this.held = held
    this.#drive?.release(source)
  }

  #releaseAll(): void {
    this.held = {}
    this.#drive?.releaseAll()
  }

  #can(name: WayName): boolean {
    const { canPan, canTilt, canZoom } = this.abilities
    const { pan, tilt, zoom } = ways[name]
    return (pan === 0 || canPan) && (tilt === 0 || canTilt) && (zoom === 0 || canZoom)
  }

  #onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Tab' || event.ctrlKey || event.altKey || event.metaKey) return
    // The live view's own keys mean something else.
    event.stopPropagation()
    const name = wayOfKey[event.key]
    if (event.key === 'Escape') fire(this, 'nj-steer')
    else if (this.view === 'move' && name !== undefined) this.#press(event.key, name)
    else return
    event.preventDefault()
  }

  #onKeyUp(event: KeyboardEvent): void {
    if (wayOfKey[event.key] !== undefined) this.#release(event.key)
    // Shift let go first turns the key of + into that of =.
    if (event.key === '=' || event.key === '+' || event.key === 'Shift') {
      for (const key of ['=', '+']) this.#release(key)
    }
  }

  async #onHome(): Promise<void> {
    try {
      await sendHome(this.camera.id)
    } catch (caught) {
      toast(messageOf(caught), 'error')
    }
  }

  override render(): TemplateResult {
    const { view, camera } = this
    return html`<div
      class="panel"
      role="group"
      aria-label=${t('label', { name: camera.name })}
      @keydown=${this.#onKeyDown}
      @keyup=${this.#onKeyUp}
    >
      <div class="head">
        ${
          this.abilities.maxPresets === 0
            ? nothing
            : (['move', 'presets'] as const).map(
                (one) => html`<button
                  aria-pressed=${view === one}
                  @click=${() => {
                    this.#releaseAll()
                    this.view = one
                  }}
                >
                  ${t(one)}
                </button>`,
              )
        }
        <button class="plain close" aria-label=${t('close')} title=${t('close')} @click=${() => fire(this, 'nj-steer')}>
          <nj-icon .svg=${closeIcon}></nj-icon>
        </button>
      </div>
      ${view === 'move' ? this.#renderMove() : html`<nj-ptz-presets .camera=${camera}></nj-ptz-presets>`}
    </div>`
  }

  #renderMove(): TemplateResult {
    const { canPan, canTilt, canZoom, hasHome } = this.abilities
    const isHomeIn = canPan || canTilt
    return html`<div class="turn">
        ${
          isHomeIn
            ? html`<div class="pad" role="group" aria-label=${t('pad')}>
                ${pad.map((name) => (name === undefined ? this.#renderHome(hasHome) : this.#renderWay(name)))}
              </div>`
            : nothing
        }
        ${
          canZoom || (hasHome && !isHomeIn)
            ? html`<div class="zoom">
                ${canZoom ? html`${this.#renderWay('zoom-in')} ${this.#renderWay('zoom-out')}` : nothing}
                ${isHomeIn ? nothing : this.#renderHome(hasHome)}
              </div>`
            : nothing
        }
      </div>
      <div class="speeds" role="group" aria-label=${t('speed')}>
        ${(['slow', 'medium', 'fast'] as const).map(
          (one) => html`<button
            aria-pressed=${this.speed === one}
            @click=${() => {
              this.speed = one
              if (this.#drive !== undefined) this.#drive.speed = speeds[one]
            }}
          >
            ${t(one)}
          </button>`,
        )}
      </div>`
  }

  #renderHome(hasHome: boolean): TemplateResult {
    if (!hasHome) return html`<span></span>`
    return html`<button aria-label=${t('home')} title=${t('home')} @click=${this.#onHome}>
      <nj-icon .svg=${homeIcon}></nj-icon>
    </button>`
  }

  #renderWay(name: WayName): TemplateResult {
    if (!this.#can(name)) return html`<span></span>`
    const { icon, keys } = ways[name]
    const isKey = (event: KeyboardEvent): boolean => event.key === ' ' || event.key === 'Enter'
    return html`<button
      class=${classMap({ held: Object.values(this.held).includes(name) })}
      aria-label=${t(name)}
      title=${t(name)}
      aria-keyshortcuts=${keys ?? nothing}
      @mousedown=${(event: MouseEvent) => {
        // Else the tile beneath is dragged to another place.
        event.preventDefault()
        ;(event.currentTarget as HTMLElement).focus()
      }}
      @pointerdown=${(event: PointerEvent) => {
        if (event.button !== 0) return
        ;(event.currentTarget as HTMLElement).setPointerCapture(event.pointerId)
        this.#press(`pointer ${event.pointerId}`, name)
      }}
      @pointerup=${(event: PointerEvent) => this.#release(`pointer ${event.pointerId}`)}
      @pointercancel=${(event: PointerEvent) => this.#release(`pointer ${event.pointerId}`)}
      @lostpointercapture=${(event: PointerEvent) => this.#release(`pointer ${event.pointerId}`)}
      @keydown=${(event: KeyboardEvent) => {
        if (!isKey(event)) return
        event.preventDefault()
        this.#press('button', name)
      }}
      @keyup=${(event: KeyboardEvent) => {
        if (!isKey(event)) return
        event.preventDefault()
        this.#release('button')
      }}
      @click=${(event: PointerEvent) => {
        if (event.detail !== 0 || event.pointerType) return
        this.#press('click', name)
        setTimeout(() => this.#release('click'), nudgeMs)
      }}
    >
      <nj-icon .svg=${icon}></nj-icon>
    </button>`
  }
}

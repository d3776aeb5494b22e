import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import statsIcon from 'lucide-static/icons/activity.svg'
import fullIcon from 'lucide-static/icons/expand.svg'
import listIcon from 'lucide-static/icons/panel-left.svg'
import type { Camera } from '../../../shared/camera.ts'
import type { LiveWant } from '../../../shared/live.ts'
import { cameras, health } from '../../api/camera.ts'
import { request } from '../../api/client.ts'
import type { AppPage } from '../../base/app.ts'
import { fireOpenApp } from '../../base/fire.ts'
import { wordsOf } from '../../base/i18n.ts'
import { keep, readKept } from '../../base/kept.ts'
import { Live } from '../../base/live.ts'
import { styled } from '../../base/styled.ts'
import { LiveSocket } from '../../player/live-socket.ts'
import { controls } from '../../ui/controls.ts'
import '../../ui/nj-icon.ts'
import { toast } from '../../ui/toast.ts'
import { liveViewStyles } from './live-view-styles.ts'
import './nj-camera-list.ts'
import './nj-live-tile.ts'
import type { NjLiveTile } from './nj-live-tile.ts'
import {
  emptyTiles,
  freePlace,
  type Layout,
  layouts,
  neighbour,
  placeOf,
  swapped,
  type Tiles,
  tileCount,
  tilesFromKept,
  tilesOf,
  withCamera,
} from './tile-layout.ts'

const t = wordsOf({
  layouts: 'Layout',
  layout: { one: '{n} picture', other: '{n} pictures' },
  full: 'Full screen',
  stats: 'Figures of the streams',
  list: 'Camera list',
  grid: 'Live pictures',
  empty: 'There is no camera yet',
  emptyHint: 'Add one, and its picture appears here.',
  add: 'Add a camera',
  noSound: 'This camera sends no sound.',
  noPtz: 'This camera cannot be turned.',
})

/** Below this size the controls that turn a camera would hide most of its picture. */
const leastSteeredPx = { width: 380, height: 300 }

/** Live pictures: up to sixteen tiles over one socket. */
@customElement('nj-live-view')
export class NjLiveView extends LitElement {
  static override styles = [controls, liveViewStyles]

  @property({ attribute: false }) page!: AppPage
  @state() private tiles: Tiles = emptyTiles()
  @state() private selected = 0
  @state() private large: number | undefined
  @state() private sounding: number | undefined
  /** The tile whose camera is turned, and whether it is large for that alone. */
  @state() private steering: { tile: number; isLargeForIt: boolean } | undefined
  @state() private hasStats = false
  @state() private hasList = true
  @state() private isHidden = document.hidden
  @state() private wants: Record<number, LiveWant> = {}
  @state() private dropPlace: number | undefined
  #cameras = new Live(this, cameras)
  #health = new Live(this, health)
  #socket = new LiveSocket((id, requests) => request('POST', `api/live/streams/${id}`, { requests }))
  #isRestored = false
  #route: unknown

  override connectedCallback(): void {
    super.connectedCallback()
    document.addEventListener('visibilitychange', this.#onVisibility)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    document.removeEventListener('visibilitychange', this.#onVisibility)
    this.#socket.closeAll()
  }

  readonly #onVisibility = (): void => {
    this.isHidden = document.hidden
  }

  override willUpdate(changed: PropertyValues): void {
    if (!this.#isRestored && cameras.state === 'ready' && this.page !== undefined) {
      this.#isRestored = true
      this.hasList = !this.page.isPhone
      const shown = cameras.list.filter((one) => one.isEnabled && !one.isRecovered)
      this.tiles = tilesFromKept(readKept(this.page.username, 'live-tiles')) ?? tilesOf(shown.map((one) => one.id))
    }
    if (changed.has('page') && this.#isRestored && this.page.route !== this.#route) this.#follow(this.page.route)
  }

  #follow(route: unknown): void {
    this.#route = route
    const { cameraId } = (route ?? {}) as { cameraId?: string }
    if (cameraId !== undefined) this.#add(cameraId)
  }

  #change(tiles: Tiles): void {
    const { tile = -1 } = this.steering ?? {}
    if (tiles.cameraIds[tile] !== this.tiles.cameraIds[tile]) this.steering = undefined
    this.tiles = tiles
    keep(this.page.username, 'live-tiles', tiles)
  }

  #setLayout(layout: Layout): void {
    this.large = undefined
    this.#change({ ...this.tiles, layout })
    if (this.selected >= layout) this.selected = 0
  }

  /** Shows a camera: where it is already, else on the first free place, else on the selected one. */
  #add(cameraId: string, place = freePlace(this.tiles) ?? this.selected): void {
    const there = placeOf(this.tiles, cameraId)
    if (there !== undefined) this.selected = there
    else {
      this.#change(withCamera(this.tiles, place, cameraId))
      this.selected = place
    }
    if (this.large !== undefined) this.large = this.selected
  }

  #tileAt(place: number): NjLiveTile | null {
    return this.renderRoot.querySelector<NjLiveTile>(`#tile-${this.tiles.places[place]}`)
  }

  #focusTile(place: number): void {
    this.selected = place
    this.#tileAt(place)?.shadowRoot?.querySelector<HTMLElement>('.tile')?.focus()
  }

  #toggleLarge(place: number): void {
    this.large = this.large === undefined ? place : undefined
    this.selected = place
  }

  #toggleSound(place: number): void {
    const tile = this.tiles.places[place]!
    const camera = this.#cameraAt(place)
    const hasSound = health.list.some((one) => one.cameraId === camera?.id && one.audioCodec !== undefined)
    if (this.sounding !== tile && !hasSound) toast(t('noSound'), 'error')
    else this.sounding = this.sounding === tile ? undefined : tile
  }

  /** Shows the controls that turn a camera, or takes them away. Where they would hide its picture, it is shown large. */
  #toggleSteering(place: number): void {
    const tile = this.tiles.places[place]!
    if (this.steering?.tile === tile) {
      if (this.steering.isLargeForIt && this.large === place) this.large = undefined
      this.steering = undefined
      return
    }
    const { clientWidth, clientHeight } = this.#tileAt(place)!
    const isSmall = clientWidth < leastSteeredPx.width || clientHeight < leastSteeredPx.height
    const isLargeForIt = isSmall && this.large === undefined && this.tiles.layout > 1
    if (isLargeForIt) this.large = place
    this.steering = { tile, isLargeForIt }
  }

  #cameraAt(place: number): Camera | undefined {
    const id = this.tiles.cameraIds[this.tiles.places[place] ?? -1]
    return id === undefined ? undefined : cameras.get(id)
  }

  async #toggleFull(): Promise<void> {
    if (document.fullscreenElement !== null) await document.exitFullscreen()
    else await this.renderRoot.querySelector('.stage')?.requestFullscreen()
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return
    const place = this.selected
    const layout = { 1: 1, 2: 4, 3: 9, 4: 16 }[event.key] as Layout | undefined
    const next = this.large === undefined ? neighbour(this.tiles.layout, place, event.key) : undefined
    const isOnTile = (event.composedPath()[0] as Element).classList.contains('tile')
    const key = event.key.toLowerCase()
    if (layout !== undefined) this.#setLayout(layout)
    else if (next !== undefined) this.#focusTile(next)
    else if (key === 'f') void this.#toggleFull().catch(() => undefined)
    else if (key === 'm') this.#toggleSound(place)
    else if (key === 'p') {
      if (this.#tileAt(place)?.steer() !== true) toast(t('noPtz'), 'error')
    } else if (key === 's') void this.#tileAt(place)?.snapshot()
    else if (key === 'i') this.hasStats = !this.hasStats
    else if (key === 'delete') this.#change(withCamera(this.tiles, place, undefined))
    else if (key === 'enter' && isOnTile && this.#cameraAt(place)) this.#toggleLarge(place)
    else if (key === 'escape' && this.large !== undefined) this.large = undefined
    else return
    event.preventDefault()
  }

  #onDrop(event: DragEvent, place: number): void {
    event.preventDefault()
    this.dropPlace = undefined
    const cameraId = event.dataTransfer?.getData('text/nj-camera')
    const from = event.dataTransfer?.getData('text/nj-place')
    if (cameraId) {
      this.#change(withCamera(this.tiles, place, cameraId))
      this.selected = place
    } else if (from) {
      this.#change(swapped(this.tiles, Number(from), place))
      this.selected = place
    }
  }

  override render(): TemplateResult {
    void this.#health.source
    const collection = this.#cameras.source
    if (collection.state === 'ready' && collection.list.length === 0) return this.#renderEmpty()
    if (collection.state === 'failed') return html`<p class="empty" role="alert">${collection.failure}</p>`
    return html`<div class="view">
      ${this.hasList ? this.#renderList() : nothing}
      <div class="stage">${this.#renderToolbar()} ${this.#renderGrid()}</div>
    </div>`
  }

  #renderList(): TemplateResult {
    const shown = new Set(this.tiles.places.slice(0, this.tiles.layout).map((tile) => this.tiles.cameraIds[tile]))
    return html`<nj-camera-list
      .cameras=${this.#cameras.source.list}
      .shown=${shown}
      @nj-add=${(event: CustomEvent<string>) => {
        this.#add(event.detail)
        if (this.page.isPhone) this.hasList = false
      }}
    ></nj-camera-list>`
  }

  #renderToolbar(): TemplateResult {
    return html`<div class="toolbar">
      <button
        class="plain square"
        aria-label=${t('list')}
        title=${t('list')}
        aria-pressed=${this.hasList}
        @click=${() => {
          this.hasList = !this.hasList
        }}
      >
        <nj-icon .svg=${listIcon}></nj-icon>
      </button>
      <div class="layouts" role="group" aria-label=${t('layouts')}>
        ${layouts.map(
          (n) => html`<button
            class="plain square"
            aria-label=${t('layout', { n })}
            title=${t('layout', { n })}
            aria-pressed=${this.tiles.layout === n && this.large === undefined}
            @click=${() => this.#setLayout(n)}
          >
            <span class="mini mini-${n}" aria-hidden="true"
              >${Array.from({ length: n }, () => html`<i></i>`)}</span
            >
          </button>`,
        )}
      </div>
      <span class="grow"></span>
      <button
        class="plain square"
        aria-label=${t('stats')}
        title=${t('stats')}
        aria-pressed=${this.hasStats}
        @click=${() => {
          this.hasStats = !this.hasStats
        }}
      >
        <nj-icon .svg=${statsIcon}></nj-icon>
      </button>
      <button class="plain square" aria-label=${t('full')} title=${t('full')} @click=${() => this.#toggleFull()}>
        <nj-icon .svg=${fullIcon}></nj-icon>
      </button>
    </div>`
  }

  #renderGrid(): TemplateResult {
    const { layout, places } = this.tiles
    const side = this.large === undefined ? Math.sqrt(layout) : 1
    return html`<div
      class="grid"
      role="group"
      aria-label=${t('grid')}
      ${styled({ '--side': String(side) })}
      @keydown=${this.#onKey}
    >
      ${repeat(
        Array.from({ length: tileCount }, (_, tile) => tile),
        (tile) => tile,
        (tile) => this.#renderTile(tile, places.indexOf(tile)),
      )}
    </div>`
  }

  #renderTile(tile: number, place: number): TemplateResult {
    const isVisible = this.large === undefined ? place < this.tiles.layout : place === this.large
    const cameraId = this.tiles.cameraIds[tile]
    return html`<nj-live-tile
      id="tile-${tile}"
      class=${this.dropPlace === place ? 'drop' : ''}
      draggable=${cameraId !== undefined && !this.page.isPhone ? 'true' : 'false'}
      ${styled({ order: String(place) })}
      ?hidden=${!isVisible}
      .socket=${this.#socket}
      .tile=${tile + 1}
      .place=${place + 1}
      .camera=${cameraId === undefined ? undefined : cameras.get(cameraId)}
      .isRunning=${isVisible && this.page.isShown && !this.isHidden}
      .isSounding=${this.sounding === tile}
      .isLarge=${this.large === place}
      .hasStats=${this.hasStats}
      .isSteering=${this.steering?.tile === tile && isVisible}
      .want=${this.wants[tile] ?? 'auto'}
      ?isSelected=${this.selected === place && this.tiles.layout > 1 && this.large === undefined}
      @focusin=${() => {
        this.selected = place
      }}
      @pointerdown=${() => {
        this.selected = place
      }}
      @dblclick=${(event: MouseEvent) => {
        const isButton = event.composedPath().some((one) => one instanceof HTMLButtonElement)
        if (!isButton && cameraId !== undefined) this.#toggleLarge(place)
      }}
      @nj-large=${() => this.#toggleLarge(place)}
      @nj-sound=${() => this.#toggleSound(place)}
      @nj-steer=${() => this.#toggleSteering(place)}
      @nj-clear=${() => this.#change(withCamera(this.tiles, place, undefined))}
      @nj-want=${(event: CustomEvent<LiveWant>) => {
        this.wants = { ...this.wants, [tile]: event.detail }
      }}
      @dragstart=${(event: DragEvent) => event.dataTransfer?.setData('text/nj-place', String(place))}
      @dragover=${(event: DragEvent) => {
        event.preventDefault()
        this.dropPlace = place
      }}
      @dragleave=${() => {
        this.dropPlace = undefined
      }}
      @drop=${(event: DragEvent) => this.#onDrop(event, place)}
    ></nj-live-tile>`
  }

  #renderEmpty(): TemplateResult {
    return html`<div class="empty">
      <h3>${t('empty')}</h3>
      <p class="hint">${t('emptyHint')}</p>
      <button class="primary" @click=${() => fireOpenApp(this, { appId: 'cameras', route: { add: true } })}>
        ${t('add')}
      </button>
    </div>`
  }
}

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import snapshotIcon from 'lucide-static/icons/camera.svg'
import moreIcon from 'lucide-static/icons/ellipsis-vertical.svg'
import historyIcon from 'lucide-static/icons/history.svg'
import maximiseIcon from 'lucide-static/icons/maximize-2.svg'
import minimiseIcon from 'lucide-static/icons/minimize-2.svg'
import turnIcon from 'lucide-static/icons/move.svg'
import soundIcon from 'lucide-static/icons/volume-2.svg'
import mutedIcon from 'lucide-static/icons/volume-x.svg'
import type { Camera } from '../../../shared/camera.ts'
import type { LiveWant } from '../../../shared/live.ts'
import { healthOf } from '../../api/camera.ts'
import { ptzDirectory } from '../../api/ptz.ts'
import { push } from '../../api/push.ts'
import { fire } from '../../base/fire.ts'
import { formatSince } from '../../base/format.ts'
import { wordsOf } from '../../base/i18n.ts'
import { Live } from '../../base/live.ts'
import type { LiveSocket } from '../../player/live-socket.ts'
import { LiveTile, type LiveTileState } from '../../player/live-tile.ts'
import { pictureOf, saveFile, snapshotName } from '../../player/snapshot.ts'
import { controls } from '../../ui/controls.ts'
import { deepFocus } from '../../ui/focus.ts'
import '../../ui/nj-icon.ts'
import { openMenu } from '../../ui/nj-menu.ts'
import { toast } from '../../ui/toast.ts'
import './nj-ptz.ts'
import { renderStats } from './tile-stats.ts'
import { tileStyles } from './tile-styles.ts'

const t = wordsOf({
  empty: 'No camera',
  emptyHint: 'Drag a camera here, or choose one in the list.',
  label: 'Tile {place}: {name}, {state}',
  labelEmpty: 'Tile {place}, empty',
  waiting: 'Connecting…',
  paused: 'Paused',
  showing: 'live',
  'no-picture': 'No picture',
  refused: 'Cannot be shown',
  stale: 'Connection lost',
  off: 'off',
  since: 'Since {since}',
  'mode-main': 'Main stream',
  'mode-sub': 'Sub stream',
  'mode-h264': 'H.264, converted',
  'mode-jpeg': 'JPEG',
  recording: 'Recording',
  mute: 'Mute',
  unmute: 'Sound on',
  snapshot: 'Snapshot',
  playback: 'Play the last 30 seconds',
  turn: 'Turn the camera',
  maximise: 'Show large',
  restore: 'Back to all pictures',
  more: 'More',
  auto: 'Stream: automatic',
  main: 'Stream: main',
  sub: 'Stream: sub',
  h264: 'Stream: converted to H.264',
  jpeg: 'Stream: JPEG',
  remove: 'Empty this tile',
  noSound: 'This camera sends no sound.',
})

const playbackLeadMs = 30_000
const mainWidthPx = 1280
const resizeDelayMs = 300
/** Widths told to the server, so that a small change of size starts no stream anew. */
const toldWidthsPx = [640, 1280, 1920, 3840, 16_384]

/**
 * A place for one live picture. Its video element stays the same whatever it shows and wherever it lies.
 *
 * @fires nj-sound - the sound button
 * @fires nj-large - large and back
 * @fires nj-clear - empty the tile
 * @fires nj-steer - the controls that turn the camera, shown and away
 * @fires nj-want - `LiveWant`, chosen in its menu
 * @fires open-app
 */
@customElement('nj-live-tile')
export class NjLiveTile extends LitElement {
  static override styles = [controls, tileStyles]

  @property({ attribute: false }) camera: Camera | undefined
  @property({ attribute: false }) socket!: LiveSocket
  /** On the live socket, from 1. */
  @property({ type: Number }) tile = 1
  /** As people count, from 1. */
  @property({ type: Number }) place = 1
  /** False while nobody can see it. */
  @property({ type: Boolean }) isRunning = false
  @property({ type: Boolean, reflect: true }) isSelected = false
  @property({ type: Boolean }) isSounding = false
  @property({ type: Boolean }) isLarge = false
  @property({ type: Boolean }) hasStats = false
  /** Whether the controls that turn the camera are shown, where it can be turned. */
  @property({ type: Boolean, reflect: true }) isSteering = false
  @property() want: LiveWant = 'auto'
  @state() private live: LiveTileState = { kind: 'off', sound: 'none' }
  @state() private isPaused = false
  @state() private isOnScreen = true
  @state() private widthPx = 0
  @query('video') private video!: HTMLVideoElement
  @query('canvas') private canvas!: HTMLCanvasElement
  @query('audio') private audio!: HTMLAudioElement
  #ptz = new Live(this, ptzDirectory)
  #player: LiveTile | undefined
  #observers: { disconnect(): void }[] = []
  #resizeTimer: ReturnType<typeof setTimeout> | undefined
  #statsTimer: ReturnType<typeof setInterval> | undefined

  override firstUpdated(): void {
    const { video, canvas, audio } = this
    this.#player = new LiveTile(this.socket, this.tile, { video, canvas, audio }, (live) => {
      this.live = live
    })
    const size = new ResizeObserver(([entry]) => {
      const ownPx = Math.round((entry?.contentRect.width ?? 0) * devicePixelRatio)
      const widthPx = ownPx === 0 ? 0 : toldWidthsPx.find((one) => one >= ownPx)!
      clearTimeout(this.#resizeTimer)
      // At once from nothing; else when the size has settled, for each change may change the stream.
      this.#resizeTimer = setTimeout(
        () => {
          this.widthPx = widthPx
        },
        this.widthPx === 0 ? 0 : resizeDelayMs,
      )
    })
    size.observe(this)
    const sight = new IntersectionObserver((entries) => {
      this.isOnScreen = entries.at(-1)?.isIntersecting ?? true
    })
    sight.observe(this)
    this.#observers = [size, sight]
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#statsTimer = setInterval(() => {
      if (this.hasStats) this.requestUpdate()
    }, 500)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#statsTimer)
    clearTimeout(this.#resizeTimer)
    for (const one of this.#observers) one.disconnect()
    this.#player?.close()
  }

  override updated(changed: PropertyValues<this>): void {
    if (this.camera !== undefined && this.isRunning && this.isOnScreen) this.#ptz.source.look(this.camera)
    // The controls took the focus with them.
    const button = this.renderRoot.querySelector<HTMLElement>('.turn')
    if (changed.get('isSteering') === true && deepFocus() === undefined) button?.focus()
    const player = this.#player
    if (player === undefined) return
    if (this.camera === undefined) {
      player.close()
      this.isPaused = false
    } else if (!this.isRunning || !this.isOnScreen) {
      if (!this.isPaused && this.live.kind !== 'off') this.isPaused = true
      player.pause()
    } else if (this.widthPx > 0) {
      this.isPaused = false
      const { id: cameraId } = this.camera
      const widthPx = this.isSounding ? Math.max(this.widthPx, this.#widthForSoundPx(this.camera)) : this.widthPx
      player.open({ cameraId, want: this.want, widthPx, hasSound: this.isSounding })
    }
  }

  /** Where only the main stream carries sound, a tile that is to be heard asks for a width that brings the main one. */
  #widthForSoundPx(camera: Camera): number {
    const [main, ...subs] = healthOf(camera)
    return main?.audioCodec !== undefined && !subs.some((one) => one.audioCodec !== undefined) ? mainWidthPx : 0
  }

  /** Saves the picture that stands there now. */
  async snapshot(): Promise<void> {
    if (this.camera === undefined) return
    const picture = await pictureOf(this.live.mode === 'jpeg' ? this.canvas : this.video)
    if (picture !== undefined) saveFile(picture, snapshotName(this.camera.name, push.nowMs()))
    else toast(t('no-picture'), 'error')
  }

  /** Shows the controls that turn the camera, or takes them away. False where it cannot be turned. */
  steer(): boolean {
    const canTurn = this.camera !== undefined && this.#ptz.source.of(this.camera) !== undefined
    if (canTurn) fire(this, 'nj-steer')
    return canTurn
  }

  async #onMenu(anchor: Element): Promise<void> {
    const wants = (['auto', 'main', 'sub', 'h264', 'jpeg'] as const).map((id) => ({
      id,
      label: t(id),
      isChecked: this.want === id,
    }))
    const chosen = await openMenu(
      t('more'),
      [...wants, { id: 'remove', label: t('remove'), hasLineAbove: true }],
      anchor,
    )
    if (chosen === 'remove') fire(this, 'nj-clear')
    else if (chosen !== undefined) fire(this, 'nj-want', chosen)
  }

  #playBack(): void {
    fire(this, 'open-app', {
      appId: 'playback',
      route: { cameraIds: [this.camera?.id], atMs: push.nowMs() - playbackLeadMs, play: true },
    })
  }

  #stateText(): string {
    return this.isPaused ? t('paused') : t(this.live.kind)
  }

  override render(): TemplateResult {
    const { camera, live } = this
    const label =
      camera === undefined
        ? t('labelEmpty', { place: this.place })
        : t('label', { place: this.place, name: camera.name, state: this.#stateText() })
    return html`<div class="tile ${this.isPaused ? 'dim' : live.kind}" role="group" aria-label=${label} tabindex="0" ?data-focus=${this.place === 1}>
      <video muted autoplay playsinline ?hidden=${live.mode === 'jpeg' || camera === undefined} .muted=${true}></video>
      <canvas ?hidden=${live.mode !== 'jpeg' || camera === undefined}></canvas>
      <audio autoplay></audio>
      ${
        camera === undefined
          ? html`<div class="message"><span>${t('empty')}</span><span class="small">${t('emptyHint')}</span></div>`
          : html`${this.#renderMessage()} ${this.#renderBars(camera)}`
      }
    </div>`
  }

  #renderMessage(): TemplateResult | typeof nothing {
    const { live } = this
    if (live.kind === 'showing' && !this.isPaused) return nothing
    return html`<div class="message" role=${live.kind === 'waiting' ? nothing : 'status'}>
      <span>${this.#stateText()}</span>
      ${live.reason ? html`<span class="small">${live.reason}</span>` : nothing}
      ${live.sinceMs ? html`<span class="small">${t('since', { since: formatSince(live.sinceMs) })}</span>` : nothing}
    </div>`
  }

  #renderBars(camera: Camera): TemplateResult {
    const { live } = this
    const abilities = this.#ptz.source.of(camera)
    const isRecording = healthOf(camera).some((one) => one.isRecording)
    return html`
      <div class="top">
        <span class="name">${camera.channel}. ${camera.name}</span>
        ${isRecording ? html`<span class="rec" role="img" aria-label=${t('recording')} title=${t('recording')}></span>` : nothing}
        ${
          live.mode === undefined
            ? nothing
            : html`<span class="mode">${t(`mode-${live.mode}`)}${live.note ? html`<span class="note">: ${live.note}</span>` : nothing}</span>`
        }
      </div>
      ${this.hasStats && live.kind === 'showing' && this.#player !== undefined ? renderStats(this.#player.stats(push.nowMs()), live) : nothing}
      ${this.isSteering && abilities ? html`<nj-ptz .camera=${camera} .abilities=${abilities}></nj-ptz>` : nothing}
      <div class="bar">
        ${
          abilities === undefined
            ? nothing
            : html`<button
                class="square turn"
                aria-label=${t('turn')}
                title=${t('turn')}
                aria-pressed=${this.isSteering}
                @click=${() => fire(this, 'nj-steer')}
              >
                <nj-icon .svg=${turnIcon}></nj-icon>
              </button>`
        }
        ${this.#button(this.isSounding ? t('mute') : t('unmute'), this.isSounding ? soundIcon : mutedIcon, () => {
          if (!this.isSounding && !healthOf(camera).some((one) => one.audioCodec)) toast(t('noSound'), 'error')
          else fire(this, 'nj-sound')
        })}
        ${this.#button(t('snapshot'), snapshotIcon, () => void this.snapshot())}
        ${this.#button(t('playback'), historyIcon, () => this.#playBack())}
        ${this.#button(this.isLarge ? t('restore') : t('maximise'), this.isLarge ? minimiseIcon : maximiseIcon, () =>
          fire(this, 'nj-large'),
        )}
        ${this.#button(t('more'), moreIcon, (event) => void this.#onMenu(event.currentTarget as Element))}
      </div>
    `
  }

  #button(label: string, icon: string, onClick: (event: Event) => void): TemplateResult {
    return html`<button class="square" aria-label=${label} title=${label} @click=${onClick}>
      <nj-icon .svg=${icon}></nj-icon>
    </button>`
  }
}

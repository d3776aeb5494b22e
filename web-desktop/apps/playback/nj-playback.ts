import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import type { Camera } from '../../../shared/camera.ts'
import { cameras } from '../../api/camera.ts'
import { causeText } from '../../api/camera-status.ts'
import { push } from '../../api/push.ts'
import { framePath, piecePath, soundPath } from '../../api/recording.ts'
import type { AppPage } from '../../base/app.ts'
import { fireOpenApp } from '../../base/fire.ts'
import { keep, readKept } from '../../base/kept.ts'
import { Live } from '../../base/live.ts'
import { PlaybackSession, type Speed, speeds } from '../../player/playback-session.ts'
import { pictureOf, saveFile, snapshotName } from '../../player/snapshot.ts'
import { controls } from '../../ui/controls.ts'
import { openMenu } from '../../ui/nj-menu.ts'
import { toast } from '../../ui/toast.ts'
import { Footage } from './footage.ts'
import './nj-export.ts'
import type { ExportWish } from './nj-export.ts'
import './nj-goto.ts'
import './nj-timeline.ts'
import { followingView } from './nj-timeline.ts'
import { renderControls } from './playback-controls.ts'
import { playbackStyles } from './playback-styles.ts'
import { t } from './playback-words.ts'
import { centredOn, spanAt, stepped, type View } from './timeline-view.ts'

export const mostCameras = 4
const firstSpanMs = 3_600_000
const startLeadMs = 60_000
const exportMs = 60_000

interface Route {
  cameraIds?: string[]
  atMs?: number
  play?: boolean
}

/** Recorded footage of up to four cameras on one clock. */
@customElement('nj-playback')
export class NjPlayback extends LitElement {
  static override styles = [controls, playbackStyles]

  @property({ attribute: false }) page!: AppPage
  @state() private cameraIds: string[] = []
  @state() private selectedId = ''
  @state() private view: View = { fromMs: 0, toMs: 1 }
  @state() private dialog: 'goto' | undefined
  @state() private exportWish: ExportWish | undefined
  @state() private peekUrl = ''
  @state() private isReady = false
  #cameras = new Live(this, cameras)
  #footage = new Live(this, new Footage())
  #session: PlaybackSession | undefined
  #route: unknown
  #isStarting = false
  /** A person moved the view: it follows the playhead again once that is back in sight. */
  #hasPanned = false

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#session?.close()
    this.#footage.source.close()
  }

  override willUpdate(changed: PropertyValues): void {
    if (!this.#isStarting && cameras.state === 'ready' && cameras.list.length > 0) {
      this.#isStarting = true
      void this.#start()
    }
    if (changed.has('page') && this.isReady && this.page.route !== this.#route) this.#follow(this.page.route as Route)
    if (changed.has('page') && this.isReady && !this.page.isShown) this.#session?.pause()
    if (this.isReady) this.#footage.source.show(this.cameraIds, this.view)
  }

  override updated(): void {
    const session = this.#session
    if (session === undefined) return
    for (const id of this.cameraIds) {
      if (session.track(id) !== undefined || cameras.get(id) === undefined) continue
      const video = this.renderRoot.querySelector<HTMLVideoElement>(`#video-${CSS.escape(id)}`)
      const audio = this.renderRoot.querySelector<HTMLAudioElement>(`#audio-${CSS.escape(id)}`)
      if (video === null || audio === null) continue
      const stream = this.#streamOf(id)
      session.addTrack(id, { video, audio, pieceUrl: (piece) => piecePath({ cameraId: id, stream, ...piece }) })
    }
  }

  /** Shows the last minute of what was recorded, of the cameras shown last time. */
  async #start(): Promise<void> {
    const route = (this.page.route ?? {}) as Route
    const kept = readKept(this.page.username, 'playback-cameras')
    const wanted = route.cameraIds ?? (Array.isArray(kept) ? (kept as string[]) : [])
    const known = wanted.filter((id) => cameras.get(id) !== undefined).slice(0, mostCameras)
    this.cameraIds = known.length > 0 ? known : [cameras.list[0]!.id]
    this.selectedId = this.cameraIds[0]!
    const nowMs = push.nowMs()
    const last = await this.#footage.source.lastBefore(this.cameraIds, nowMs).catch(() => undefined)
    const [startMs, endMs] = last ?? [0, nowMs]
    const atMs = route.atMs ?? Math.max(startMs, endMs - startLeadMs)
    this.#route = this.page.route
    this.#session = new PlaybackSession(atMs, {
      nowMs: () => push.nowMs(),
      nextFootage: (ms) => this.#footage.source.nextAfter(this.cameraIds, ms),
      onChange: () => this.#onTick(),
    })
    // Most of what is of interest lies before the newest footage.
    const toMs = Math.min(atMs + firstSpanMs / 2, nowMs + firstSpanMs / 12)
    this.view = this.page.isPhone
      ? centredOn({ fromMs: 0, toMs: firstSpanMs }, atMs)
      : { fromMs: toMs - firstSpanMs, toMs }
    this.isReady = true
    if (route.play) this.#session.play()
  }

  #follow(route: Route | undefined): void {
    this.#route = route
    if (route?.cameraIds !== undefined) this.#setCameras(route.cameraIds.filter((id) => cameras.get(id)))
    if (route?.atMs !== undefined) this.#seek(route.atMs)
    if (route?.play) this.#session?.play()
  }

  #onTick(): void {
    const session = this.#session
    if (session === undefined) return
    const at = session.positionMs
    if (session.isPlaying || this.page.isPhone) {
      const isInSight = at >= this.view.fromMs && at <= this.view.toMs
      if (isInSight) this.#hasPanned = false
      if (!this.#hasPanned) this.view = followingView(this.view, at, this.page.isPhone)
    }
    this.requestUpdate()
  }

  #setCameras(ids: string[]): void {
    const next = ids.slice(0, mostCameras)
    if (next.length === 0) return
    for (const id of this.cameraIds) if (!next.includes(id)) this.#session?.removeTrack(id)
    this.cameraIds = next
    if (!next.includes(this.selectedId)) this.selectedId = next[0]!
    keep(this.page.username, 'playback-cameras', next)
  }

  #streamOf(id: string): number {
    const recorded = this.#footage.source.of(id).streams
    const set = cameras.get(id)?.streams.filter((one) => one.isRecorded)
    return recorded[0] ?? set?.[0]?.stream ?? 1
  }

  #seek(ms: number): void {
    this.#session?.seek(ms)
    this.view = followingView(this.view, ms, this.page.isPhone)
    this.#hasPanned = false
  }

  #onView(view: View): void {
    const session = this.#session
    this.view = view
    const at = session?.positionMs ?? 0
    this.#hasPanned = at < view.fromMs || at > view.toMs
  }

  #togglePlay(): void {
    const session = this.#session
    if (session?.isPlaying) session.pause()
    else session?.play()
  }

  #step(by: 1 | -1): void {
    void this.#session?.step(this.selectedId, by)
  }

  #changeSpeed(by: 1 | -1): void {
    const session = this.#session
    if (session === undefined) return
    const next = speeds[speeds.indexOf(session.speed) + by]
    if (next !== undefined) session.setSpeed(next)
  }

  #toggleSound(): void {
    const session = this.#session
    if (session === undefined) return
    const id = this.selectedId
    if (session.soundId === id) session.setSound(undefined)
    else session.setSound(id, (fromMs, toMs) => soundPath(id, this.#streamOf(id), fromMs, toMs))
  }

  async #snapshot(): Promise<void> {
    const camera = cameras.get(this.selectedId)
    const video = this.renderRoot.querySelector<HTMLVideoElement>(`#video-${CSS.escape(this.selectedId)}`)
    const hasPicture = this.#session?.statusOf(this.selectedId) === 'picture'
    const picture = video && hasPicture ? await pictureOf(video) : undefined
    if (camera === undefined || picture === undefined) toast(t('noPicture'), 'error')
    else saveFile(picture, snapshotName(camera.name, this.#session!.positionMs))
  }

  #openExport(): void {
    const at = Math.round(this.#session?.positionMs ?? 0)
    const cameraId = this.selectedId
    const toMs = Math.min(at + exportMs, Math.floor(push.nowMs()))
    this.exportWish ??= { cameraId, stream: this.#streamOf(cameraId), fromMs: Math.min(at, toMs - 1000), toMs }
  }

  #mark(edge: 'from' | 'to'): void {
    this.#openExport()
    const at = Math.round(this.#session?.positionMs ?? 0)
    const wish = this.exportWish!
    const length = Math.max(1000, wish.toMs - wish.fromMs)
    if (edge === 'from') this.exportWish = { ...wish, fromMs: at, toMs: wish.toMs > at ? wish.toMs : at + length }
    else this.exportWish = { ...wish, toMs: at, fromMs: wish.fromMs < at ? wish.fromMs : at - length }
  }

  async #onPick(anchor: Element): Promise<void> {
    const items = this.#cameras.source.list.map((one) => {
      const isChecked = this.cameraIds.includes(one.id)
      const isFull = !isChecked && this.cameraIds.length >= mostCameras
      return { id: one.id, label: `${one.channel}. ${one.name}`, isChecked, isDisabled: isFull }
    })
    const id = await openMenu(t('pick', { n: mostCameras }), items, anchor)
    if (id === undefined) return
    const has = this.cameraIds.includes(id)
    this.#setCameras(has ? this.cameraIds.filter((one) => one !== id) : [...this.cameraIds, id])
  }

  #onKey(event: KeyboardEvent): void {
    const from = event.composedPath()[0] as Element
    const isTyping = from.matches('input, select, textarea')
    if (event.ctrlKey || event.altKey || event.metaKey || isTyping || this.dialog !== undefined) return
    const key = event.key.toLowerCase()
    // Space presses a button that has the focus, as everywhere.
    if (key === ' ' && from.matches('button, a')) return
    const acts: Record<string, () => void> = {
      ' ': () => this.#togglePlay(),
      k: () => this.#togglePlay(),
      ',': () => this.#step(-1),
      '.': () => this.#step(1),
      j: () => this.#changeSpeed(-1),
      l: () => this.#changeSpeed(1),
      i: () => this.#mark('from'),
      o: () => this.#mark('to'),
      g: () => this.#openGoto(),
      s: () => void this.#snapshot(),
      m: () => this.#toggleSound(),
      e: () => this.#openExport(),
      '+': () => this.#zoom('in'),
      '=': () => this.#zoom('in'),
      '-': () => this.#zoom('out'),
      arrowleft: () => this.#seek(this.#session!.positionMs - (event.shiftKey ? 10_000 : 1000)),
      arrowright: () => this.#seek(this.#session!.positionMs + (event.shiftKey ? 10_000 : 1000)),
    }
    const act = acts[key]
    if (act === undefined || this.#session === undefined) return
    event.preventDefault()
    act()
  }

  #openGoto(): void {
    this.#session?.pause()
    this.dialog = 'goto'
  }

  #zoom(way: 'in' | 'out'): void {
    this.#onView(stepped(this.view, way, this.#session?.positionMs ?? this.view.fromMs))
  }

  override render(): TemplateResult {
    if (this.#cameras.source.state === 'failed') {
      return html`<p class="empty" role="alert">${this.#cameras.source.failure}</p>`
    }
    if (this.#cameras.source.state === 'ready' && this.#cameras.source.list.length === 0) {
      return html`<div class="empty">
        <h3>${t('noCamera')}</h3>
        <p class="hint">${t('noCameraHint')}</p>
      </div>`
    }
    const session = this.#session
    if (!this.isReady || session === undefined) return html`<p class="empty hint" role="status">${t('loading')}</p>`
    return html`<div class="page" ?inert=${this.dialog !== undefined} @keydown=${this.#onKey}>
        ${this.#renderTiles(session)} ${this.#renderControls(session)} ${this.#renderTimeline(session)}
        ${this.#renderExport()}
      </div>
      ${
        this.dialog === 'goto'
          ? html`<nj-goto
              .atMs=${session.positionMs}
              .nowMs=${push.nowMs()}
              .cameraIds=${this.cameraIds}
              @nj-cancel=${() => {
                this.dialog = undefined
              }}
              @nj-go=${(event: CustomEvent<number>) => {
                this.dialog = undefined
                this.#seek(event.detail)
                this.view = centredOn(this.view, event.detail)
              }}
            ></nj-goto>`
          : nothing
      }`
  }

  #renderTiles(session: PlaybackSession): TemplateResult {
    return html`<div class="tiles count-${this.cameraIds.length}">
      ${repeat(
        this.cameraIds,
        (id) => id,
        (id) => this.#renderTile(session, id),
      )}
    </div>`
  }

  #renderTile(session: PlaybackSession, id: string): TemplateResult {
    const camera = cameras.get(id)
    const name = camera === undefined ? t('gone') : `${camera.channel}. ${camera.name}`
    const status = session.statusOf(id)
    const track = session.track(id)
    return html`<div
      class="tile ${status} ${id === this.selectedId && this.cameraIds.length > 1 ? 'selected' : ''}"
      role="group"
      aria-label=${name}
      tabindex="0"
      ?data-focus=${id === this.cameraIds[0]}
      @focusin=${() => {
        this.selectedId = id
      }}
      @pointerdown=${() => {
        this.selectedId = id
      }}
    >
      <video id="video-${id}" .muted=${true} playsinline></video>
      <audio id="audio-${id}"></audio>
      <div class="top">
        <span class="name">${name}</span>
        ${track?.isConverted ? html`<span class="mode">${t('converted')}</span>` : nothing}
        ${session.soundId === id ? html`<span class="mode">${t('soundOn')}</span>` : nothing}
      </div>
      ${status === 'picture' ? nothing : html`<div class="message" role="status">${this.#statusText(session, id)}</div>`}
    </div>`
  }

  #statusText(session: PlaybackSession, id: string): TemplateResult {
    const status = session.statusOf(id)
    if (status === 'waiting') return html`<span>${t('loading')}</span>`
    if (status === 'failed')
      return html`<span>${t('failed')}</span><span class="small">${session.track(id)?.reason}</span>`
    const at = session.positionMs
    const gap = this.#footage.source.of(id).gaps.find((one) => one.startMs <= at && at < (one.endMs ?? push.nowMs()))
    return html`<span>${t('noRecording')}</span>${gap ? html`<span class="small">${causeText(gap.cause)}</span>` : nothing}`
  }

  #renderControls(session: PlaybackSession): TemplateResult {
    return renderControls({
      session,
      isPhone: this.page.isPhone,
      count: this.cameraIds.length,
      isExporting: this.exportWish !== undefined,
      hasSound: session.soundId === this.selectedId,
      onPlay: () => this.#togglePlay(),
      onStep: (by) => this.#step(by),
      onJump: (byMs) => this.#seek(session.positionMs + byMs),
      onSpeed: (speed: Speed) => session.setSpeed(speed),
      onSkip: () => session.setSkipsGaps(!session.skipsGaps),
      onSound: () => this.#toggleSound(),
      onSnapshot: () => void this.#snapshot(),
      onExport: () => {
        if (this.exportWish === undefined) this.#openExport()
        else this.exportWish = undefined
      },
      onGoto: () => this.#openGoto(),
      onPick: (anchor) => void this.#onPick(anchor),
      onZoom: (way) => this.#zoom(way),
      onLive: () => fireOpenApp(this, { appId: 'live-view', route: { cameraId: this.selectedId } }),
    })
  }

  #renderTimeline(session: PlaybackSession): TemplateResult {
    const rows = this.cameraIds.map((id) => {
      const { spans, gaps } = this.#footage.source.of(id)
      return { name: (cameras.get(id) as Camera | undefined)?.name ?? t('gone'), spans, gaps }
    })
    return html`<nj-timeline
      .view=${this.view}
      .rows=${rows}
      .positionMs=${session.positionMs}
      .nowMs=${push.nowMs()}
      .range=${this.exportWish}
      .peekUrl=${this.peekUrl}
      ?isCentred=${this.page.isPhone}
      @nj-view=${(event: CustomEvent<View>) => this.#onView(event.detail)}
      @nj-seek=${(event: CustomEvent<number>) => this.#seek(event.detail)}
      @nj-range=${(event: CustomEvent<{ fromMs: number; toMs: number }>) => {
        if (this.exportWish) this.exportWish = { ...this.exportWish, ...event.detail }
      }}
      @nj-peek=${(event: CustomEvent<number | undefined>) => this.#onPeek(event.detail)}
    ></nj-timeline>`
  }

  /** A small picture of the instant the pointer rests on, of the first camera that has one there. */
  #onPeek(ms: number | undefined): void {
    const id = this.cameraIds.find((one) => ms !== undefined && spanAt(this.#footage.source.of(one).spans, ms))
    this.peekUrl = id === undefined || ms === undefined ? '' : framePath(id, this.#streamOf(id), ms, 320)
  }

  #renderExport(): TemplateResult | typeof nothing {
    const wish = this.exportWish
    if (wish === undefined) return nothing
    return html`<nj-export
      .cameras=${this.cameraIds.flatMap((id) => cameras.get(id) ?? [])}
      .wish=${wish}
      .streams=${this.#footage.source.of(wish.cameraId).streams}
      @nj-export=${(event: CustomEvent<ExportWish>) => {
        const next = event.detail
        const isSame = next.cameraId === wish.cameraId
        this.exportWish = isSame ? next : { ...next, stream: this.#streamOf(next.cameraId) }
      }}
      @nj-mark=${(event: CustomEvent<'from' | 'to'>) => this.#mark(event.detail)}
      @nj-close-export=${() => {
        this.exportWish = undefined
      }}
    ></nj-export>`
  }
}

import { html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import { push } from '../api/push.ts'
import { session } from '../api/session.ts'
import { readSetup } from '../api/setup.ts'
import type { AppDefinition, AppPage } from '../base/app.ts'
import { fireOpenApp, listen, type OpenApp } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { keep, readKept } from '../base/kept.ts'
import { Live } from '../base/live.ts'
import { styled } from '../base/styled.ts'
import { deepFocus } from '../ui/focus.ts'
import '../ui/nj-toasts.ts'
import { controls } from '../ui/controls.ts'
import { type Shortcut, shortcutOf } from './desktop-keys.ts'
import { desktopStyles } from './desktop-styles.ts'
import './nj-banner.ts'
import './nj-checklist.ts'
import './nj-main-menu.ts'
import './nj-notices.ts'
import './nj-place-window.ts'
import './nj-relogin.ts'
import './nj-strips.ts'
import './nj-taskbar.ts'
import './nj-window.ts'
import { openUserMenu, openWindowMenu } from './menus.ts'
import type { MoveWish, NjWindow } from './nj-window.ts'
import { type DialogPanel, isAsking, renderDialog } from './panels.ts'
import { moveAmong, nextRegion } from './regions.ts'
import { followWallpaper } from './wallpaper.ts'
import {
  activeWindow,
  emptyWindows,
  frameOf,
  type Place,
  type Rect,
  rectOfPlace,
  snapPlaceAt,
  step,
  type WindowState,
  type Windows,
  type Wish,
  windowOf,
  windowsFromSaved,
} from './window-state.ts'

const t = wordsOf({ shortcuts: 'Shortcuts', desktop: 'Desktop' })

const saveDelayMs = 400
const lostGraceMs = 1500

type Panel = 'menu' | 'notices' | DialogPanel | undefined

/** The desktop: task bar, wallpaper, windows, and what lies over them. It alone holds the windows' state. */
@customElement('nj-desktop')
export class NjDesktop extends LitElement {
  static override styles = [controls, desktopStyles]

  @property({ attribute: false }) apps: AppDefinition[] = []
  @state() private windows: Windows = emptyWindows({ leftPx: 0, topPx: 0, widthPx: 1, heightPx: 1 })
  @state() private panel: Panel
  @state() private preview: Exclude<Place, 'normal'> | undefined
  @state() private keyMode: { id: string; mode: 'move' | 'size' } | undefined
  @state() private placing: string | undefined
  @state() private isPhone = false
  @state() private isLost = false
  #session = new Live(this, session)
  #ended = new Live(this, session.isEnded)
  #version = new Live(this, push.version)
  #beforeGrip: { rect: Rect; place: Place } | undefined
  #pages = new Map<string, AppPage>()
  #routes = new Map<string, unknown>()
  #openers = new Map<string, HTMLElement>()
  #saveTimer: ReturnType<typeof setTimeout> | undefined
  #lostTimer: ReturnType<typeof setTimeout> | undefined
  #phoneQuery = matchMedia('(max-width: 767px)')
  #areaWatch: ResizeObserver | undefined
  #undo: (() => void)[] = []
  #hasRestored = false

  override connectedCallback(): void {
    super.connectedCallback()
    this.isPhone = this.#phoneQuery.matches
    this.#undo = [
      listen(this.#phoneQuery, 'change', () => {
        this.isPhone = this.#phoneQuery.matches
      }),
      listen(window, 'keydown', (event) => this.#onKey(event as KeyboardEvent)),
      listen(window, 'pagehide', () => this.#save()),
      listen(window, 'popstate', () => this.#onBack()),
      followWallpaper(this),
      push.state.subscribe(() => this.#onPushState()),
      session.isEnded.subscribe(() => {
        if (!session.isEnded.value) push.retryNow()
      }),
    ]
    push.start()
    this.#onPushState()
    // The first start's wizard asks for the password too.
    void readSetup().then(async (state) => {
      if (state?.isFinished === false) {
        await import('./nj-setup.ts')
        this.panel = 'setup'
      } else if (session.value?.mustChangePassword) this.panel = 'password'
    })
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    for (const undo of this.#undo) undo()
    this.#areaWatch?.disconnect()
    push.stop()
  }

  override firstUpdated(): void {
    const area = this.renderRoot.querySelector<HTMLElement>('.area')!
    this.#areaWatch = new ResizeObserver(() => {
      const rect = { leftPx: 0, topPx: 0, widthPx: area.clientWidth, heightPx: area.clientHeight }
      if (this.#hasRestored) this.#step({ type: 'work-area', rect })
      else this.#restore(rect)
    })
    this.#areaWatch.observe(area)
  }

  get #username(): string {
    return this.#session.source.value?.username ?? ''
  }

  #restore(workArea: Rect): void {
    this.#hasRestored = true
    const known = new Set(this.apps.map((app) => app.id))
    this.windows = windowsFromSaved(readKept(this.#username, 'windows'), workArea, known)
  }

  #step(wish: Wish): void {
    const before = activeWindow(this.windows)?.id
    this.windows = step(this.windows, wish)
    clearTimeout(this.#saveTimer)
    this.#saveTimer = setTimeout(() => this.#save(), saveDelayMs)
    const after = activeWindow(this.windows)?.id
    if (after !== before) void this.#followFocus(after)
  }

  #save(): void {
    if (this.#hasRestored && this.#username !== '') keep(this.#username, 'windows', this.windows)
  }

  /** The keyboard goes where the front is: into the window in front, or back to what opened the one that went. */
  async #followFocus(id: string | undefined): Promise<void> {
    await this.updateComplete
    if (id !== undefined) this.#element(id)?.takeFocus()
    else this.renderRoot.querySelector<HTMLElement>('.shortcut')?.focus()
  }

  #element(id: string): NjWindow | undefined {
    return this.renderRoot.querySelector<NjWindow>(`#${id}`) ?? undefined
  }

  #onPushState(): void {
    clearTimeout(this.#lostTimer)
    if (push.state.value.isConnected) this.isLost = false
    else {
      this.#lostTimer = setTimeout(() => {
        this.isLost = true
      }, lostGraceMs)
    }
  }

  #open(wish: OpenApp): void {
    const app = this.apps.find((one) => one.id === wish.appId)
    if (app === undefined) return
    this.panel = undefined
    const opener = deepFocus()
    const lastRect = (readKept(this.#username, 'rects') as Record<string, Rect> | undefined)?.[app.id]
    const { id: appId, sizePx, minSizePx, singleton } = app
    const before = new Set(this.windows.list.map((one) => one.id))
    this.#step({ type: 'open', appId, sizePx, minSizePx, singleton, lastRect })
    const shown = this.windows.list.find((one) => !before.has(one.id)) ?? activeWindow(this.windows)
    if (shown === undefined) return
    if (wish.route !== undefined) this.#routes.set(shown.id, wish.route)
    this.requestUpdate()
    if (!before.has(shown.id)) {
      if (opener !== undefined) this.#openers.set(shown.id, opener)
      if (this.isPhone) history.pushState({ nj: shown.id }, '')
    }
  }

  #close(id: string): void {
    const found = windowOf(this.windows, id)
    if (found === undefined) return
    const rects = (readKept(this.#username, 'rects') ?? {}) as Record<string, Rect>
    keep(this.#username, 'rects', { ...rects, [found.appId]: found.rect })
    const opener = this.#openers.get(id)
    this.#pages.delete(id)
    this.#routes.delete(id)
    this.#openers.delete(id)
    this.#step({ type: 'close', id })
    if (activeWindow(this.windows) === undefined && opener?.isConnected) {
      void this.updateComplete.then(() => opener.focus())
    }
  }

  /** On a phone the browser's "back" closes the page in front. */
  #onBack(): void {
    const front = activeWindow(this.windows)
    if (this.isPhone && front !== undefined) this.#close(front.id)
  }

  #onKey(event: KeyboardEvent): void {
    if (session.isEnded.value || this.panel === 'setup' || event.defaultPrevented) return
    const shortcut = shortcutOf(event, deepFocus())
    if (shortcut === undefined) return
    event.preventDefault()
    this.#obey(shortcut, activeWindow(this.windows))
  }

  #obey(shortcut: Shortcut, front: WindowState | undefined): void {
    if (shortcut === 'next' || shortcut === 'previous') {
      this.#step({ type: 'next', isBackwards: shortcut === 'previous' })
    } else if (shortcut === 'regions' || shortcut === 'regions-back') this.#nextRegion(shortcut === 'regions-back')
    else if (shortcut === 'show-desktop') this.#step({ type: 'show-desktop' })
    else if (shortcut === 'menu' || shortcut === 'notices' || shortcut === 'shortcuts') this.#toggle(shortcut)
    else if (front === undefined) return
    else if (shortcut === 'close') this.#close(front.id)
    else if (shortcut === 'down' && front.place === 'normal') this.#step({ type: 'minimise', id: front.id })
    else {
      const place = ({ left: 'left', right: 'right', up: 'maximised', down: 'normal' } as const)[shortcut]
      this.#step({ type: 'place', id: front.id, place })
    }
  }

  #toggle(panel: Exclude<Panel, undefined>): void {
    this.panel = this.panel === panel ? undefined : panel
    if (this.panel === undefined) void this.#followFocus(activeWindow(this.windows)?.id)
  }

  readonly #dismiss = (): void => {
    this.panel = undefined
    void this.updateComplete.then(() => {
      if (deepFocus() === undefined) void this.#followFocus(activeWindow(this.windows)?.id)
    })
  }

  /** F6: task bar, shortcuts, window in front, round and round. */
  #nextRegion(isBackwards: boolean): void {
    const bar = this.renderRoot.querySelector('nj-taskbar')!
    const front = activeWindow(this.windows)
    const window = front && this.#element(front.id)
    nextRegion(
      [
        { host: bar, focus: () => bar.shadowRoot?.querySelector('button')?.focus() },
        {
          host: this.renderRoot.querySelector('.shortcuts')!,
          focus: () => this.renderRoot.querySelector<HTMLElement>('.shortcut')?.focus(),
        },
        ...(window ? [{ host: window, focus: () => window.takeFocus() }] : []),
      ],
      this.shadowRoot?.activeElement ?? undefined,
      isBackwards,
    )
  }

  #onShortcutKey(event: KeyboardEvent): void {
    const buttons = [...this.renderRoot.querySelectorAll<HTMLElement>('.shortcut')]
    if (moveAmong(buttons, event.target as HTMLElement, event.key)) event.preventDefault()
  }

  #onMove(one: WindowState, wish: MoveWish): void {
    const hasPointer = wish.xPx >= 0
    if (one.place !== 'normal' && hasPointer) {
      this.#step({ type: 'tear', id: one.id, xPx: wish.xPx, yPx: wish.yPx })
      const torn = windowOf(this.windows, one.id)
      if (torn) this.#element(one.id)?.regrip(torn.rect, wish.xPx, wish.yPx)
    } else this.#step({ type: 'move', id: one.id, leftPx: wish.leftPx, topPx: wish.topPx })
    this.preview = hasPointer ? snapPlaceAt(this.windows.workArea, wish.xPx, wish.yPx) : undefined
  }

  #onDrop(id: string): void {
    if (this.preview !== undefined) {
      // It comes back to where the drag began, not to the edge it was dropped at.
      if (this.#beforeGrip?.place === 'normal') this.#step({ type: 'put', id, ...this.#beforeGrip })
      this.#step({ type: 'place', id, place: this.preview })
    }
    this.preview = undefined
  }

  #onGiveUp(id: string): void {
    if (this.#beforeGrip !== undefined) this.#step({ type: 'put', id, ...this.#beforeGrip })
    this.preview = undefined
  }

  #rememberGrip(one: WindowState): void {
    this.#beforeGrip = { rect: one.rect, place: one.place }
  }

  async #onWindowMenu(id: string, anchor: Element | { xPx: number; yPx: number }): Promise<void> {
    const one = windowOf(this.windows, id)
    if (one === undefined) return
    const chosen = await openWindowMenu(one, anchor)
    if (chosen === undefined) return
    if (chosen === 'close') this.#close(id)
    else if (chosen === 'cascade') this.#step({ type: 'cascade' })
    else if (chosen === 'minimise' || chosen === 'restore') this.#step({ type: chosen, id })
    else if (chosen === 'position') this.placing = id
    else if (chosen === 'move' || chosen === 'size') {
      if (one.place !== 'normal') {
        this.#step({ type: 'put', id, rect: frameOf(one, this.windows.workArea), place: 'normal' })
      }
      this.#step({ type: 'focus', id })
      this.#rememberGrip(windowOf(this.windows, id)!)
      this.keyMode = { id, mode: chosen }
    } else this.#step({ type: 'place', id, place: chosen })
  }

  #onTask(id: string): void {
    const isFront = activeWindow(this.windows)?.id === id
    this.#step({ type: isFront ? 'minimise' : 'restore', id })
    if (!isFront) void this.#followFocus(id)
  }

  async #onUserMenu(anchor: Element): Promise<void> {
    const chosen = await openUserMenu(anchor)
    if (chosen === 'password' || chosen === 'passkeys' || chosen === 'shortcuts') this.panel = chosen
  }

  /** The same object until something in it changes, so that an app is told only news. */
  #page(one: WindowState): AppPage {
    const front = activeWindow(this.windows)?.id
    const next: AppPage = {
      windowId: one.id,
      isShown: !one.isMinimised && (!this.isPhone || one.id === front),
      isPhone: this.isPhone,
      route: this.#routes.get(one.id),
      username: this.#username,
    }
    const before = this.#pages.get(one.id)
    const isSame =
      before !== undefined && (Object.keys(next) as (keyof AppPage)[]).every((key) => before[key] === next[key])
    if (isSame) return before
    this.#pages.set(one.id, next)
    return next
  }

  #renderWindow(one: WindowState): TemplateResult {
    const app = this.apps.find((other) => other.id === one.appId)!
    const { id } = one
    return html`<nj-window
      id=${id}
      .window=${one}
      .frame=${frameOf(one, this.windows.workArea)}
      .app=${app}
      .page=${this.#page(one)}
      .depth=${this.windows.order.indexOf(id) + 10}
      .keyMode=${this.keyMode?.id === id ? this.keyMode.mode : undefined}
      ?isActive=${activeWindow(this.windows)?.id === id}
      ?isPhone=${this.isPhone}
      ?inert=${isAsking(this.panel) || this.placing !== undefined}
      @pointerdown=${() => this.#onFront(id)}
      @focusin=${() => this.#onFront(id)}
      @nj-grip=${() => this.#rememberGrip(one)}
      @nj-move=${(event: CustomEvent<MoveWish>) => this.#onMove(windowOf(this.windows, id)!, event.detail)}
      @nj-drop=${() => this.#onDrop(id)}
      @nj-give-up=${() => this.#onGiveUp(id)}
      @nj-resize=${(event: CustomEvent<Rect>) => this.#step({ type: 'resize', id, rect: event.detail })}
      @nj-window-menu=${(event: CustomEvent) => this.#onWindowMenu(id, event.detail.anchor)}
      @nj-key-mode=${() => {
        this.keyMode = undefined
      }}
      @nj-minimise=${() => this.#step({ type: 'minimise', id })}
      @nj-maximise=${() => this.#step({ type: 'toggle-maximise', id })}
      @nj-close=${() => this.#close(id)}
    ></nj-window>`
  }

  #onFront(id: string): void {
    if (activeWindow(this.windows)?.id !== id) this.#step({ type: 'focus', id })
    if (this.panel === 'menu' || this.panel === 'notices') this.panel = undefined
  }

  override render(): TemplateResult {
    const hasEnded = this.#ended.source.value
    const bar = html`<nj-taskbar
      .apps=${this.apps}
      .windows=${this.windows}
      .username=${this.#username}
      ?isPhone=${this.isPhone}
      ?isMenuOpen=${this.panel === 'menu'}
      ?isNoticesOpen=${this.panel === 'notices'}
      @nj-show-desktop=${() => this.#step({ type: 'show-desktop' })}
      @nj-main-menu=${() => this.#toggle('menu')}
      @nj-notices=${() => this.#toggle('notices')}
      @nj-user-menu=${(event: CustomEvent) => this.#onUserMenu(event.detail.anchor)}
      @nj-task=${(event: CustomEvent) => this.#onTask(event.detail.id)}
      @nj-task-close=${(event: CustomEvent) => this.#close(event.detail.id)}
      @nj-task-menu=${(event: CustomEvent) => this.#onWindowMenu(event.detail.id, event.detail.anchor)}
    ></nj-taskbar>`
    return html`<div class="page" @open-app=${(event: CustomEvent<OpenApp>) => this.#open(event.detail)}>
        ${this.isPhone ? nothing : bar}
        <div>
          <nj-banner></nj-banner>
          <nj-strips
            ?isLost=${this.isLost}
            ?isAsking=${this.panel === 'password'}
            @nj-change-password=${() => {
              this.panel = 'password'
            }}
          ></nj-strips>
        </div>
        <div class="area ${this.isLost ? 'lost' : ''}" @pointerdown=${this.#onAreaDown}>
          <main aria-label=${t('desktop')}>
            <nav class="shortcuts" aria-label=${t('shortcuts')} @keydown=${this.#onShortcutKey}>
              ${this.apps.map(
                (app, i) => html`<button
                  class="shortcut"
                  tabindex=${i === 0 ? 0 : -1}
                  @click=${(event: Event) => fireOpenApp(event.currentTarget!, { appId: app.id })}
                >
                  <nj-app-icon .app=${app}></nj-app-icon><span>${app.title}</span>
                </button>`,
              )}
            </nav>
            <nj-checklist @nj-change-password=${() => this.#toggle('password')}></nj-checklist>
          </main>
          ${repeat(
            this.windows.list,
            (one) => one.id,
            (one) => this.#renderWindow(one),
          )}
          ${this.#renderPreview()} ${this.#renderPanel()}
        </div>
        ${this.isPhone ? bar : nothing}
      </div>
      <nj-toasts></nj-toasts>
      ${hasEnded ? html`<nj-relogin .username=${this.#username}></nj-relogin>` : nothing}`
  }

  #onAreaDown(event: PointerEvent): void {
    const inPanel = event.composedPath().some((one) => (one as Element).matches?.('.panel, nj-window'))
    if (!inPanel && (this.panel === 'menu' || this.panel === 'notices')) this.panel = undefined
  }

  #renderPreview(): TemplateResult | typeof nothing {
    if (this.preview === undefined) return nothing
    const { leftPx, topPx, widthPx, heightPx } = rectOfPlace(this.preview, this.windows.workArea)
    return html`<div
      class="preview"
      ${styled({
        left: `${leftPx}px`,
        top: `${topPx}px`,
        width: `${widthPx}px`,
        height: `${heightPx}px`,
        'z-index': String(this.windows.order.length + 9),
      })}
    ></div>`
  }

  #renderPanel(): TemplateResult | typeof nothing {
    const placed = this.placing === undefined ? undefined : windowOf(this.windows, this.placing)
    if (placed !== undefined) {
      return html`<nj-place-window
        class="panel over"
        .heading=${this.apps.find((app) => app.id === placed.appId)?.title ?? ''}
        .rect=${frameOf(placed, this.windows.workArea)}
        @nj-cancel=${() => {
          this.placing = undefined
        }}
        @nj-place=${(event: CustomEvent<Rect>) => {
          this.placing = undefined
          this.#step({ type: 'resize', id: placed.id, rect: event.detail })
        }}
      ></nj-place-window>`
    }
    switch (this.panel) {
      case 'menu':
        return html`<nj-main-menu
          class="panel"
          .apps=${this.apps}
          .version=${this.#version.source.value}
          @nj-dismiss=${() => this.#toggle('menu')}
        ></nj-main-menu>`
      case 'notices':
        return html`<nj-notices class="panel" @nj-dismiss=${() => this.#toggle('notices')}></nj-notices>`
      default:
        return renderDialog(this.panel, this.#dismiss)
    }
  }
}

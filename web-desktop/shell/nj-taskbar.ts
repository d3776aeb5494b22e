import { html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import bellIcon from 'lucide-static/icons/bell.svg'
import userIcon from 'lucide-static/icons/circle-user-round.svg'
import menuIcon from 'lucide-static/icons/layout-grid.svg'
import desktopIcon from 'lucide-static/icons/monitor.svg'
import moonIcon from 'lucide-static/icons/moon.svg'
import sunIcon from 'lucide-static/icons/sun.svg'
import { alarms, notices } from '../api/alarm.ts'
import { push } from '../api/push.ts'
import type { AppDefinition } from '../base/app.ts'
import { fire } from '../base/fire.ts'
import { formatTime } from '../base/format.ts'
import { wordsOf } from '../base/i18n.ts'
import { Live } from '../base/live.ts'
import { isDark, setTheme, theme } from '../base/theme.ts'
import { controls } from '../ui/controls.ts'
import '../ui/nj-icon.ts'
import './nj-app-icon.ts'
import { taskbarStyles } from './taskbar-styles.ts'
import { activeWindow, type Windows } from './window-state.ts'

const t = wordsOf({
  bar: 'Task bar',
  showDesktop: 'Show desktop',
  mainMenu: 'Main menu',
  windows: 'Open windows',
  alarms: {
    one: 'Notifications, {n} channel is not being recorded',
    other: 'Notifications, {n} channels are not being recorded',
  },
  noAlarms: 'Notifications',
  toDark: 'Switch to dark theme',
  toLight: 'Switch to light theme',
  user: 'Account of {name}',
  minimised: '{title}, minimised',
  clock: 'Server time',
  more: 'Apps',
  alerts: 'Alerts',
  alertsOf: { one: 'Alerts, {n} channel is not being recorded', other: 'Alerts, {n} channels are not being recorded' },
  meOf: 'Me, account of {name}',
  me: 'Me',
})

/**
 * The task bar: at the top of a desktop; at the bottom of a phone, where it holds the apps themselves.
 *
 * @fires nj-show-desktop, nj-main-menu, nj-notices, nj-user-menu - `{anchor}`
 * @fires nj-task - `{id}`: the button of a window was pressed
 * @fires nj-task-close - `{id}`: the same with the middle button
 * @fires nj-task-menu - `{id, anchor}`
 */
@customElement('nj-taskbar')
export class NjTaskbar extends LitElement {
  static override styles = [controls, taskbarStyles]

  @property({ attribute: false }) apps: AppDefinition[] = []
  @property({ attribute: false }) windows!: Windows
  @property() username = ''
  @property({ type: Boolean }) isMenuOpen = false
  @property({ type: Boolean }) isNoticesOpen = false
  @property({ type: Boolean, reflect: true }) isPhone = false
  @state() private clock = ''
  #alarms = new Live(this, alarms)
  #theme = new Live(this, theme)
  #notices = new Live(this, notices)
  #timer: ReturnType<typeof setInterval> | undefined
  readonly #onTheme = (): void => this.requestUpdate()

  override connectedCallback(): void {
    super.connectedCallback()
    const tick = (): void => {
      this.clock = formatTime(push.nowMs()).slice(0, 5)
    }
    tick()
    this.#timer = setInterval(tick, 1000)
    document.addEventListener('nj-theme', this.#onTheme)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#timer)
    document.removeEventListener('nj-theme', this.#onTheme)
  }

  #ask(type: string): (event: Event) => void {
    return (event) => fire(this, type, { anchor: event.currentTarget })
  }

  /** Arrow keys walk the bar; Tab passes through it as it does everywhere. */
  #onKey(event: KeyboardEvent): void {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (way === undefined) return
    const buttons = [...this.renderRoot.querySelectorAll<HTMLButtonElement>('button')]
    const at = buttons.indexOf(this.shadowRoot?.activeElement as HTMLButtonElement)
    buttons.at((at + way + buttons.length) % buttons.length)?.focus()
    event.preventDefault()
  }

  #bell(): TemplateResult {
    const n = this.#alarms.source.value.length
    const label = this.isPhone
      ? n > 0
        ? t('alertsOf', { n })
        : t('alerts')
      : n > 0
        ? t('alarms', { n })
        : t('noAlarms')
    return html`<button
      class=${n > 0 ? 'alarm' : ''}
      aria-label=${label}
      title=${label}
      aria-expanded=${this.isNoticesOpen}
      @click=${this.#ask('nj-notices')}
    >
      <nj-icon .svg=${bellIcon}></nj-icon>
      ${n > 0 ? html`<span class="count" aria-hidden="true">${n}</span>` : nothing}
      ${this.isPhone ? html`<span class="label">${t('alerts')}</span>` : nothing}
    </button>`
  }

  override render(): TemplateResult {
    return this.isPhone ? this.#renderPhone() : this.#renderDesktop()
  }

  #renderPhone(): TemplateResult {
    const active = activeWindow(this.windows)?.appId
    return html`<nav aria-label=${t('bar')} @keydown=${this.#onKey}>
      ${this.apps.map(
        (app) => html`<button
          aria-current=${app.id === active ? 'page' : nothing}
          @click=${() => fire(this, 'open-app', { appId: app.id })}
        >
          <nj-icon .svg=${app.icon}></nj-icon><span class="label">${app.title}</span>
        </button>`,
      )}
      ${this.#bell()}
      <button aria-haspopup="menu" aria-label=${t('meOf', { name: this.username })} @click=${this.#ask('nj-user-menu')}>
        <nj-icon .svg=${userIcon}></nj-icon><span class="label">${t('me')}</span>
      </button>
    </nav>`
  }

  #renderDesktop(): TemplateResult {
    const front = activeWindow(this.windows)?.id
    const dark = isDark()
    void this.#theme.source.value
    void this.#notices.source.list
    return html`<nav aria-label=${t('bar')} @keydown=${this.#onKey}>
      <button class="square" aria-label=${t('showDesktop')} title=${t('showDesktop')} @click=${this.#ask('nj-show-desktop')}>
        <nj-icon .svg=${desktopIcon}></nj-icon>
      </button>
      <button
        class="square"
        aria-label=${t('mainMenu')}
        title=${t('mainMenu')}
        aria-expanded=${this.isMenuOpen}
        @click=${this.#ask('nj-main-menu')}
      >
        <nj-icon .svg=${menuIcon}></nj-icon>
      </button>
      <span class="line" aria-hidden="true"></span>
      <div class="tasks" role="group" aria-label=${t('windows')}>
        ${repeat(
          this.windows.list,
          (one) => one.id,
          (one) => {
            const app = this.apps.find((other) => other.id === one.appId)!
            return html`<button
              class="task ${one.isMinimised ? 'minimised' : ''}"
              aria-pressed=${one.id === front}
              aria-label=${one.isMinimised ? t('minimised', { title: app.title }) : app.title}
              @click=${() => fire(this, 'nj-task', { id: one.id })}
              @auxclick=${(event: MouseEvent) => {
                if (event.button === 1) fire(this, 'nj-task-close', { id: one.id })
              }}
              @contextmenu=${(event: MouseEvent) => {
                event.preventDefault()
                fire(this, 'nj-task-menu', { id: one.id, anchor: event.currentTarget })
              }}
            >
              <nj-app-icon .app=${app}></nj-app-icon><span class="name">${app.title}</span>
            </button>`
          },
        )}
      </div>
      ${this.#bell()}
      <button
        class="square"
        aria-label=${dark ? t('toLight') : t('toDark')}
        title=${dark ? t('toLight') : t('toDark')}
        @click=${() => setTheme(dark ? 'light' : 'dark')}
      >
        <nj-icon .svg=${dark ? sunIcon : moonIcon}></nj-icon>
      </button>
      <button aria-haspopup="menu" aria-label=${t('user', { name: this.username })} @click=${this.#ask('nj-user-menu')}>
        <nj-icon .svg=${userIcon}></nj-icon><span class="user">${this.username}</span>
      </button>
      <time aria-label=${t('clock')} role="img">${this.clock}</time>
    </nav>`
  }
}

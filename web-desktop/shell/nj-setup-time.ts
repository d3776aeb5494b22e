import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import wrongIcon from 'lucide-static/icons/circle-x.svg'
import againIcon from 'lucide-static/icons/rotate-cw.svg'
import doubtIcon from 'lucide-static/icons/triangle-alert.svg'
import type { ClockSync, ServerTime } from '../../shared/setup.ts'
import { messageOf } from '../api/client.ts'
import { judgeServerTime, readServerTime } from '../api/setup.ts'
import { fire } from '../base/fire.ts'
import { formatDuration } from '../base/format.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from '../ui/controls.ts'
import { errorLine } from '../ui/field.ts'
import '../ui/nj-icon.ts'

const t = wordsOf({
  why: 'Footage is found by the time at which it was recorded: a wrong clock puts it where nobody looks for it.',
  now: 'Date and time of the server',
  zone: 'Time zone they are shown in',
  zoneHint: 'The machine itself is set to {host}, this browser to {own}.',
  sync: 'Clock',
  same: 'This browser’s clock agrees with it.',
  ahead: 'It is {by} ahead of this browser’s clock.',
  behind: 'It is {by} behind this browser’s clock.',
  right: 'They are right',
  wrong: 'They are wrong',
  again: 'Check again',
  how: 'Set them in the system that the server runs on, not here: on a NAS in its Control Panel, under the settings for time, best with an NTP server; elsewhere with timedatectl. Then check again.',
  loading: 'Asking the server…',
})

const syncWords = wordsOf<ClockSync>({
  synchronised: 'Kept right by NTP',
  unsynchronised: 'Nothing keeps it right: it will drift',
  unknown: 'Nobody tells whether it is kept right',
})

/** Less than this apart, milliseconds, two clocks agree as far as a request can tell. */
const agreeMs = 2000

/**
 * The step of the setup that has date and time confirmed. The machine's own clock is not set here.
 *
 * @fires nj-confirmed - somebody said that they are right
 * @fires nj-disputed - somebody said that they are wrong
 */
@customElement('nj-setup-time')
export class NjSetupTime extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: grid;
        gap: 14px;
      }
      .now {
        font-size: 24px;
        font-weight: 600;
        font-variant-numeric: tabular-nums;
      }
      .note {
        display: flex;
        gap: 8px;
        padding: 10px 12px;
        border-radius: 8px;
        border-inline-start: 4px solid var(--nj-warn);
        background: var(--nj-surface2);
      }
    `,
  ]

  @state() private time: ServerTime | undefined
  @state() private zone = 'UTC'
  @state() private isDisputed = false
  @state() private isBusy = false
  @state() private failure = ''
  /** The server's clock less the browser's, in milliseconds, as it was read. */
  #skewMs = 0
  #ticker: ReturnType<typeof setInterval> | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    this.#ticker = setInterval(() => this.requestUpdate(), 1000)
    void this.#read()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#ticker)
  }

  async #read(): Promise<void> {
    await this.#ask(readServerTime)
    if (this.time !== undefined) this.zone = this.time.timeZone
  }

  async #onVerdict(isRight: boolean): Promise<void> {
    const verdict = { isRight, shownMs: this.#nowMs, timeZone: this.zone }
    const isTaken = await this.#ask(() => judgeServerTime(verdict))
    if (!isTaken) return
    this.isDisputed = !isRight
    fire(this, isRight ? 'nj-confirmed' : 'nj-disputed')
  }

  async #onAgain(): Promise<void> {
    this.isDisputed = false
    await this.#read()
  }

  /** Asks, shows what came of it, and tells whether it went well. */
  async #ask(question: () => Promise<ServerTime>): Promise<boolean> {
    if (this.isBusy) return false
    this.isBusy = true
    this.failure = ''
    try {
      this.time = await question()
      // The server looks at its clock last, just before it answers.
      this.#skewMs = this.time.nowMs - Date.now()
      return true
    } catch (caught) {
      this.failure = messageOf(caught)
      return false
    } finally {
      this.isBusy = false
    }
  }

  get #nowMs(): number {
    return Date.now() + this.#skewMs
  }

  #shown(): string {
    const style = { dateStyle: 'full', timeStyle: 'medium' } as const
    try {
      return new Intl.DateTimeFormat('en-GB', { ...style, timeZone: this.zone }).format(this.#nowMs)
    } catch {
      // A zone that is younger than this browser.
      return `${new Intl.DateTimeFormat('en-GB', { ...style, timeZone: 'UTC' }).format(this.#nowMs)} UTC`
    }
  }

  #skewWords(): string {
    if (Math.abs(this.#skewMs) < agreeMs) return t('same')
    return t(this.#skewMs > 0 ? 'ahead' : 'behind', { by: formatDuration(Math.abs(this.#skewMs)) })
  }

  override render(): TemplateResult {
    const { time } = this
    if (time === undefined) return html`<p role="status">${this.failure || t('loading')}</p>`
    const own = new Intl.DateTimeFormat().resolvedOptions().timeZone
    return html`<p>${t('why')}</p>
      <div>
        <div class="hint">${t('now')}</div>
        <time class="now">${this.#shown()}</time>
        <div>${this.#skewWords()}</div>
      </div>
      <div><div class="hint">${t('sync')}</div>${syncWords(time.sync)} <span class="hint">${time.syncDetail}</span></div>
      ${time.doubt ? html`<div class="note"><nj-icon class="bad" .svg=${doubtIcon}></nj-icon>${time.doubt}</div>` : nothing}
      <div class="field">
        <label for="zone">${t('zone')}</label>
        <select
          id="zone"
          aria-describedby="zone-hint"
          @change=${(event: Event) => {
            this.zone = (event.target as HTMLSelectElement).value
          }}
        >
          ${time.timeZones.map((zone) => html`<option ?selected=${zone === this.zone}>${zone}</option>`)}
        </select>
        <span class="hint" id="zone-hint">${t('zoneHint', { host: time.hostTimeZone, own })}</span>
      </div>
      <div role="status">
        ${
          this.isDisputed
            ? html`<div class="note"><nj-icon class="warn" .svg=${wrongIcon}></nj-icon>${t('how')}</div>`
            : nothing
        }
      </div>
      ${errorLine('time-error', this.failure)}
      <div class="row">
        <button class="primary" ?disabled=${this.isBusy} @click=${() => this.#onVerdict(true)}>${t('right')}</button>
        <button ?disabled=${this.isBusy} @click=${() => this.#onVerdict(false)}>${t('wrong')}</button>
        <button class="plain" ?disabled=${this.isBusy} @click=${this.#onAgain}>
          <nj-icon .svg=${againIcon}></nj-icon>${t('again')}
        </button>
      </div>`
  }
}

import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement } from 'lit/decorators.js'
import circleAlert from 'lucide-static/icons/circle-alert.svg'
import okIcon from 'lucide-static/icons/circle-check.svg'
import alertIcon from 'lucide-static/icons/triangle-alert.svg'
import closeIcon from 'lucide-static/icons/x.svg'
import { alarms, notices } from '../api/alarm.ts'
import { fire, fireOpenApp } from '../base/fire.ts'
import { formatSince } from '../base/format.ts'
import { wordsOf } from '../base/i18n.ts'
import { Live } from '../base/live.ts'
import { controls } from '../ui/controls.ts'
import { trapTab } from '../ui/focus.ts'
import '../ui/nj-icon.ts'

const t = wordsOf({
  title: 'Notifications',
  close: 'Close',
  now: 'Not being recorded now',
  allWell: 'Every channel that should record does.',
  log: 'Warnings and errors',
  none: 'None so far.',
  since: 'Stream {stream}, since {since}',
})

/**
 * The panel of the task bar's bell: what is wrong now, and the log's warnings and errors.
 *
 * @fires nj-dismiss - Esc, or the cross
 * @fires open-app
 */
@customElement('nj-notices')
export class NjNotices extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        position: absolute;
        inset: 8px 8px auto auto;
        z-index: 100000;
        width: min(380px, calc(100% - 16px));
        max-height: calc(100% - 16px);
        overflow: auto;
        border-radius: var(--nj-radius);
        background: var(--nj-surface);
        box-shadow: 0 16px 48px rgb(4 10 22 / 45%);
      }
      .head {
        display: flex;
        align-items: center;
        padding: 8px 8px 8px 16px;
        border-bottom: 1px solid var(--nj-border);
      }
      h2 {
        flex: 1;
        font-size: 15px;
      }
      h3 {
        padding: 12px 16px 4px;
        color: var(--nj-text2);
      }
      ul {
        list-style: none;
        margin: 0;
        padding: 0 8px 8px;
      }
      li,
      .alarm {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 2px 10px;
        padding: 8px;
        text-align: start;
        white-space: normal;
      }
      .alarm {
        width: 100%;
        border: 0;
        justify-content: start;
        justify-items: start;
      }
      li:has(.alarm) {
        display: block;
        padding: 0;
      }
      .hint {
        grid-column: 2;
      }
      .well {
        display: flex;
        gap: 10px;
        padding: 8px 16px 12px;
      }
    `,
  ]

  #alarms = new Live(this, alarms)
  #notices = new Live(this, notices)

  override firstUpdated(): void {
    this.renderRoot.querySelector('button')?.focus()
  }

  #onKey(event: KeyboardEvent): void {
    trapTab(event, this)
    if (event.key !== 'Escape') return
    event.stopPropagation()
    fire(this, 'nj-dismiss')
  }

  override render(): TemplateResult {
    const list = this.#alarms.source.value
    const entries = this.#notices.source.list.slice(0, 40)
    return html`<div role="dialog" aria-labelledby="title" @keydown=${this.#onKey}>
      <div class="head">
        <h2 id="title">${t('title')}</h2>
        <button class="plain square" aria-label=${t('close')} @click=${() => fire(this, 'nj-dismiss')}>
          <nj-icon .svg=${closeIcon}></nj-icon>
        </button>
      </div>
      <h3>${t('now')}</h3>
      ${
        list.length === 0
          ? html`<p class="well"><nj-icon class="ok" .svg=${okIcon}></nj-icon>${t('allWell')}</p>`
          : html`<ul>
              ${list.map(
                (one) => html`<li>
                  <button
                    class="alarm"
                    @click=${() => fireOpenApp(this, { appId: 'cameras', route: { cameraId: one.cameraId } })}
                  >
                    <nj-icon class="bad" .svg=${alertIcon}></nj-icon>
                    <span><strong>${one.cameraName}</strong>: ${one.reason}</span>
                    <span class="hint">${t('since', { stream: one.stream, since: formatSince(one.sinceMs) })}</span>
                  </button>
                </li>`,
              )}
            </ul>`
      }
      <h3>${t('log')}</h3>
      ${entries.length === 0 ? html`<p class="well hint">${t('none')}</p>` : nothing}
      <ul>
        ${entries.map(
          (entry) => html`<li>
            <nj-icon
              class=${entry.level === 'error' ? 'bad' : 'warn'}
              .svg=${entry.level === 'error' ? circleAlert : alertIcon}
            ></nj-icon>
            <span>${entry.message}</span>
            <span class="hint">${formatSince(entry.atMs)}</span>
          </li>`,
        )}
      </ul>
    </div>`
  }
}

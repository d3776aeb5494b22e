import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import chevronIcon from 'lucide-static/icons/chevron-down.svg'
import alertIcon from 'lucide-static/icons/triangle-alert.svg'
import type { Alarm } from '../../shared/push.ts'
import { alarms } from '../api/alarm.ts'
import { fireOpenApp } from '../base/fire.ts'
import { formatSince } from '../base/format.ts'
import { wordsOf } from '../base/i18n.ts'
import { Live } from '../base/live.ts'
import { controls } from '../ui/controls.ts'
import '../ui/nj-icon.ts'

const t = wordsOf({
  label: 'Recording alarm',
  title: { one: '{n} channel is not being recorded', other: '{n} channels are not being recorded' },
  line: '{name}, stream {stream}: {reason} (since {since})',
  more: 'Show all',
  less: 'Show fewer',
  open: 'Open Cameras',
})

/** The red banner: there wherever a channel that should record does not, and only then. */
@customElement('nj-banner')
export class NjBanner extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
        position: relative;
        z-index: 4;
      }
      section {
        display: flex;
        align-items: flex-start;
        gap: 10px;
        padding: 6px 12px;
        background: var(--nj-bad-fill);
        color: var(--nj-bad-text);
      }
      nj-icon {
        margin-top: 6px;
      }
      .text {
        flex: 1;
        min-width: 0;
        padding-top: 5px;
        display: flex;
        flex-wrap: wrap;
        gap: 2px 14px;
      }
      .all {
        display: grid;
        gap: 3px;
      }
      .line {
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .one .line {
        max-width: 100%;
        white-space: nowrap;
        flex: 1 1 240px;
      }
      ul {
        margin: 2px 0 4px;
        padding-inline-start: 18px;
        max-height: 30vh;
        overflow: auto;
      }
      button {
        min-height: 30px;
        border-color: rgb(255 255 255 / 65%);
        background: transparent;
        color: inherit;
      }
      button:hover:not(:disabled) {
        background: rgb(0 0 0 / 22%);
      }
      :focus-visible {
        outline-color: #fff;
      }
      button nj-icon {
        margin: 0;
      }
      .up nj-icon {
        rotate: 180deg;
      }
      @media (max-width: 767px) {
        section {
          flex-wrap: wrap;
        }
        .one .line {
          white-space: normal;
        }
      }
    `,
  ]

  @state() private isOpen = false
  #alarms = new Live(this, alarms)

  #line(alarm: Alarm): string {
    return t('line', {
      name: alarm.cameraName,
      stream: alarm.stream,
      reason: alarm.reason,
      since: formatSince(alarm.sinceMs),
    })
  }

  override render(): TemplateResult {
    const list = this.#alarms.source.value
    const n = new Set(list.map((one) => one.cameraId)).size
    const first = list[0]
    return html`<div role="alert" aria-label=${t('label')}>
      ${
        first === undefined
          ? nothing
          : html`<section>
              <nj-icon .svg=${alertIcon}></nj-icon>
              <div class="text ${this.isOpen ? 'all' : 'one'}">
                <strong>${t('title', { n })}</strong>
                ${
                  this.isOpen
                    ? html`<ul>
                        ${list.map((one) => html`<li>${this.#line(one)}</li>`)}
                      </ul>`
                    : html`<span class="line">${this.#line(first)}</span>`
                }
              </div>
              ${
                list.length > 1
                  ? html`<button
                      class=${this.isOpen ? 'up' : ''}
                      aria-expanded=${this.isOpen}
                      @click=${() => {
                        this.isOpen = !this.isOpen
                      }}
                    >
                      ${this.isOpen ? t('less') : t('more')}<nj-icon .svg=${chevronIcon}></nj-icon>
                    </button>`
                  : nothing
              }
              <button @click=${() => fireOpenApp(this, { appId: 'cameras', route: { cameraId: first.cameraId } })}>
                ${t('open')}
              </button>
            </section>`
      }
    </div>`
  }
}

import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import keyIcon from 'lucide-static/icons/key-round.svg'
import unplugIcon from 'lucide-static/icons/unplug.svg'
import { push } from '../api/push.ts'
import { session } from '../api/session.ts'
import { fire } from '../base/fire.ts'
import { formatSince } from '../base/format.ts'
import { wordsOf } from '../base/i18n.ts'
import { Live } from '../base/live.ts'
import { controls } from '../ui/controls.ts'
import '../ui/nj-icon.ts'
import './nj-way-notice.ts'

const t = wordsOf({
  lost: 'Connection to the server lost since {since}. Trying again…',
  connecting: 'Connecting to the server…',
  tryNow: 'Try now',
  oneTime: 'The one-time password is still in use.',
  change: 'Change it',
})

/**
 * Strips under the task bar, each there as long as what it says is so: the connection is lost; the one-time password
 * of the first start is still in use; the page is reached by less than a WebSocket.
 *
 * @fires nj-change-password
 */
@customElement('nj-strips')
export class NjStrips extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
      }
      .strip {
        display: flex;
        align-items: center;
        gap: 10px;
        padding: 5px 12px;
        background: #4a3a12;
        color: #ffe7b0;
        position: relative;
        z-index: 4;
      }
      .strip button {
        min-height: 28px;
        border-color: #d8b869;
        background: transparent;
        color: inherit;
      }
      .strip button:hover:not(:disabled) {
        background: rgb(255 255 255 / 12%);
      }
      .strip :focus-visible {
        outline-color: #ffe7b0;
      }
    `,
  ]

  @property({ type: Boolean }) isLost = false
  /** True while the password is being asked for anyway. */
  @property({ type: Boolean }) isAsking = false
  #session = new Live(this, session)
  #push = new Live(this, push.state)
  #version = new Live(this, push.version)

  override render(): TemplateResult {
    const { isConnected, sinceMs } = this.#push.source.value
    const isOneTime = this.#session.source.value?.mustChangePassword === true && !this.isAsking
    return html`<div role="status">
      ${
        this.isLost && !isConnected
          ? html`<div class="strip">
              <nj-icon .svg=${unplugIcon}></nj-icon>
              <span class="grow">
                ${this.#version.source.value === '' ? t('connecting') : t('lost', { since: formatSince(sinceMs) })}
              </span>
              <button @click=${() => push.retryNow()}>${t('tryNow')}</button>
            </div>`
          : nothing
      }
      ${
        isOneTime
          ? html`<div class="strip">
              <nj-icon .svg=${keyIcon}></nj-icon><span class="grow">${t('oneTime')}</span>
              <button @click=${() => fire(this, 'nj-change-password')}>${t('change')}</button>
            </div>`
          : nothing
      }
      <nj-way-notice></nj-way-notice>
    </div>`
  }
}

import { css, html, LitElement, type TemplateResult } from 'lit'
import { customElement } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import circleAlert from 'lucide-static/icons/circle-alert.svg'
import circleCheck from 'lucide-static/icons/circle-check.svg'
import closeIcon from 'lucide-static/icons/x.svg'
import { wordsOf } from '../base/i18n.ts'
import { Live } from '../base/live.ts'
import { controls } from './controls.ts'
import { dismissToast, toasts } from './toast.ts'
import './nj-icon.ts'

const t = wordsOf({ dismiss: 'Dismiss', region: 'Messages' })

@customElement('nj-toasts')
export class NjToasts extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        position: fixed;
        right: 16px;
        bottom: 16px;
        z-index: 100001;
        pointer-events: none;
      }
      .list {
        display: grid;
        gap: 8px;
        width: min(360px, calc(100vw - 32px));
      }
      .toast {
        display: flex;
        align-items: center;
        gap: 10px;
        padding: 8px 8px 8px 14px;
        border-radius: 9px;
        border: 1px solid var(--nj-border);
        background: var(--nj-surface);
        box-shadow: 0 8px 26px rgb(0 0 0 / 30%);
        pointer-events: auto;
      }
    `,
  ]

  #toasts = new Live(this, toasts)

  override render(): TemplateResult {
    return html`<div class="list" role="status" aria-label=${t('region')}>
      ${repeat(
        this.#toasts.source.value,
        (one) => one.id,
        (one) => html`<div class="toast">
          <nj-icon
            class=${one.level === 'error' ? 'bad' : 'ok'}
            .svg=${one.level === 'error' ? circleAlert : circleCheck}
          ></nj-icon>
          <span class="grow">${one.text}</span>
          <button class="plain square" aria-label=${t('dismiss')} @click=${() => dismissToast(one.id)}>
            <nj-icon .svg=${closeIcon}></nj-icon>
          </button>
        </div>`,
      )}
    </div>`
  }
}

import { css, html, LitElement, type TemplateResult } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import closeIcon from 'lucide-static/icons/x.svg'
import { fire } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from './controls.ts'
import { deepFocus, focusFirst, trapTab } from './focus.ts'
import './nj-icon.ts'

const t = wordsOf({ close: 'Close' })

/**
 * A dialog over its own window alone: other windows stay in use. Its host marks what lies beneath as `inert`.
 *
 * @slot - what it asks
 * @slot actions - its buttons, the one that is safe first
 * @fires nj-cancel - Esc, or the cross
 * @cssprop [--nj-dialog-width=480px]
 */
@customElement('nj-dialog')
export class NjDialog extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        position: absolute;
        inset: 0;
        z-index: 20;
        display: grid;
        place-items: center;
        padding: 12px;
        background: rgb(10 16 27 / 45%);
      }
      section {
        display: grid;
        grid-template-rows: auto minmax(0, 1fr) auto;
        width: min(var(--nj-dialog-width, 480px), 100%);
        max-height: 100%;
        border-radius: var(--nj-radius);
        background: var(--nj-surface);
        box-shadow: 0 16px 48px rgb(0 0 0 / 40%);
        overflow: hidden;
      }
      .head {
        display: flex;
        align-items: center;
        gap: 8px;
        padding: 10px 8px 10px 18px;
        border-bottom: 1px solid var(--nj-border);
      }
      h2 {
        flex: 1;
        font-size: 16px;
        font-weight: 650;
      }
      .body {
        padding: 16px 18px;
        overflow: auto;
      }
      .foot {
        display: flex;
        justify-content: flex-end;
        flex-wrap: wrap;
        gap: 8px;
        padding: 12px 18px;
        border-top: 1px solid var(--nj-border);
        background: var(--nj-surface2);
      }
    `,
  ]

  @property() heading = ''
  #opener: HTMLElement | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    this.#opener = deepFocus()
    this.addEventListener('keydown', this.#onKey)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.removeEventListener('keydown', this.#onKey)
    const opener = this.#opener
    // What lay beneath is inert until its host has rendered.
    requestAnimationFrame(() => {
      if (opener?.isConnected) opener.focus()
    })
  }

  override firstUpdated(): void {
    requestAnimationFrame(() => {
      if (!this.isConnected || this.contains(deepFocus() ?? null)) return
      const asked = this.querySelector<HTMLElement>('[data-focus], [autofocus]')
      if (asked) asked.focus()
      else if (!focusFirst(this.renderRoot.querySelector('.body')!)) focusFirst(this)
    })
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.stopPropagation()
      event.preventDefault()
      fire(this, 'nj-cancel')
      return
    }
    trapTab(event, this)
    event.stopPropagation()
  }

  override render(): TemplateResult {
    return html`<section role="dialog" aria-modal="true" aria-labelledby="heading">
      <div class="head">
        <h2 id="heading">${this.heading}</h2>
        <button class="plain square" aria-label=${t('close')} @click=${() => fire(this, 'nj-cancel')}>
          <nj-icon .svg=${closeIcon}></nj-icon>
        </button>
      </div>
      <div class="body"><slot></slot></div>
      <div class="foot"><slot name="actions"></slot></div>
    </section>`
  }
}

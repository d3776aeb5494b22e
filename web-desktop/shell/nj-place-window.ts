import { css, html, LitElement, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { fire } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from '../ui/controls.ts'
import { field } from '../ui/field.ts'
import '../ui/nj-dialog.ts'
import type { Rect } from './window-state.ts'

const t = wordsOf({
  title: 'Position and size of {title}',
  leftPx: 'From the left (px)',
  topPx: 'From the top (px)',
  widthPx: 'Width (px)',
  heightPx: 'Height (px)',
  cancel: 'Cancel',
  apply: 'Apply',
})

const names = ['leftPx', 'topPx', 'widthPx', 'heightPx'] as const

/**
 * Places a window by numbers: the way without dragging (WCAG 2.5.7).
 *
 * @fires nj-cancel
 * @fires nj-place - `Rect`
 */
@customElement('nj-place-window')
export class NjPlaceWindow extends LitElement {
  static override styles = [
    controls,
    css`
      nj-dialog {
        --nj-dialog-width: 380px;
      }
      form {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 12px;
      }
    `,
  ]

  @property() heading = ''
  @property({ attribute: false }) rect!: Rect
  @state() private values: Partial<Rect> = {}

  #onSubmit(event: Event): void {
    event.preventDefault()
    fire(this, 'nj-place', { ...this.rect, ...this.values })
  }

  override render(): TemplateResult {
    return html`<nj-dialog heading=${t('title', { title: this.heading })}>
      <form @submit=${this.#onSubmit}>
        ${names.map((name) =>
          field({
            name,
            label: t(name),
            type: 'number',
            value: String(Math.round(this.values[name] ?? this.rect[name])),
            onInput: (value) => {
              if (value !== '' && Number.isFinite(Number(value))) {
                this.values = { ...this.values, [name]: Number(value) }
              }
            },
          }),
        )}
        <button class="visually-hidden" tabindex="-1" aria-hidden="true">${t('apply')}</button>
      </form>
      <button slot="actions" @click=${() => fire(this, 'nj-cancel')}>${t('cancel')}</button>
      <button slot="actions" class="primary" @click=${this.#onSubmit}>${t('apply')}</button>
    </nj-dialog>`
  }
}

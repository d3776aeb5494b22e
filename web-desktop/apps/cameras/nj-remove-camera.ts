import { css, html, LitElement, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import type { Camera } from '../../../shared/camera.ts'
import { removeCamera } from '../../api/camera.ts'
import { messageOf } from '../../api/client.ts'
import { fire } from '../../base/fire.ts'
import { wordsOf } from '../../base/i18n.ts'
import { controls } from '../../ui/controls.ts'
import { errorLine } from '../../ui/field.ts'
import '../../ui/nj-dialog.ts'
import { toast } from '../../ui/toast.ts'

const t = wordsOf({
  title: 'Delete {name}?',
  what: 'Channel {channel}, {name}, is recorded no more and disappears from every view.',
  footage: 'What was recorded',
  keep: 'Keep it',
  keepHint: 'The channel stays readable in Playback until its footage is overwritten.',
  remove: 'Delete it as well',
  removeHint: 'All its footage is gone at once and cannot be brought back.',
  cancel: 'Cancel',
  confirm: 'Delete camera',
  confirmAll: 'Delete camera and footage',
  done: '{name} was deleted.',
})

/**
 * Asks before a camera goes, and what becomes of its footage.
 *
 * @fires nj-cancel
 * @fires nj-done
 */
@customElement('nj-remove-camera')
export class NjRemoveCamera extends LitElement {
  static override styles = [
    controls,
    css`
      p {
        margin-bottom: 14px;
      }
      fieldset {
        display: grid;
        gap: 10px;
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        padding: 0 0 8px;
        font-weight: 600;
      }
      label {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 2px 9px;
        align-items: center;
      }
      .hint {
        grid-column: 2;
      }
    `,
  ]

  @property({ attribute: false }) camera!: Camera
  @state() private footage: 'keep' | 'remove' = 'keep'
  @state() private isBusy = false
  @state() private error = ''

  async #onConfirm(): Promise<void> {
    this.isBusy = true
    this.error = ''
    try {
      await removeCamera(this.camera.id, this.footage)
      toast(t('done', { name: this.camera.name }))
      fire(this, 'nj-done')
    } catch (caught) {
      this.error = messageOf(caught)
    }
    this.isBusy = false
  }

  override render(): TemplateResult {
    const { name, channel } = this.camera
    return html`<nj-dialog heading=${t('title', { name })}>
      <p>${t('what', { channel, name })}</p>
      <fieldset>
        <legend>${t('footage')}</legend>
        ${(['keep', 'remove'] as const).map(
          (value) => html`<label>
            <input
              type="radio"
              name="footage"
              .checked=${this.footage === value}
              aria-describedby="${value}-hint"
              @change=${() => {
                this.footage = value
              }}
            />
            <span>${t(value)}</span>
            <span class="hint" id="${value}-hint">${t(`${value}Hint`)}</span>
          </label>`,
        )}
      </fieldset>
      ${errorLine('error', this.error)}
      <button slot="actions" data-focus @click=${() => fire(this, 'nj-cancel')}>${t('cancel')}</button>
      <button slot="actions" class="danger" ?disabled=${this.isBusy} @click=${this.#onConfirm}>
        ${this.footage === 'keep' ? t('confirm') : t('confirmAll')}
      </button>
    </nj-dialog>`
  }
}

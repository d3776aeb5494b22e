import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { changePassword } from '../api/account.ts'
import { fieldOf, messageOf } from '../api/client.ts'
import { fire } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from '../ui/controls.ts'
import { errorLine, field, focusFirstError } from '../ui/field.ts'
import '../ui/nj-dialog.ts'
import { toast } from '../ui/toast.ts'

const t = wordsOf({
  title: 'Change password',
  oneTime:
    'You are logged in with the one-time password that the server printed at its first start. Choose one of your own now: whoever can read the server’s output knows this one.',
  current: 'Current password',
  currentOneTime: 'One-time password',
  next: 'New password',
  nextHint: '8–64 characters',
  again: 'New password again',
  later: 'Later',
  cancel: 'Cancel',
  change: 'Change password',
  tooShort: 'must be 8 characters or more',
  tooLong: 'must be 64 characters or fewer',
  differ: 'is not the same as above',
  isRequired: 'is required',
  done: 'The password was changed.',
})

type Name = 'current' | 'next' | 'again'

/**
 * Changes the password of who is logged in.
 *
 * @fires nj-cancel
 * @fires nj-done
 */
@customElement('nj-change-password')
export class NjChangePassword extends LitElement {
  static override styles = [
    controls,
    css`
      form {
        display: grid;
        gap: 14px;
      }
      .why {
        padding: 10px 12px;
        border-radius: 8px;
        border-inline-start: 4px solid var(--nj-warn);
        background: var(--nj-surface2);
      }
    `,
  ]

  /** True while the one-time password of the first start is in use. */
  @property({ type: Boolean }) isOneTime = false
  @state() private values: Record<Name, string> = { current: '', next: '', again: '' }
  @state() private errors: Partial<Record<Name | 'all', string>> = {}
  @state() private isBusy = false

  #check(): Partial<Record<Name, string>> {
    const { current, next, again } = this.values
    const errors: Partial<Record<Name, string>> = {}
    if (current === '') errors.current = t('isRequired')
    if (next.length < 8) errors.next = t('tooShort')
    else if (next.length > 64) errors.next = t('tooLong')
    else if (again !== next) errors.again = t('differ')
    return errors
  }

  async #onSubmit(event: Event): Promise<void> {
    event.preventDefault()
    if (this.isBusy) return
    this.errors = this.#check()
    if (Object.keys(this.errors).length === 0) {
      this.isBusy = true
      try {
        await changePassword(this.values.current, this.values.next)
        toast(t('done'))
        fire(this, 'nj-done')
      } catch (caught) {
        const name = fieldOf(caught) as Name | undefined
        this.errors = { [name !== undefined && name in this.values ? name : 'all']: messageOf(caught) }
      }
      this.isBusy = false
    }
    await this.updateComplete
    focusFirstError(this.renderRoot)
  }

  #field(name: Name, label: string, autocomplete: string, hint?: string): TemplateResult {
    return field({
      name,
      label,
      hint,
      autocomplete,
      type: 'password',
      value: this.values[name],
      error: this.errors[name],
      maxLength: 128,
      onInput: (value) => {
        this.values = { ...this.values, [name]: value }
      },
    })
  }

  override render(): TemplateResult {
    return html`<nj-dialog heading=${t('title')}>
      <form id="form" @submit=${this.#onSubmit}>
        ${this.isOneTime ? html`<p class="why">${t('oneTime')}</p>` : nothing}
        ${this.#field('current', this.isOneTime ? t('currentOneTime') : t('current'), 'current-password')}
        ${this.#field('next', t('next'), 'new-password', t('nextHint'))}
        ${this.#field('again', t('again'), 'new-password')} ${errorLine('all-error', this.errors.all)}
        <button class="visually-hidden" tabindex="-1" aria-hidden="true">${t('change')}</button>
      </form>
      <button slot="actions" @click=${() => fire(this, 'nj-cancel')}>
        ${this.isOneTime ? t('later') : t('cancel')}
      </button>
      <button slot="actions" class="primary" ?disabled=${this.isBusy} @click=${this.#onSubmit}>${t('change')}</button>
    </nj-dialog>`
  }
}

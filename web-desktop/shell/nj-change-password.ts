import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import type { PasswordPolicy } from '../../shared/account.ts'
import { changePassword, readPasswordPolicy } from '../api/account.ts'
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
  expired: 'Your password must be changed before you can go on.',
  atLeast: '{count} characters or more',
  lowerCase: 'a lower-case letter',
  upperCase: 'an upper-case letter',
  digit: 'a digit',
  special: 'a sign that is no letter and no digit',
  noRepeats: 'no character three times in a row',
  notUsername: 'not the user name',
  logOut: 'Log out',
  again: 'New password again',
  later: 'Later',
  cancel: 'Cancel',
  change: 'Change password',
  tooShort: 'must be {count} characters or more',
  tooLong: 'must be 64 characters or fewer',
  differ: 'is not the same as above',
  isRequired: 'is required',
  done: 'The password was changed.',
})

type Name = 'current' | 'next' | 'again'

/**
 * Changes the password of who is logged in.
 *
 * @fires nj-cancel - not where it is bare
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
  /** True where nothing else is allowed before: there is no way back but to log out. */
  @property({ type: Boolean }) isForced = false
  /** Without a dialog of its own: part of another one. */
  @property({ type: Boolean }) isBare = false
  @state() private policy: PasswordPolicy | undefined
  @state() private values: Record<Name, string> = { current: '', next: '', again: '' }
  @state() private errors: Partial<Record<Name | 'all', string>> = {}
  @state() private isBusy = false

  override connectedCallback(): void {
    super.connectedCallback()
    // Without it the server still says what is missing.
    readPasswordPolicy().then(
      (policy) => {
        this.policy = policy
      },
      () => undefined,
    )
  }

  #check(): Partial<Record<Name, string>> {
    const { current, next, again } = this.values
    const errors: Partial<Record<Name, string>> = {}
    if (current === '') errors.current = t('isRequired')
    const least = this.policy?.minLength ?? 1
    if (next.length < least) errors.next = t('tooShort', { count: String(least) })
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
    const submit = this.isBare
      ? html`<div><button class="primary" ?disabled=${this.isBusy}>${t('change')}</button></div>`
      : html`<button class="visually-hidden" tabindex="-1" aria-hidden="true">${t('change')}</button>`
    const form = html`<form id="form" @submit=${this.#onSubmit}>
      ${this.isOneTime ? html`<p class="why">${t('oneTime')}</p>` : nothing}
      ${this.isForced && !this.isOneTime ? html`<p class="why">${t('expired')}</p>` : nothing}
      ${this.#field('current', this.isOneTime ? t('currentOneTime') : t('current'), 'current-password')}
      ${this.#field('next', t('next'), 'new-password', this.policy && rulesOf(this.policy))}
      ${this.#field('again', t('again'), 'new-password')} ${errorLine('all-error', this.errors.all)}
      ${submit}
    </form>`
    if (this.isBare) return form
    return html`<nj-dialog heading=${t('title')}>
      ${form}
      <button slot="actions" @click=${() => fire(this, 'nj-cancel')}>
        ${this.isForced ? t('logOut') : this.isOneTime ? t('later') : t('cancel')}
      </button>
      <button slot="actions" class="primary" ?disabled=${this.isBusy} @click=${this.#onSubmit}>${t('change')}</button>
    </nj-dialog>`
  }
}

/** The policy's rules in one line. */
function rulesOf(policy: PasswordPolicy): string {
  const rules = [
    t('atLeast', { count: String(policy.minLength) }),
    policy.needsLowerCase && t('lowerCase'),
    policy.needsUpperCase && t('upperCase'),
    policy.needsDigit && t('digit'),
    policy.needsSpecial && t('special'),
    policy.forbidsRepeats && t('noRepeats'),
    policy.forbidsUsername && t('notUsername'),
  ]
  return rules.filter(Boolean).join(', ')
}

import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { logIn } from '../api/account.ts'
import { fieldOf, messageOf } from '../api/client.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from '../ui/controls.ts'
import { field } from '../ui/field.ts'

const t = wordsOf({
  title: 'Your session has ended',
  why: 'Log in again to go on where you were. Nothing that is open is lost.',
  password: 'Password of {name}',
  other: 'Log in as someone else',
  logIn: 'Log in',
  code: 'Code',
  codeHint: 'From your authenticator app, or one of your recovery codes.',
})

/** Asks for the password over the whole desktop, which keeps its windows, once the server no longer knows the session. */
@customElement('nj-relogin')
export class NjRelogin extends LitElement {
  static override styles = [
    controls,
    css`
      dialog {
        width: min(420px, calc(100vw - 24px));
        padding: 22px 24px;
        border: 0;
        border-radius: 14px;
        background: var(--nj-surface);
        color: var(--nj-text);
        box-shadow: 0 24px 70px rgb(4 10 26 / 60%);
      }
      dialog::backdrop {
        background: rgb(8 14 26 / 70%);
      }
      form {
        display: grid;
        gap: 14px;
      }
      h2 {
        font-size: 18px;
      }
      .row {
        justify-content: flex-end;
      }
    `,
  ]

  @property() username = ''
  @state() private value = ''
  @state() private error = ''
  @state() private code = ''
  @state() private isCodeAsked = false
  @state() private isBusy = false

  override firstUpdated(): void {
    this.renderRoot.querySelector('dialog')?.showModal()
    this.renderRoot.querySelector('input')?.focus()
  }

  async #onSubmit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    if (this.isBusy) return
    this.isBusy = true
    this.error = ''
    try {
      await logIn(this.username, this.value, this.isCodeAsked ? this.code : undefined)
    } catch (caught) {
      const isCode = fieldOf(caught) === 'code'
      this.error = isCode && !this.isCodeAsked ? '' : messageOf(caught)
      this.isCodeAsked = isCode
      await this.updateComplete
      this.renderRoot.querySelector<HTMLInputElement>(isCode ? '#code' : '#password')?.select()
    }
    this.isBusy = false
  }

  override render(): TemplateResult {
    return html`<dialog aria-labelledby="title" @cancel=${(event: Event) => event.preventDefault()}>
      <form @submit=${this.#onSubmit}>
        <h2 id="title">${t('title')}</h2>
        <p>${t('why')}</p>
        <input type="hidden" name="username" autocomplete="username" .value=${this.username} />
        ${field({
          name: 'password',
          label: t('password', { name: this.username }),
          type: 'password',
          autocomplete: 'current-password',
          value: this.value,
          error: this.isCodeAsked ? '' : this.error,
          onInput: (value) => {
            this.value = value
          },
        })}
        ${
          this.isCodeAsked
            ? field({
                name: 'code',
                label: t('code'),
                hint: t('codeHint'),
                autocomplete: 'one-time-code',
                value: this.code,
                error: this.error,
                onInput: (value) => {
                  this.code = value
                },
              })
            : nothing
        }
        <div class="row">
          <button type="button" @click=${() => location.reload()}>${t('other')}</button>
          <button class="primary" ?disabled=${this.isBusy}>${t('logIn')}</button>
        </div>
      </form>
    </dialog>`
  }
}

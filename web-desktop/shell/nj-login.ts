import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import circleAlert from 'lucide-static/icons/circle-alert.svg'
import eyeIcon from 'lucide-static/icons/eye.svg'
import eyeOffIcon from 'lucide-static/icons/eye-off.svg'
import keyIcon from 'lucide-static/icons/key-round.svg'
import { logIn, readLoginWays } from '../api/account.ts'
import { fieldOf, messageOf } from '../api/client.ts'
import { arePasskeysOffered, logInByPasskey } from '../api/passkey.ts'
import { fire } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from '../ui/controls.ts'
import '../ui/nj-icon.ts'
import { takeLoginFailure } from './login-failure.ts'
import logo from './logo.svg'
import { followWallpaper, wallpaperStyles } from './wallpaper.ts'

const t = wordsOf({
  product: 'Nightjar',
  tagline: 'Surveillance server',
  username: 'User name',
  password: 'Password',
  show: 'Show password',
  hide: 'Hide password',
  capsLock: 'Caps Lock is on',
  code: 'Code',
  codeHint: 'From your authenticator app, or one of your recovery codes.',
  logIn: 'Log in',
  loggingIn: 'Logging in…',
  passkey: 'Log in with a passkey',
  noPasskey: 'No passkey was used. Try again, or log in with your password.',
  unreachable: 'The server does not answer. Trying again…',
  logInWith: 'Log in with {label}',
  or: 'or',
})

/**
 * The page before the desktop: asks for name and password, or for a passkey where there can be one.
 *
 * @fires nj-logged-in - the server took them
 */
@customElement('nj-login')
export class NjLogin extends LitElement {
  static override styles = [
    controls,
    wallpaperStyles,
    css`
      :host {
        position: fixed;
        inset: 0;
        display: grid;
        place-items: center;
        padding: 16px;
        overflow: auto;
      }
      main {
        width: min(380px, 100%);
        padding: 32px 32px 28px;
        border-radius: 16px;
        background: var(--nj-surface);
        box-shadow: 0 24px 70px rgb(4 10 26 / 50%);
      }
      .brand {
        display: flex;
        align-items: center;
        gap: 14px;
        margin-bottom: 24px;
        --nj-icon-size: 52px;
      }
      h1 {
        font-size: 24px;
        line-height: 1.15;
        letter-spacing: -0.02em;
      }
      form {
        display: grid;
        gap: 16px;
      }
      input {
        min-height: 40px;
      }
      .secret {
        display: flex;
        gap: 6px;
      }
      .secret button {
        min-height: 40px;
        width: 40px;
      }
      .or {
        display: flex;
        align-items: center;
        gap: 12px;
      }
      .or::before,
      .or::after {
        content: '';
        flex: 1;
        border-top: 1px solid var(--nj-border);
      }
      a.button {
        display: grid;
        place-items: center;
        min-height: 42px;
        text-decoration: none;
      }
      .passkey {
        min-height: 42px;
      }
      .primary {
        min-height: 42px;
        margin-top: 4px;
        font-weight: 600;
      }
    `,
  ]

  /** True while the server cannot be asked who is logged in. */
  @property({ type: Boolean }) isOffline = false
  @state() private isBusy = false
  @state() private isShown = false
  @state() private hasCapsLock = false
  @state() private error = ''
  /** The account has a second step. */
  @state() private isCodeAsked = false
  /** What the provider is called that may log in too. */
  @state() private openidLabel: string | undefined
  @state() private hasPasskeys = false
  /** Of a way to log in other than by password. */
  @state() private otherError = ''
  #stopWallpaper: (() => void) | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    this.#stopWallpaper = followWallpaper(this)
    this.otherError = takeLoginFailure()
    // Without an answer there is the form alone.
    readLoginWays()
      .then(({ openidLabel }) => {
        this.openidLabel = openidLabel
      })
      .catch(() => undefined)
    void arePasskeysOffered().then((isOffered) => {
      this.hasPasskeys = isOffered
    })
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#stopWallpaper?.()
  }

  async #onSubmit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    if (this.isBusy) return
    const data = new FormData(event.target as HTMLFormElement)
    this.isBusy = true
    this.error = ''
    this.otherError = ''
    try {
      const code = this.isCodeAsked ? String(data.get('code')) : undefined
      await logIn(String(data.get('username')).trim(), String(data.get('password')), code)
      fire(this, 'nj-logged-in')
    } catch (caught) {
      const isCode = fieldOf(caught) === 'code'
      // That a code is needed is no mistake: it is asked for, and only a wrong one is an error.
      this.error = isCode && !this.isCodeAsked ? '' : messageOf(caught)
      this.isCodeAsked = isCode
      await this.updateComplete
      this.renderRoot.querySelector<HTMLInputElement>(isCode ? '#code' : '#password')?.select()
    } finally {
      this.isBusy = false
    }
  }

  async #onPasskey(): Promise<void> {
    if (this.isBusy) return
    this.isBusy = true
    this.error = ''
    this.otherError = ''
    try {
      if ((await logInByPasskey()) === undefined) this.otherError = t('noPasskey')
      else fire(this, 'nj-logged-in')
    } catch (caught) {
      this.otherError = messageOf(caught)
    } finally {
      this.isBusy = false
    }
  }

  override firstUpdated(): void {
    this.renderRoot.querySelector<HTMLInputElement>('#username')?.focus()
  }

  override render(): TemplateResult {
    return html`<main>
      <div class="brand">
        <nj-icon .svg=${logo}></nj-icon>
        <div>
          <h1>${t('product')}</h1>
          <span class="hint">${t('tagline')}</span>
        </div>
      </div>
      <form @submit=${this.#onSubmit}>
        <div class="field">
          <label for="username">${t('username')}</label>
          <input id="username" name="username" autocomplete="username" autocapitalize="off" spellcheck="false" required />
        </div>
        <div class="field">
          <label for="password">${t('password')}</label>
          <div class="secret">
            <input
              id="password"
              name="password"
              type=${this.isShown ? 'text' : 'password'}
              autocomplete="current-password"
              aria-describedby=${this.error ? 'error' : nothing}
              aria-invalid=${this.error && !this.isCodeAsked ? 'true' : 'false'}
              required
              @keyup=${(event: KeyboardEvent) => {
                this.hasCapsLock = event.getModifierState('CapsLock')
              }}
            />
            <button
              type="button"
              aria-pressed=${this.isShown}
              aria-label=${this.isShown ? t('hide') : t('show')}
              class="square"
              @click=${() => {
                this.isShown = !this.isShown
              }}
            >
              <nj-icon .svg=${this.isShown ? eyeOffIcon : eyeIcon}></nj-icon>
            </button>
          </div>
          ${this.hasCapsLock ? html`<span class="hint" role="status">${t('capsLock')}</span>` : nothing}
        </div>
        ${
          this.isCodeAsked
            ? html`<div class="field">
                <label for="code">${t('code')}</label>
                <input
                  id="code"
                  name="code"
                  autocomplete="one-time-code"
                  autocapitalize="off"
                  spellcheck="false"
                  aria-describedby=${this.error ? 'code-hint error' : 'code-hint'}
                  aria-invalid=${this.error ? 'true' : 'false'}
                  required
                />
                <span class="hint" id="code-hint">${t('codeHint')}</span>
              </div>`
            : nothing
        }
        ${
          this.error || this.otherError || this.isOffline
            ? html`<p class="error" id="error" role="alert">
                <nj-icon .svg=${circleAlert}></nj-icon>${this.error || this.otherError || t('unreachable')}
              </p>`
            : nothing
        }
        <button class="primary" ?disabled=${this.isBusy}>${this.isBusy ? t('loggingIn') : t('logIn')}</button>
        ${this.openidLabel === undefined && !this.hasPasskeys ? nothing : html`<span class="or hint">${t('or')}</span>`}
        ${
          this.hasPasskeys
            ? html`<button type="button" class="passkey" ?disabled=${this.isBusy} @click=${this.#onPasskey}>
                <nj-icon .svg=${keyIcon}></nj-icon>${t('passkey')}
              </button>`
            : nothing
        }
        ${
          this.openidLabel === undefined
            ? nothing
            : html`<a class="button" href="api/openid/start">${t('logInWith', { label: this.openidLabel })}</a>`
        }
      </form>
    </main>`
  }
}

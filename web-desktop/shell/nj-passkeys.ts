import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import keyIcon from 'lucide-static/icons/key-round.svg'
import type { Passkey } from '../../shared/passkey.ts'
import { fieldOf, messageOf } from '../api/client.ts'
import { addPasskey, arePasskeysOffered, listPasskeys, removePasskey, renamePasskey } from '../api/passkey.ts'
import { fire } from '../base/fire.ts'
import { formatDateTime } from '../base/format.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from '../ui/controls.ts'
import { errorLine, field, focusFirstError } from '../ui/field.ts'
import '../ui/nj-dialog.ts'
import '../ui/nj-icon.ts'
import { toast } from '../ui/toast.ts'

const t = wordsOf({
  title: 'Passkeys',
  why: 'A passkey logs you in by your phone, computer or security key, without password and code. Your password still works.',
  none: 'You have no passkeys yet.',
  loading: 'Loading…',
  notHere: 'Passkeys can be made only over HTTPS, under a name that the server’s certificate has.',
  used: 'At {host} · last used {at}',
  unused: 'At {host} · not used yet',
  add: 'Add a passkey',
  adding: 'Asking your device…',
  name: 'Name',
  nameHint: 'Such as “Phone” or “Office computer”.',
  password: 'Current password',
  rename: 'Rename',
  renameOne: 'Rename {name}',
  remove: 'Remove',
  removeOne: 'Remove {name}',
  removeAsk: 'Remove {name}? It will no longer log you in.',
  keep: 'Keep',
  save: 'Save',
  close: 'Close',
  isRequired: 'is required',
  brokenOff: 'No passkey was made.',
  added: '{name} was added.',
  removed: '{name} was removed.',
})

type Name = 'name' | 'password'

/**
 * One's own passkeys: listed, added, renamed, removed.
 *
 * @fires nj-cancel
 */
@customElement('nj-passkeys')
export class NjPasskeys extends LitElement {
  static override styles = [
    controls,
    css`
      nj-dialog {
        --nj-dialog-width: 560px;
      }
      .all,
      form {
        display: grid;
        gap: 14px;
      }
      ul {
        display: grid;
        gap: 8px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 12px;
        padding: 10px 12px;
        border: 1px solid var(--nj-border);
        border-radius: 8px;
        --nj-icon-size: 18px;
      }
      .what {
        flex: 1 1 200px;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .what .hint {
        display: block;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      form.add {
        padding-top: 14px;
        border-top: 1px solid var(--nj-border);
      }
    `,
  ]

  @state() private passkeys: Passkey[] | undefined
  @state() private isOffered: boolean | undefined
  @state() private values: Record<Name, string> = { name: '', password: '' }
  @state() private errors: Partial<Record<Name | 'all', string>> = {}
  @state() private isBusy = false
  /** The one that is renamed or asked about. */
  @state() private open: { id: string; does: 'rename' | 'remove'; name: string } | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#try(async () => {
      this.passkeys = await listPasskeys()
    })
    void arePasskeysOffered().then((isOffered) => {
      this.isOffered = isOffered
    })
  }

  /** Does something that may fail, and shows how. */
  async #try(act: () => Promise<void>): Promise<void> {
    this.errors = {}
    this.isBusy = true
    try {
      await act()
    } catch (caught) {
      const name = fieldOf(caught) as Name | undefined
      this.errors = { [name !== undefined && name in this.values ? name : 'all']: messageOf(caught) }
    }
    this.isBusy = false
    await this.updateComplete
    focusFirstError(this.renderRoot)
  }

  async #onAdd(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    if (this.isBusy) return
    const name = this.values.name.trim()
    await this.#try(async () => {
      const missing = (['name', 'password'] as const).filter((one) => this.values[one].trim() === '')
      if (missing.length > 0) {
        this.errors = Object.fromEntries(missing.map((one) => [one, t('isRequired')]))
        return
      }
      const made = await addPasskey(name, this.values.password)
      if (made === undefined) this.errors = { all: t('brokenOff') }
      else {
        this.passkeys = [...(this.passkeys ?? []), made]
        this.values = { name: '', password: '' }
        toast(t('added', { name: made.name }))
      }
    })
  }

  async #onRename(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const { id, name } = this.open!
    await this.#try(async () => {
      const renamed = await renamePasskey(id, name)
      this.passkeys = this.passkeys?.map((one) => (one.id === id ? renamed : one))
      this.#shut(id)
    })
  }

  async #onRemove(one: Passkey): Promise<void> {
    await this.#try(async () => {
      await removePasskey(one.id)
      this.passkeys = this.passkeys?.filter(({ id }) => id !== one.id)
      this.open = undefined
      toast(t('removed', { name: one.name }))
      await this.updateComplete
      this.renderRoot.querySelector<HTMLElement>('[data-close]')?.focus()
    })
  }

  #ask(one: Passkey, does: 'rename' | 'remove'): void {
    this.errors = {}
    this.open = { id: one.id, does, name: one.name }
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('[data-first]')?.focus())
  }

  /** The keyboard goes back to where it came from. */
  #shut(id: string): void {
    const { does } = this.open!
    this.open = undefined
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#${does}-${id}`)?.focus())
  }

  #renderOne(one: Passkey): TemplateResult {
    const { host, lastUsedMs } = one
    const used = lastUsedMs === undefined ? t('unused', { host }) : t('used', { host, at: formatDateTime(lastUsedMs) })
    if (this.open?.id === one.id) return html`<li>${this.#renderOpen(one)}</li>`
    return html`<li>
      <nj-icon .svg=${keyIcon}></nj-icon>
      <div class="what">${one.name}<span class="hint">${used}</span></div>
      <button id=${`rename-${one.id}`} aria-label=${t('renameOne', one)} @click=${() => this.#ask(one, 'rename')}>
        ${t('rename')}
      </button>
      <button id=${`remove-${one.id}`} aria-label=${t('removeOne', one)} @click=${() => this.#ask(one, 'remove')}>
        ${t('remove')}
      </button>
    </li>`
  }

  #renderOpen(one: Passkey): TemplateResult {
    const keep = html`<button type="button" ?data-first=${this.open!.does === 'remove'} @click=${() => this.#shut(one.id)}>
      ${t('keep')}
    </button>`
    if (this.open!.does === 'remove') {
      return html`<p class="what">${t('removeAsk', one)}</p>
        ${keep}
        <button class="danger" ?disabled=${this.isBusy} @click=${() => this.#onRemove(one)}>${t('remove')}</button>`
    }
    return html`<form class="row what" @submit=${this.#onRename}>
      <input
        data-first
        aria-label=${t('renameOne', one)}
        maxlength="50"
        required
        .value=${this.open!.name}
        @input=${(event: InputEvent) => {
          this.open = { ...this.open!, name: (event.target as HTMLInputElement).value }
        }}
      />
      ${keep}<button class="primary" ?disabled=${this.isBusy}>${t('save')}</button>
    </form>`
  }

  #field(name: Name, label: string, more: { hint?: string; type?: 'password'; autocomplete?: string }): TemplateResult {
    return field({
      ...{ name, label, value: this.values[name], error: this.errors[name], maxLength: name === 'name' ? 50 : 128 },
      ...more,
      onInput: (value) => {
        this.values = { ...this.values, [name]: value }
      },
    })
  }

  #renderAdd(): TemplateResult | typeof nothing {
    if (this.isOffered === undefined) return nothing
    if (!this.isOffered) return html`<p class="hint">${t('notHere')}</p>`
    return html`<form class="add" @submit=${this.#onAdd}>
      <h3>${t('add')}</h3>
      ${this.#field('name', t('name'), { hint: t('nameHint') })}
      ${this.#field('password', t('password'), { type: 'password', autocomplete: 'current-password' })}
      <div><button class="primary" ?disabled=${this.isBusy}>${this.isBusy ? t('adding') : t('add')}</button></div>
    </form>`
  }

  #renderList(): TemplateResult {
    if (this.passkeys === undefined) return html`${this.errors.all ? nothing : html`<p>${t('loading')}</p>`}`
    if (this.passkeys.length === 0) return html`<p>${t('none')}</p>`
    return html`<ul>${this.passkeys.map((one) => this.#renderOne(one))}</ul>`
  }

  override render(): TemplateResult {
    return html`<nj-dialog heading=${t('title')}>
      <div class="all">
        <p class="hint">${t('why')}</p>
        ${this.#renderList()} ${errorLine('all-error', this.errors.all)} ${this.#renderAdd()}
      </div>
      <button slot="actions" data-focus data-close @click=${() => fire(this, 'nj-cancel')}>${t('close')}</button>
    </nj-dialog>`
  }
}

import { html, LitElement, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import deleteIcon from 'lucide-static/icons/trash-2.svg'
import type { Camera } from '../../../shared/camera.ts'
import type { PtzPreset } from '../../../shared/ptz.ts'
import { ptzNameLength } from '../../../shared/ptz-limits.ts'
import { messageOf } from '../../api/client.ts'
import { goToPreset, listPresets, removePreset, savePreset } from '../../api/ptz.ts'
import { wordsOf } from '../../base/i18n.ts'
import { controls } from '../../ui/controls.ts'
import { errorLine } from '../../ui/field.ts'
import '../../ui/nj-icon.ts'
import { toast } from '../../ui/toast.ts'
import { presetStyles } from './ptz-styles.ts'

const t = wordsOf({
  label: 'Presets of {name}',
  waiting: 'Asking the camera…',
  empty: 'The camera keeps no preset yet.',
  again: 'Try again',
  go: 'Go to {name}',
  remove: 'Delete {name}',
  ask: 'Delete {name}?',
  cancel: 'Cancel',
  confirm: 'Delete',
  removed: 'Preset {name} was deleted.',
  name: 'Name of a preset',
  nameHint: 'Keeps where the camera looks now. A preset of the same name is replaced.',
  nameNeeded: 'The preset needs a name.',
  save: 'Save',
  saved: 'Preset {name} was saved.',
})

/** The positions a camera keeps: goes there, keeps a new one, deletes one once that is confirmed. */
@customElement('nj-ptz-presets')
export class NjPtzPresets extends LitElement {
  static override styles = [controls, presetStyles]

  @property({ attribute: false }) camera!: Camera
  @state() private presets: PtzPreset[] | undefined
  @state() private failure = ''
  @state() private name = ''
  @state() private error = ''
  @state() private isBusy = false
  /** The token of the preset whose deletion is to be confirmed. */
  @state() private asked: string | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    void this.updateComplete.then(() => this.#load())
  }

  async #load(): Promise<void> {
    this.failure = ''
    try {
      this.presets = await listPresets(this.camera.id)
    } catch (caught) {
      this.failure = messageOf(caught)
    }
  }

  async #onGo({ token }: PtzPreset): Promise<void> {
    try {
      await goToPreset(this.camera.id, token)
    } catch (caught) {
      toast(messageOf(caught), 'error')
    }
  }

  async #onSave(event: Event): Promise<void> {
    event.preventDefault()
    if (this.isBusy) return
    this.error = this.name.trim() === '' ? t('nameNeeded') : ''
    if (this.error !== '') return
    this.isBusy = true
    try {
      const { name } = await savePreset(this.camera.id, this.name)
      this.name = ''
      toast(t('saved', { name }))
      await this.#load()
    } catch (caught) {
      this.error = messageOf(caught)
    }
    this.isBusy = false
  }

  async #onAsk(token: string): Promise<void> {
    this.asked = token
    await this.updateComplete
    this.renderRoot.querySelector<HTMLElement>('.asks button')?.focus()
  }

  async #onAnswered(preset: PtzPreset, isConfirmed: boolean): Promise<void> {
    const at = this.presets?.findIndex(({ token }) => token === preset.token) ?? 0
    if (isConfirmed) {
      this.isBusy = true
      try {
        await removePreset(this.camera.id, preset.token)
        toast(t('removed', { name: nameOf(preset) }))
        await this.#load()
      } catch (caught) {
        toast(messageOf(caught), 'error')
      }
      this.isBusy = false
    }
    this.asked = undefined
    await this.updateComplete
    const buttons = this.renderRoot.querySelectorAll<HTMLElement>('li .remove')
    // The focus stays in the list; where that is empty, it goes to what can fill it.
    const next = buttons[Math.min(at, buttons.length - 1)] ?? this.renderRoot.querySelector<HTMLElement>('input')
    next?.focus()
  }

  override render(): TemplateResult {
    return html`${this.#renderList()}
      <form novalidate @submit=${this.#onSave}>
        <input
          aria-label=${t('name')}
          placeholder=${t('name')}
          maxlength=${ptzNameLength}
          autocomplete="off"
          spellcheck="false"
          .value=${this.name}
          aria-invalid=${this.error ? 'true' : 'false'}
          aria-describedby=${this.error ? 'error hint' : 'hint'}
          @input=${(event: InputEvent) => {
            this.name = (event.target as HTMLInputElement).value
            this.error = ''
          }}
        />
        <button ?disabled=${this.isBusy}>${t('save')}</button>
      </form>
      ${errorLine('error', this.error)}
      <span class="hint" id="hint">${t('nameHint')}</span>`
  }

  #renderList(): TemplateResult {
    const { presets, failure } = this
    if (failure !== '') {
      return html`${errorLine('failure', failure)} <button @click=${() => void this.#load()}>${t('again')}</button>`
    }
    if (presets === undefined) return html`<span class="hint" role="status">${t('waiting')}</span>`
    if (presets.length === 0) return html`<span class="hint">${t('empty')}</span>`
    return html`<ul aria-label=${t('label', { name: this.camera.name })}>
      ${repeat(
        presets,
        ({ token }) => token,
        (preset) => (this.asked === preset.token ? this.#renderAsk(preset) : this.#renderPreset(preset)),
      )}
    </ul>`
  }

  #renderPreset(preset: PtzPreset): TemplateResult {
    const name = nameOf(preset)
    return html`<li>
      <button class="go" aria-label=${t('go', { name })} title=${t('go', { name })} @click=${() => this.#onGo(preset)}>
        <span>${name}</span>
      </button>
      <button
        class="plain square remove"
        aria-label=${t('remove', { name })}
        title=${t('remove', { name })}
        @click=${() => this.#onAsk(preset.token)}
      >
        <nj-icon .svg=${deleteIcon}></nj-icon>
      </button>
    </li>`
  }

  #renderAsk(preset: PtzPreset): TemplateResult {
    return html`<li>
      <div class="asks" role="alertdialog" aria-labelledby="ask">
        <span class="ask" id="ask">${t('ask', { name: nameOf(preset) })}</span>
        <button @click=${() => this.#onAnswered(preset, false)}>${t('cancel')}</button>
        <button class="danger" ?disabled=${this.isBusy} @click=${() => this.#onAnswered(preset, true)}>
          ${t('confirm')}
        </button>
      </div>
    </li>`
  }
}

/** Some cameras leave names empty. */
function nameOf({ token, name }: PtzPreset): string {
  return name === '' ? token : name
}

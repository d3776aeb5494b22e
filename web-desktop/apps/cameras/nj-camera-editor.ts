import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import addIcon from 'lucide-static/icons/plus.svg'
import testIcon from 'lucide-static/icons/stethoscope.svg'
import deleteIcon from 'lucide-static/icons/trash-2.svg'
import type { Camera, CameraDraft, ConnectionTest } from '../../../shared/camera.ts'
import { createCamera, testAddress, updateCamera } from '../../api/camera.ts'
import { fieldOf, messageOf } from '../../api/client.ts'
import { spaces } from '../../api/space.ts'
import { fire } from '../../base/fire.ts'
import { wordsOf } from '../../base/i18n.ts'
import { Live } from '../../base/live.ts'
import { controls } from '../../ui/controls.ts'
import { errorLine, field, focusFirstError } from '../../ui/field.ts'
import '../../ui/nj-dialog.ts'
import '../../ui/nj-icon.ts'
import { toast } from '../../ui/toast.ts'
import { editorStyles } from './editor-styles.ts'
import './nj-onvif-probe.ts'
import type { ProbeChoice } from './nj-onvif-probe.ts'
import { renderTest } from './test-result.ts'

const t = wordsOf({
  addTitle: 'Add camera',
  editTitle: 'Edit {name}',
  how: 'How to add it',
  byAddress: 'By address',
  byOnvif: 'Find by ONVIF',
  camera: 'Camera',
  name: 'Name',
  nameHint: '1–50 characters',
  brand: 'Brand',
  model: 'Model',
  login: 'Log-in at the camera',
  username: 'User name',
  password: 'Password',
  kept: 'Unchanged',
  keptHint: 'Left empty, the saved password stays.',
  dropPassword: 'Remove the saved password',
  onvif: 'ONVIF service',
  onvifHost: 'Host',
  onvifHostHint: 'Used to turn the camera and to ask for keyframes. May be left empty.',
  onvifPort: 'Port',
  streams: 'Streams',
  streamsHint: 'Stream 1 is the main one. A second, smaller one lets many pictures be shown at once.',
  stream: 'Stream {n}',
  url: 'Address of stream {n}',
  urlHint: 'rtsp://, rtsps://, rtmp://, http://, https://, udp:// or file://, without user name and password',
  record: 'Record around the clock',
  sound: 'With sound',
  test: 'Test',
  testing: 'Testing…',
  addStream: 'Add a stream',
  dropStream: 'Remove stream {n}',
  space: 'Recording space',
  defaultSpace: 'The default space',
  enabled: 'Camera is enabled',
  cancel: 'Cancel',
  save: 'Save',
  add: 'Add camera',
  added: '{name} was added.',
  saved: '{name} was saved.',
})

interface Draft extends Omit<CameraDraft, 'spaceId'> {
  spaceId: string
}

interface TestState {
  stream: number
  result?: ConnectionTest
  failure?: string
}

function draftOf(camera: Camera | undefined): Draft {
  return {
    name: camera?.name ?? '',
    brand: camera?.brand ?? '',
    model: camera?.model ?? '',
    onvifHost: camera?.onvifHost ?? '',
    onvifPort: camera?.onvifPort ?? 80,
    username: camera?.username ?? '',
    password: '',
    streams: camera?.streams ?? [{ stream: 1, url: '', isRecorded: true, hasAudio: true }],
    isEnabled: camera?.isEnabled ?? true,
    spaceId: camera?.spaceId ?? '',
  }
}

/**
 * Adds a camera, or edits one: a draft that is sent when the person says so.
 *
 * @fires nj-cancel
 * @fires nj-done - the camera as the server has it
 */
@customElement('nj-camera-editor')
export class NjCameraEditor extends LitElement {
  static override styles = [controls, editorStyles]

  /** The camera to edit; undefined to add one. */
  @property({ attribute: false }) camera: Camera | undefined
  @state() private draft: Draft = draftOf(undefined)
  @state() private mode: 'address' | 'onvif' = 'address'
  @state() private errors: Record<string, string> = {}
  @state() private test: TestState | undefined
  @state() private isBusy = false
  @state() private dropsPassword = false
  #spaces = new Live(this, spaces)
  #testAbort: AbortController | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    this.draft = draftOf(this.camera)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#testAbort?.abort()
  }

  #set(change: Partial<Draft>): void {
    this.draft = { ...this.draft, ...change }
  }

  #setStream(index: number, change: Partial<Draft['streams'][number]>): void {
    this.#set({ streams: this.draft.streams.map((one, i) => (i === index ? { ...one, ...change } : one)) })
  }

  #addStream(): void {
    const { streams } = this.draft
    const free = [1, 2, 3].find((n) => !streams.some((one) => one.stream === n))
    if (free === undefined) return
    const added = { stream: free, url: '', isRecorded: false, hasAudio: false }
    this.#set({ streams: [...streams, added].sort((a, b) => a.stream - b.stream) })
  }

  #onProbe(choice: ProbeChoice): void {
    this.mode = 'address'
    this.#set({ ...choice, name: this.draft.name || choice.name })
    this.errors = {}
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('#name')?.focus())
  }

  async #onTest(index: number): Promise<void> {
    const one = this.draft.streams[index]!
    this.#testAbort?.abort()
    const abort = new AbortController()
    this.#testAbort = abort
    this.test = { stream: one.stream }
    const { username, password } = this.draft
    const usesSaved = this.camera !== undefined && password === '' && !this.dropsPassword
    try {
      const wish = { url: one.url, username, ...(usesSaved ? { cameraId: this.camera!.id } : { password }) }
      const result = await testAddress(wish, abort.signal)
      this.test = { stream: one.stream, result }
    } catch (caught) {
      if (abort.signal.aborted) return
      if (fieldOf(caught) === 'url') {
        this.test = undefined
        this.errors = { ...this.errors, [`streams.${index}.url`]: messageOf(caught) }
      } else this.test = { stream: one.stream, failure: messageOf(caught) }
    }
  }

  /** A test's result may stand below what is in sight. */
  override updated(changed: PropertyValues): void {
    if (changed.has('test')) {
      this.renderRoot.querySelector('.result')?.scrollIntoView({ block: 'nearest' })
    }
  }

  async #onSubmit(event: Event): Promise<void> {
    event.preventDefault()
    if (this.isBusy) return
    this.isBusy = true
    try {
      const { spaceId, password, ...rest } = this.draft
      const common = { ...rest, ...(spaceId === '' ? {} : { spaceId }) }
      const { draftErrors } = await import('./draft-check.ts')
      this.errors = draftErrors({ ...common, password })
      if (Object.keys(this.errors).length === 0) {
        const sendsPassword = this.camera === undefined || password !== '' || this.dropsPassword
        const body = sendsPassword ? { ...common, password } : common
        const saved =
          this.camera === undefined
            ? await createCamera({ ...common, password })
            : await updateCamera(this.camera.id, body)
        toast(t(this.camera === undefined ? 'added' : 'saved', { name: saved.name }))
        fire(this, 'nj-done', saved)
        return
      }
    } catch (caught) {
      this.errors = { [fieldOf(caught) ?? 'all']: messageOf(caught) }
    } finally {
      this.isBusy = false
    }
    await this.updateComplete
    focusFirstError(this.renderRoot)
  }

  #text(name: 'name' | 'brand' | 'model' | 'onvifHost' | 'username', hint?: string, maxLength = 64): TemplateResult {
    return field({
      name,
      label: t(name),
      value: this.draft[name],
      hint,
      maxLength,
      error: this.errors[name],
      onInput: (value) => this.#set({ [name]: value }),
    })
  }

  override render(): TemplateResult {
    const isNew = this.camera === undefined
    return html`<nj-dialog heading=${isNew ? t('addTitle') : t('editTitle', { name: this.camera!.name })}>
      ${isNew ? this.#renderModes() : nothing}
      ${
        this.mode === 'onvif'
          ? html`<nj-onvif-probe @nj-probe=${(event: CustomEvent<ProbeChoice>) => this.#onProbe(event.detail)}></nj-onvif-probe>`
          : this.#renderForm()
      }
      <button slot="actions" @click=${() => fire(this, 'nj-cancel')}>${t('cancel')}</button>
      ${
        this.mode === 'onvif'
          ? nothing
          : html`<button slot="actions" class="primary" ?disabled=${this.isBusy} @click=${this.#onSubmit}>
              ${isNew ? t('add') : t('save')}
            </button>`
      }
    </nj-dialog>`
  }

  #renderModes(): TemplateResult {
    return html`<div class="modes" role="group" aria-label=${t('how')}>
      ${(['address', 'onvif'] as const).map(
        (mode) => html`<button
          type="button"
          aria-pressed=${this.mode === mode}
          @click=${() => {
            this.mode = mode
          }}
        >
          ${mode === 'address' ? t('byAddress') : t('byOnvif')}
        </button>`,
      )}
    </div>`
  }

  #renderForm(): TemplateResult {
    const { draft, errors } = this
    return html`<form @submit=${this.#onSubmit} novalidate>
      ${errorLine('all-error', errors['all'])}
      <fieldset>
        <legend>${t('camera')}</legend>
        <div class="cols">
          ${this.#text('name', t('nameHint'), 50)} ${this.#text('brand')} ${this.#text('model')}
        </div>
      </fieldset>
      <fieldset>
        <legend>${t('login')}</legend>
        <div class="cols">
          ${this.#text('username')}
          ${field({
            name: 'password',
            label: t('password'),
            type: 'password',
            value: draft.password,
            autocomplete: 'new-password',
            placeholder: this.camera?.hasPassword ? t('kept') : '',
            hint: this.camera?.hasPassword ? t('keptHint') : undefined,
            error: errors['password'],
            maxLength: 128,
            isDisabled: this.dropsPassword,
            onInput: (password) => this.#set({ password }),
          })}
        </div>
        ${this.camera?.hasPassword ? this.#check('dropPassword', this.dropsPassword, (on) => (this.dropsPassword = on)) : nothing}
      </fieldset>
      <fieldset>
        <legend>${t('streams')}</legend>
        <p class="hint">${t('streamsHint')}</p>
        ${draft.streams.map((_, i) => this.#renderStream(i))} ${errorLine('streams-error', errors['streams'])}
        ${
          draft.streams.length < 3
            ? html`<button type="button" class="plain" @click=${this.#addStream}>
                <nj-icon .svg=${addIcon}></nj-icon>${t('addStream')}
              </button>`
            : nothing
        }
      </fieldset>
      <fieldset>
        <legend>${t('onvif')}</legend>
        <div class="cols">
          ${this.#text('onvifHost', t('onvifHostHint'), 253)}
          ${field({
            name: 'onvifPort',
            label: t('onvifPort'),
            type: 'number',
            value: String(draft.onvifPort),
            error: errors['onvifPort'],
            onInput: (value) => this.#set({ onvifPort: Number(value) }),
          })}
          ${this.#renderSpace()}
        </div>
      </fieldset>
      ${this.#check('enabled', draft.isEnabled, (isEnabled) => this.#set({ isEnabled }))}
      <button class="visually-hidden" tabindex="-1" aria-hidden="true">${t('save')}</button>
    </form>`
  }

  #check(name: 'enabled' | 'dropPassword', isOn: boolean, onChange: (isOn: boolean) => void): TemplateResult {
    return html`<label class="check">
      <input
        type="checkbox"
        .checked=${isOn}
        @change=${(event: Event) => onChange((event.target as HTMLInputElement).checked)}
      />
      ${t(name)}
    </label>`
  }

  #renderSpace(): TemplateResult | typeof nothing {
    const list = this.#spaces.source.list
    if (list.length === 0) return nothing
    return html`<div class="field">
      <label for="spaceId">${t('space')}</label>
      <select
        id="spaceId"
        aria-describedby="spaceId-error"
        @change=${(event: Event) => this.#set({ spaceId: (event.target as HTMLSelectElement).value })}
      >
        ${this.camera === undefined ? html`<option value="" ?selected=${this.draft.spaceId === ''}>${t('defaultSpace')}</option>` : nothing}
        ${list.map((one) => html`<option value=${one.id} ?selected=${this.draft.spaceId === one.id}>${one.name}</option>`)}
      </select>
      ${errorLine('spaceId-error', this.errors['spaceId'])}
    </div>`
  }

  #renderStream(index: number): TemplateResult {
    const one = this.draft.streams[index]!
    const n = one.stream
    const isTesting = this.test?.stream === n && this.test.result === undefined && this.test.failure === undefined
    return html`<div class="stream" role="group" aria-label=${t('stream', { n })}>
      ${field({
        name: `streams.${index}.url`,
        label: t('url', { n }),
        value: one.url,
        hint: index === 0 ? t('urlHint') : undefined,
        error: this.errors[`streams.${index}.url`],
        maxLength: 2048,
        onInput: (url) => this.#setStream(index, { url }),
      })}
      <div class="row">
        <label class="check">
          <input
            type="checkbox"
            .checked=${one.isRecorded}
            @change=${(event: Event) => this.#setStream(index, { isRecorded: (event.target as HTMLInputElement).checked })}
          />${t('record')}
        </label>
        <label class="check">
          <input
            type="checkbox"
            .checked=${one.hasAudio}
            @change=${(event: Event) => this.#setStream(index, { hasAudio: (event.target as HTMLInputElement).checked })}
          />${t('sound')}
        </label>
        <span class="grow"></span>
        <button type="button" ?disabled=${one.url === '' || isTesting} @click=${() => this.#onTest(index)}>
          <nj-icon .svg=${testIcon}></nj-icon>${isTesting ? t('testing') : t('test')}
        </button>
        ${
          this.draft.streams.length > 1
            ? html`<button
                type="button"
                class="square"
                aria-label=${t('dropStream', { n })}
                title=${t('dropStream', { n })}
                @click=${() => this.#set({ streams: this.draft.streams.filter((_, i) => i !== index) })}
              >
                <nj-icon .svg=${deleteIcon}></nj-icon>
              </button>`
            : nothing
        }
      </div>
      ${this.test?.stream === n ? renderTest(this.test.result, this.test.failure) : nothing}
    </div>`
  }
}

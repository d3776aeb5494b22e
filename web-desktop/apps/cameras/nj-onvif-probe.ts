import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import searchIcon from 'lucide-static/icons/search.svg'
import type { OnvifProbe, StreamSettings } from '../../../shared/camera.ts'
import { probeOnvif } from '../../api/camera.ts'
import { causeText } from '../../api/camera-status.ts'
import { fieldOf, messageOf } from '../../api/client.ts'
import { fire } from '../../base/fire.ts'
import { wordsOf } from '../../base/i18n.ts'
import { controls } from '../../ui/controls.ts'
import { errorLine, field } from '../../ui/field.ts'
import '../../ui/nj-icon.ts'

const t = wordsOf({
  host: 'Host name or address of the camera',
  port: 'ONVIF port',
  username: 'User name',
  password: 'Password',
  ask: 'Ask the camera',
  asking: 'Asking…',
  found: '{brand} {model}, firmware {firmware}',
  choose: 'Choose up to three streams. The largest becomes the main one unless you say otherwise.',
  profile: 'Profile',
  picture: 'Picture',
  use: 'Use as',
  useOf: 'Use profile {name} as',
  notUsed: 'Not used',
  stream: 'Stream {n}',
  next: 'Go on with these streams',
  none: 'Give at least one profile a stream number.',
  twice: 'Two profiles have the same stream number.',
  noAddress: 'This profile has no stream address.',
  empty: 'The camera names no profile with a picture.',
})

/** What goes into the form. */
export interface ProbeChoice {
  name: string
  brand: string
  model: string
  onvifHost: string
  onvifPort: number
  username: string
  password: string
  streams: StreamSettings[]
}

type Found = Extract<OnvifProbe, { isReachable: true }>

/**
 * Asks an ONVIF device for its profiles and lets a person pick the streams.
 *
 * @fires nj-probe - `ProbeChoice`
 */
@customElement('nj-onvif-probe')
export class NjOnvifProbe extends LitElement {
  static override styles = [
    controls,
    css`
      form,
      .found {
        display: grid;
        gap: 12px;
      }
      .cols {
        display: grid;
        grid-template-columns: 2fr 1fr;
        gap: 12px;
      }
      .found {
        margin-top: 18px;
        padding-top: 14px;
        border-top: 1px solid var(--nj-border);
      }
      td {
        vertical-align: middle;
        border-bottom: 1px solid var(--nj-border);
      }
      th {
        padding-block: 2px;
      }
      .url {
        overflow-wrap: anywhere;
      }
    `,
  ]

  @state() private values = { host: '', port: '80', username: '', password: '' }
  @state() private errors: Record<string, string> = {}
  @state() private isBusy = false
  @state() private found: Found | undefined
  /** Stream number by profile; 0 for none. */
  @state() private picks: number[] = []
  #abort: AbortController | undefined

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#abort?.abort()
  }

  async #onAsk(event: Event): Promise<void> {
    event.preventDefault()
    if (this.isBusy) return
    this.isBusy = true
    this.errors = {}
    this.found = undefined
    const abort = new AbortController()
    this.#abort = abort
    try {
      const { host, port, username, password } = this.values
      const answer = await probeOnvif({ host, port: Number(port), username, password }, abort.signal)
      if (answer.isReachable) {
        this.found = answer
        this.picks = firstPicks(answer)
      } else {
        // What of ONVIF was not understood is said by the detail alone.
        const cause = answer.fault === 'protocol' ? '' : `${causeText(answer.fault)}: `
        this.errors = { all: `${cause}${answer.detail}` }
      }
    } catch (caught) {
      if (!abort.signal.aborted) this.errors = { [fieldOf(caught) ?? 'all']: messageOf(caught) }
    }
    this.isBusy = false
  }

  #onNext(): void {
    const found = this.found!
    const used = this.picks.filter((pick) => pick > 0)
    if (used.length === 0) this.errors = { picks: t('none') }
    else if (new Set(used).size !== used.length) this.errors = { picks: t('twice') }
    else {
      const streams = found.profiles
        .flatMap((one, i) => {
          const stream = this.picks[i]!
          if (stream === 0 || one.streamUrl === undefined) return []
          return [{ stream, url: withoutLogin(one.streamUrl), isRecorded: stream === 1, hasAudio: stream === 1 }]
        })
        .sort((a, b) => a.stream - b.stream)
      const { host, port, username, password } = this.values
      const { brand, model } = found
      const name = [brand, model].filter(Boolean).join(' ').slice(0, 50)
      const choice: ProbeChoice = {
        name,
        brand,
        model,
        onvifHost: host.trim(),
        onvifPort: Number(port),
        username,
        password,
        streams,
      }
      fire(this, 'nj-probe', choice)
    }
  }

  #field(name: keyof typeof this.values, type: 'text' | 'number' | 'password' = 'text'): TemplateResult {
    return field({
      name,
      label: t(name),
      type,
      value: this.values[name],
      error: this.errors[name],
      autocomplete: type === 'password' ? 'new-password' : 'off',
      onInput: (value) => {
        this.values = { ...this.values, [name]: value }
      },
    })
  }

  override render(): TemplateResult {
    return html`<form @submit=${this.#onAsk} novalidate>
        <div class="cols">${this.#field('host')} ${this.#field('port', 'number')}</div>
        <div class="cols">${this.#field('username')} ${this.#field('password', 'password')}</div>
        <div class="row">
          <button class=${this.found ? '' : 'primary'} ?disabled=${this.isBusy || this.values.host.trim() === ''}>
            <nj-icon .svg=${searchIcon}></nj-icon>${this.isBusy ? t('asking') : t('ask')}
          </button>
        </div>
        ${errorLine('all-error', this.errors['all'])}
      </form>
      ${this.found === undefined ? nothing : this.#renderFound(this.found)}`
  }

  #renderFound(found: Found): TemplateResult {
    const { brand, model, firmware } = found
    if (found.profiles.length === 0) return html`<p class="found" role="status">${t('empty')}</p>`
    return html`<div class="found" role="group">
      <div role="status">
        <strong>${t('found', { brand, model, firmware })}</strong>
        <p class="hint">${t('choose')}</p>
      </div>
      <table>
        <thead>
          <tr>
            <th>${t('profile')}</th>
            <th>${t('picture')}</th>
            <th>${t('use')}</th>
          </tr>
        </thead>
        <tbody>
          ${found.profiles.map(
            (one, i) => html`<tr>
              <td>${one.name}<div class="hint url">${one.streamUrl ?? t('noAddress')}</div></td>
              <td>
                ${one.videoCodec?.toUpperCase() ?? '–'}<br />
                <span class="hint">${one.widthPx ? `${one.widthPx} × ${one.heightPx}` : ''} ${one.fps ? `· ${one.fps} fps` : ''}</span>
              </td>
              <td>
                <select
                  aria-label=${t('useOf', { name: one.name })}
                  ?disabled=${one.streamUrl === undefined}
                  @change=${(event: Event) => {
                    const pick = Number((event.target as HTMLSelectElement).value)
                    this.picks = this.picks.map((before, at) => (at === i ? pick : before))
                    this.errors = {}
                  }}
                >
                  ${[0, 1, 2, 3].map(
                    (n) => html`<option value=${n} ?selected=${this.picks[i] === n}>
                      ${n === 0 ? t('notUsed') : t('stream', { n })}
                    </option>`,
                  )}
                </select>
              </td>
            </tr>`,
          )}
        </tbody>
      </table>
      ${errorLine('picks-error', this.errors['picks'])}
      <div class="row"><button class="primary" @click=${this.#onNext}>${t('next')}</button></div>
    </div>`
  }
}

/** The largest profile is stream 1, the next smaller stream 2. */
function firstPicks(found: Found): number[] {
  const bySize = found.profiles
    .map((one, i) => ({ i, area: (one.widthPx ?? 0) * (one.heightPx ?? 0), has: one.streamUrl !== undefined }))
    .filter((one) => one.has)
    .sort((a, b) => b.area - a.area)
  return found.profiles.map((_, i) => {
    const rank = bySize.findIndex((one) => one.i === i)
    return rank === 0 || rank === 1 ? rank + 1 : 0
  })
}

/** User name and password stand in fields of their own. */
function withoutLogin(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1')
}

import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import downloadIcon from 'lucide-static/icons/download.svg'
import closeIcon from 'lucide-static/icons/x.svg'
import type { Camera } from '../../../shared/camera.ts'
import { type ClipSound, maxClipMs } from '../../../shared/recording.ts'
import { health, healthKey } from '../../api/camera.ts'
import { clipPath } from '../../api/recording.ts'
import { fire } from '../../base/fire.ts'
import { formatBytes, formatDuration, localFieldOf, msOfLocalField } from '../../base/format.ts'
import { wordsOf } from '../../base/i18n.ts'
import { controls } from '../../ui/controls.ts'
import { errorLine, field } from '../../ui/field.ts'
import '../../ui/nj-icon.ts'

const t = wordsOf({
  title: 'Export as MP4',
  close: 'Close the export',
  camera: 'Camera',
  stream: 'Stream',
  streamN: 'Stream {n}',
  sound: 'Sound',
  'as-recorded': 'As recorded',
  aac: 'As AAC, for every player',
  none: 'None',
  from: 'From',
  to: 'To',
  setFrom: 'From here (I)',
  setTo: 'To here (O)',
  length: '{length}, about {size}',
  lengthOnly: '{length}',
  download: 'Download',
  empty: 'The end must be after the beginning.',
  long: 'At most 24 hours at once.',
  bad: 'This is not a date and time.',
  hint: 'Drag the handles on the timeline, or press I and O.',
})

const sounds: ClipSound[] = ['as-recorded', 'aac', 'none']

export interface ExportWish {
  cameraId: string
  stream: number
  fromMs: number
  toMs: number
}

/**
 * What to export; the download itself is a plain link.
 *
 * @fires nj-export - `ExportWish`, as it should be
 * @fires nj-mark - `from` or `to`: set it to the playhead
 * @fires nj-close-export
 */
@customElement('nj-export')
export class NjExport extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
        border-top: 1px solid var(--nj-border);
        background: var(--nj-surface2);
      }
      section {
        display: grid;
        gap: 8px;
        padding: 10px 14px 12px;
      }
      .head {
        display: flex;
        align-items: center;
        gap: 8px;
      }
      .fields {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(195px, 1fr));
        gap: 10px;
        align-items: start;
      }
      .mark {
        display: grid;
        gap: 5px;
      }
      .mark button {
        min-height: 26px;
      }
      .go {
        align-self: start;
        margin-top: 22px;
        display: grid;
        gap: 4px;
      }
    `,
  ]

  @property({ attribute: false }) cameras: Camera[] = []
  @property({ attribute: false }) wish!: ExportWish
  /** Streams of the chosen camera that have footage. */
  @property({ attribute: false }) streams: number[] = []
  @state() private sound: ClipSound = 'aac'
  @state() private typed: { from?: string; to?: string } = {}

  #set(change: Partial<ExportWish>): void {
    fire(this, 'nj-export', { ...this.wish, ...change })
  }

  #error(): string {
    const { fromMs, toMs } = this.wish
    if (this.typed.from !== undefined || this.typed.to !== undefined) return t('bad')
    return toMs <= fromMs ? t('empty') : toMs - fromMs > maxClipMs ? t('long') : ''
  }

  #timeField(edge: 'from' | 'to'): TemplateResult {
    return html`<div class="mark">
      ${field({
        name: edge,
        label: t(edge),
        type: 'datetime-local',
        step: '1',
        value: this.typed[edge] ?? localFieldOf(this.wish[`${edge}Ms`]),
        onInput: (value) => {
          const ms = msOfLocalField(value)
          const { [edge]: _gone, ...rest } = this.typed
          this.typed = Number.isNaN(ms) ? { ...rest, [edge]: value } : rest
          if (!Number.isNaN(ms)) this.#set({ [`${edge}Ms`]: ms })
        },
      })}
      <button @click=${() => fire(this, 'nj-mark', edge)}>${t(edge === 'from' ? 'setFrom' : 'setTo')}</button>
    </div>`
  }

  #select(
    id: string,
    label: string,
    value: string,
    options: [string, string][],
    onPick: (value: string) => void,
  ): TemplateResult {
    return html`<div class="field">
      <label for=${id}>${label}</label>
      <select id=${id} @change=${(event: Event) => onPick((event.target as HTMLSelectElement).value)}>
        ${options.map(([key, text]) => html`<option value=${key} ?selected=${key === value}>${text}</option>`)}
      </select>
    </div>`
  }

  override render(): TemplateResult {
    const { cameraId, stream, fromMs, toMs } = this.wish
    const error = this.#error()
    const kbps = health.get(healthKey(cameraId, stream))?.bitrateKbps
    const length = formatDuration(toMs - fromMs)
    const size = kbps === undefined ? undefined : formatBytes(((toMs - fromMs) / 1000) * kbps * 125)
    return html`<section aria-labelledby="title">
      <div class="head">
        <h3 id="title">${t('title')}</h3>
        <span class="hint grow">${t('hint')}</span>
        <button class="plain square" aria-label=${t('close')} @click=${() => fire(this, 'nj-close-export')}>
          <nj-icon .svg=${closeIcon}></nj-icon>
        </button>
      </div>
      <div class="fields">
        ${this.#timeField('from')} ${this.#timeField('to')}
        ${this.#select(
          'camera',
          t('camera'),
          cameraId,
          this.cameras.map((one) => [one.id, one.name]),
          (id) => this.#set({ cameraId: id }),
        )}
        ${
          this.streams.length > 1
            ? this.#select(
                'stream',
                t('stream'),
                String(stream),
                this.streams.map((n) => [String(n), t('streamN', { n })]),
                (n) => this.#set({ stream: Number(n) }),
              )
            : nothing
        }
        ${this.#select(
          'sound',
          t('sound'),
          this.sound,
          sounds.map((one) => [one, t(one)]),
          (one) => {
            this.sound = one as ClipSound
          },
        )}
        <div class="go">
          ${
            error
              ? errorLine('error', error)
              : html`<a class="button primary" download href=${clipPath(cameraId, stream, fromMs, toMs, this.sound)}>
                    <nj-icon .svg=${downloadIcon}></nj-icon>${t('download')}
                  </a>
                  <span class="hint">${size === undefined ? t('lengthOnly', { length }) : t('length', { length, size })}</span>`
          }
        </div>
      </div>
    </section>`
  }
}

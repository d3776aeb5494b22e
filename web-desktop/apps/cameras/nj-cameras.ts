import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import exportIcon from 'lucide-static/icons/file-down.svg'
import historyIcon from 'lucide-static/icons/history.svg'
import editIcon from 'lucide-static/icons/pencil.svg'
import addIcon from 'lucide-static/icons/plus.svg'
import searchIcon from 'lucide-static/icons/search.svg'
import deleteIcon from 'lucide-static/icons/trash-2.svg'
import liveIcon from 'lucide-static/icons/video.svg'
import type { Camera } from '../../../shared/camera.ts'
import type { StreamHealth } from '../../../shared/stream.ts'
import { cameras, health, healthOf } from '../../api/camera.ts'
import { statusOf } from '../../api/camera-status.ts'
import { addressOf } from '../../base/address.ts'
import type { AppPage } from '../../base/app.ts'
import { fireOpenApp } from '../../base/fire.ts'
import { formatBitrate } from '../../base/format.ts'
import { wordsOf } from '../../base/i18n.ts'
import { Live } from '../../base/live.ts'
import { controls } from '../../ui/controls.ts'
import '../../ui/nj-icon.ts'
import '../../ui/nj-status.ts'
import { camerasStyles } from './cameras-styles.ts'
import './nj-camera-detail.ts'
import './nj-camera-editor.ts'
import './nj-remove-camera.ts'

const t = wordsOf({
  add: 'Add camera',
  edit: 'Edit',
  remove: 'Delete',
  live: 'Live',
  playback: 'Playback',
  export: 'Save as text',
  exportHint: 'All cameras and recording spaces as a YAML file, without passwords',
  find: 'Find a camera',
  count: { one: '{n} camera', other: '{n} cameras' },
  found: '{found} of {n}',
  table: 'Cameras',
  status: 'Status',
  channel: 'Channel',
  name: 'Name',
  make: 'Brand and model',
  address: 'Address',
  streams: 'Streams',
  rate: 'Bit rate',
  none: 'There is no camera yet',
  noneHint: 'Give an RTSP address, or let ONVIF find the streams of a camera.',
  noMatch: 'No camera matches “{word}”.',
  clear: 'Clear the search',
  loading: 'Loading…',
  failed: 'The cameras could not be loaded',
  retry: 'Try again',
})

type Dialog = { kind: 'add' } | { kind: 'edit'; camera: Camera } | { kind: 'remove'; camera: Camera } | undefined

/** All cameras and the state of each; add, edit, delete and test. */
@customElement('nj-cameras')
export class NjCameras extends LitElement {
  static override styles = [controls, camerasStyles]

  @property({ attribute: false }) page!: AppPage
  @state() private selectedId: string | undefined
  @state() private find = ''
  @state() private dialog: Dialog
  #cameras = new Live(this, cameras)
  #health = new Live(this, health)
  #route: unknown

  override willUpdate(changed: PropertyValues): void {
    if (!changed.has('page') || this.page.route === this.#route) return
    this.#route = this.page.route
    const { cameraId, add } = (this.#route ?? {}) as { cameraId?: string; add?: boolean }
    if (cameraId !== undefined) this.selectedId = cameraId
    if (add) this.dialog = { kind: 'add' }
  }

  #found(): Camera[] {
    const word = this.find.trim().toLowerCase()
    return this.#cameras.source.list.filter((one) =>
      [one.channel, one.name, one.brand, one.model, one.onvifHost, ...one.streams.map((s) => s.url)]
        .join(' ')
        .toLowerCase()
        .includes(word),
    )
  }

  #onRowKey(event: KeyboardEvent, camera: Camera): void {
    const rows = [...this.renderRoot.querySelectorAll<HTMLElement>('[data-row]')]
    const at = rows.indexOf(event.currentTarget as HTMLElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key]
    if (to !== undefined) rows[Math.max(0, Math.min(to, rows.length - 1))]?.focus()
    else if (event.key === 'Enter' || event.key === ' ') this.#select(camera.id)
    else if (event.key === 'Delete') this.dialog = { kind: 'remove', camera }
    else if (event.key === 'F2') this.dialog = { kind: 'edit', camera }
    else return
    event.preventDefault()
  }

  #select(id: string): void {
    this.selectedId = this.selectedId === id ? undefined : id
  }

  override render(): TemplateResult {
    const { state, failure, list } = this.#cameras.source
    void this.#health.source
    const main =
      state === 'failed'
        ? html`<div class="empty" role="alert">
            <h3>${t('failed')}</h3>
            <p class="hint">${failure}</p>
            <button @click=${() => cameras.load()}>${t('retry')}</button>
          </div>`
        : state !== 'ready'
          ? html`<p class="empty hint" role="status">${t('loading')}</p>`
          : list.length === 0
            ? this.#renderEmpty()
            : this.#renderFull()
    return html`<div class="main" ?inert=${this.dialog !== undefined}>${main}</div>
      ${this.#renderDialog()}`
  }

  #renderEmpty(): TemplateResult {
    return html`<div class="empty">
      <button class="round" aria-label=${t('add')} @click=${() => this.#open({ kind: 'add' })}>
        <nj-icon .svg=${addIcon}></nj-icon>
      </button>
      <h3>${t('none')}</h3>
      <p class="hint">${t('noneHint')}</p>
    </div>`
  }

  #open(dialog: Dialog): void {
    this.dialog = dialog
  }

  #renderFull(): TemplateResult {
    const found = this.#found()
    const selected = this.selectedId === undefined ? undefined : cameras.get(this.selectedId)
    return html`${this.#renderToolbar(found.length, selected)}
      <div class="split ${selected ? 'with-detail' : ''}">
        <div class="list">
          ${
            found.length === 0
              ? html`<div class="empty">
                  <p>${t('noMatch', { word: this.find })}</p>
                  <button
                    @click=${() => {
                      this.find = ''
                    }}
                  >
                    ${t('clear')}
                  </button>
                </div>`
              : this.page.isPhone
                ? this.#renderCards(found)
                : this.#renderTable(found)
          }
        </div>
        ${
          selected === undefined
            ? nothing
            : html`<nj-camera-detail
                .camera=${selected}
                @nj-close-detail=${() => {
                  this.selectedId = undefined
                }}
              ></nj-camera-detail>`
        }
      </div>`
  }

  #renderToolbar(found: number, selected: Camera | undefined): TemplateResult {
    const n = this.#cameras.source.list.length
    const route = selected && { cameraId: selected.id, cameraIds: [selected.id] }
    return html`<div class="toolbar" role="toolbar" aria-label=${t('table')}>
      <button class="primary" @click=${() => this.#open({ kind: 'add' })}>
        <nj-icon .svg=${addIcon}></nj-icon>${t('add')}
      </button>
      <button ?disabled=${!selected} @click=${() => this.#open({ kind: 'edit', camera: selected! })}>
        <nj-icon .svg=${editIcon}></nj-icon>${t('edit')}
      </button>
      <button ?disabled=${!selected} @click=${() => this.#open({ kind: 'remove', camera: selected! })}>
        <nj-icon .svg=${deleteIcon}></nj-icon>${t('remove')}
      </button>
      <button class="plain" ?disabled=${!selected} @click=${() => fireOpenApp(this, { appId: 'live-view', route })}>
        <nj-icon .svg=${liveIcon}></nj-icon>${t('live')}
      </button>
      <button class="plain" ?disabled=${!selected} @click=${() => fireOpenApp(this, { appId: 'playback', route })}>
        <nj-icon .svg=${historyIcon}></nj-icon>${t('playback')}
      </button>
      <a class="button plain" download href=${addressOf('api/configuration.yaml')} title=${t('exportHint')}>
        <nj-icon .svg=${exportIcon}></nj-icon>${t('export')}
      </a>
      <span class="grow"></span>
      <span class="hint" role="status">${found === n ? t('count', { n }) : t('found', { found, n })}</span>
      <span class="find">
        <nj-icon .svg=${searchIcon}></nj-icon>
        <input
          type="search"
          aria-label=${t('find')}
          placeholder=${t('find')}
          .value=${this.find}
          @input=${(event: InputEvent) => {
            this.find = (event.target as HTMLInputElement).value
          }}
        />
      </span>
    </div>`
  }

  #renderTable(found: Camera[]): TemplateResult {
    return html`<table aria-label=${t('table')}>
      <thead>
        <tr>
          <th class="num">${t('channel')}</th>
          <th>${t('name')}</th>
          <th>${t('status')}</th>
          <th class="wide">${t('make')}</th>
          <th class="wide">${t('address')}</th>
          <th>${t('streams')}</th>
          <th class="num">${t('rate')}</th>
        </tr>
      </thead>
      <tbody>
        ${repeat(
          found,
          (one) => one.id,
          (one, i) => {
            const streams = healthOf(one)
            const status = statusOf(one, streams)
            return html`<tr
              data-row
              tabindex=${this.selectedId === one.id || (i === 0 && !found.some((c) => c.id === this.selectedId)) ? 0 : -1}
              aria-selected=${this.selectedId === one.id}
              @click=${() => this.#select(one.id)}
              @dblclick=${() => this.#open({ kind: 'edit', camera: one })}
              @keydown=${(event: KeyboardEvent) => this.#onRowKey(event, one)}
            >
              <td class="num">${one.channel}</td>
              <td><strong>${one.name}</strong></td>
              <td>
                <nj-status .kind=${status.kind} .text=${status.text}></nj-status>
                ${status.detail ? html`<div class="hint detail">${status.detail}</div>` : nothing}
              </td>
              <td class="wide">${[one.brand, one.model].filter(Boolean).join(' ') || '–'}</td>
              <td class="wide">${addressOfCamera(one)}</td>
              <td>${streams.map((stream) => html`<div class="stream">${streamText(stream)}</div>`)}</td>
              <td class="num">
                ${streams.map((stream) => html`<div>${stream.bitrateKbps === undefined ? '–' : formatBitrate(stream.bitrateKbps)}</div>`)}
              </td>
            </tr>`
          },
        )}
      </tbody>
    </table>`
  }

  #renderCards(found: Camera[]): TemplateResult {
    return html`<ul class="cards" aria-label=${t('table')}>
      ${found.map((one) => {
        const status = statusOf(one, healthOf(one))
        return html`<li>
          <button
            data-row
            aria-pressed=${this.selectedId === one.id}
            @click=${() => this.#select(one.id)}
            @keydown=${(event: KeyboardEvent) => this.#onRowKey(event, one)}
          >
            <strong>${one.channel}. ${one.name}</strong>
            <nj-status .kind=${status.kind} .text=${status.text}></nj-status>
            <span class="hint">${status.detail || addressOfCamera(one)}</span>
          </button>
        </li>`
      })}
    </ul>`
  }

  #renderDialog(): TemplateResult | typeof nothing {
    const close = (): void => {
      this.dialog = undefined
    }
    if (this.dialog === undefined) return nothing
    if (this.dialog.kind === 'remove') {
      return html`<nj-remove-camera
        .camera=${this.dialog.camera}
        @nj-cancel=${close}
        @nj-done=${() => {
          this.selectedId = undefined
          close()
        }}
      ></nj-remove-camera>`
    }
    return html`<nj-camera-editor
      .camera=${this.dialog.kind === 'edit' ? this.dialog.camera : undefined}
      @nj-cancel=${close}
      @nj-done=${(event: CustomEvent<Camera>) => {
        this.selectedId = event.detail.id
        close()
      }}
    ></nj-camera-editor>`
  }
}

/** Host of a camera: its ONVIF service, else where its first stream is fetched. */
function addressOfCamera(camera: Camera): string {
  if (camera.onvifHost !== '') return camera.onvifHost
  const url = camera.streams[0]?.url ?? ''
  return URL.canParse(url) ? new URL(url).host || url : url
}

function streamText(one: StreamHealth): string {
  if (one.state !== 'live') return '–'
  const codec = { h264: 'H.264', h265: 'H.265', mjpeg: 'MJPEG' }[one.videoCodec ?? 'h264']
  const size = one.widthPx === undefined ? '' : ` ${one.widthPx}×${one.heightPx}`
  const fps = one.fps === undefined ? '' : ` · ${Math.round(one.fps)} fps`
  return `${codec}${size}${fps}`
}

import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import checkIcon from 'lucide-static/icons/check.svg'
import addIcon from 'lucide-static/icons/plus.svg'
import type { Camera } from '../../../shared/camera.ts'
import { health, healthOf } from '../../api/camera.ts'
import { statusOf } from '../../api/camera-status.ts'
import { fire } from '../../base/fire.ts'
import { wordsOf } from '../../base/i18n.ts'
import { Live } from '../../base/live.ts'
import { controls } from '../../ui/controls.ts'
import '../../ui/nj-icon.ts'
import '../../ui/nj-status.ts'

const t = wordsOf({
  title: 'Cameras',
  find: 'Find a camera',
  add: ', add to a tile',
  go: ', shown: go to its tile',
  none: 'No camera matches.',
})

/**
 * The cameras to choose from, with the state of each. They can be dragged to a tile.
 *
 * @fires nj-add - the id of the camera whose button was pressed
 */
@customElement('nj-camera-list')
export class NjCameraList extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        background: var(--nj-surface2);
        border-inline-end: 1px solid var(--nj-border);
      }
      .find {
        padding: 8px;
      }
      input {
        width: 100%;
      }
      ul {
        flex: 1;
        min-height: 0;
        overflow: auto;
        list-style: none;
        margin: 0;
        padding: 0 6px 8px;
      }
      button {
        justify-content: flex-start;
        width: 100%;
        min-height: 38px;
        border: 0;
        background: transparent;
        font-weight: 450;
        cursor: grab;
      }
      button:hover:not(:disabled),
      button:focus-visible {
        background: var(--nj-surface3);
        outline-offset: -2px;
      }
      .name {
        flex: 1;
        overflow: hidden;
        text-align: start;
        text-overflow: ellipsis;
      }
      .channel {
        min-width: 20px;
        color: var(--nj-text2);
        font-variant-numeric: tabular-nums;
      }
      button nj-icon {
        color: var(--nj-text2);
      }
      p {
        padding: 12px;
      }
    `,
  ]

  @property({ attribute: false }) cameras: Camera[] = []
  /** Ids of those on a tile. */
  @property({ attribute: false }) shown: Set<string | undefined> = new Set()
  @state() private find = ''
  #health = new Live(this, health)

  override render(): TemplateResult {
    void this.#health.source
    const word = this.find.toLowerCase()
    const found = this.cameras.filter((one) => `${one.channel} ${one.name} ${one.model}`.toLowerCase().includes(word))
    return html`<div class="find">
        <input
          type="search"
          placeholder=${t('find')}
          aria-label=${t('find')}
          @keydown=${(event: Event) => event.stopPropagation()}
          @input=${(event: InputEvent) => {
            this.find = (event.target as HTMLInputElement).value
          }}
        />
      </div>
      ${found.length === 0 ? html`<p class="hint">${t('none')}</p>` : nothing}
      <ul aria-label=${t('title')}>
        ${repeat(
          found,
          (one) => one.id,
          (one) => {
            const status = statusOf(one, healthOf(one))
            const isShown = this.shown.has(one.id)
            return html`<li>
              <button
                draggable="true"
                title=${status.detail ? `${status.text}: ${status.detail}` : status.text}
                @click=${() => fire(this, 'nj-add', one.id)}
                @dragstart=${(event: DragEvent) => event.dataTransfer?.setData('text/nj-camera', one.id)}
              >
                <nj-status .kind=${status.kind} .text=${status.text} isShort></nj-status>
                <span class="channel">${one.channel}</span><span class="name"
                  >${one.name}<span class="visually-hidden">${isShown ? t('go') : t('add')}</span></span
                >
                <nj-icon .svg=${isShown ? checkIcon : addIcon}></nj-icon>
              </button>
            </li>`
          },
        )}
      </ul>`
  }
}

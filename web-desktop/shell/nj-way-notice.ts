import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import routeIcon from 'lucide-static/icons/route.svg'
import closeIcon from 'lucide-static/icons/x.svg'
import { session } from '../api/session.ts'
import { wordsOf } from '../base/i18n.ts'
import { keep, readKept } from '../base/kept.ts'
import { Live } from '../base/live.ts'
import { type Way, way } from '../base/passage.ts'
import { controls } from '../ui/controls.ts'
import '../ui/nj-icon.ts'

const t = wordsOf({
  stream:
    'Live view goes through the NAS’s web port without WebSocket, which costs the NAS a little more. Nightjar’s own port ' +
    '(usually 8971), or a proxy that passes WebSocket, avoids that.',
  pictures:
    'Live view shows single pictures: the NAS’s web port passes no WebSocket and holds streams back. Open Nightjar by ' +
    'its own port (usually 8971) for moving pictures and sound.',
  close: 'Do not show this again',
})

/** Quietly tells that this page is reached by less than a WebSocket, and what to do. Closed, it stays away. */
@customElement('nj-way-notice')
export class NjWayNotice extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
      }
      .notice {
        display: flex;
        align-items: center;
        gap: 10px;
        padding: 4px 12px;
        background: var(--nj-surface2);
        color: var(--nj-text2);
        border-bottom: 1px solid var(--nj-border);
        position: relative;
        z-index: 4;
      }
    `,
  ]

  @state() private closed: Way | undefined
  #way = new Live(this, way)
  #session = new Live(this, session)

  #onClose(): void {
    this.closed = way.value
    keep(this.#username, 'way-notice', way.value)
  }

  get #username(): string {
    return this.#session.source.value?.username ?? ''
  }

  override render(): TemplateResult | typeof nothing {
    const found = this.#way.source.value
    if (found === 'socket' || this.closed === found || readKept(this.#username, 'way-notice') === found) return nothing
    return html`<div class="notice">
      <nj-icon .svg=${routeIcon}></nj-icon>
      <span class="grow">${t(found)}</span>
      <button class="plain square" aria-label=${t('close')} title=${t('close')} @click=${this.#onClose}>
        <nj-icon .svg=${closeIcon}></nj-icon>
      </button>
    </div>`
  }
}

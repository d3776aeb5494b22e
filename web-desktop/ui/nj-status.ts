import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import liveIcon from 'lucide-static/icons/circle-check.svg'
import recordIcon from 'lucide-static/icons/circle-dot.svg'
import offIcon from 'lucide-static/icons/circle-off.svg'
import lostIcon from 'lucide-static/icons/circle-x.svg'
import waitIcon from 'lucide-static/icons/loader-circle.svg'
import warnIcon from 'lucide-static/icons/triangle-alert.svg'
import { controls } from './controls.ts'
import './nj-icon.ts'

const icons: Record<string, [string, string]> = {
  recording: [recordIcon, 'ok'],
  live: [liveIcon, 'ok'],
  connecting: [waitIcon, 'spin'],
  warning: [warnIcon, 'warn'],
  lost: [lostIcon, 'bad'],
  off: [offIcon, 'hint'],
}

/** A state as icon and text, never by colour alone. */
@customElement('nj-status')
export class NjStatus extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: inline-flex;
        align-items: center;
        gap: 7px;
        white-space: nowrap;
        --nj-icon-size: 16px;
      }
    `,
  ]

  /** `recording`, `live`, `connecting`, `warning`, `lost` or `off`. */
  @property() kind = 'off'
  @property() text = ''
  /** Only the icon, the text for who cannot see it. */
  @property({ type: Boolean }) isShort = false

  override render(): TemplateResult {
    const [icon, look] = icons[this.kind] ?? icons['off']!
    return html`<nj-icon class=${look} .svg=${icon}></nj-icon>${
      this.text === '' ? nothing : html`<span class=${this.isShort ? 'visually-hidden' : ''}>${this.text}</span>`
    }`
  }
}

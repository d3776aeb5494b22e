import { css, html, LitElement, type TemplateResult } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import type { AppDefinition } from '../base/app.ts'
import '../ui/nj-icon.ts'

/**
 * An app's icon on its coloured tile.
 *
 * @cssprop [--nj-icon-size=18px] - the tile's side
 */
@customElement('nj-app-icon')
export class NjAppIcon extends LitElement {
  static override styles = css`
    :host {
      display: grid;
      place-items: center;
      flex: none;
      width: var(--nj-icon-size, 18px);
      height: var(--nj-icon-size, 18px);
      border-radius: 24%;
      color: #fff;
      background: linear-gradient(150deg, var(--from), var(--to));
    }
    nj-icon {
      width: 62%;
      height: 62%;
    }
  `

  @property({ attribute: false }) app!: AppDefinition

  override updated(): void {
    const [from, to] = this.app.tint
    this.style.setProperty('--from', from)
    this.style.setProperty('--to', to)
  }

  override render(): TemplateResult {
    return html`<nj-icon .svg=${this.app.icon}></nj-icon>`
  }
}

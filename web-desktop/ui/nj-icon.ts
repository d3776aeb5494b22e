import { css, html, LitElement, type TemplateResult } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { unsafeSVG } from 'lit/directives/unsafe-svg.js'

/**
 * A picture of the icon set, drawn in the colour of the text around it. It says nothing to a screen reader: what it
 * stands beside does.
 *
 * @cssprop [--nj-icon-size=18px]
 */
@customElement('nj-icon')
export class NjIcon extends LitElement {
  static override styles = css`
    :host {
      display: inline-block;
      width: var(--nj-icon-size, 18px);
      height: var(--nj-icon-size, 18px);
      flex: none;
    }
    svg {
      display: block;
      width: 100%;
      height: 100%;
    }
  `

  /** SVG text, from the build's icons alone: it is put in the page as it is. */
  @property() svg = ''

  override connectedCallback(): void {
    super.connectedCallback()
    this.setAttribute('aria-hidden', 'true')
  }

  override render(): TemplateResult {
    return html`${unsafeSVG(this.svg)}`
  }
}

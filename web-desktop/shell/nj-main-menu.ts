import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import searchIcon from 'lucide-static/icons/search.svg'
import type { AppDefinition, MenuSection } from '../base/app.ts'
import { fire, fireOpenApp } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from '../ui/controls.ts'
import '../ui/nj-icon.ts'
import logo from './logo.svg'
import './nj-app-icon.ts'

const t = wordsOf({
  menu: 'Main menu',
  product: 'Nightjar',
  filter: 'Find an app',
  none: 'No app of that name',
  system: 'System',
  surveillance: 'Surveillance settings',
  applications: 'Applications',
})

const sections: MenuSection[] = ['applications', 'surveillance', 'system']

/**
 * The main menu: every app, by section, with a filter.
 *
 * @fires open-app
 * @fires nj-dismiss - Esc
 */
@customElement('nj-main-menu')
export class NjMainMenu extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        position: absolute;
        inset: 0 auto 0 0;
        z-index: 100000;
        width: min(340px, 100%);
        display: flex;
        flex-direction: column;
        background: var(--nj-surface);
        box-shadow: 8px 0 40px rgb(4 10 22 / 40%);
        animation: in 140ms ease-out;
      }
      @keyframes in {
        from {
          transform: translateX(-24px);
          opacity: 0;
        }
      }
      @media (prefers-reduced-motion: reduce) {
        :host {
          animation: none;
        }
      }
      .head {
        display: flex;
        align-items: center;
        gap: 12px;
        padding: 18px 18px 12px;
        --nj-icon-size: 40px;
      }
      .head strong {
        display: block;
        font-size: 16px;
      }
      .filter {
        position: relative;
        margin: 0 14px 8px;
      }
      .filter nj-icon {
        position: absolute;
        left: 10px;
        top: 50%;
        translate: 0 -50%;
        --nj-icon-size: 16px;
        color: var(--nj-text2);
      }
      .filter input {
        width: 100%;
        min-height: 36px;
        padding-inline-start: 34px;
      }
      .all {
        display: flex;
        flex-direction: column;
        min-height: 0;
        height: 100%;
      }
      .apps {
        overflow: auto;
        padding: 0 8px 12px;
      }
      h3 {
        padding: 14px 10px 4px;
        color: var(--nj-text2);
        font-size: 12px;
        font-weight: 600;
      }
      button {
        justify-content: flex-start;
        width: 100%;
        min-height: 54px;
        gap: 13px;
        border: 0;
        background: transparent;
        text-align: start;
        white-space: normal;
        --nj-icon-size: 38px;
      }
      button:hover:not(:disabled),
      button:focus-visible {
        background: var(--nj-chosen);
        outline-offset: -2px;
      }
      button strong {
        display: block;
        font-weight: 600;
        line-height: 1.3;
      }
      p {
        padding: 16px 10px;
      }
    `,
  ]

  @property({ attribute: false }) apps: AppDefinition[] = []
  @property() version = ''
  @state() private filter = ''

  override firstUpdated(): void {
    this.renderRoot.querySelector('input')?.focus()
  }

  #found(): AppDefinition[] {
    const words = this.filter.toLowerCase().split(/\s+/).filter(Boolean)
    return this.apps.filter((app) => {
      const text = [app.title, app.description, ...app.keywords].join(' ').toLowerCase()
      return words.every((word) => text.includes(word))
    })
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      event.stopPropagation()
      fire(this, 'nj-dismiss')
      return
    }
    const stops = [...this.renderRoot.querySelectorAll<HTMLElement>('input, button')]
    const at = stops.indexOf(this.shadowRoot?.activeElement as HTMLElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, End: stops.length - 1 }[event.key]
    if (event.key === 'Enter' && at === 0) {
      const first = this.#found()[0]
      if (first) fireOpenApp(this, { appId: first.id })
    } else if (to !== undefined) stops.at(to % stops.length)?.focus()
    else return
    event.preventDefault()
  }

  override render(): TemplateResult {
    const found = this.#found()
    return html`<nav class="all" aria-label=${t('menu')}>
      <div class="head">
        <nj-icon .svg=${logo}></nj-icon>
        <div>
          <strong>${t('product')}</strong>
          <span class="hint">${location.hostname}${this.version ? ` · ${this.version}` : ''}</span>
        </div>
      </div>
      <div class="filter" role="search" @keydown=${this.#onKey}>
        <nj-icon .svg=${searchIcon}></nj-icon>
        <input
          type="search"
          aria-label=${t('filter')}
          placeholder=${t('filter')}
          @input=${(event: InputEvent) => {
            this.filter = (event.target as HTMLInputElement).value
          }}
        />
      </div>
      <div class="apps" @keydown=${this.#onKey}>
        ${found.length === 0 ? html`<p class="hint" role="status">${t('none')}</p>` : nothing}
        ${sections.map((section) => {
          const apps = found.filter((app) => app.menu === section)
          if (apps.length === 0) return nothing
          return html`<h3>${t(section)}</h3>
            ${apps.map(
              (app) => html`<button @click=${() => fireOpenApp(this, { appId: app.id })}>
                <nj-app-icon .app=${app}></nj-app-icon>
                <span><strong>${app.title}</strong><span class="hint">${app.description}</span></span>
              </button>`,
            )}`
        })}
      </div>
    </nav>`
  }
}

import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import checkIcon from 'lucide-static/icons/check.svg'
import { controls } from './controls.ts'
import { deepFocus } from './focus.ts'
import './nj-icon.ts'

export interface MenuItem {
  id: string
  label: string
  /** SVG text. */
  icon?: string
  /** The keys that do the same, as shown. */
  keys?: string
  isDisabled?: boolean
  /** Given for items that are on or off. */
  isChecked?: boolean
  /** Drawn above the item. */
  hasLineAbove?: boolean
}

/** A menu in the top layer. Opened by `openMenu`; it goes away by itself. */
@customElement('nj-menu')
export class NjMenu extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        position: fixed;
        inset: auto;
        margin: 0;
        padding: 5px;
        min-width: 200px;
        max-height: 80vh;
        overflow: auto;
        border: 1px solid var(--nj-border);
        border-radius: 9px;
        background: var(--nj-surface);
        color: var(--nj-text);
        box-shadow: 0 10px 32px rgb(0 0 0 / 32%);
        font: 14px / 1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif;
      }
      button {
        display: flex;
        justify-content: flex-start;
        width: 100%;
        border: 0;
        border-radius: 6px;
        background: transparent;
        font-weight: 450;
        gap: 10px;
      }
      button:hover:not(:disabled),
      button:focus-visible {
        background: var(--nj-chosen);
        outline-offset: -2px;
      }
      .line {
        margin: 5px 4px;
        border-top: 1px solid var(--nj-border);
      }
      .keys {
        margin-inline-start: auto;
        padding-inline-start: 18px;
        color: var(--nj-text2);
        font-size: 12px;
      }
      .mark {
        width: 16px;
        height: 16px;
      }
    `,
  ]

  @property({ attribute: false }) items: MenuItem[] = []
  @property() label = ''
  /** Told once: the id chosen, or undefined. */
  onDone: (id: string | undefined) => void = () => undefined
  #typed = ''
  #typedAt = 0

  focusItem(index: number): void {
    const buttons = [...this.renderRoot.querySelectorAll<HTMLButtonElement>('button:not(:disabled)')]
    buttons.at(((index % buttons.length) + buttons.length) % buttons.length)?.focus()
  }

  #onKey(event: KeyboardEvent): void {
    event.stopPropagation()
    const buttons = [...this.renderRoot.querySelectorAll<HTMLButtonElement>('button:not(:disabled)')]
    const at = buttons.indexOf(this.shadowRoot?.activeElement as HTMLButtonElement)
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }
    const next = to[event.key]
    if (next !== undefined) {
      event.preventDefault()
      this.focusItem(next)
    } else if (event.key === 'Tab') {
      event.preventDefault()
      this.onDone(undefined)
    } else if (event.key.length === 1 && /\S/.test(event.key)) {
      if (event.timeStamp - this.#typedAt > 800) this.#typed = ''
      this.#typed += event.key.toLowerCase()
      this.#typedAt = event.timeStamp
      const found = buttons.findIndex((b) => b.textContent?.trim().toLowerCase().startsWith(this.#typed))
      if (found >= 0) this.focusItem(found)
    }
  }

  override render(): TemplateResult {
    const hasMarks = this.items.some((item) => item.isChecked !== undefined || item.icon)
    return html`<div role="menu" aria-label=${this.label} @keydown=${this.#onKey}>
      ${this.items.map(
        (item) => html`
          ${item.hasLineAbove ? html`<div class="line" role="separator"></div>` : nothing}
          <button
            role=${item.isChecked === undefined ? 'menuitem' : 'menuitemcheckbox'}
            aria-checked=${item.isChecked === undefined ? nothing : String(item.isChecked)}
            tabindex="-1"
            ?disabled=${item.isDisabled}
            @click=${() => this.onDone(item.id)}
          >
            ${
              hasMarks
                ? html`<span class="mark"><nj-icon .svg=${item.isChecked ? checkIcon : (item.icon ?? '')}></nj-icon></span>`
                : nothing
            }
            ${item.label} ${item.keys ? html`<span class="keys">${item.keys}</span>` : nothing}
          </button>
        `,
      )}
    </div>`
  }
}

/**
 * Shows a menu at a point or below (above, where there is no room) an element, and gives the id of the chosen item.
 *
 * Undefined where it was dismissed. The focus goes back to where it was.
 */
export async function openMenu(
  label: string,
  items: MenuItem[],
  at: { xPx: number; yPx: number } | Element,
): Promise<string | undefined> {
  const opener = deepFocus()
  const menu = document.createElement('nj-menu') as NjMenu
  menu.items = items
  menu.label = label
  menu.popover = 'auto'
  document.body.append(menu)
  await menu.updateComplete
  const chosen = new Promise<string | undefined>((resolve) => {
    menu.onDone = (id) => {
      menu.onDone = () => undefined
      if (menu.matches(':popover-open')) menu.hidePopover()
      resolve(id)
    }
    menu.addEventListener('toggle', (event) => {
      if ((event as ToggleEvent).newState === 'closed') menu.onDone(undefined)
    })
  })
  menu.showPopover()
  const box = menu.getBoundingClientRect()
  const anchor = at instanceof Element ? at.getBoundingClientRect() : undefined
  const left = anchor ? anchor.left : (at as { xPx: number }).xPx
  const below = anchor ? anchor.bottom + 4 : (at as { yPx: number }).yPx
  const above = (anchor ? anchor.top - 4 : below) - box.height
  menu.style.left = `${Math.max(6, Math.min(left, innerWidth - box.width - 6))}px`
  menu.style.top = `${below + box.height <= innerHeight - 6 ? below : Math.max(6, above)}px`
  menu.focusItem(0)
  const id = await chosen
  menu.remove()
  if (opener?.isConnected) opener.focus()
  return id
}

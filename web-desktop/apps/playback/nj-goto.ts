import { css, html, LitElement, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import backIcon from 'lucide-static/icons/chevron-left.svg'
import nextIcon from 'lucide-static/icons/chevron-right.svg'
import { readTimeline } from '../../api/recording.ts'
import { fire } from '../../base/fire.ts'
import { localFieldOf, msOfLocalField } from '../../base/format.ts'
import { wordsOf } from '../../base/i18n.ts'
import { controls } from '../../ui/controls.ts'
import { field } from '../../ui/field.ts'
import '../../ui/nj-dialog.ts'
import '../../ui/nj-icon.ts'

const t = wordsOf({
  title: 'Go to date and time',
  at: 'Date and time',
  previous: 'Previous month',
  next: 'Next month',
  hasFootage: '{day}, recorded',
  noFootage: '{day}, nothing recorded',
  legend: 'Days with a dot have recordings.',
  cancel: 'Cancel',
  go: 'Go there',
  bad: 'This is not a date and time.',
  future: 'This is in the future.',
})

const month = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric' })
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'short' })
const longDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })
const dayMs = 86_400_000

/**
 * Asks for an instant: a calendar that marks the days with recordings, and a field to type in.
 *
 * @fires nj-cancel
 * @fires nj-go - milliseconds
 */
@customElement('nj-goto')
export class NjGoto extends LitElement {
  static override styles = [
    controls,
    css`
      nj-dialog {
        --nj-dialog-width: 380px;
      }
      form {
        display: grid;
        gap: 14px;
      }
      .head {
        display: flex;
        align-items: center;
        justify-content: space-between;
      }
      table {
        table-layout: fixed;
      }
      th,
      td {
        padding: 1px;
        text-align: center;
      }
      td button {
        position: relative;
        width: 100%;
        min-height: 38px;
        padding: 0 0 5px;
        border-color: transparent;
        background: transparent;
        font-variant-numeric: tabular-nums;
      }
      td button[aria-pressed='true'] {
        background: var(--nj-chosen);
        border-color: var(--nj-accent);
      }
      .dot::after {
        content: '';
        position: absolute;
        bottom: 5px;
        width: 6px;
        height: 6px;
        border-radius: 50%;
        background: var(--nj-footage);
      }
    `,
  ]

  @property({ type: Number }) atMs = 0
  @property({ type: Number }) nowMs = 0
  @property({ attribute: false }) cameraIds: string[] = []
  @state() private value = ''
  @state() private shownMonth = new Date(0)
  @state() private days = new Set<string>()
  @state() private error = ''

  override connectedCallback(): void {
    super.connectedCallback()
    this.value = localFieldOf(this.atMs)
    this.#showMonth(new Date(this.atMs))
  }

  #showMonth(at: Date): void {
    this.shownMonth = new Date(at.getFullYear(), at.getMonth(), 1)
    void this.#loadDays(this.shownMonth)
  }

  async #loadDays(first: Date): Promise<void> {
    const fromMs = first.getTime()
    const toMs = Math.min(new Date(first.getFullYear(), first.getMonth() + 1, 1).getTime(), this.nowMs)
    this.days = new Set()
    if (toMs <= fromMs) return
    // Without marks the calendar still serves.
    const timeline = await readTimeline(this.cameraIds, fromMs, toMs).catch(() => undefined)
    if (timeline === undefined || first !== this.shownMonth) return
    const days = new Set<string>()
    for (const { spans } of timeline.tracks) {
      for (let i = 0; i < spans.length; i += 2) {
        const endMs = spans[i + 1]! + timeline.fromMs
        for (let ms = spans[i]! + timeline.fromMs; ms < endMs; ms += dayMs) days.add(new Date(ms).toDateString())
        days.add(new Date(endMs - 1).toDateString())
      }
    }
    this.days = days
  }

  #onSubmit(event: Event): void {
    event.preventDefault()
    const ms = msOfLocalField(this.value)
    if (Number.isNaN(ms)) this.error = t('bad')
    else if (ms > this.nowMs) this.error = t('future')
    else fire(this, 'nj-go', ms)
  }

  #pick(day: Date): void {
    const clock = this.value.slice(11) || '00:00:00'
    this.value = `${localFieldOf(day.getTime()).slice(0, 10)}T${clock}`
    this.error = ''
  }

  #onDayKey(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key]
    if (by === undefined) return
    const buttons = [...this.renderRoot.querySelectorAll<HTMLElement>('td button')]
    const at = buttons.indexOf(event.target as HTMLElement)
    buttons[at + by]?.focus()
    event.preventDefault()
  }

  override render(): TemplateResult {
    return html`<nj-dialog heading=${t('title')}>
      <form @submit=${this.#onSubmit} novalidate>
        ${field({
          name: 'at',
          label: t('at'),
          type: 'datetime-local',
          step: '1',
          value: this.value,
          error: this.error,
          onInput: (value) => {
            this.value = value
            this.error = ''
            const ms = msOfLocalField(value)
            if (!Number.isNaN(ms) && new Date(ms).getMonth() !== this.shownMonth.getMonth())
              this.#showMonth(new Date(ms))
          },
        })}
        ${this.#renderMonth()}
        <p class="hint">${t('legend')}</p>
        <button class="visually-hidden" tabindex="-1" aria-hidden="true">${t('go')}</button>
      </form>
      <button slot="actions" @click=${() => fire(this, 'nj-cancel')}>${t('cancel')}</button>
      <button slot="actions" class="primary" @click=${this.#onSubmit}>${t('go')}</button>
    </nj-dialog>`
  }

  #renderMonth(): TemplateResult {
    const first = this.shownMonth
    const offset = (first.getDay() + 6) % 7
    const count = new Date(first.getFullYear(), first.getMonth() + 1, 0).getDate()
    const weeks = Math.ceil((offset + count) / 7)
    const chosen = new Date(msOfLocalField(this.value)).toDateString()
    const turn = (by: number): void => this.#showMonth(new Date(first.getFullYear(), first.getMonth() + by, 1))
    return html`<div>
      <div class="head">
        <button type="button" class="plain square" aria-label=${t('previous')} @click=${() => turn(-1)}>
          <nj-icon .svg=${backIcon}></nj-icon>
        </button>
        <strong role="status">${month.format(first)}</strong>
        <button type="button" class="plain square" aria-label=${t('next')} @click=${() => turn(1)}>
          <nj-icon .svg=${nextIcon}></nj-icon>
        </button>
      </div>
      <table @keydown=${this.#onDayKey}>
        <thead>
          <tr>
            ${Array.from({ length: 7 }, (_, i) => html`<th>${weekday.format(new Date(2024, 0, 1 + i))}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${Array.from(
            { length: weeks },
            (_, week) => html`<tr>
              ${Array.from({ length: 7 }, (__, i) => {
                const number = week * 7 + i - offset + 1
                if (number < 1 || number > count) return html`<td></td>`
                const day = new Date(first.getFullYear(), first.getMonth(), number)
                const has = this.days.has(day.toDateString())
                return html`<td>
                  <button
                    type="button"
                    class=${has ? 'dot' : ''}
                    aria-pressed=${day.toDateString() === chosen}
                    aria-label=${t(has ? 'hasFootage' : 'noFootage', { day: longDay.format(day) })}
                    ?disabled=${day.getTime() > this.nowMs}
                    @click=${() => this.#pick(day)}
                  >
                    ${number}
                  </button>
                </td>`
              })}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`
  }
}

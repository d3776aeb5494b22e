import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import doneIcon from 'lucide-static/icons/circle-check.svg'
import closeIcon from 'lucide-static/icons/x.svg'
import type { Checklist, ChecklistName } from '../../shared/setup.ts'
import { messageOf } from '../api/client.ts'
import { push } from '../api/push.ts'
import { session } from '../api/session.ts'
import { dismissChecklist, readChecklist, setup } from '../api/setup.ts'
import { fire, fireOpenApp } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { Live } from '../base/live.ts'
import { controls } from '../ui/controls.ts'
import '../ui/nj-icon.ts'
import { toast } from '../ui/toast.ts'

const t = wordsOf({
  title: 'Getting started',
  count: '{done} of {all} done',
  allDone: 'All is done. This list may go.',
  dismiss: 'Dismiss the list for everybody',
  isDone: 'Done:',
})

const itemWords = wordsOf<ChecklistName>({
  password: 'Choose a password of your own',
  camera: 'Add a camera',
  space: 'See that it is recorded',
  picture: 'Look at it live',
})

/** The app where an item is done; the password has a dialog instead. */
const apps: Record<Exclude<ChecklistName, 'password'>, string> = {
  camera: 'cameras',
  space: 'playback',
  picture: 'live-view',
}

/** What the push tells of, after which an item may be done. */
const news = ['camera-changed', 'camera-removed', 'space-changed', 'space-removed', 'alarms'] as const
const settleMs = 200
/** Some items are done without any news: a picture is seen, a recording begins. */
const pollMs = 3000

/**
 * What is left to do after the setup, ticked by the server from what is there. Shows nothing where there is no list.
 *
 * @fires open-app
 * @fires nj-change-password
 */
@customElement('nj-checklist')
export class NjChecklist extends LitElement {
  static override styles = [
    controls,
    css`
      section {
        position: absolute;
        inset-block-start: 18px;
        inset-inline-end: 18px;
        width: min(330px, calc(100% - 36px));
        max-height: calc(100% - 36px);
        overflow: auto;
        padding: 12px 14px 14px;
        border-radius: 12px;
        background: var(--nj-surface);
        box-shadow: 0 10px 30px rgb(4 10 26 / 35%);
      }
      @media (max-width: 767px) {
        section {
          inset-block: auto 18px;
        }
      }
      .head {
        display: flex;
        align-items: center;
        gap: 8px;
      }
      h2 {
        font-size: 15px;
        font-weight: 650;
      }
      ol {
        display: grid;
        gap: 6px;
        margin: 8px 0 0;
        padding: 0;
        list-style: none;
      }
      li button {
        width: 100%;
        justify-content: flex-start;
        white-space: normal;
        text-align: start;
        --nj-icon-size: 18px;
      }
      li.done button {
        border-color: transparent;
        color: var(--nj-text2);
      }
      .dot {
        flex: none;
        width: 18px;
        height: 18px;
        border: 2px solid var(--nj-control);
        border-radius: 50%;
      }
      .detail {
        padding: 2px 12px 0 37px;
        overflow-wrap: anywhere;
      }
    `,
  ]

  @state() private list: Checklist | undefined
  #setup = new Live(this, setup)
  #undo: (() => void)[] = []
  #soon: ReturnType<typeof setTimeout> | undefined
  #poll: ReturnType<typeof setInterval> | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    this.#undo = [
      ...news.map((type) => push.on(type, () => this.#readSoon())),
      session.subscribe(() => this.#readSoon()),
      setup.subscribe(() => this.#readSoon()),
    ]
    this.#poll = setInterval(() => {
      if (document.visibilityState === 'visible' && !this.#isAllDone) this.#readSoon()
    }, pollMs)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    for (const undo of this.#undo) undo()
    clearTimeout(this.#soon)
    clearInterval(this.#poll)
  }

  get #isShown(): boolean {
    const state = this.#setup.source.value
    return state?.isFinished === true && state.isChecklistShown
  }

  get #isAllDone(): boolean {
    return this.list?.items.every(({ isDone }) => isDone) === true
  }

  /** Several news at once are one question. */
  #readSoon(): void {
    clearTimeout(this.#soon)
    if (!this.#isShown || session.isEnded.value) return
    this.#soon = setTimeout(() => void this.#read(), settleMs)
  }

  async #read(): Promise<void> {
    const list = await readChecklist().catch(() => undefined)
    // Away or refused: what was shown last still stands.
    if (list !== undefined) this.list = list
  }

  async #onDismiss(): Promise<void> {
    try {
      await dismissChecklist()
    } catch (caught) {
      toast(messageOf(caught), 'error')
    }
  }

  #onItem(event: Event, name: ChecklistName): void {
    if (name === 'password') fire(this, 'nj-change-password')
    else fireOpenApp(event.currentTarget!, { appId: apps[name] })
  }

  #renderItem({ name, isDone, detail }: Checklist['items'][number]): TemplateResult {
    return html`<li class=${isDone ? 'done' : ''}>
      <button
        aria-describedby=${detail ? `${name}-detail` : nothing}
        @click=${(event: Event) => this.#onItem(event, name)}
      >
        ${isDone ? html`<nj-icon class="ok" .svg=${doneIcon}></nj-icon>` : html`<span class="dot"></span>`}
        <span>${isDone ? html`<span class="visually-hidden">${t('isDone')}</span> ` : nothing}${itemWords(name)}</span>
      </button>
      ${detail ? html`<div class="detail hint" id=${`${name}-detail`}>${detail}</div>` : nothing}
    </li>`
  }

  override render(): TemplateResult | typeof nothing {
    if (!this.#isShown || this.list === undefined) return nothing
    const { items } = this.list
    const done = items.filter(({ isDone }) => isDone).length
    return html`<section aria-labelledby="title">
      <div class="head">
        <h2 class="grow" id="title">${t('title')}</h2>
        <button class="plain square" aria-label=${t('dismiss')} title=${t('dismiss')} @click=${this.#onDismiss}>
          <nj-icon .svg=${closeIcon}></nj-icon>
        </button>
      </div>
      <p class="hint" role="status">
        ${this.#isAllDone ? t('allDone') : t('count', { done, all: items.length })}
      </p>
      <ol>${items.map((item) => this.#renderItem(item))}</ol>
    </section>`
  }
}

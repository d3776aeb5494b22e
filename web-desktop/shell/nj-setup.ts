import { html, LitElement, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import doneIcon from 'lucide-static/icons/circle-check.svg'
import { messageOf } from '../api/client.ts'
import { session } from '../api/session.ts'
import { finishSetup, setup } from '../api/setup.ts'
import { fire } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { Live } from '../base/live.ts'
import { controls } from '../ui/controls.ts'
import { errorLine } from '../ui/field.ts'
import { trapTab } from '../ui/focus.ts'
import '../ui/nj-icon.ts'
import './nj-change-password.ts'
import './nj-setup-requirements.ts'
import './nj-setup-time.ts'
import { setupStyles } from './setup-styles.ts'

const steps = ['welcome', 'requirements', 'time', 'password', 'finish'] as const
type Step = (typeof steps)[number]

/** What was done at an earlier log-in, where `next` is the first step that was not. */
function doneBefore(next: Step = 'requirements'): ReadonlySet<Step> {
  return new Set(steps.slice(1, steps.indexOf(next)))
}

const t = wordsOf({
  title: 'Set up Nightjar',
  steps: 'Steps of the setup',
  progress: 'Step {at} of {count}',
  done: 'Done:',
  later: 'Later',
  back: 'Back',
  next: 'Next',
  start: 'Start',
  finish: 'Finish',
  welcome:
    'Four short steps, and this server is ready for its first camera: a look at its machine, its date and time, a password of your own, and that is all.',
  welcomeLater: 'You may stop at any step: what is done is kept, and you are asked again at your next log-in.',
  ownPassword: 'You have a password of your own.',
  needCheck: 'Check the requirements first.',
  needTime: 'Say first whether date and time are right.',
  ready:
    'The server is ready. A list on the desktop leads you on: to your first camera, to its recording, to its picture.',
  keepsOneTime: 'The one-time password is still in use: the list reminds you of it.',
})

const stepWords = wordsOf<Step>({
  welcome: 'Welcome',
  requirements: 'Requirements',
  time: 'Date and time',
  password: 'Password',
  finish: 'Finish',
})

/**
 * Leads the administrator through the first start, over the whole desktop.
 *
 * @fires nj-cancel - later
 * @fires nj-done - the setup is finished
 */
@customElement('nj-setup')
export class NjSetup extends LitElement {
  static override styles = [controls, setupStyles]

  @state() private step: Step = 'welcome'
  @state() private done: ReadonlySet<Step> = doneBefore(setup.value?.nextStep)
  @state() private failure = ''
  @state() private isBusy = false
  /** Whether the password step has its form: it stays until it says itself that it is done. */
  @state() private asksPassword = false
  #session = new Live(this, session)

  override firstUpdated(): void {
    this.renderRoot.querySelector('dialog')?.showModal()
    this.#focusHeading()
  }

  get #isOneTime(): boolean {
    return this.#session.source.value?.mustChangePassword === true
  }

  /** The keyboard, and a screen reader with it, begins each step at its heading. */
  #focusHeading(): void {
    this.renderRoot.querySelector('h2')?.focus()
  }

  async #go(step: Step): Promise<void> {
    this.step = step
    this.failure = ''
    this.asksPassword = this.#isOneTime
    await this.updateComplete
    this.renderRoot.querySelector('.body')?.scrollTo(0, 0)
    this.#focusHeading()
  }

  #mark(step: Step, isDone: boolean): void {
    const done = new Set(this.done)
    if (isDone) done.add(step)
    else done.delete(step)
    this.done = done
  }

  #onNext(): void {
    const obstacle =
      this.step === 'requirements' && !this.done.has('requirements')
        ? t('needCheck')
        : this.step === 'time' && !this.done.has('time')
          ? t('needTime')
          : ''
    this.failure = obstacle
    if (obstacle !== '') return
    if (this.step === 'finish') void this.#finish()
    else {
      if (this.step === 'welcome') this.#mark('welcome', true)
      void this.#go(steps[steps.indexOf(this.step) + 1]!)
    }
  }

  async #finish(): Promise<void> {
    if (this.isBusy) return
    this.isBusy = true
    try {
      await finishSetup()
      fire(this, 'nj-done')
    } catch (caught) {
      this.failure = messageOf(caught)
    }
    this.isBusy = false
  }

  #onPassword(event: Event): void {
    // To the desktop it would say that the setup is done.
    event.stopPropagation()
    void this.#go('finish')
  }

  /** Keys stay here: the desktop beneath has some of its own. */
  #onKey(event: KeyboardEvent): void {
    trapTab(event, this)
    event.stopPropagation()
  }

  #renderStep(): TemplateResult {
    switch (this.step) {
      case 'welcome':
        return html`<p>${t('welcome')}</p><p class="hint">${t('welcomeLater')}</p>`
      case 'requirements':
        return html`<nj-setup-requirements
          @nj-ready=${() => this.#mark('requirements', true)}
        ></nj-setup-requirements>`
      case 'time':
        return html`<nj-setup-time
          @nj-confirmed=${() => {
            this.#mark('time', true)
            void this.#go('password')
          }}
          @nj-disputed=${() => this.#mark('time', false)}
        ></nj-setup-time>`
      case 'password':
        return this.asksPassword
          ? html`<nj-change-password isBare isOneTime @nj-done=${this.#onPassword}></nj-change-password>`
          : html`<p class="own"><nj-icon class="ok" .svg=${doneIcon}></nj-icon>${t('ownPassword')}</p>`
      default:
        return html`<p>${t('ready')}</p>${this.#isOneTime ? html`<p>${t('keepsOneTime')}</p>` : nothing}`
    }
  }

  #renderSteps(): TemplateResult {
    return html`<ol aria-label=${t('steps')}>
      ${steps.map((step) => {
        const isDone = step === 'password' ? !this.#isOneTime : this.done.has(step)
        return html`<li aria-current=${step === this.step ? 'step' : 'false'} class=${isDone ? 'done' : ''}>
          ${isDone ? html`<nj-icon .svg=${doneIcon}></nj-icon>` : html`<span class="dot"></span>`}
          <span>${isDone ? html`<span class="visually-hidden">${t('done')}</span> ` : nothing}${stepWords(step)}</span>
        </li>`
      })}
    </ol>`
  }

  override render(): TemplateResult {
    const at = steps.indexOf(this.step)
    // Where a step has a button that matters more, this one steps back.
    const hasOwn = this.step === 'time' ? !this.done.has('time') : this.step === 'password' && this.asksPassword
    const next = this.step === 'welcome' ? t('start') : this.step === 'finish' ? t('finish') : t('next')
    return html`<dialog
      aria-label=${t('title')}
      @keydown=${this.#onKey}
      @cancel=${(event: Event) => {
        event.preventDefault()
        fire(this, 'nj-cancel')
      }}
    >
      <div class="side"><p class="title">${t('title')}</p>${this.#renderSteps()}</div>
      <div class="main">
        <div class="head">
          <p class="hint">${t('progress', { at: at + 1, count: steps.length })}</p>
          <h2 tabindex="-1">${stepWords(this.step)}</h2>
        </div>
        <div class="body">${this.#renderStep()}</div>
        <div class="foot">
          <div class="grow">${errorLine('step-error', this.failure)}</div>
          <button class="plain" @click=${() => fire(this, 'nj-cancel')}>${t('later')}</button>
          ${at > 0 ? html`<button @click=${() => this.#go(steps[at - 1]!)}>${t('back')}</button>` : nothing}
          <button class=${hasOwn ? '' : 'primary'} ?disabled=${this.isBusy} @click=${this.#onNext}>${next}</button>
        </div>
      </div>
    </dialog>`
  }
}

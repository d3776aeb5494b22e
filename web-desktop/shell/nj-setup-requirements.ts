import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import fineIcon from 'lucide-static/icons/circle-check.svg'
import failedIcon from 'lucide-static/icons/circle-x.svg'
import againIcon from 'lucide-static/icons/rotate-cw.svg'
import warningIcon from 'lucide-static/icons/triangle-alert.svg'
import type { RequirementCheck, RequirementFinding, RequirementName, Verdict } from '../../shared/setup.ts'
import { messageOf } from '../api/client.ts'
import { checkRequirements, readCheck } from '../api/setup.ts'
import { fire } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from '../ui/controls.ts'
import { errorLine } from '../ui/field.ts'
import '../ui/nj-icon.ts'

const t = wordsOf({
  why: 'The server measures its machine, and writes a small file to the volume that footage goes to. This takes a few seconds.',
  progress: 'Check of the requirements',
  measuring: 'Measuring…',
  again: 'Check again',
  allFine: 'This machine has all it needs.',
  some: {
    one: '{n} thing is not as it is wanted. You may go on, and come back to it.',
    other: '{n} things are not as they are wanted. You may go on, and come back to them.',
  },
  wanted: 'Wanted: {wanted}',
})

const verdictWords = wordsOf<Verdict>({ fine: 'Fine', warning: 'Warning', failed: 'Failed' })

const nameWords = wordsOf<RequirementName>({
  'processor-cores': 'Processor cores',
  'processor-architecture': 'Architecture',
  memory: 'Memory',
  'space-free': 'Free space',
  'space-total': 'Size of the volume',
  'file-system': 'File system',
  'sync-latency': 'Time to make a write safe',
  'recording-folder': 'Recording folder',
  clock: 'Clock',
  node: 'Node',
  ffmpeg: 'ffmpeg',
})

const looks: Record<Verdict, [icon: string, look: string]> = {
  fine: [fineIcon, 'ok'],
  warning: [warningIcon, 'warn'],
  failed: [failedIcon, 'bad'],
}

const pollMs = 250

/**
 * The step of the setup that measures the machine. It begins by itself where nothing was measured yet.
 *
 * @fires nj-ready - there is a report
 */
@customElement('nj-setup-requirements')
export class NjSetupRequirements extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: grid;
        gap: 12px;
      }
      progress {
        width: 100%;
        accent-color: var(--nj-accent);
      }
      ul {
        display: grid;
        gap: 1px;
        margin: 0;
        padding: 0;
        list-style: none;
        border: 1px solid var(--nj-border);
        border-radius: 8px;
        overflow: hidden;
        background: var(--nj-border);
      }
      li {
        display: grid;
        grid-template-columns: 18px minmax(110px, 1fr) minmax(0, 1.6fr);
        gap: 2px 10px;
        padding: 7px 12px;
        background: var(--nj-surface);
      }
      .measured {
        overflow-wrap: anywhere;
      }
      .more {
        grid-column: 2 / -1;
      }
    `,
  ]

  @state() private check: RequirementCheck | undefined
  @state() private failure = ''
  #timer: ReturnType<typeof setInterval> | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#begin()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#timer)
  }

  override updated(changed: PropertyValues): void {
    if (changed.has('check') && this.check?.report !== undefined && !this.check.isRunning) fire(this, 'nj-ready')
  }

  async #begin(): Promise<void> {
    await this.#read()
    if (this.check?.report === undefined && this.failure === '') await this.#measure()
  }

  async #read(): Promise<void> {
    try {
      this.check = await readCheck()
    } catch (caught) {
      this.failure = messageOf(caught)
    }
  }

  async #measure(): Promise<void> {
    if (this.check?.isRunning) return
    this.failure = ''
    if (this.check) this.check = { ...this.check, isRunning: true, doneCount: 0 }
    this.#timer = setInterval(() => void this.#read(), pollMs)
    try {
      await checkRequirements()
    } catch (caught) {
      this.failure = messageOf(caught)
    }
    clearInterval(this.#timer)
    if (this.isConnected) await this.#read()
  }

  #renderFinding({ name, verdict, measured, wanted, sentence }: RequirementFinding): TemplateResult {
    const [icon, look] = looks[verdict]
    return html`<li>
      <nj-icon class=${look} .svg=${icon}></nj-icon>
      <span><span class="visually-hidden">${verdictWords(verdict)}: </span>${nameWords(name)}</span>
      <span class="measured">${measured}</span>
      ${
        verdict === 'fine'
          ? nothing
          : html`<span class="more">${sentence} <span class="hint">${t('wanted', { wanted })}</span></span>`
      }
    </li>`
  }

  override render(): TemplateResult {
    const { isRunning = true, doneCount = 0, totalCount = 1, report } = this.check ?? {}
    const isMeasuring = isRunning && this.failure === ''
    const badCount = report?.findings.filter(({ verdict }) => verdict !== 'fine').length ?? 0
    const summary = badCount === 0 ? t('allFine') : t('some', { n: badCount })
    return html`<p>${t('why')}</p>
      ${
        isMeasuring
          ? html`<progress aria-label=${t('progress')} max=${totalCount} .value=${doneCount}></progress>`
          : nothing
      }
      <p role="status">${isMeasuring ? t('measuring') : report === undefined ? '' : summary}</p>
      ${errorLine('check-error', this.failure)}
      ${
        report === undefined || isMeasuring
          ? nothing
          : html`<ul>${worstFirst(report.findings).map((one) => this.#renderFinding(one))}</ul>`
      }
      <div>
        <button ?disabled=${isMeasuring} @click=${this.#measure}>
          <nj-icon .svg=${againIcon}></nj-icon>${t('again')}
        </button>
      </div>`
  }
}

function worstFirst(findings: RequirementFinding[]): RequirementFinding[] {
  const rank: Record<Verdict, number> = { failed: 0, warning: 1, fine: 2 }
  return findings.toSorted((a, b) => rank[a.verdict] - rank[b.verdict])
}

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import testIcon from 'lucide-static/icons/stethoscope.svg'
import closeIcon from 'lucide-static/icons/x.svg'
import type { Camera, ConnectionTest } from '../../../shared/camera.ts'
import type { Gap } from '../../../shared/recording.ts'
import type { StreamHealth } from '../../../shared/stream.ts'
import { type HealthHistory, health, healthKey, readHealthHistory, testSaved } from '../../api/camera.ts'
import { causeText, faultText, statusOf } from '../../api/camera-status.ts'
import { messageOf } from '../../api/client.ts'
import { push } from '../../api/push.ts'
import { readGaps } from '../../api/recording.ts'
import { fire } from '../../base/fire.ts'
import { formatBitrate, formatDateTime, formatDuration, formatSince } from '../../base/format.ts'
import { wordsOf } from '../../base/i18n.ts'
import { Live } from '../../base/live.ts'
import { controls } from '../../ui/controls.ts'
import '../../ui/nj-icon.ts'
import '../../ui/nj-status.ts'
import { detailStyles } from './detail-styles.ts'
import { editorStyles } from './editor-styles.ts'
import { renderHealthGraph } from './health-graph.ts'
import { renderTest } from './test-result.ts'

const t = wordsOf({
  close: 'Close the details',
  stream: 'Stream {n}',
  state: 'State',
  off: 'Off',
  connecting: 'Connecting',
  live: 'Live since {since}',
  lost: 'Lost since {since}',
  retry: 'next try in {in}',
  picture: 'Picture',
  sound: 'Sound',
  none: 'none',
  rate: 'Bit rate',
  fps: 'Frames a second',
  gop: 'Keyframe every',
  lastKey: 'Last keyframe',
  ago: '{in} ago',
  lostPackets: 'Lost packets',
  dropped: 'Damaged frames',
  clock: 'Camera clock',
  ahead: '{ms} ms ahead',
  behind: '{ms} ms behind',
  spill: 'Waiting for the disk',
  viewers: 'Viewers',
  recording: 'Recording',
  isRecording: 'Being recorded',
  notWanted: 'Not to be recorded',
  notRecording: 'Not recorded: {reason}',
  test: 'Test',
  testing: 'Testing…',
  day: 'Last 24 hours',
  gaps: 'Gaps of the last 7 days',
  noGaps: 'None: everything that should be recorded was.',
  from: 'From',
  lasted: 'Lasted',
  cause: 'Cause',
  still: 'still going on',
  failed: 'This could not be loaded: {reason}',
})

const gapDays = 7
const reloadMs = 60_000

/**
 * One camera from near: each stream's health, its last day as a graph, and what is missing of its footage.
 *
 * @fires nj-close-detail
 */
@customElement('nj-camera-detail')
export class NjCameraDetail extends LitElement {
  static override styles = [controls, editorStyles, detailStyles]

  @property({ attribute: false }) camera!: Camera
  @state() private history: HealthHistory[] = []
  @state() private gaps: Gap[] | undefined
  @state() private failure = ''
  @state() private test: { stream: number; result?: ConnectionTest; failure?: string } | undefined
  #health = new Live(this, health)
  #timer: ReturnType<typeof setInterval> | undefined
  #undo: (() => void) | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    this.#timer = setInterval(() => void this.#load(), reloadMs)
    this.#undo = push.on('gap', ({ gap }) => {
      if (gap.cameraId === this.camera.id) void this.#load()
    })
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#timer)
    this.#undo?.()
  }

  override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('camera')
    if (changed.has('camera') && before?.id !== this.camera.id) {
      this.history = []
      this.gaps = undefined
      this.test = undefined
      void this.#load()
    }
  }

  async #load(): Promise<void> {
    const { id } = this.camera
    const nowMs = push.nowMs()
    try {
      const [history, gaps] = await Promise.all([
        readHealthHistory(id),
        readGaps(id, nowMs - gapDays * 86_400_000, nowMs),
      ])
      if (id !== this.camera.id) return
      this.history = history
      this.gaps = gaps.sort((a, b) => b.startMs - a.startMs)
      this.failure = ''
    } catch (caught) {
      this.failure = messageOf(caught)
    }
  }

  async #onTest(stream: number): Promise<void> {
    this.test = { stream }
    const { id } = this.camera
    try {
      const result = await testSaved(id, stream)
      if (id === this.camera.id) this.test = { stream, result }
    } catch (caught) {
      if (id === this.camera.id) this.test = { stream, failure: messageOf(caught) }
    }
  }

  override render(): TemplateResult {
    const streams = this.camera.streams
    const known = streams.flatMap((one) => this.#health.source.get(healthKey(this.camera.id, one.stream)) ?? [])
    const status = statusOf(this.camera, known)
    return html`<section aria-label=${this.camera.name}>
      <div class="head">
        <div class="grow">
          <h3>${this.camera.channel}. ${this.camera.name}</h3>
          <nj-status .kind=${status.kind} .text=${status.text}></nj-status>
        </div>
        <button class="plain square" aria-label=${t('close')} @click=${() => fire(this, 'nj-close-detail')}>
          <nj-icon .svg=${closeIcon}></nj-icon>
        </button>
      </div>
      ${this.failure ? html`<p class="error" role="alert">${t('failed', { reason: this.failure })}</p>` : nothing}
      ${streams.map((one) => this.#renderStream(one.stream, one.url))} ${this.#renderGaps()}
    </section>`
  }

  #renderStream(n: number, url: string): TemplateResult {
    const one = this.#health.source.get(healthKey(this.camera.id, n))
    const points = this.history.find((other) => other.stream === n)?.points ?? []
    const isTesting = this.test?.stream === n && this.test.result === undefined && this.test.failure === undefined
    return html`<article>
      <div class="row">
        <h4 class="grow">${t('stream', { n })}</h4>
        <button ?disabled=${isTesting} @click=${() => this.#onTest(n)}>
          <nj-icon .svg=${testIcon}></nj-icon>${isTesting ? t('testing') : t('test')}
        </button>
      </div>
      <p class="hint url">${url}</p>
      ${this.test?.stream === n ? renderTest(this.test.result, this.test.failure) : nothing}
      ${
        one === undefined
          ? nothing
          : html`<dl>
              ${rowsOf(one).map(([name, value, look]) => html`<div><dt>${name}</dt><dd class=${look ?? ''}>${value}</dd></div>`)}
            </dl>`
      }
      ${points.length > 0 ? html`<h5>${t('day')}</h5>${renderHealthGraph(points, push.nowMs())}` : nothing}
    </article>`
  }

  #renderGaps(): TemplateResult | typeof nothing {
    if (this.gaps === undefined) return nothing
    return html`<article>
      <h4>${t('gaps')}</h4>
      ${
        this.gaps.length === 0
          ? html`<p class="hint">${t('noGaps')}</p>`
          : html`<table class="gaps">
              <thead>
                <tr>
                  <th>${t('from')}</th>
                  <th>${t('lasted')}</th>
                  <th>${t('cause')}</th>
                </tr>
              </thead>
              <tbody>
                ${this.gaps.map(
                  (gap) => html`<tr>
                    <td>${formatDateTime(gap.startMs)}</td>
                    <td>
                      ${formatDuration((gap.endMs ?? push.nowMs()) - gap.startMs)}
                      ${gap.endMs === undefined ? html`<div class="bad">${t('still')}</div>` : nothing}
                    </td>
                    <td>${causeText(gap.cause)}<div class="hint">${gap.detail}</div></td>
                  </tr>`,
                )}
              </tbody>
            </table>`
      }
    </article>`
  }
}

/** What is known of a stream: name, value, and how it looks. */
function rowsOf(one: StreamHealth): [string, string, string?][] {
  const nowMs = push.nowMs()
  const since = formatSince(one.sinceMs)
  const rows: [string, string, string?][] = []
  const state = one.state === 'live' || one.state === 'lost' ? t(one.state, { since }) : t(one.state)
  rows.push([t('state'), state, one.state === 'lost' ? 'bad' : ''])
  if (one.state === 'lost') {
    const retry = one.retryMs === undefined ? '' : `; ${t('retry', { in: formatDuration(one.retryMs - nowMs) })}`
    rows.push([t('cause'), `${faultText(one)}${retry}`, 'bad'])
    if (one.faultDetail) rows.push(['', one.faultDetail])
  }
  if (one.videoCodec !== undefined) {
    const codec = { h264: 'H.264', h265: 'H.265', mjpeg: 'MJPEG' }[one.videoCodec]
    rows.push([t('picture'), one.widthPx === undefined ? codec : `${codec}, ${one.widthPx} × ${one.heightPx}`])
    const sound = one.audioCodec && { aac: 'AAC', pcmu: 'G.711 µ-law', pcma: 'G.711 A-law' }[one.audioCodec]
    rows.push([t('sound'), sound ?? t('none')])
  }
  if (one.fps !== undefined) rows.push([t('fps'), one.fps.toFixed(1)])
  if (one.bitrateKbps !== undefined) rows.push([t('rate'), formatBitrate(one.bitrateKbps)])
  if (one.gopSec !== undefined) rows.push([t('gop'), formatDuration(one.gopSec * 1000)])
  if (one.lastKeyframeMs !== undefined) {
    rows.push([t('lastKey'), t('ago', { in: formatDuration(nowMs - one.lastKeyframeMs) })])
  }
  rows.push([t('lostPackets'), String(one.lostPackets), one.lostPackets > 0 ? 'warn' : ''])
  rows.push([t('dropped'), String(one.droppedFrames), one.droppedFrames > 0 ? 'warn' : ''])
  if (one.clockOffsetMs !== undefined) {
    const ms = Math.abs(Math.round(one.clockOffsetMs))
    rows.push([t('clock'), t(one.clockOffsetMs >= 0 ? 'ahead' : 'behind', { ms }), ms > 2000 ? 'warn' : ''])
  }
  if (one.spillSec !== undefined && one.spillSec >= 1) {
    rows.push([t('spill'), formatDuration(one.spillSec * 1000), 'warn'])
  }
  const reason = one.notRecordingReason && causeText(one.notRecordingReason)
  if (one.isRecording) rows.push([t('recording'), t('isRecording'), 'ok'])
  else if (!one.isRecordWanted) rows.push([t('recording'), t('notWanted')])
  else rows.push([t('recording'), t('notRecording', { reason: reason ?? t('connecting') }), 'bad'])
  rows.push([t('viewers'), String(one.viewers)])
  return rows
}

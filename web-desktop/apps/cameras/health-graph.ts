import { html, svg, type TemplateResult } from 'lit'
import type { HealthPoint } from '../../../shared/stream.ts'
import { formatBitrate, formatTime } from '../../base/format.ts'
import { wordsOf } from '../../base/i18n.ts'

const t = wordsOf({
  label: 'Bit rate of the last 24 hours: at most {most}; not live for {out} minutes; {lost} packets lost.',
  most: 'at most {most}',
  lost: { one: '{n} packet lost', other: '{n} packets lost' },
  now: 'now',
})

const dayMs = 86_400_000
const width = 720
const height = 100

/** The last day of one stream: bit rate as an area, minutes without picture as red bars along the base. */
export function renderHealthGraph(points: readonly HealthPoint[], nowMs: number): TemplateResult {
  const most = Math.max(1, ...points.map((one) => one.bitrateKbps))
  const startMs = nowMs - dayMs
  const x = (ms: number): number => ((ms - startMs) / dayMs) * width
  const y = (kbps: number): number => height - 6 - (kbps / most) * (height - 14)
  const inDay = points.filter((one) => one.atMs >= startMs)
  const out = inDay.filter((one) => one.liveSec < 55)
  const lost = inDay.reduce((sum, one) => sum + one.lostPackets, 0)
  const path = inDay.map((one, i) => `${i === 0 ? 'M' : 'L'}${x(one.atMs).toFixed(1)} ${y(one.bitrateKbps).toFixed(1)}`)
  const first = inDay[0]
  const last = inDay.at(-1)
  const area = first && last ? `${path.join('')}L${x(last.atMs)} ${height - 6}L${x(first.atMs)} ${height - 6}Z` : ''
  return html`<svg
      viewBox="0 0 ${width} ${height}"
      preserveAspectRatio="none"
      role="img"
      aria-label=${t('label', { most: formatBitrate(most), out: out.length, lost })}
    >
      <path class="area" d=${area}></path>
      <path class="line" d=${path.join('')}></path>
      <line class="base" x1="0" x2=${width} y1=${height - 5.5} y2=${height - 5.5}></line>
      ${out.map((one) => svg`<rect class="lost" x=${x(one.atMs)} y=${height - 6} width="1" height="6"></rect>`)}
    </svg>
    <div class="axis" aria-hidden="true">
      <span>${formatTime(startMs).slice(0, 5)}</span>
      <span>${t('most', { most: formatBitrate(most) })} · ${t('lost', { n: lost })}</span>
      <span>${t('now')}</span>
    </div>`
}

import { html, type TemplateResult } from 'lit'
import { formatBitrate } from '../../base/format.ts'
import { wordsOf } from '../../base/i18n.ts'
import type { LiveTileState, LiveTileStats } from '../../player/live-tile.ts'

const t = wordsOf({
  title: 'Figures of the stream',
  size: 'Size',
  codec: 'Type',
  fps: 'Frames a second',
  rate: 'Bit rate',
  latency: 'Latency',
  buffer: 'Buffer',
  skipped: 'Left out by the server',
  dropped: 'Not drawn by the browser',
  sound: 'Sound',
  ms: '{n} ms',
  none: 'none',
})

/** The figures shown over a tile on `I`. */
export function renderStats(stats: LiveTileStats, live: LiveTileState): TemplateResult {
  const rows: [string, string][] = [
    [t('size'), live.widthPx === undefined ? '–' : `${live.widthPx} × ${live.heightPx}`],
    [t('codec'), /codecs="([^"]+)"/.exec(live.mimeType ?? '')?.[1] ?? (live.mode === 'jpeg' ? 'JPEG' : '–')],
    [t('fps'), String(stats.fps)],
    [t('rate'), formatBitrate(stats.kbps)],
    [t('latency'), stats.latencyMs === undefined ? '–' : t('ms', { n: Math.round(stats.latencyMs) })],
    [t('buffer'), t('ms', { n: Math.round(stats.bufferedMs) })],
    [t('skipped'), String(stats.skippedFrames)],
    [t('dropped'), String(stats.droppedFrames)],
    [t('sound'), live.sound === 'none' ? t('none') : live.sound === 'aac' ? 'AAC' : 'G.711'],
  ]
  return html`<dl class="stats" aria-label=${t('title')}>
    ${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`
}

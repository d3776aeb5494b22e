import { html, nothing, type TemplateResult } from 'lit'
import okIcon from 'lucide-static/icons/circle-check.svg'
import idleIcon from 'lucide-static/icons/circle-dashed.svg'
import failIcon from 'lucide-static/icons/circle-x.svg'
import waitIcon from 'lucide-static/icons/loader-circle.svg'
import warnIcon from 'lucide-static/icons/triangle-alert.svg'
import type { ConnectionTest } from '../../../shared/camera.ts'
import type { StreamFault } from '../../../shared/stream.ts'
import { causeText } from '../../api/camera-status.ts'
import { wordsOf } from '../../base/i18n.ts'

const t = wordsOf({
  steps: 'Result of the test',
  'name-resolution': 'Host name',
  connection: 'Connection',
  login: 'Log-in',
  path: 'Path',
  codec: 'Picture and codec',
  keyframe: 'First keyframe',
  running: 'Asking the camera. This takes up to a few seconds.',
  found: '{codec}, {width} × {height}, {fps} frames a second',
  foundShort: '{codec}',
  sound: 'Sound: {codec}',
  noSound: 'No sound',
  after: 'after {ms} ms',
  picture: 'The first picture of the camera',
})

/** The steps of a connection, in order, and the faults that each may end with. */
const steps: [name: Parameters<typeof t>[0], faults: StreamFault[]][] = [
  ['name-resolution', ['name-resolution']],
  ['connection', ['connection', 'tls', 'protocol', 'source-failed', 'closed-by-camera']],
  ['login', ['login']],
  ['path', ['path', 'udp-only', 'no-tracks']],
  ['codec', ['codec']],
  ['keyframe', ['no-keyframe', 'silent']],
]

/** A test's result, step by step; without one, that it runs. */
export function renderTest(result: ConnectionTest | undefined, failure: string | undefined): TemplateResult {
  if (failure !== undefined) {
    return html`<div class="result"><p class="error" role="alert"><nj-icon .svg=${failIcon}></nj-icon>${failure}</p></div>`
  }
  if (result === undefined) {
    return html`<div class="result" role="status">
      <span class="row"><nj-icon class="spin" .svg=${waitIcon}></nj-icon>${t('running')}</span>
    </div>`
  }
  const failed = result.isReachable ? steps.length : steps.findIndex(([, faults]) => faults.includes(result.fault))
  return html`<div class="result" role="status">
    <ol class="steps" aria-label=${t('steps')}>
      ${steps.map(([name], i) => {
        const [icon, look] = i < failed ? [okIcon, 'ok'] : i === failed ? [failIcon, 'bad'] : [idleIcon, 'hint']
        return html`<li>
          <nj-icon class=${look} .svg=${icon}></nj-icon>
          <span>
            ${t(name)}${i === failed && !result.isReachable ? html`: <strong>${causeText(result.fault)}</strong>` : nothing}
            ${stepDetail(name, result)}
            ${i === failed && !result.isReachable ? html`<div class="hint">${result.detail}</div>` : nothing}
          </span>
        </li>`
      })}
      ${
        result.isReachable
          ? result.warnings.map(
              (text) => html`<li><nj-icon class="warn" .svg=${warnIcon}></nj-icon><span>${text}</span></li>`,
            )
          : nothing
      }
    </ol>
    ${result.isReachable && result.picture ? html`<img src=${result.picture} alt=${t('picture')} />` : nothing}
  </div>`
}

function stepDetail(name: string, result: ConnectionTest): TemplateResult | typeof nothing {
  if (!result.isReachable) return nothing
  if (name === 'keyframe') return html`<span class="hint">${t('after', { ms: result.firstKeyframeMs })}</span>`
  if (name !== 'codec' || result.videoCodec === undefined) return nothing
  const codec = result.videoCodec.toUpperCase()
  const picture =
    result.widthPx === undefined || result.heightPx === undefined || result.fps === undefined
      ? t('foundShort', { codec })
      : t('found', {
          codec,
          width: String(result.widthPx),
          height: String(result.heightPx),
          fps: Math.round(result.fps),
        })
  const sound = result.audioCodec === undefined ? t('noSound') : t('sound', { codec: result.audioCodec.toUpperCase() })
  return html`<div class="hint">${picture}. ${sound}.</div>`
}

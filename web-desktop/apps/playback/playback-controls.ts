import { html, type TemplateResult } from 'lit'
import calendarIcon from 'lucide-static/icons/calendar-clock.svg'
import snapshotIcon from 'lucide-static/icons/camera.svg'
import camerasIcon from 'lucide-static/icons/cctv.svg'
import on10Icon from 'lucide-static/icons/fast-forward.svg'
import pauseIcon from 'lucide-static/icons/pause.svg'
import playIcon from 'lucide-static/icons/play.svg'
import liveIcon from 'lucide-static/icons/radio.svg'
import back10Icon from 'lucide-static/icons/rewind.svg'
import exportIcon from 'lucide-static/icons/scissors.svg'
import backIcon from 'lucide-static/icons/step-back.svg'
import onIcon from 'lucide-static/icons/step-forward.svg'
import soundIcon from 'lucide-static/icons/volume-2.svg'
import mutedIcon from 'lucide-static/icons/volume-x.svg'
import inIcon from 'lucide-static/icons/zoom-in.svg'
import outIcon from 'lucide-static/icons/zoom-out.svg'
import { formatDate, formatTime, formatTimeMs } from '../../base/format.ts'
import { keysOnlyFrom, type PlaybackSession, type Speed, speeds } from '../../player/playback-session.ts'
import '../../ui/nj-icon.ts'
import { t } from './playback-words.ts'

export interface ControlsOptions {
  session: PlaybackSession
  isPhone: boolean
  /** Cameras shown. */
  count: number
  isExporting: boolean
  hasSound: boolean
  onPlay: () => void
  onStep: (by: 1 | -1) => void
  onJump: (byMs: number) => void
  onSpeed: (speed: Speed) => void
  onSkip: () => void
  onSound: () => void
  onSnapshot: () => void
  onExport: () => void
  onGoto: () => void
  onPick: (anchor: Element) => void
  onZoom: (way: 'in' | 'out') => void
  onLive: () => void
}

const speedNames: Record<Speed, string> = { 0.25: '¼', 0.5: '½', 1: '1', 2: '2', 4: '4', 8: '8', 16: '16' }

function iconButton(label: string, icon: string, onClick: (event: Event) => void, look = ''): TemplateResult {
  return html`<button class="plain square ${look}" aria-label=${label} title=${label} @click=${onClick}>
    <nj-icon .svg=${icon}></nj-icon>
  </button>`
}

/** The bar between pictures and timeline. */
export function renderControls(options: ControlsOptions): TemplateResult {
  const { session } = options
  const at = session.positionMs
  return html`<div class="controls" role="toolbar" aria-label=${t('transport')}>
    <div class="group">
      <button @click=${(event: Event) => options.onPick(event.currentTarget as Element)} aria-haspopup="menu">
        <nj-icon .svg=${camerasIcon}></nj-icon>${t('cameras', { n: options.count })}
      </button>
      <button class="clock" title=${t('goto')} @click=${options.onGoto}>
        <nj-icon .svg=${calendarIcon}></nj-icon>
        <span>${formatDate(at)}</span>
        <strong>${session.isPlaying ? formatTime(at) : formatTimeMs(at)}</strong>
      </button>
    </div>
    <div class="group middle">
      ${iconButton(t('back10'), back10Icon, () => options.onJump(-10_000))}
      ${iconButton(t('back'), backIcon, () => options.onStep(-1))}
      ${iconButton(
        session.isPlaying ? t('pause') : t('play'),
        session.isPlaying ? pauseIcon : playIcon,
        options.onPlay,
        'play',
      )}
      ${iconButton(t('on'), onIcon, () => options.onStep(1))}
      ${iconButton(t('on10'), on10Icon, () => options.onJump(10_000))}
      <select
        aria-label=${t('speed')}
        title=${t('speed')}
        @change=${(event: Event) => options.onSpeed(Number((event.target as HTMLSelectElement).value) as Speed)}
      >
        ${speeds.map((speed) => {
          const name = { speed: speedNames[speed] }
          return html`<option value=${speed} .selected=${session.speed === speed}>
            ${speed >= keysOnlyFrom ? t('keysOnly', name) : t('times', name)}
          </option>`
        })}
      </select>
    </div>
    <div class="group end">
      <label class="check">
        <input type="checkbox" .checked=${session.skipsGaps} @change=${options.onSkip} />${t('skip')}
      </label>
      ${iconButton(options.hasSound ? t('mute') : t('sound'), options.hasSound ? soundIcon : mutedIcon, options.onSound)}
      ${iconButton(t('snapshot'), snapshotIcon, options.onSnapshot)} ${iconButton(t('out'), outIcon, () => options.onZoom('out'))}
      ${iconButton(t('in'), inIcon, () => options.onZoom('in'))}
      <button aria-pressed=${options.isExporting} @click=${options.onExport}>
        <nj-icon .svg=${exportIcon}></nj-icon>${t('export')}
      </button>
      <button @click=${options.onLive}><nj-icon .svg=${liveIcon}></nj-icon>${t('live')}</button>
    </div>
  </div>`
}

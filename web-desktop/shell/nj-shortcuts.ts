import { css, html, LitElement, type TemplateResult } from 'lit'
import { customElement } from 'lit/decorators.js'
import { fire } from '../base/fire.ts'
import { wordsOf } from '../base/i18n.ts'
import { controls } from '../ui/controls.ts'
import '../ui/nj-dialog.ts'

const t = wordsOf({
  title: 'Keyboard shortcuts',
  close: 'Close',
  desktop: 'Desktop',
  live: 'Live View',
  playback: 'Playback',
})

const keys: Record<'desktop' | 'live' | 'playback', [string, string][]> = {
  desktop: [
    ['F6 · Shift F6', 'Next, previous part of the desktop'],
    ['Ctrl ` · Ctrl Shift `', 'Next, previous window'],
    ['Alt Shift M', 'Main menu'],
    ['Alt Shift D', 'Show the desktop, and back'],
    ['Alt Shift N', 'Notifications'],
    ['Alt Shift ← →', 'Left, right half'],
    ['Alt Shift ↑ ↓', 'Maximise; restore or minimise'],
    ['Alt Shift W', 'Close the window'],
    ['F1 · ?', 'This list'],
  ],
  live: [
    ['1 2 3 4', '1, 4, 9 or 16 pictures'],
    ['Arrow keys', 'Go from picture to picture'],
    ['Enter', 'One picture large, and back'],
    ['F', 'Full screen'],
    ['M', 'Sound on, off'],
    ['S', 'Snapshot'],
    ['I', 'Figures of the stream'],
    ['Delete', 'Empty the tile'],
  ],
  playback: [
    ['Space', 'Play, pause'],
    [', · .', 'One frame back, on'],
    ['← →', '1 s (Shift 10 s, Ctrl 1 min)'],
    ['J · L', 'Slower, faster'],
    ['+ · −', 'Zoom the timeline'],
    ['G', 'Go to date and time'],
    ['I · O', 'Start, end of the export'],
    ['S', 'Snapshot'],
    ['M', 'Sound on, off'],
  ],
}

/** @fires nj-cancel */
@customElement('nj-shortcuts')
export class NjShortcuts extends LitElement {
  static override styles = [
    controls,
    css`
      nj-dialog {
        --nj-dialog-width: 780px;
      }
      .groups {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(220px, 1fr));
        gap: 8px 24px;
      }
      dl {
        display: grid;
        gap: 8px;
        margin: 8px 0 12px;
      }
      dt {
        font-weight: 600;
      }
      dd {
        margin: 0;
        color: var(--nj-text2);
      }
    `,
  ]

  override render(): TemplateResult {
    return html`<nj-dialog heading=${t('title')}>
      <div class="groups">
        ${(['desktop', 'live', 'playback'] as const).map(
          (group) => html`<div>
            <h3>${t(group)}</h3>
            <dl>${keys[group].map(([key, does]) => html`<div><dt>${key}</dt><dd>${does}</dd></div>`)}</dl>
          </div>`,
        )}
      </div>
      <button slot="actions" data-focus @click=${() => fire(this, 'nj-cancel')}>${t('close')}</button>
    </nj-dialog>`
  }
}

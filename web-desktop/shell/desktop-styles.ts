import { css } from 'lit'
import { wallpaperStyles } from './wallpaper.ts'

export const desktopStyles = [
  wallpaperStyles,
  css`
    :host {
      position: fixed;
      inset: 0;
      display: block;
    }
    .page {
      display: grid;
      grid-template-rows: auto auto minmax(0, 1fr) auto;
      height: 100%;
    }
    @media (max-width: 767px) {
      .page {
        grid-template-rows: auto minmax(0, 1fr) auto;
      }
    }
    .area {
      position: relative;
      overflow: hidden;
    }
    .area.lost nj-window,
    .area.lost main {
      filter: grayscale(0.85) brightness(0.8);
    }
    .shortcuts {
      display: flex;
      flex-direction: column;
      flex-wrap: wrap;
      align-content: flex-start;
      gap: 8px;
      height: 100%;
      padding: 18px 14px;
    }
    main {
      position: absolute;
      inset: 0;
    }
    .shortcut {
      flex-direction: column;
      gap: 9px;
      width: 104px;
      height: 104px;
      padding: 0 4px;
      border: 0;
      border-radius: 12px;
      background: transparent;
      color: #fff;
      --nj-icon-size: 54px;
    }
    .shortcut:hover:not(:disabled),
    .shortcut:focus-visible {
      background: rgb(12 26 52 / 45%);
    }
    .shortcut:focus-visible {
      outline-color: #fff;
    }
    .shortcut span {
      padding: 1px 8px;
      border-radius: 6px;
      background: rgb(10 20 40 / 68%);
      font-size: 13px;
    }
    .shortcut nj-app-icon {
      box-shadow: 0 4px 12px rgb(4 10 22 / 35%);
    }
    .preview {
      position: absolute;
      border: 2px solid #a9c9ff;
      border-radius: var(--nj-radius);
      background: rgb(120 165 240 / 30%);
      pointer-events: none;
    }
    .over {
      position: absolute;
      inset: 0;
      z-index: 100000;
      display: block;
    }
  `,
]

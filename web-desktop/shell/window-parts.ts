import { css } from 'lit'
import type { Rect } from './window-state.ts'

/** The eight places a window can be resized at. */
export const edges = ['top', 'right', 'bottom', 'left', 'top-left', 'top-right', 'bottom-left', 'bottom-right'] as const
export type Edge = (typeof edges)[number]

/**
 * A window's rectangle after its `edge` was moved by (`dxPx`, `dyPx`): the opposite edge stays, nothing gets smaller
 * than `least`. `keepsRatio` lets the height follow the width.
 */
export function resizedBy(
  frame: Rect,
  edge: Edge,
  dxPx: number,
  dyPx: number,
  least: { minWidthPx: number; minHeightPx: number },
  keepsRatio: boolean,
): Rect {
  const parts = edge.split('-')
  const isLeft = parts.includes('left')
  const isTop = parts.includes('top')
  const isWide = isLeft || parts.includes('right')
  const isHigh = isTop || parts.includes('bottom')
  let widthPx = Math.max(least.minWidthPx, frame.widthPx + (isLeft ? -dxPx : isWide ? dxPx : 0))
  let heightPx = Math.max(least.minHeightPx, frame.heightPx + (isTop ? -dyPx : isHigh ? dyPx : 0))
  if (keepsRatio && isWide) heightPx = Math.max(least.minHeightPx, (widthPx * frame.heightPx) / frame.widthPx)
  else if (keepsRatio) widthPx = Math.max(least.minWidthPx, (heightPx * frame.widthPx) / frame.heightPx)
  return {
    leftPx: isLeft ? frame.leftPx + frame.widthPx - widthPx : frame.leftPx,
    topPx: isTop ? Math.max(0, frame.topPx + frame.heightPx - heightPx) : frame.topPx,
    widthPx,
    heightPx: isTop ? Math.min(heightPx, frame.topPx + frame.heightPx) : heightPx,
  }
}

export const windowStyles = css`
  :host {
    position: absolute;
    top: 0;
    left: 0;
    contain: layout style;
    display: block;
  }
  :host([isPhone]) {
    inset: 0;
  }
  section {
    display: grid;
    grid-template-rows: var(--nj-title-height) minmax(0, 1fr);
    height: 100%;
    border-radius: var(--nj-radius);
    background: var(--nj-surface);
    box-shadow:
      0 0 0 1px rgb(10 16 27 / 22%),
      0 6px 18px rgb(4 10 22 / 28%);
    outline-offset: -2px;
  }
  :host([isActive]) section {
    box-shadow:
      0 0 0 1px rgb(10 16 27 / 34%),
      0 18px 52px rgb(4 10 22 / 46%);
  }
  :host([isPhone]) section {
    border-radius: 0;
    box-shadow: none;
    grid-template-rows: 48px minmax(0, 1fr);
  }
  .bar {
    display: flex;
    align-items: center;
    gap: 2px;
    padding-inline: 5px;
    border-radius: var(--nj-radius) var(--nj-radius) 0 0;
    background: var(--nj-title-back);
    color: var(--nj-title-back-text);
    border-bottom: 1px solid var(--nj-border);
    user-select: none;
    touch-action: none;
    cursor: default;
  }
  :host([isActive]) .bar {
    background: var(--nj-title);
    color: var(--nj-title-text);
  }
  :host([isPhone]) .bar {
    border-radius: 0;
  }
  .bar button {
    width: 32px;
    height: 28px;
    min-height: 28px;
    padding: 0;
    color: inherit;
    --nj-icon-size: 15px;
  }
  :host([isPhone]) .bar button {
    width: 44px;
    height: 44px;
    --nj-icon-size: 20px;
  }
  .bar .menu {
    --nj-icon-size: 22px;
  }
  .bar .close:hover:not(:disabled) {
    background: var(--nj-bad-fill);
    color: var(--nj-bad-text);
  }
  h2 {
    flex: 1;
    overflow: hidden;
    font-size: 13.5px;
    font-weight: 600;
    text-overflow: ellipsis;
    white-space: nowrap;
    padding-inline-start: 4px;
  }
  .content {
    position: relative;
    overflow: hidden;
    border-radius: 0 0 var(--nj-radius) var(--nj-radius);
    min-height: 0;
  }
  :host([isPhone]) .content {
    border-radius: 0;
  }
  .wait {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 10px;
    color: var(--nj-text2);
  }
  .mode {
    position: absolute;
    inset: auto 0 14px;
    margin: 0 auto;
    width: max-content;
    max-width: 90%;
    padding: 8px 14px;
    border-radius: 8px;
    background: var(--nj-accent);
    color: var(--nj-accent-text);
    font-weight: 550;
  }
  .edge {
    position: absolute;
    z-index: 30;
    touch-action: none;
  }
  .top,
  .bottom {
    left: 8px;
    right: 8px;
    height: 8px;
    cursor: ns-resize;
  }
  .left,
  .right {
    top: 8px;
    bottom: 8px;
    width: 8px;
    cursor: ew-resize;
  }
  .top {
    top: -5px;
  }
  .bottom {
    bottom: -5px;
  }
  .left {
    left: -5px;
  }
  .right {
    right: -5px;
  }
  .top-left,
  .top-right,
  .bottom-left,
  .bottom-right {
    width: 16px;
    height: 16px;
  }
  .top-left {
    top: -5px;
    left: -5px;
    cursor: nwse-resize;
  }
  .bottom-right {
    right: -5px;
    bottom: -5px;
    cursor: nwse-resize;
  }
  .top-right {
    top: -5px;
    right: -5px;
    cursor: nesw-resize;
  }
  .bottom-left {
    bottom: -5px;
    left: -5px;
    cursor: nesw-resize;
  }
  @media (pointer: coarse) {
    .top,
    .bottom {
      height: 24px;
    }
    .left,
    .right {
      width: 24px;
    }
    .top {
      top: -16px;
    }
    .bottom {
      bottom: -16px;
    }
    .left {
      left: -16px;
    }
    .right {
      right: -16px;
    }
  }
`

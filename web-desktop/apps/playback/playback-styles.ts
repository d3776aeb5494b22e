import { css } from 'lit'

export const playbackStyles = css`
  :host {
    position: relative;
    display: block;
    height: 100%;
    container-type: inline-size;
  }
  .page {
    display: flex;
    flex-direction: column;
    height: 100%;
  }
  .tiles {
    flex: 1;
    min-height: 0;
    display: grid;
    gap: 2px;
    background: #05070b;
    color: #f2f5fa;
  }
  .count-2 {
    grid-template-columns: repeat(2, minmax(0, 1fr));
  }
  .count-3,
  .count-4 {
    grid-template-columns: repeat(2, minmax(0, 1fr));
    grid-template-rows: repeat(2, minmax(0, 1fr));
  }
  .tile {
    position: relative;
    min-height: 0;
    overflow: hidden;
    background: #0c1017;
  }
  .tile:focus-visible {
    outline: none;
  }
  .tile:focus-visible::after,
  .selected::after {
    content: '';
    position: absolute;
    inset: 0;
    border: 2px solid #8fb9ff;
    pointer-events: none;
  }
  .tile:focus-visible::after {
    border: 3px solid #fff;
  }
  video {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    object-fit: contain;
  }
  .gap video,
  .failed video {
    visibility: hidden;
  }
  .message {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 3px;
    padding: 12px;
    font-weight: 600;
    text-align: center;
    text-shadow: 0 0 6px #000;
    pointer-events: none;
  }
  .waiting .message {
    place-content: end center;
  }
  .small {
    color: #c3ccda;
    font-size: 12.5px;
    font-weight: 450;
  }
  .top {
    position: absolute;
    inset: 0 0 auto;
    display: flex;
    justify-content: space-between;
    gap: 8px;
    padding: 6px 8px;
    font-size: 12.5px;
    pointer-events: none;
  }
  .top span {
    padding: 1px 7px;
    border-radius: 5px;
    background: rgb(8 12 20 / 78%);
  }
  .name {
    font-weight: 600;
  }
  .controls {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 12px;
    padding: 6px 10px;
    background: var(--nj-surface2);
    border-top: 1px solid var(--nj-border);
  }
  .group {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  .middle {
    margin-inline: auto;
  }
  .clock {
    font-variant-numeric: tabular-nums;
    font-weight: 450;
  }
  .clock strong {
    min-width: 92px;
    text-align: start;
    font-size: 15px;
  }
  button.play {
    width: 44px;
    min-height: 36px;
    border-radius: 18px;
    background: var(--nj-accent);
    color: var(--nj-accent-text);
    --nj-icon-size: 18px;
  }
  button.play:hover:not(:disabled) {
    background: color-mix(in srgb, var(--nj-accent) 85%, var(--nj-text));
  }
  .middle select {
    min-width: 76px;
    max-width: 130px;
  }
  .end .check {
    padding-inline-end: 8px;
    white-space: nowrap;
  }
  nj-timeline {
    flex: none;
  }
  .empty {
    height: 100%;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 8px;
  }
  .empty h3 {
    font-size: 17px;
  }
  nj-export {
    flex: none;
  }
  @container (max-width: 640px) {
    .count-2,
    .count-3,
    .count-4 {
      grid-template-columns: minmax(0, 1fr);
      grid-auto-rows: minmax(0, 1fr);
      grid-template-rows: none;
    }
    .clock span {
      display: none;
    }
    .group {
      flex-wrap: wrap;
    }
    .page {
      overflow: auto;
    }
    .tiles {
      min-height: 200px;
    }
  }
`

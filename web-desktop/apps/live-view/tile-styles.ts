import { css } from 'lit'

/** What lies over a picture is light on dark in either theme: pictures have none. */
export const tileStyles = css`
  :host {
    display: block;
    position: relative;
    min-width: 0;
    min-height: 0;
    background: #0c1017;
    color: #f2f5fa;
    contain: strict;
    container-type: size;
    overflow: hidden;
  }
  .tile {
    position: absolute;
    inset: 0;
    outline-offset: -3px;
  }
  :host([isSelected]) .tile::after {
    content: '';
    position: absolute;
    inset: 0;
    border: 2px solid #8fb9ff;
    pointer-events: none;
  }
  .tile:focus-visible {
    outline: none;
  }
  .tile:focus-visible::before {
    content: '';
    position: absolute;
    inset: 0;
    z-index: 1;
    border: 3px solid #fff;
    box-shadow: inset 0 0 0 2px #10305f;
    pointer-events: none;
  }
  video,
  canvas {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    object-fit: contain;
  }
  .dim video,
  .dim canvas,
  .stale video,
  .stale canvas,
  .no-picture video,
  .no-picture canvas {
    opacity: 0.35;
  }
  .message {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 3px;
    padding: 8px 12px;
    text-align: center;
    font-weight: 600;
    pointer-events: none;
  }
  .small {
    font-size: 12.5px;
    font-weight: 450;
    color: #c3ccda;
    overflow-wrap: anywhere;
  }
  .top {
    position: absolute;
    inset: 0 0 auto;
    display: flex;
    align-items: center;
    gap: 8px;
    padding: 5px 8px;
    font-size: 12.5px;
    pointer-events: none;
  }
  .top > span:not(.rec) {
    padding: 1px 7px;
    border-radius: 5px;
    background: rgb(8 12 20 / 78%);
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .name {
    font-weight: 600;
    flex: 0 1 auto;
  }
  .mode {
    margin-inline-start: auto;
    color: #dbe3ee;
    flex: 0 1 auto;
  }
  .rec {
    flex: none;
    width: 10px;
    height: 10px;
    border-radius: 50%;
    background: #ff5a4d;
    box-shadow: 0 0 0 2px rgb(8 12 20 / 70%);
  }
  .bar {
    position: absolute;
    inset: auto 0 0;
    display: flex;
    justify-content: flex-end;
    gap: 2px;
    padding: 4px;
    background: rgb(8 12 20 / 74%);
    opacity: 0;
    transition: opacity 120ms;
  }
  :host(:hover) .bar,
  :host(:focus-within) .bar,
  :host([isSteering]) .bar {
    opacity: 1;
  }
  .bar button {
    border: 0;
    background: transparent;
    color: #fff;
  }
  .bar button[aria-pressed='true'] {
    background: #2c4f8f;
  }
  .bar button:hover:not(:disabled) {
    background: rgb(255 255 255 / 18%);
  }
  .bar :focus-visible {
    outline-color: #fff;
    outline-offset: -2px;
  }
  .stats {
    position: absolute;
    left: 8px;
    top: 34px;
    margin: 0;
    padding: 6px 10px;
    border-radius: 6px;
    background: rgb(8 12 20 / 82%);
    font-size: 12px;
    font-variant-numeric: tabular-nums;
    pointer-events: none;
  }
  .stats div {
    display: grid;
    grid-template-columns: 150px auto;
  }
  .stats dt {
    color: #c3ccda;
  }
  .stats dd {
    margin: 0;
  }
  /* Without a pointer that hovers, a tap on the picture brings the buttons. */
  @media (hover: none) {
    :host(:not(:focus-within, [isSteering])) .bar {
      display: none;
    }
  }
  /* On a phone held upright the controls stand below the picture: they would hide it. */
  @media (max-width: 767px) and (orientation: portrait) {
    :host([isSteering]) :is(video, canvas) {
      inset: 0 0 auto;
      height: auto;
      aspect-ratio: 16 / 9;
    }
  }
`

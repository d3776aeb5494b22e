import { css } from 'lit'

export const detailStyles = css`
  :host {
    display: block;
    background: var(--nj-surface);
  }
  section {
    padding: 12px 16px 20px;
    display: grid;
    gap: 14px;
  }
  .head {
    display: flex;
    align-items: start;
  }
  .head h3 {
    font-size: 16px;
    margin-bottom: 3px;
  }
  h4,
  h5 {
    margin: 0;
  }
  h4 {
    font-size: 14px;
  }
  h5 {
    margin: 10px 0 4px;
    font-size: 12.5px;
    font-weight: 600;
    color: var(--nj-text2);
  }
  article {
    padding: 12px;
    border: 1px solid var(--nj-border);
    border-radius: 9px;
    background: var(--nj-surface2);
  }
  .url {
    overflow-wrap: anywhere;
    margin: 2px 0 8px;
  }
  .result {
    margin-bottom: 10px;
  }
  dl {
    margin: 0;
    display: grid;
    gap: 3px;
  }
  dl div {
    display: grid;
    grid-template-columns: minmax(110px, 36%) 1fr;
    gap: 8px;
  }
  dt {
    color: var(--nj-text2);
  }
  dd {
    margin: 0;
    overflow-wrap: anywhere;
    font-variant-numeric: tabular-nums;
  }
  svg {
    display: block;
    width: 100%;
    height: 76px;
  }
  svg .area {
    fill: var(--nj-footage);
    opacity: 0.28;
  }
  svg .line {
    fill: none;
    stroke: var(--nj-footage);
    stroke-width: 1.5;
    vector-effect: non-scaling-stroke;
  }
  svg .lost {
    fill: var(--nj-gap);
  }
  svg .base {
    stroke: var(--nj-control);
    vector-effect: non-scaling-stroke;
  }
  .axis {
    display: flex;
    justify-content: space-between;
    color: var(--nj-text2);
    font-size: 12px;
    font-variant-numeric: tabular-nums;
  }
  .gaps {
    margin-top: 6px;
  }
  .gaps th,
  .gaps td {
    padding: 5px 8px 5px 0;
  }
  .gaps td {
    border-top: 1px solid var(--nj-border);
  }
`

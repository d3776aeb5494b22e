import { css } from 'lit'

export const camerasStyles = css`
  :host {
    position: relative;
    display: block;
    height: 100%;
    container-type: inline-size;
  }
  .main {
    display: flex;
    flex-direction: column;
    height: 100%;
  }
  .toolbar {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px;
    padding: 8px 12px;
    background: var(--nj-surface2);
    border-bottom: 1px solid var(--nj-border);
  }
  .find {
    position: relative;
  }
  .find nj-icon {
    position: absolute;
    left: 9px;
    top: 50%;
    translate: 0 -50%;
    --nj-icon-size: 16px;
    color: var(--nj-text2);
  }
  .find input {
    width: 180px;
    padding-inline-start: 32px;
  }
  .split {
    flex: 1;
    min-height: 0;
    display: grid;
    grid-template-columns: minmax(0, 1fr);
  }
  .list {
    overflow: auto;
    min-height: 0;
  }
  nj-camera-detail {
    min-height: 0;
    overflow: auto;
  }
  @container (min-width: 900px) {
    .split.with-detail {
      grid-template-columns: minmax(0, 1fr) minmax(340px, 42%);
    }
    .split.with-detail .wide {
      display: none;
    }
    nj-camera-detail {
      border-inline-start: 1px solid var(--nj-border);
    }
  }
  @container (max-width: 899.9px) {
    .split.with-detail {
      grid-template-rows: minmax(110px, 36%) minmax(0, 1fr);
    }
    .wide {
      display: none;
    }
    nj-camera-detail {
      border-top: 1px solid var(--nj-border);
    }
  }
  thead th {
    position: sticky;
    top: 0;
    z-index: 1;
    background: var(--nj-surface);
    box-shadow: inset 0 -1px 0 var(--nj-border);
  }
  tbody tr {
    cursor: default;
    scroll-margin-top: 40px;
  }
  tbody tr:hover {
    background: var(--nj-surface2);
  }
  tbody tr[aria-selected='true'] {
    background: var(--nj-chosen);
  }
  tbody tr:focus-visible {
    outline-offset: -2px;
  }
  tbody td {
    border-bottom: 1px solid var(--nj-border);
  }
  .detail {
    max-width: 260px;
  }
  .stream {
    white-space: nowrap;
    font-variant-numeric: tabular-nums;
  }
  .empty {
    height: 100%;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 8px;
    padding: 16px;
    text-align: center;
  }
  .empty h3 {
    font-size: 17px;
  }
  .round {
    width: 96px;
    height: 96px;
    margin-bottom: 8px;
    border: 2px dashed var(--nj-control);
    border-radius: 50%;
    --nj-icon-size: 40px;
    color: var(--nj-accent);
  }
  .cards {
    list-style: none;
    margin: 0;
    padding: 10px;
    display: grid;
    gap: 8px;
  }
  .cards button {
    display: grid;
    justify-items: start;
    justify-content: stretch;
    width: 100%;
    gap: 4px;
    padding: 10px 12px;
    text-align: start;
    white-space: normal;
  }
`

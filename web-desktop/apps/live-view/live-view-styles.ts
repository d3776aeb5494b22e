import { css } from 'lit'

export const liveViewStyles = css`
  :host {
    display: block;
    height: 100%;
  }
  .view {
    display: flex;
    height: 100%;
  }
  nj-camera-list {
    flex: 0 0 220px;
  }
  .stage {
    display: flex;
    flex-direction: column;
    flex: 1;
    min-width: 0;
    background: #05070b;
  }
  .toolbar {
    display: flex;
    align-items: center;
    gap: 4px;
    padding: 4px 8px;
    background: var(--nj-surface2);
    border-bottom: 1px solid var(--nj-border);
  }
  .layouts {
    display: flex;
    gap: 2px;
    margin-inline-start: 6px;
  }
  .mini {
    display: grid;
    width: 18px;
    height: 18px;
    gap: 2px;
  }
  .mini i {
    background: currentColor;
    border-radius: 1px;
  }
  .mini-4 {
    grid-template-columns: repeat(2, 1fr);
  }
  .mini-9 {
    grid-template-columns: repeat(3, 1fr);
  }
  .mini-16 {
    grid-template-columns: repeat(4, 1fr);
    gap: 1px;
  }
  .grid {
    flex: 1;
    min-height: 0;
    display: grid;
    grid-template-columns: repeat(var(--side), minmax(0, 1fr));
    grid-auto-rows: minmax(0, 1fr);
    grid-template-rows: repeat(var(--side), minmax(0, 1fr));
    gap: 2px;
  }
  nj-live-tile.drop {
    outline: 3px solid #8fb9ff;
    outline-offset: -3px;
    z-index: 1;
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
  .empty button {
    margin-top: 8px;
  }
  @media (max-width: 767px) {
    .view {
      flex-direction: column;
    }
    nj-camera-list {
      flex: 0 1 45%;
    }
  }
  @media (max-width: 767px) and (orientation: portrait) {
    .grid {
      display: block;
      overflow: auto;
    }
    .grid nj-live-tile:not([hidden]) {
      aspect-ratio: 16 / 9;
      margin-bottom: 2px;
    }
    .grid nj-live-tile[isSteering]:not([hidden]) {
      aspect-ratio: auto;
      height: calc(56.25vw + 310px);
    }
  }
`

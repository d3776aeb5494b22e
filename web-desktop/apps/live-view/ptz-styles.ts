import { css } from 'lit'

/** Over a picture, so light on dark in either theme, as `tile-styles.ts` has it. */
export const ptzStyles = css`
  :host {
    --nj-text: #f2f5fa;
    --nj-text2: #c3ccda;
    --nj-surface: #1d2533;
    --nj-surface3: #33405a;
    --nj-control: #8592a8;
    --nj-border: #46536a;
    --nj-chosen: #2c4f8f;
    --nj-accent: #8fb9ff;
    --nj-accent-text: #0b1a33;
    --nj-focus: #fff;
    --nj-bad: #ff9d94;
    --nj-bad-fill: #c2362c;
    --nj-bad-text: #fff;
    position: absolute;
    inset: auto 8px 48px auto;
    z-index: 2;
    display: flex;
    width: 200px;
    max-width: calc(100% - 16px);
    max-height: calc(100% - 82px);
    overflow: auto;
    border-radius: 9px;
    background: rgb(8 12 20 / 90%);
    color: #f2f5fa;
    -webkit-user-select: none;
    user-select: none;
  }
  .panel {
    display: grid;
    gap: 6px;
    align-content: start;
    width: 100%;
    padding: 6px;
  }
  .head {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  .head button {
    min-height: 28px;
    padding: 0 8px;
    font-size: 12.5px;
  }
  .head .close {
    margin-inline-start: auto;
    padding: 0 4px;
  }
  /* What turns a camera is where the camera turns, in any language. */
  .turn {
    direction: ltr;
    display: flex;
    justify-content: center;
    gap: 8px;
  }
  .pad {
    display: grid;
    grid-template-columns: repeat(3, auto);
    gap: 3px;
  }
  .zoom {
    display: grid;
    gap: 3px;
    align-content: center;
  }
  .turn button {
    width: 38px;
    min-height: 38px;
    padding: 0;
    touch-action: none;
    -webkit-touch-callout: none;
  }
  .turn button.held {
    background: var(--nj-accent);
    border-color: var(--nj-accent);
    color: var(--nj-accent-text);
  }
  .speeds {
    display: grid;
    grid-template-columns: repeat(3, 1fr);
    gap: 3px;
  }
  .speeds button {
    min-height: 28px;
    padding: 0 4px;
    font-size: 12.5px;
  }
  nj-ptz-presets {
    min-width: 0;
  }
  @media (pointer: coarse) {
    :host {
      inset: auto 8px 60px auto;
      width: 222px;
      max-height: calc(100% - 94px);
    }
    .turn button {
      width: 44px;
      min-height: 44px;
    }
    .head button,
    .speeds button {
      min-height: 44px;
    }
  }
  /* Below the picture of a phone held upright there is its whole width. */
  @media (max-width: 767px) and (orientation: portrait) {
    :host {
      inset-inline-start: 8px;
      width: auto;
    }
  }
  /* In a low picture all stands in a row. */
  @container (max-height: 330px) {
    :host {
      width: auto;
    }
    .panel {
      display: flex;
      align-items: start;
    }
    .head,
    .speeds {
      display: grid;
      grid-template-columns: none;
    }
    .head .close {
      margin: 0;
    }
    nj-ptz-presets {
      width: 190px;
    }
  }
`

export const presetStyles = css`
  :host {
    display: grid;
    gap: 6px;
    -webkit-user-select: none;
    user-select: none;
  }
  ul {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 3px;
    max-height: 150px;
    margin: 0;
    padding: 2px;
    overflow: auto;
    list-style: none;
  }
  li,
  form {
    display: flex;
    gap: 3px;
  }
  li .go {
    flex: 1;
    justify-content: flex-start;
    min-width: 0;
  }
  .go span,
  .ask {
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .asks {
    display: grid;
    flex: 1;
    grid-template-columns: 1fr 1fr;
    min-width: 0;
    gap: 3px;
    padding: 4px;
    border: 1px solid var(--nj-border);
    border-radius: 7px;
  }
  .ask {
    grid-column: 1 / -1;
    font-weight: 600;
  }
  input {
    flex: 1;
    width: 0;
    min-width: 0;
  }
  input::placeholder {
    color: var(--nj-text2);
    opacity: 1;
  }
  .hint {
    line-height: 1.3;
  }
  @media (max-width: 767px) and (orientation: portrait) {
    ul {
      max-height: 104px;
    }
  }
`

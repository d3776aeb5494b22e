import { css } from 'lit'

export const setupStyles = css`
  dialog {
    grid-template-columns: 200px minmax(0, 1fr);
    width: min(820px, calc(100vw - 24px));
    height: min(620px, calc(100dvh - 24px));
    max-width: none;
    max-height: none;
    padding: 0;
    border: 0;
    border-radius: 14px;
    background: var(--nj-surface);
    color: var(--nj-text);
    box-shadow: 0 24px 70px rgb(4 10 26 / 60%);
    overflow: hidden;
  }
  dialog[open] {
    display: grid;
  }
  dialog::backdrop {
    background: rgb(8 14 26 / 70%);
  }
  .side {
    padding: 22px 16px;
    background: var(--nj-surface2);
    border-inline-end: 1px solid var(--nj-border);
  }
  .title {
    font-weight: 650;
    padding: 0 8px;
  }
  ol {
    display: grid;
    gap: 4px;
    margin: 14px 0 0;
    padding: 0;
    list-style: none;
  }
  li {
    display: flex;
    align-items: center;
    gap: 9px;
    padding: 7px 8px;
    border-radius: 7px;
    color: var(--nj-text2);
    --nj-icon-size: 17px;
  }
  li.done nj-icon {
    color: var(--nj-ok);
  }
  li[aria-current='step'] {
    background: var(--nj-chosen);
    color: var(--nj-text);
    font-weight: 600;
  }
  .dot {
    width: 17px;
    height: 17px;
    border: 2px solid var(--nj-control);
    border-radius: 50%;
  }
  .main {
    display: grid;
    grid-template-rows: auto minmax(0, 1fr) auto;
    min-height: 0;
  }
  .head {
    padding: 18px 24px 10px;
  }
  h2 {
    font-size: 20px;
    font-weight: 650;
  }
  /* It is where a step begins to be read, and nothing that can be used. */
  h2:focus-visible {
    outline: none;
  }
  .body {
    display: grid;
    align-content: start;
    gap: 12px;
    padding: 4px 24px 18px;
    overflow: auto;
  }
  .own {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .foot {
    display: flex;
    align-items: center;
    flex-wrap: wrap;
    gap: 8px;
    padding: 12px 24px;
    border-top: 1px solid var(--nj-border);
    background: var(--nj-surface2);
  }
  @media (max-width: 767px) {
    dialog {
      grid-template-columns: minmax(0, 1fr);
      grid-template-rows: auto minmax(0, 1fr);
      width: 100vw;
      height: 100dvh;
      border-radius: 0;
    }
    .side {
      padding: 12px 16px;
      border-inline-end: 0;
      border-bottom: 1px solid var(--nj-border);
    }
    ol {
      display: flex;
      gap: 2px;
      margin-top: 8px;
    }
    li:not([aria-current='step']) > span:not(.dot) {
      position: absolute;
      width: 1px;
      height: 1px;
      overflow: hidden;
      clip-path: inset(50%);
      white-space: nowrap;
    }
    .head,
    .body,
    .foot {
      padding-inline: 16px;
    }
  }
`

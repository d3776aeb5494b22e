import { css } from 'lit'

export const taskbarStyles = css`
  :host {
    display: block;
    position: relative;
    z-index: 5;
    background: var(--nj-bar);
    color: var(--nj-bar-text);
  }
  nav {
    display: flex;
    align-items: center;
    gap: 4px;
    height: var(--nj-bar-height);
    padding-inline: 6px;
  }
  button {
    position: relative;
    min-height: 34px;
    border: 0;
    border-radius: 8px;
    background: transparent;
    color: var(--nj-bar-text);
    --nj-icon-size: 19px;
  }
  button.square {
    width: 40px;
  }
  button:hover:not(:disabled),
  button[aria-expanded='true'],
  button[aria-pressed='true'] {
    background: var(--nj-bar-hover);
  }
  :focus-visible {
    outline-color: #8fb9ff;
    outline-offset: -2px;
  }
  .line {
    width: 1px;
    height: 22px;
    margin-inline: 4px;
    background: var(--nj-bar-hover);
  }
  .tasks {
    display: flex;
    flex: 1;
    gap: 4px;
    min-width: 0;
    overflow: hidden;
  }
  .task {
    justify-content: flex-start;
    flex: 0 1 180px;
    min-width: 44px;
    padding-inline: 8px;
    gap: 9px;
    overflow: hidden;
    --nj-icon-size: 22px;
  }
  .task::after {
    content: '';
    position: absolute;
    inset: auto 10px 1px;
    height: 3px;
    border-radius: 2px;
    background: #5f7fb5;
  }
  .task[aria-pressed='true']::after {
    background: #8fb9ff;
  }
  .task.minimised::after {
    inset-inline: 40%;
  }
  .name {
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .user {
    max-width: 140px;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .alarm {
    color: #ffb3ab;
  }
  .count {
    min-width: 18px;
    padding-inline: 5px;
    border-radius: 9px;
    background: #c2362c;
    color: #fff;
    font-size: 12px;
    font-weight: 700;
    line-height: 18px;
    text-align: center;
  }
  time {
    padding-inline: 8px;
    font-variant-numeric: tabular-nums;
    font-weight: 600;
  }
  :host([isPhone]) nav {
    height: 60px;
    justify-content: space-around;
    padding-bottom: env(safe-area-inset-bottom);
  }
  :host([isPhone]) button {
    flex: 1;
    flex-direction: column;
    gap: 3px;
    min-height: 52px;
    padding: 0;
    --nj-icon-size: 22px;
  }
  :host([isPhone]) .label {
    font-size: 11.5px;
    line-height: 1;
  }
  :host([isPhone]) [aria-current='page'] {
    background: var(--nj-bar-hover);
    color: #a9c9ff;
  }
  :host([isPhone]) .count {
    position: absolute;
    top: 2px;
    left: 54%;
  }
`

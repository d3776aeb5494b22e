import { css } from 'lit'

/** Buttons, fields and tables as they look everywhere. Each element that has some takes this into its styles. */
export const controls = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  :host {
    color: var(--nj-text);
    font: inherit;
  }
  [hidden] {
    display: none !important;
  }
  h1,
  h2,
  h3,
  p {
    margin: 0;
  }
  h3 {
    font-size: 13px;
    font-weight: 650;
  }
  button,
  a.button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 7px;
    min-height: 32px;
    padding: 0 12px;
    border: 1px solid var(--nj-control);
    border-radius: 7px;
    background: var(--nj-surface);
    color: var(--nj-text);
    font: inherit;
    font-weight: 500;
    text-decoration: none;
    white-space: nowrap;
    cursor: pointer;
    --nj-icon-size: 16px;
  }
  button:hover:not(:disabled),
  a.button:hover {
    background: var(--nj-surface3);
  }
  button:active:not(:disabled) {
    transform: translateY(1px);
  }
  button:disabled,
  a.button[aria-disabled='true'] {
    opacity: 0.5;
    cursor: default;
  }
  button.primary,
  a.button.primary {
    background: var(--nj-accent);
    border-color: var(--nj-accent);
    color: var(--nj-accent-text);
  }
  button.primary:hover:not(:disabled),
  a.button.primary:hover {
    background: color-mix(in srgb, var(--nj-accent) 88%, var(--nj-text));
  }
  button.danger {
    background: var(--nj-bad-fill);
    border-color: var(--nj-bad-fill);
    color: var(--nj-bad-text);
  }
  button.danger:hover:not(:disabled) {
    background: color-mix(in srgb, var(--nj-bad-fill) 88%, #000);
  }
  button.plain,
  a.button.plain {
    border-color: transparent;
    background: transparent;
  }
  button.plain:hover:not(:disabled),
  a.button.plain:hover {
    background: var(--nj-surface3);
  }
  button.square {
    width: 32px;
    padding: 0;
  }
  button[aria-pressed='true'],
  button[aria-checked='true'] {
    background: var(--nj-chosen);
    border-color: var(--nj-accent);
  }
  :focus-visible {
    outline: 2px solid var(--nj-focus);
    outline-offset: 2px;
  }
  input:not([type='checkbox'], [type='radio'], [type='range']),
  select,
  textarea {
    min-height: 32px;
    padding: 4px 9px;
    border: 1px solid var(--nj-control);
    border-radius: 7px;
    background: var(--nj-surface);
    color: var(--nj-text);
    font: inherit;
    max-width: 100%;
  }
  input[aria-invalid='true'] {
    border-color: var(--nj-bad);
    box-shadow: 0 0 0 1px var(--nj-bad);
  }
  input[type='checkbox'],
  input[type='radio'] {
    width: 17px;
    height: 17px;
    margin: 0;
    accent-color: var(--nj-accent);
  }
  .field {
    display: grid;
    gap: 4px;
    align-content: start;
  }
  .field label,
  .field .label {
    font-weight: 550;
  }
  .field input,
  .field select {
    width: 100%;
  }
  .hint {
    color: var(--nj-text2);
    font-size: 12.5px;
  }
  .error {
    display: flex;
    gap: 6px;
    align-items: start;
    color: var(--nj-bad);
    font-size: 12.5px;
    font-weight: 550;
    --nj-icon-size: 15px;
  }
  .check {
    display: flex;
    align-items: center;
    gap: 8px;
    min-height: 28px;
  }
  .row {
    display: flex;
    align-items: center;
    gap: 8px;
    flex-wrap: wrap;
  }
  .grow {
    flex: 1;
    min-width: 0;
  }
  table {
    border-collapse: collapse;
    width: 100%;
  }
  th {
    text-align: start;
    font-weight: 600;
    color: var(--nj-text2);
    font-size: 12.5px;
    padding: 7px 10px;
    white-space: nowrap;
  }
  td {
    padding: 7px 10px;
    vertical-align: top;
  }
  .num {
    font-variant-numeric: tabular-nums;
    text-align: end;
    white-space: nowrap;
  }
  .ok {
    color: var(--nj-ok);
  }
  .warn {
    color: var(--nj-warn);
  }
  .bad {
    color: var(--nj-bad);
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .spin {
    animation: nj-spin 1s linear infinite;
  }
  @keyframes nj-spin {
    to {
      rotate: 360deg;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .spin {
      animation-duration: 3s;
    }
  }
  @media (pointer: coarse) {
    button,
    a.button,
    input:not([type='checkbox'], [type='radio']),
    select {
      min-height: 44px;
    }
    button.square {
      width: 44px;
    }
  }
`

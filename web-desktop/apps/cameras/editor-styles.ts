import { css } from 'lit'

export const editorStyles = css`
  :host {
    --nj-dialog-width: 720px;
  }
  .modes {
    display: flex;
    margin-bottom: 14px;
  }
  .modes button {
    flex: 1;
    border-radius: 0;
  }
  .modes button:first-child {
    border-radius: 7px 0 0 7px;
  }
  .modes button:last-child {
    border-radius: 0 7px 7px 0;
    border-inline-start: 0;
  }
  form {
    display: grid;
    gap: 18px;
  }
  fieldset {
    display: grid;
    gap: 10px;
    min-width: 0;
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend {
    padding: 0 0 6px;
    font-size: 14px;
    font-weight: 650;
  }
  .cols {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(180px, 1fr));
    gap: 12px;
    align-items: start;
  }
  .stream {
    display: grid;
    gap: 8px;
    padding: 12px;
    border: 1px solid var(--nj-border);
    border-radius: 9px;
    background: var(--nj-surface2);
  }
  .stream .row {
    gap: 6px 16px;
  }
  .result {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 10px 14px;
    padding-top: 10px;
    border-top: 1px solid var(--nj-border);
  }
  .steps {
    list-style: none;
    margin: 0;
    padding: 0;
    display: grid;
    gap: 4px;
    align-content: start;
  }
  .steps li {
    display: grid;
    grid-template-columns: auto 1fr;
    gap: 8px;
    align-items: start;
    --nj-icon-size: 17px;
  }
  .steps nj-icon {
    margin-top: 2px;
  }
  .steps .hint {
    overflow-wrap: anywhere;
  }
  .result img {
    display: block;
    width: 220px;
    max-width: 100%;
    border-radius: 6px;
    background: #000;
  }
  @media (max-width: 600px) {
    .result {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`

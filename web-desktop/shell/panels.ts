// What lies over the desktop in the middle of it: dialogs of the user's own matters, and the wizard of the first start.
import { html, nothing, type TemplateResult } from 'lit'
import { session } from '../api/session.ts'
import './nj-change-password.ts'
import './nj-passkeys.ts'
import './nj-shortcuts.ts'

export type DialogPanel = 'passkeys' | 'password' | 'setup' | 'shortcuts'

/** Whether windows beneath can be used: they cannot while a dialog asks. */
export function isAsking(panel: string | undefined): boolean {
  return panel === 'passkeys' || panel === 'password' || panel === 'shortcuts'
}

export function renderDialog(panel: string | undefined, dismiss: () => void): TemplateResult | typeof nothing {
  switch (panel as DialogPanel | undefined) {
    case 'passkeys':
      return html`<nj-passkeys class="panel over" @nj-cancel=${dismiss}></nj-passkeys>`
    case 'password':
      return html`<nj-change-password
        class="panel over"
        ?isOneTime=${session.value?.mustChangePassword}
        @nj-cancel=${dismiss}
        @nj-done=${dismiss}
      ></nj-change-password>`
    case 'setup':
      return html`<nj-setup @nj-cancel=${dismiss} @nj-done=${dismiss}></nj-setup>`
    case 'shortcuts':
      return html`<nj-shortcuts class="panel over" @nj-cancel=${dismiss}></nj-shortcuts>`
    default:
      return nothing
  }
}

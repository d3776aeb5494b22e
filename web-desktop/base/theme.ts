// Which theme is shown: what the system prefers, unless the user chose.
import { Store } from './store.ts'
import { tokenSheet } from './tokens.ts'

export type Theme = 'light' | 'dark' | 'auto'

const key = 'nj-theme'

function saved(): Theme {
  const value = localStorage.getItem(key)
  return value === 'light' || value === 'dark' ? value : 'auto'
}

export const theme = new Store<Theme>('auto')

/** True where the page is dark now, by choice or by the system. */
export function isDark(): boolean {
  return theme.value === 'auto' ? matchMedia('(prefers-color-scheme: dark)').matches : theme.value === 'dark'
}

export function setTheme(next: Theme): void {
  if (next === 'auto') localStorage.removeItem(key)
  else localStorage.setItem(key, next)
  if (next === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = next
  theme.set(next)
}

/** Puts the tokens on the page; called once, before anything is shown. */
export function startTheme(): void {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(tokenSheet)
  document.adoptedStyleSheets.push(sheet)
  setTheme(saved())
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    if (theme.value === 'auto') document.dispatchEvent(new Event('nj-theme'))
  })
  theme.subscribe(() => document.dispatchEvent(new Event('nj-theme')))
}

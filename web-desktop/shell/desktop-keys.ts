// Which keys the desktop itself answers to. Those of the browser are left alone.

export type Shortcut =
  | 'next'
  | 'previous'
  | 'regions'
  | 'regions-back'
  | 'show-desktop'
  | 'menu'
  | 'notices'
  | 'shortcuts'
  | 'close'
  | 'left'
  | 'right'
  | 'up'
  | 'down'

const withAltShift: Record<string, Shortcut> = {
  KeyD: 'show-desktop',
  KeyM: 'menu',
  KeyN: 'notices',
  KeyW: 'close',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
}

/** The shortcut a key press stands for, or undefined. A single letter or sign is none while a text is typed. */
export function shortcutOf(event: KeyboardEvent, focused: Element | undefined): Shortcut | undefined {
  const { altKey, ctrlKey, shiftKey, metaKey, code, key } = event
  if (metaKey) return undefined
  if (key === 'F6') return shiftKey ? 'regions-back' : 'regions'
  if (key === 'F1') return 'shortcuts'
  if (ctrlKey && code === 'Backquote') return shiftKey ? 'previous' : 'next'
  if (altKey && shiftKey && !ctrlKey) return withAltShift[code]
  if (key === '?' && !ctrlKey && !altKey && !isTyping(focused)) return 'shortcuts'
  return undefined
}

/** True where keys make text. */
export function isTyping(focused: Element | undefined): boolean {
  if (focused === undefined) return false
  return focused.matches(
    'input:not([type=checkbox], [type=radio], [type=range], [type=button]), textarea, select, [contenteditable]',
  )
}

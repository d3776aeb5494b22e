// The menus of the shell: a window's, and the user's.
import { logOut } from '../api/account.ts'
import { messageOf } from '../api/client.ts'
import { session } from '../api/session.ts'
import { formatDateTime } from '../base/format.ts'
import { wordsOf } from '../base/i18n.ts'
import { setTheme, type Theme, theme } from '../base/theme.ts'
import { openMenu } from '../ui/nj-menu.ts'
import { toast } from '../ui/toast.ts'
import type { Place, WindowState } from './window-state.ts'

const t = wordsOf({
  windowMenu: 'Window',
  restore: 'Restore',
  move: 'Move by keys',
  size: 'Size by keys',
  position: 'Position and size…',
  minimise: 'Minimise',
  maximise: 'Maximise',
  left: 'Left half',
  right: 'Right half',
  'top-left': 'Upper left quarter',
  'top-right': 'Upper right quarter',
  'bottom-left': 'Lower left quarter',
  'bottom-right': 'Lower right quarter',
  cascade: 'Cascade all windows',
  close: 'Close',
  userMenu: 'Account',
  lastLogin: 'Last log-in: {at}',
  password: 'Change password…',
  passkeys: 'Passkeys…',
  light: 'Light theme',
  dark: 'Dark theme',
  auto: 'Theme of the system',
  shortcuts: 'Keyboard shortcuts',
  logOut: 'Log out',
})

export type WindowChoice = Place | 'restore' | 'minimise' | 'move' | 'size' | 'position' | 'cascade' | 'close'

export async function openWindowMenu(
  window: WindowState,
  anchor: Element | { xPx: number; yPx: number },
): Promise<WindowChoice | undefined> {
  const isFree = window.place === 'normal' && !window.isMinimised
  const chosen = await openMenu(
    t('windowMenu'),
    [
      { id: window.isMinimised ? 'restore' : 'normal', label: t('restore'), isDisabled: isFree },
      { id: 'move', label: t('move'), isDisabled: window.isMinimised },
      { id: 'size', label: t('size'), isDisabled: window.isMinimised },
      { id: 'position', label: t('position'), isDisabled: window.isMinimised },
      { id: 'minimise', label: t('minimise'), isDisabled: window.isMinimised },
      { id: 'maximised', label: t('maximise'), keys: 'Alt Shift ↑', isDisabled: window.place === 'maximised' },
      { id: 'left', label: t('left'), keys: 'Alt Shift ←', hasLineAbove: true },
      { id: 'right', label: t('right'), keys: 'Alt Shift →' },
      { id: 'top-left', label: t('top-left') },
      { id: 'top-right', label: t('top-right') },
      { id: 'bottom-left', label: t('bottom-left') },
      { id: 'bottom-right', label: t('bottom-right') },
      { id: 'cascade', label: t('cascade'), hasLineAbove: true },
      { id: 'close', label: t('close'), keys: 'Alt Shift W', hasLineAbove: true },
    ],
    anchor,
  )
  return chosen as WindowChoice | undefined
}

/** The user's menu. Theme and log-out are done here; what needs a dialog is left to the desktop. */
export async function openUserMenu(anchor: Element): Promise<string | undefined> {
  const last = session.value?.lastLoginMs
  const themes = (['auto', 'light', 'dark'] as const).map((id: Theme, i) => ({
    id,
    label: t(id),
    isChecked: theme.value === id,
    hasLineAbove: i === 0,
  }))
  const chosen = await openMenu(
    t('userMenu'),
    [
      ...(last === undefined
        ? []
        : [{ id: 'last', label: t('lastLogin', { at: formatDateTime(last) }), isDisabled: true }]),
      { id: 'password', label: t('password') },
      { id: 'passkeys', label: t('passkeys') },
      { id: 'shortcuts', label: t('shortcuts'), keys: 'F1' },
      ...themes,
      { id: 'log-out', label: t('logOut'), hasLineAbove: true },
    ],
    anchor,
  )
  if (chosen === 'light' || chosen === 'dark' || chosen === 'auto') setTheme(chosen)
  if (chosen === 'log-out') await logOut().catch((caught: unknown) => toast(messageOf(caught), 'error'))
  return chosen
}

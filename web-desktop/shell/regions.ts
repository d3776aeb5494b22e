// Walking the desktop by keys.

export interface Region {
  host: Element
  focus: () => void
}

/** Focuses the region after (or before) the one that holds `focused`; the first where none does. */
export function nextRegion(regions: Region[], focused: Element | undefined, isBackwards: boolean): void {
  const at = regions.findIndex(({ host }) => focused !== undefined && host.contains(focused))
  const to =
    at < 0 && isBackwards ? regions.length - 1 : (at + (isBackwards ? -1 : 1) + regions.length) % regions.length
  regions[to]?.focus()
}

/** Arrow keys, Home and End within a group of buttons of which Tab reaches one. True where the key was one of them. */
export function moveAmong(buttons: readonly HTMLElement[], from: HTMLElement, key: string): boolean {
  const at = buttons.indexOf(from)
  const to: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowRight: at + 1,
    ArrowUp: at - 1,
    ArrowLeft: at - 1,
    Home: 0,
    End: buttons.length - 1,
  }
  const next = to[key]
  if (next === undefined) return false
  buttons.at((next + buttons.length) % buttons.length)?.focus()
  return true
}

// The desktop's windows as plain data, and the one function that changes them. No DOM: what is here is saved as it is.

/** In CSS pixels, within the desktop. */
export interface Rect {
  leftPx: number
  topPx: number
  widthPx: number
  heightPx: number
}

/** Where a window lies: freely, over all of the work area, or over a half or a quarter of it. */
export const places = [
  'normal',
  'maximised',
  'left',
  'right',
  'top-left',
  'top-right',
  'bottom-left',
  'bottom-right',
] as const
export type Place = (typeof places)[number]

export interface WindowState {
  id: string
  appId: string
  /** Where it lies when `place` is `normal`; kept while it is elsewhere, to come back to. */
  rect: Rect
  place: Place
  isMinimised: boolean
  minWidthPx: number
  minHeightPx: number
}

export interface Windows {
  /** What the task bar leaves free. */
  workArea: Rect
  /** In the order they were opened, which the page keeps: only `order` says what lies in front. */
  list: WindowState[]
  /** Ids from back to front. */
  order: string[]
  /** What "show desktop" minimised, to be restored by it. Empty when it has nothing to restore. */
  shownDesktop: string[]
  nextNumber: number
}

export type Wish =
  | {
      type: 'open'
      appId: string
      sizePx: [number, number]
      minSizePx: [number, number]
      singleton: boolean
      /** Where this app's window was last, to be opened there again. */
      lastRect?: Rect | undefined
    }
  | { type: 'focus'; id: string }
  /** Brings the next window to the front, or the one before: the oldest of all or the second. */
  | { type: 'next'; isBackwards: boolean }
  | { type: 'move'; id: string; leftPx: number; topPx: number }
  | { type: 'resize'; id: string; rect: Rect }
  | { type: 'place'; id: string; place: Place }
  /** Takes a window off its place by the title bar: its own size again, the same part of the title under the pointer. */
  | { type: 'tear'; id: string; xPx: number; yPx: number }
  /** Puts a window where it was before a drag was given up. */
  | { type: 'put'; id: string; rect: Rect; place: Place }
  | { type: 'minimise'; id: string }
  | { type: 'restore'; id: string }
  | { type: 'toggle-maximise'; id: string }
  | { type: 'close'; id: string }
  | { type: 'show-desktop' }
  | { type: 'cascade' }
  | { type: 'work-area'; rect: Rect }

/** How much of a title bar always stays within reach, in pixels across and down. */
export const reachPx = 96
export const titleHeightPx = 38
/** How far each new window is set off from the one before. */
export const cascadePx = 28
/** How near an edge the pointer must be for a window to snap there. */
export const snapPx = 24

export function emptyWindows(workArea: Rect): Windows {
  return { workArea, list: [], order: [], shownDesktop: [], nextNumber: 1 }
}

export function windowOf(windows: Windows, id: string): WindowState | undefined {
  return windows.list.find((one) => one.id === id)
}

/** The window in front, or undefined where all are minimised or there is none. */
export function activeWindow(windows: Windows): WindowState | undefined {
  for (let i = windows.order.length - 1; i >= 0; i--) {
    const one = windowOf(windows, windows.order[i]!)
    if (one !== undefined && !one.isMinimised) return one
  }
  return undefined
}

/** Where a window is drawn. A place other than `normal` follows the work area and is never stored. */
export function frameOf(window: WindowState, work: Rect): Rect {
  return window.place === 'normal' ? window.rect : rectOfPlace(window.place, work)
}

export function rectOfPlace(place: Exclude<Place, 'normal'>, work: Rect): Rect {
  const halfWidth = Math.floor(work.widthPx / 2)
  const halfHeight = Math.floor(work.heightPx / 2)
  const isRight = place.endsWith('right')
  const isHalf = place === 'left' || place === 'right'
  if (place === 'maximised') return { ...work }
  return {
    leftPx: work.leftPx + (isRight ? halfWidth : 0),
    topPx: work.topPx + (place.startsWith('bottom') ? halfHeight : 0),
    widthPx: isRight ? work.widthPx - halfWidth : halfWidth,
    heightPx: isHalf ? work.heightPx : place.startsWith('bottom') ? work.heightPx - halfHeight : halfHeight,
  }
}

/** The place a window dropped with the pointer here would take, or undefined where it stays as it is. */
export function snapPlaceAt(work: Rect, xPx: number, yPx: number): Exclude<Place, 'normal'> | undefined {
  const left = xPx - work.leftPx
  const right = work.leftPx + work.widthPx - xPx
  const top = yPx - work.topPx
  const bottom = work.topPx + work.heightPx - yPx
  const corner = snapPx * 3
  const side = left < snapPx ? 'left' : right < snapPx ? 'right' : undefined
  if (side !== undefined) return top < corner ? `top-${side}` : bottom < corner ? `bottom-${side}` : side
  if (top < snapPx) return left < corner ? 'top-left' : right < corner ? 'top-right' : 'maximised'
  return undefined
}

/** A window's rectangle made to fit: not smaller than it may be, its title bar within reach. */
export function clampRect(rect: Rect, work: Rect, minWidthPx: number, minHeightPx: number): Rect {
  const widthPx = Math.round(Math.max(Math.min(rect.widthPx, work.widthPx), Math.min(minWidthPx, work.widthPx)))
  const heightPx = Math.round(Math.max(Math.min(rect.heightPx, work.heightPx), Math.min(minHeightPx, work.heightPx)))
  const reach = Math.min(reachPx, widthPx, work.widthPx)
  const rightmost = work.leftPx + work.widthPx - reach
  const lowest = Math.max(work.topPx, work.topPx + work.heightPx - titleHeightPx)
  return {
    leftPx: whole(Math.min(Math.max(rect.leftPx, work.leftPx + reach - widthPx), rightmost)),
    topPx: whole(Math.min(Math.max(rect.topPx, work.topPx), lowest)),
    widthPx,
    heightPx,
  }
}

/** The nearest whole number, and 0 for -0, which JSON does not know: what is saved must be what is read back. */
function whole(px: number): number {
  return Math.round(px) + 0
}

/**
 * The windows after a wish. Pure: what it is given is never written to, and the same wish on the same windows gives
 * the same. A wish that names no window there is changes nothing.
 */
export function step(windows: Windows, wish: Wish): Windows {
  switch (wish.type) {
    case 'open':
      return open(windows, wish)
    case 'next':
      return next(windows, wish.isBackwards)
    case 'show-desktop':
      return showDesktop(windows)
    case 'cascade':
      return cascade(windows)
    case 'work-area':
      return fitted({ ...windows, workArea: wish.rect })
    default: {
      const found = windowOf(windows, wish.id)
      return found === undefined ? windows : stepOne(windows, found, wish)
    }
  }
}

function stepOne(windows: Windows, found: WindowState, wish: Extract<Wish, { id: string }>): Windows {
  switch (wish.type) {
    case 'focus':
    case 'restore':
      return inFront(changed(windows, found.id, { isMinimised: false }), found.id)
    case 'move':
      return placed(windows, found, { ...found.rect, leftPx: wish.leftPx, topPx: wish.topPx }, 'normal')
    case 'resize':
      return placed(windows, found, wish.rect, 'normal')
    case 'put':
      return placed(windows, found, wish.rect, wish.place)
    case 'place':
      return inFront(changed(windows, found.id, { place: wish.place, isMinimised: false }), found.id)
    case 'toggle-maximise': {
      const place = found.place === 'normal' ? 'maximised' : 'normal'
      return inFront(changed(windows, found.id, { place, isMinimised: false }), found.id)
    }
    case 'tear': {
      const frame = frameOf(found, windows.workArea)
      const share = (wish.xPx - frame.leftPx) / Math.max(1, frame.widthPx)
      const leftPx = wish.xPx - share * found.rect.widthPx
      const topPx = wish.yPx - Math.min(titleHeightPx - 1, Math.max(0, wish.yPx - frame.topPx))
      return placed(windows, found, { ...found.rect, leftPx, topPx }, 'normal')
    }
    case 'minimise':
      return { ...changed(windows, found.id, { isMinimised: true }), order: toBack(windows.order, found.id) }
    case 'close':
      return {
        ...windows,
        list: windows.list.filter((one) => one.id !== found.id),
        order: windows.order.filter((id) => id !== found.id),
        shownDesktop: windows.shownDesktop.filter((id) => id !== found.id),
      }
  }
}

function open(windows: Windows, wish: Extract<Wish, { type: 'open' }>): Windows {
  const existing = wish.singleton ? windows.list.find((one) => one.appId === wish.appId) : undefined
  if (existing !== undefined) return step(windows, { type: 'restore', id: existing.id })
  const [minWidthPx, minHeightPx] = wish.minSizePx
  const work = windows.workArea
  const wanted = wish.lastRect ?? firstFree(windows, wish.sizePx)
  const added: WindowState = {
    id: `w${windows.nextNumber}`,
    appId: wish.appId,
    rect: clampRect(wanted, work, minWidthPx, minHeightPx),
    place: 'normal',
    isMinimised: false,
    minWidthPx,
    minHeightPx,
  }
  return {
    ...windows,
    list: [...windows.list, added],
    order: [...windows.order, added.id],
    shownDesktop: [],
    nextNumber: windows.nextNumber + 1,
  }
}

/** The first place of the cascade where no other window's corner is. The cascade starts so that the window is centred. */
function firstFree(windows: Windows, [width, height]: [number, number]): Rect {
  const work = windows.workArea
  const widthPx = Math.min(width, work.widthPx)
  const heightPx = Math.min(height, work.heightPx)
  const roomX = work.widthPx - widthPx
  const roomY = work.heightPx - heightPx
  const startX = work.leftPx + Math.max(0, Math.floor(roomX / 2) - 2 * cascadePx)
  const startY = work.topPx + Math.max(0, Math.floor(roomY / 2) - 2 * cascadePx)
  const rows = Math.max(1, Math.floor((work.topPx + roomY - startY) / cascadePx) + 1)
  for (let i = 0; i <= windows.list.length; i++) {
    const leftPx = Math.min(startX + i * cascadePx, work.leftPx + Math.max(0, roomX))
    const topPx = startY + (i % rows) * cascadePx
    const isTaken = windows.list.some((one) => one.rect.leftPx === leftPx && one.rect.topPx === topPx)
    if (!isTaken) return { leftPx, topPx, widthPx, heightPx }
  }
  return { leftPx: startX, topPx: startY, widthPx, heightPx }
}

function next(windows: Windows, isBackwards: boolean): Windows {
  const shown = windows.order.filter((id) => windowOf(windows, id)?.isMinimised === false)
  if (shown.length < 2) return windows
  if (isBackwards) return inFront(windows, shown[0]!)
  const order = [shown.at(-1)!, ...windows.order.filter((id) => id !== shown.at(-1))]
  return { ...windows, order, shownDesktop: [] }
}

function showDesktop(windows: Windows): Windows {
  const open = windows.list.filter((one) => !one.isMinimised).map((one) => one.id)
  if (open.length > 0) {
    return { ...windows, list: windows.list.map((one) => ({ ...one, isMinimised: true })), shownDesktop: open }
  }
  const back = new Set(windows.shownDesktop)
  const list = windows.list.map((one) => (back.has(one.id) ? { ...one, isMinimised: false } : one))
  return { ...windows, list, shownDesktop: [] }
}

function cascade(windows: Windows): Windows {
  const work = windows.workArea
  const shown = windows.order.filter((id) => windowOf(windows, id)?.isMinimised === false)
  const list = windows.list.map((one) => {
    const at = shown.indexOf(one.id)
    if (at < 0) return one
    const offset = (at + 1) * cascadePx
    const rect = { ...one.rect, leftPx: work.leftPx + offset, topPx: work.topPx + offset }
    return { ...one, place: 'normal' as const, rect: clampRect(rect, work, one.minWidthPx, one.minHeightPx) }
  })
  return { ...windows, list }
}

function fitted(windows: Windows): Windows {
  const list = windows.list.map((one) => ({
    ...one,
    rect: clampRect(one.rect, windows.workArea, one.minWidthPx, one.minHeightPx),
  }))
  return { ...windows, list }
}

function placed(windows: Windows, window: WindowState, rect: Rect, place: Place): Windows {
  const fit = clampRect(rect, windows.workArea, window.minWidthPx, window.minHeightPx)
  return changed(windows, window.id, { rect: fit, place })
}

function changed(windows: Windows, id: string, change: Partial<WindowState>): Windows {
  return { ...windows, list: windows.list.map((one) => (one.id === id ? { ...one, ...change } : one)) }
}

function inFront(windows: Windows, id: string): Windows {
  return { ...windows, order: [...windows.order.filter((other) => other !== id), id], shownDesktop: [] }
}

function toBack(order: string[], id: string): string[] {
  return [id, ...order.filter((other) => other !== id)]
}

/** Windows as they were saved, or none where what was saved is not of this shape. Apps that are gone are left out. */
export function windowsFromSaved(saved: unknown, workArea: Rect, knownApps: ReadonlySet<string>): Windows {
  const none = emptyWindows(workArea)
  if (typeof saved !== 'object' || saved === null) return none
  const { list, order, nextNumber } = saved as Partial<Windows>
  if (!Array.isArray(list) || !Array.isArray(order) || !Number.isInteger(nextNumber)) return none
  const good = list.filter((one) => isWindowState(one) && knownApps.has(one.appId))
  const ids = new Set(good.map((one) => one.id))
  if (ids.size !== good.length) return none
  const known = [...new Set(order)].filter((id) => ids.has(id))
  const missing = [...ids].filter((id) => !known.includes(id))
  const highest = Math.max(0, ...good.map((one) => Number(one.id.slice(1)) || 0))
  return fitted({
    workArea,
    list: good,
    order: [...missing, ...known],
    shownDesktop: [],
    nextNumber: Math.max(nextNumber!, highest + 1),
  })
}

function isWindowState(value: unknown): value is WindowState {
  const one = value as WindowState | null
  return (
    typeof one?.id === 'string' &&
    typeof one.appId === 'string' &&
    places.includes(one.place) &&
    typeof one.isMinimised === 'boolean' &&
    Number.isFinite(one.minWidthPx) &&
    Number.isFinite(one.minHeightPx) &&
    one.rect !== null &&
    typeof one.rect === 'object' &&
    [one.rect.leftPx, one.rect.topPx, one.rect.widthPx, one.rect.heightPx].every(Number.isFinite)
  )
}

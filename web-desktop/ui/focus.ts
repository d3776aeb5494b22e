// Where the keyboard is, across shadow roots.

const selector =
  'a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), ' +
  'summary, video[controls], [tabindex]'

/** The element that has the focus, however deep in shadow roots. */
export function deepFocus(): HTMLElement | undefined {
  let at = document.activeElement
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
  return at instanceof HTMLElement && at !== document.body ? at : undefined
}

/** Every element under `root` the Tab key reaches, in order, shadow roots and slots included. */
export function tabStops(root: Element | ShadowRoot): HTMLElement[] {
  const found: HTMLElement[] = []
  const visit = (node: Element): void => {
    if (node instanceof HTMLElement) {
      if (node.inert || node.hidden) return
      if (node.matches(selector) && node.tabIndex >= 0 && node.checkVisibility({ visibilityProperty: true })) {
        found.push(node)
      }
    }
    if (node instanceof HTMLSlotElement) for (const child of node.assignedElements()) visit(child)
    for (const child of (node.shadowRoot ?? node).children) {
      visit(child)
    }
  }
  if (root instanceof ShadowRoot) for (const child of root.children) visit(child)
  else visit(root)
  return found
}

/** Focuses what asks for it by `autofocus` or `data-focus` under `root`, else the first element Tab reaches. */
export function focusFirst(root: Element | ShadowRoot): boolean {
  const stops = tabStops(root)
  const wanted = stops.find((one) => one.hasAttribute('autofocus') || one.hasAttribute('data-focus')) ?? stops[0]
  wanted?.focus()
  return wanted !== undefined
}

/** Keeps Tab within `root`: for the `keydown` listener of something modal. */
export function trapTab(event: KeyboardEvent, root: Element | ShadowRoot): void {
  if (event.key !== 'Tab') return
  const stops = tabStops(root)
  const at = deepFocus()
  const edge = event.shiftKey ? stops[0] : stops.at(-1)
  if (stops.length > 0 && at !== edge && at !== undefined && stops.includes(at)) return
  event.preventDefault()
  ;(event.shiftKey ? stops.at(-1) : stops[0])?.focus()
}

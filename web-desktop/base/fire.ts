/**
 * Sends a wish up: a composed, bubbling event named `type`.
 *
 * Returns false where a listener prevented it.
 */
export function fire(target: EventTarget, type: string, detail?: unknown): boolean {
  return target.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable: true }))
}

/** The wish every app may have: another app's window, shown at `route`. */
export interface OpenApp {
  appId: string
  route?: unknown
}

export function fireOpenApp(target: EventTarget, wish: OpenApp): void {
  fire(target, 'open-app', wish)
}

/** Listens, and returns its own undoing. */
export function listen(target: EventTarget, type: string, listener: (event: Event) => void): () => void {
  target.addEventListener(type, listener)
  return () => target.removeEventListener(type, listener)
}

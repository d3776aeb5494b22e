// Short messages in a corner of the desktop. They never take the focus.
import { Store } from '../base/store.ts'

export interface Toast {
  id: number
  level: 'done' | 'error'
  text: string
}

export const toasts = new Store<Toast[]>([])
const shownMs = 8000
const mostShown = 3
let nextId = 1

/** Shows `text` for eight seconds. */
export function toast(text: string, level: Toast['level'] = 'done'): void {
  const id = nextId++
  toasts.set([...toasts.value, { id, level, text }].slice(-mostShown))
  setTimeout(() => dismissToast(id), shownMs)
}

export function dismissToast(id: number): void {
  toasts.set(toasts.value.filter((one) => one.id !== id))
}

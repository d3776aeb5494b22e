// What an app is to the shell: data. Loading it costs nothing; its element comes in a chunk of its own.

import type { Privilege } from '../../shared/privilege.ts'

/** Where an app stands in the main menu. */
export type MenuSection = 'system' | 'surveillance' | 'applications'

export interface AppDefinition {
  /** Stable: saved with a user's windows. */
  id: string
  title: string
  /** One line under the title in the main menu. */
  description: string
  /** SVG text. */
  icon: string
  /** Two colours of the icon's tile, as CSS. */
  tint: [string, string]
  menu: MenuSection
  /** What the task bar's search matches, besides the title. */
  keywords: string[]
  /** The privilege it needs. */
  needs: Privilege
  /** One window only: opening it again shows that one. */
  singleton: boolean
  /** Size a new window has, and the smallest it may have, width and height in CSS pixels. */
  sizePx: [number, number]
  minSizePx: [number, number]
  /** The element the chunk defines. */
  tag: string
  open: () => Promise<unknown>
}

/** What the shell tells an app's element, in its property `page`. */
export interface AppPage {
  windowId: string
  /** False while the window is minimised, or covered by another page on a phone: pictures pause. */
  isShown: boolean
  /** True where one app fills the screen. */
  isPhone: boolean
  /** What another app or an address asked to see; a new object each time. */
  route: unknown
  /** Who is logged in: what an app keeps in the browser is kept for that user. */
  username: string
}

export function defineApp(definition: AppDefinition): AppDefinition {
  return definition
}

import { css, unsafeCSS } from 'lit'
import { isDark } from '../base/theme.ts'
import day from './wallpaper-day.svg?url'
import night from './wallpaper-night.svg?url'

/** The picture behind everything, by theme. `data-night` on the root is kept by `followWallpaper`. */
export const wallpaperStyles = css`
  :host {
    background: #3a6a8c url(${unsafeCSS(JSON.stringify(day))}) center bottom / cover no-repeat;
  }
  :host([data-night]) {
    background: #0d1d3b url(${unsafeCSS(JSON.stringify(night))}) center bottom / cover no-repeat;
  }
`

/** Marks `element` as lying in the dark whenever the theme is; returns the undoing. */
export function followWallpaper(element: HTMLElement): () => void {
  const apply = (): void => void element.toggleAttribute('data-night', isDark())
  document.addEventListener('nj-theme', apply)
  apply()
  return () => document.removeEventListener('nj-theme', apply)
}

import type { Page } from 'playwright-core'
import { codeBits } from './test-clip.ts'

/** The frame number burned into what a video or canvas shows now; undefined where it shows nothing or no code. */
export function readCode(page: Page, app: string, selector: string, index = 0): Promise<number | undefined> {
  return page.evaluate(
    ({ app, selector, index, bits }) => {
      const find = (root: Document | ShadowRoot, wanted: string): Element[] => [
        ...root.querySelectorAll(wanted),
        ...[...root.querySelectorAll('*')].flatMap((one) => (one.shadowRoot ? find(one.shadowRoot, wanted) : [])),
      ]
      const host = find(document, app)[0]
      const shown = host?.shadowRoot ? find(host.shadowRoot, selector)[index] : undefined
      if (!(shown instanceof HTMLVideoElement || shown instanceof HTMLCanvasElement)) return undefined
      const width = shown instanceof HTMLVideoElement ? shown.videoWidth : shown.width
      if (width === 0 || (shown instanceof HTMLVideoElement && (shown.readyState < 2 || shown.seeking)))
        return undefined
      const canvas = document.createElement('canvas')
      canvas.width = 640
      canvas.height = 360
      const context = canvas.getContext('2d', { willReadFrequently: true })!
      context.drawImage(shown, 0, 0, 640, 360)
      let code = 0
      for (let bit = 0; bit < bits; bit++) {
        const [red = 0, green = 0, blue = 0] = context.getImageData(bit * 24 + 12, 11, 1, 1).data
        const light = (red + green + blue) / 3
        if (light > 170) code += 2 ** bit
        else if (light > 85) return undefined
      }
      return code
    },
    { app, selector, index, bits: codeBits },
  )
}

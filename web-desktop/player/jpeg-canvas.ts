/** Draws JPEG pictures on a canvas, the newest one whenever the one before is drawn. */
export class JpegCanvas {
  readonly #canvas: HTMLCanvasElement
  readonly #onPicture: () => void
  #next: Uint8Array | undefined
  #isDrawing = false

  constructor(canvas: HTMLCanvasElement, onPicture: () => void) {
    this.#canvas = canvas
    this.#onPicture = onPicture
  }

  show(bytes: Uint8Array): void {
    this.#next = bytes
    void this.#draw()
  }

  async #draw(): Promise<void> {
    if (this.#isDrawing) return
    this.#isDrawing = true
    while (this.#next !== undefined) {
      const bytes = this.#next
      this.#next = undefined
      // A picture cut short by the camera is passed over: the next one follows.
      const picture = await createImageBitmap(
        new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'image/jpeg' }),
      ).catch(() => undefined)
      if (picture === undefined) continue
      if (this.#canvas.width !== picture.width) this.#canvas.width = picture.width
      if (this.#canvas.height !== picture.height) this.#canvas.height = picture.height
      this.#canvas.getContext('2d')?.drawImage(picture, 0, 0)
      picture.close()
      this.#onPicture()
    }
    this.#isDrawing = false
  }
}

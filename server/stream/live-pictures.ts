// Pictures that several viewers share: what they are, those since the last keyframe, and who is told of the next.

/** One frame, ready to be sent behind a viewer's head. Never written to. */
export interface LiveFrame {
  /** `video`: a fragment that goes with the init segment; `jpeg`: a whole picture. */
  kind: 'video' | 'jpeg'
  isKey: boolean
  utcUs: number
  payload: Uint8Array
}

/** How the frames that follow are to be read. */
export interface PictureStart {
  /** Both absent for JPEG pictures. */
  init?: Uint8Array
  mimeType?: string
  widthPx: number
  heightPx: number
}

export interface PictureListener {
  /** Frames of another kind follow, beginning with a keyframe. */
  started(): void
  frame(frame: LiveFrame): void
  /** No frames for now, and why. */
  ended(reason: string): void
}

/** Frames of a group of pictures kept for those who come later, in bytes and in number. */
const maxKeptBytes = 16 * 1024 * 1024
const maxKeptFrames = 1500

/** Pictures stay ready for so long after the last viewer left: a tile that is switched comes back at once. */
const lingerMs = 4000

export abstract class LivePictures {
  /** Undefined until the first keyframe, and after an end. */
  start: PictureStart | undefined
  /** From the last keyframe on; empty where they would be too many to keep. */
  frames: LiveFrame[] = []
  /** Why there are none now; undefined while there are, or are expected. */
  endReason: string | undefined
  readonly #listeners = new Set<PictureListener>()
  #keptBytes = 0
  #linger: NodeJS.Timeout | undefined
  #isClosed = false

  get isClosed(): boolean {
    return this.#isClosed
  }

  get listenerCount(): number {
    return this.#listeners.size
  }

  /** Tells `listener` of what comes from now on. Returns what ends it. */
  listen(listener: PictureListener): () => void {
    clearTimeout(this.#linger)
    this.#listeners.add(listener)
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
      this.#linger = setTimeout(() => this.close(), lingerMs)
      this.#linger.unref()
    }
  }

  /** Lets go of what the pictures are made from. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#linger)
    this.frames = []
    this.release()
  }

  /** Called once, at the close. */
  protected abstract release(): void

  protected begin(start: PictureStart): void {
    this.start = start
    this.frames = []
    this.#keptBytes = 0
    this.endReason = undefined
    for (const listener of [...this.#listeners]) listener.started()
  }

  protected push(frame: LiveFrame): void {
    if (frame.isKey) {
      this.frames = []
      this.#keptBytes = 0
    }
    // Without its beginning the rest of a group is worth nothing.
    const isKept = frame.isKey || this.frames.length > 0
    this.#keptBytes += frame.payload.length
    if (isKept && this.#keptBytes <= maxKeptBytes && this.frames.length < maxKeptFrames) this.frames.push(frame)
    else this.frames = []
    for (const listener of [...this.#listeners]) listener.frame(frame)
  }

  protected end(reason: string): void {
    this.start = undefined
    this.frames = []
    this.endReason = reason
    for (const listener of [...this.#listeners]) listener.ended(reason)
  }
}

// Plays a live stream of one-frame fragments in a media element, close to the live edge.
import { AppendQueue } from './append-queue.ts'
import { joined } from './box-splitter.ts'
import { chase, nextTarget, targetSec } from './live-chase.ts'
import { bufferedEnd, closeMedia, openMediaSource } from './media-source.ts'
import { type Mp4Track, parseFragment, parseInit } from './mp4-boxes.ts'

const keepBehindSec = 10
const calmMs = 5000
const joinMs = 1000
/** Safari fills its buffer anew when the rate changes. */
const canHurry = !/^((?!chrome|android|crios).)*safari/i.test(navigator.userAgent)

export interface LiveMediaOptions {
  media: HTMLMediaElement
  /** Told when the first frame after an init segment is there, and when the browser gives up. */
  onPicture?: () => void
  onFailure: (reason: string) => void
}

/**
 * One media element fed with init segments and fragments of one frame each.
 *
 * A new init segment goes on after what is buffered, whatever its clock: the last picture stays until the next is
 * there. Sound has an instance of its own, so that its absence stops nothing.
 */
export class LiveMedia {
  readonly #options: LiveMediaOptions
  #source: Promise<MediaSource> | undefined
  #opened: MediaSource | undefined
  #queue: AppendQueue | undefined
  #mimeType = ''
  #isTypeNew = false
  #tracks: Mp4Track[] = []
  #init: Uint8Array | undefined
  #waiting: Uint8Array[] = []
  #isAppending = false
  #isClosed = false
  #isFirst = true
  #target = targetSec
  #calmSinceMs = 0
  #newestUtcUs = 0
  /** Seconds the newest frame ends at, on the element's clock. */
  #endSec = 0
  #offsetSec: number | undefined
  /** Counts init segments. */
  #generation = 0
  /** After an init segment the server sends all from the last keyframe on: what is old of it is jumped over. */
  #joinUntilMs = 0

  constructor(options: LiveMediaOptions) {
    this.#options = options
    options.media.addEventListener('waiting', this.#onWaiting)
    options.media.addEventListener('error', this.#onError)
  }

  /** What follows is of this type. */
  setType(mimeType: string): void {
    if (mimeType === this.#mimeType) return
    this.#mimeType = mimeType
    this.#isTypeNew = true
  }

  addInit(bytes: Uint8Array): void {
    this.#tracks = parseInit(bytes)
    this.#init = bytes
    // Frames of the stream before belong to the init segment before.
    this.#waiting = []
    this.#offsetSec = undefined
    this.#generation += 1
    this.#isFirst = true
    this.#joinUntilMs = performance.now() + joinMs
  }

  addFrame(bytes: Uint8Array, utcUs: number): void {
    if (this.#isClosed || this.#mimeType === '' || this.#tracks.length === 0) return
    this.#waiting.push(bytes)
    this.#newestUtcUs = utcUs
    void this.#append()
  }

  /** UTC microseconds of the frame that is shown now, as far as it can be told. */
  get shownUtcUs(): number | undefined {
    if (this.#newestUtcUs === 0) return undefined
    return this.#newestUtcUs - Math.max(0, this.#endSec - this.#options.media.currentTime) * 1e6
  }

  /** How far the element is behind what it has, in seconds. */
  get behindSec(): number {
    return Math.max(0, this.#endSec - this.#options.media.currentTime)
  }

  close(): void {
    this.#isClosed = true
    this.#queue?.close()
    const { media } = this.#options
    media.removeEventListener('waiting', this.#onWaiting)
    media.removeEventListener('error', this.#onError)
    if (this.#source !== undefined) closeMedia(media)
  }

  readonly #onWaiting = (): void => {
    if (this.#isFirst) return
    this.#target = nextTarget(this.#target, true)
    this.#calmSinceMs = performance.now()
  }

  readonly #onError = (): void => this.#fail(this.#options.media.error?.message || 'the browser cannot play this')

  #fail(reason: string): void {
    if (this.#isClosed) return
    this.close()
    this.#options.onFailure(reason)
  }

  async #append(): Promise<void> {
    if (this.#isAppending) return
    this.#isAppending = true
    try {
      this.#source ??= openMediaSource(this.#options.media)
      this.#opened ??= await this.#source
      while (this.#waiting.length > 0 && !this.#isClosed) await this.#appendBatch(this.#opened)
    } catch (caught) {
      this.#fail(caught instanceof Error ? caught.message : String(caught))
    } finally {
      this.#isAppending = false
    }
  }

  async #appendBatch(source: MediaSource): Promise<void> {
    const { media } = this.#options
    if (this.#queue === undefined) {
      source.duration = Number.POSITIVE_INFINITY
      this.#queue = new AppendQueue(source, this.#mimeType, () => this.#room())
      this.#isTypeNew = false
    }
    const queue = this.#queue
    const frames = this.#waiting
    this.#waiting = []
    const init = this.#init
    this.#init = undefined
    if (init !== undefined) {
      if (this.#isTypeNew) await queue.changeType(this.#mimeType)
      this.#isTypeNew = false
      const generation = this.#generation
      await queue.append(init)
      if (generation !== this.#generation) return
    }
    const bytes = joined(frames)
    const samples = parseFragment(bytes, this.#tracks)
    const first = samples[0]
    if (first === undefined) return
    let offset: number | undefined
    if (this.#offsetSec === undefined) {
      const end = bufferedEnd(queue.buffer.buffered)
      offset = (end ?? 0) - Math.min(...samples.map((sample) => sample.startSec))
      this.#offsetSec = offset
    }
    await queue.append(bytes, offset)
    this.#endSec = bufferedEnd(queue.buffer.buffered) ?? 0
    this.#chase()
    if (media.paused && media.autoplay) void media.play().catch(() => undefined)
    const start = queue.buffer.buffered.length > 0 ? queue.buffer.buffered.start(0) : 0
    if (media.currentTime - start > 1.5 * keepBehindSec) void queue.remove(0, media.currentTime - keepBehindSec)
  }

  #room(): [number, number] | undefined {
    const { currentTime } = this.#options.media
    return currentTime > 1 ? [0, currentTime - 0.5] : undefined
  }

  #chase(): void {
    const { media, onPicture } = this.#options
    const nowMs = performance.now()
    if (nowMs - this.#calmSinceMs > calmMs) {
      this.#target = nextTarget(this.#target, false)
      this.#calmSinceMs = nowMs
    }
    const { buffered } = this.#queue!.buffer
    if (buffered.length === 0) return
    const { jumpTo, rate } = chase(
      this.#endSec,
      this.#endSec - media.currentTime,
      this.#target,
      nowMs < this.#joinUntilMs,
      canHurry,
    )
    const lastStart = buffered.start(buffered.length - 1)
    if (jumpTo !== undefined) media.currentTime = Math.max(lastStart, jumpTo)
    // A hole the camera left: what is there lies behind it.
    else if (media.currentTime < lastStart && this.#endSec - lastStart > this.#target) media.currentTime = lastStart
    if (media.playbackRate !== rate) media.playbackRate = rate
    if (this.#isFirst) {
      this.#isFirst = false
      this.#calmSinceMs = nowMs
      onPicture?.()
    }
  }
}

// Live pictures made anew for browsers that cannot play the stream: H.264 by a transcoder, JPEG from keyframes.
import { parseMoof } from '../media/mp4/fragment.ts'
import { type MovieTrack, parseMoov } from '../media/mp4/movie.ts'
import type { Decoder } from './decoder.ts'
import type { H264Transcoder, Transcode } from './h264-transcoder.ts'
import type { LiveFeed } from './live-feed.ts'
import { type LiveFrame, LivePictures } from './live-pictures.ts'

/** Further behind than this, the child is given no more until the next keyframe. */
const maxBacklogBytes = 4 * 1024 * 1024

/** A feed's pictures as H.264, at most 720 lines, one child however many watch. */
export class H264Pictures extends LivePictures {
  readonly #feed: LiveFeed
  readonly #transcoder: H264Transcoder
  readonly #unlisten: () => void
  readonly #onClose: () => void
  #child: Transcode | undefined
  #movie: MovieTrack | undefined
  #isSkipping = false

  /** Fails `limit` where as many transcoders run as may. */
  constructor(feed: LiveFeed, transcoder: H264Transcoder, onClose: () => void) {
    super()
    this.#feed = feed
    this.#transcoder = transcoder
    this.#onClose = onClose
    if (feed.start !== undefined) this.#restart()
    this.#unlisten = feed.listen({
      started: () => {
        try {
          this.#restart()
        } catch (error) {
          this.#stop(error instanceof Error ? error.message : String(error))
        }
      },
      frame: (frame) => this.#give(frame),
      ended: (reason) => this.#stop(reason),
    })
  }

  protected override release(): void {
    this.#unlisten()
    this.#drop()
    this.#onClose()
  }

  #restart(): void {
    this.#drop()
    const { init } = this.#feed.start ?? {}
    if (init === undefined) return
    this.#isSkipping = false
    let child: Transcode | undefined
    const isCurrent = () => child === this.#child
    child = this.#transcoder.start(
      { hasSound: false, isKeysOnly: false },
      {
        init: (bytes) => {
          if (isCurrent()) this.#begin(bytes)
        },
        fragment: (bytes) => {
          if (isCurrent()) this.#take(bytes)
        },
        ended: (reason) => {
          if (isCurrent() && !this.isClosed) this.#stop(reason ?? 'the conversion to H.264 ended')
        },
      },
    )
    this.#child = child
    child.write(init)
    for (const frame of this.#feed.frames) child.write(frame.payload)
  }

  #give(frame: LiveFrame): void {
    if (this.#child === undefined) return
    if (this.#child.backlogBytes > maxBacklogBytes) this.#isSkipping = true
    else if (frame.isKey) this.#isSkipping = false
    if (!this.#isSkipping) this.#child.write(frame.payload)
  }

  #begin(init: Uint8Array): void {
    const track = parseMoov(init).find(({ kind }) => kind === 'video')
    if (track?.config?.kind !== 'video') return
    this.#movie = track
    const { widthPx, heightPx } = track.config
    this.begin({ init, mimeType: `video/mp4; codecs="${track.codecString}"`, widthPx, heightPx })
  }

  #take(payload: Uint8Array): void {
    const movie = this.#movie
    if (movie === undefined) return
    const sample = parseMoof(payload, 0, (id) => (id === movie.id ? movie.defaults : undefined))[0]?.samples[0]
    if (sample === undefined) return
    const utcUs = this.#feed.utcUsOf(sample.dtsTicks / movie.timescale)
    this.push({ kind: 'video', isKey: sample.isKey, utcUs, payload })
  }

  #stop(reason: string): void {
    this.#drop()
    this.end(reason)
  }

  #drop(): void {
    const child = this.#child
    this.#child = undefined
    child?.close()
  }
}

/** A feed's keyframes as JPEG pictures, as wide as a tile needs. */
export class JpegPictures extends LivePictures {
  readonly #feed: LiveFeed
  readonly #decoder: Decoder
  readonly #widthPx: number
  readonly #unlisten: () => void
  readonly #onClose: () => void
  #isBusy = false

  constructor(feed: LiveFeed, decoder: Decoder, widthPx: number, onClose: () => void) {
    super()
    this.#feed = feed
    this.#decoder = decoder
    this.#widthPx = widthPx
    this.#onClose = onClose
    this.#unlisten = feed.listen({
      started: () => undefined,
      frame: (frame) => {
        if (frame.isKey) void this.#decode(frame)
      },
      ended: (reason) => this.end(reason),
    })
    const key = feed.frames[0]
    if (key !== undefined) void this.#decode(key)
  }

  protected override release(): void {
    this.#unlisten()
    this.#onClose()
  }

  async #decode(frame: LiveFrame): Promise<void> {
    const { video } = this.#feed
    // A keyframe that comes while one is decoded is left out: the next is never far.
    if (video === undefined || this.#isBusy) return
    this.#isBusy = true
    try {
      const sample = frame.kind === 'jpeg' ? frame.payload : this.#feed.sampleOf(frame.payload)
      const payload = await this.#decoder.picture(video, sample, this.#widthPx)
      if (this.isClosed) return
      if (this.start === undefined) this.begin({ widthPx: video.widthPx, heightPx: video.heightPx })
      this.push({ kind: 'jpeg', isKey: true, utcUs: frame.utcUs, payload })
    } catch (error) {
      if (!this.isClosed) this.end(error instanceof Error ? error.message : String(error))
    } finally {
      this.#isBusy = false
    }
  }
}

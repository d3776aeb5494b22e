// All streams that are watched now, each once, in each form once, however many look at them.
import type { Decoder } from './decoder.ts'
import { pictureWidths } from './decoder.ts'
import type { H264Transcoder } from './h264-transcoder.ts'
import { H264Pictures, JpegPictures } from './live-conversion.ts'
import { LiveFeed } from './live-feed.ts'
import type { LivePictures } from './live-pictures.ts'
import type { LiveSource } from './live-reader.ts'

export class LiveHub {
  readonly #source: LiveSource
  readonly #decoder: Decoder
  readonly #transcoder: H264Transcoder
  readonly #feeds = new Map<string, LiveFeed>()
  readonly #converted = new Map<string, LivePictures>()

  constructor(source: LiveSource, decoder: Decoder, transcoder: H264Transcoder) {
    this.#source = source
    this.#decoder = decoder
    this.#transcoder = transcoder
  }

  /** The feed of a stream. It is let go a little after its last listener. */
  feed(cameraId: string, stream: number): LiveFeed {
    const key = `${cameraId}/${stream}`
    let feed = this.#feeds.get(key)
    if (feed === undefined) {
      feed = new LiveFeed(this.#source, cameraId, stream, () => this.#feeds.delete(key))
      this.#feeds.set(key, feed)
    }
    return feed
  }

  /** What a stream's picture is coded in, as far as it is watched now. */
  codecOf(cameraId: string, stream: number): 'h264' | 'h265' | 'mjpeg' | undefined {
    return this.#feeds.get(`${cameraId}/${stream}`)?.video?.codec
  }

  canConvert(cameraId: string, stream: number): boolean {
    return this.#transcoder.hasRoom || this.#converted.has(`${cameraId}/${stream}/h264`)
  }

  /** A feed's pictures in the form chosen. Fails `limit` where no more streams can be converted. */
  pictures(feed: LiveFeed, form: 'as-is' | 'h264' | 'jpeg', widthPx: number): LivePictures {
    if (form === 'as-is') return feed
    const width = pictureWidths.find((candidate) => candidate >= widthPx) ?? pictureWidths.at(-1)!
    const key = `${feed.cameraId}/${feed.stream}/${form === 'h264' ? form : width}`
    let pictures = this.#converted.get(key)
    if (pictures === undefined) {
      const forget = () => this.#converted.delete(key)
      pictures =
        form === 'h264'
          ? new H264Pictures(feed, this.#transcoder, forget)
          : new JpegPictures(feed, this.#decoder, width, forget)
      this.#converted.set(key, pictures)
    }
    return pictures
  }

  close(): void {
    for (const pictures of [...this.#converted.values(), ...this.#feeds.values()]) pictures.close()
  }
}

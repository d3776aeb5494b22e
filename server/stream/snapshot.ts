// The newest picture of a camera as JPEG.
import { Failure } from '../../shared/failure.ts'
import type { TrackConfig } from '../media/track.ts'
import type { Decoder } from './decoder.ts'
import { subStreamWidthPx } from './live-choice.ts'
import type { LiveStreamInfo } from './live-reader.ts'

/** Where the newest keyframe of a stream is had from. */
export interface KeyframeSource {
  /** Undefined where the stream has none. */
  keyframe(
    cameraId: string,
    stream: number,
  ): Promise<{ data: Uint8Array; utcUs: number; config: TrackConfig } | undefined>
}

export interface Snapshot {
  jpeg: Uint8Array
  /** When it was taken, UTC microseconds. */
  utcUs: number
  /** The stream it was taken from. */
  stream: number
}

/** A picture is good for so long: many viewers of a list of cameras cost one decoding each. */
const freshMs = 1000

export class Snapshots {
  readonly #source: KeyframeSource
  readonly #decoder: Decoder
  readonly #streams: (cameraId: string) => LiveStreamInfo[] | undefined
  /** By camera and width; those being made too. */
  readonly #kept = new Map<string, Promise<Snapshot>>()

  constructor(source: KeyframeSource, decoder: Decoder, streams: (cameraId: string) => LiveStreamInfo[] | undefined) {
    this.#source = source
    this.#decoder = decoder
    this.#streams = streams
  }

  /**
   * The newest picture of a camera, `widthPx` wide or a little wider; small ones are made from its sub stream.
   *
   * Fails `not-found` without such a camera, `unreachable` where none of its streams is live.
   */
  newest(cameraId: string, widthPx: number): Promise<Snapshot> {
    const key = `${cameraId} ${widthPx}`
    let snapshot = this.#kept.get(key)
    if (snapshot === undefined) {
      snapshot = this.#make(cameraId, widthPx)
      this.#kept.set(key, snapshot)
      const forget = () => this.#kept.delete(key)
      snapshot.then(() => setTimeout(forget, freshMs).unref(), forget)
    }
    return snapshot
  }

  async #make(cameraId: string, widthPx: number): Promise<Snapshot> {
    const streams = this.#streams(cameraId)
    if (streams === undefined) throw new Failure('not-found', 'there is no such camera')
    const byNumber = [...streams].sort((a, b) => a.stream - b.stream)
    const live = byNumber.filter(({ isLive }) => isLive)
    const ordered = widthPx <= subStreamWidthPx ? [...live.slice(1), ...live.slice(0, 1)] : live
    for (const { stream } of ordered) {
      const found = await this.#source.keyframe(cameraId, stream)
      if (found?.config.kind !== 'video') continue
      return { jpeg: await this.#decoder.picture(found.config, found.data, widthPx), utcUs: found.utcUs, stream }
    }
    const reason = byNumber.find(({ isLive }) => !isLive)?.reason
    throw new Failure('unreachable', `the camera has no picture now${reason ? `: ${reason}` : ''}`)
  }
}

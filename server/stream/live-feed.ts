// A watched stream: its samples muxed once, its last group of pictures kept, its sound beside it.
import { liveFrameKinds } from '../../shared/live.ts'
import { parseJpegSize } from '../media/jpeg.ts'
import type { TrackConfig, VideoTrack } from '../media/track.ts'
import { fragmentHeadBytes, LiveMux, type LiveSound } from './live-mux.ts'
import { LivePictures } from './live-pictures.ts'
import { type LiveReader, type LiveSource, liveTracks } from './live-reader.ts'

/** A packet of sound. */
export interface LiveSoundFrame {
  kind: typeof liveFrameKinds.aac | typeof liveFrameKinds.g711
  utcUs: number
  payload: Uint8Array
}

/** The pictures of one stream as its camera codes them, and its sound. */
export class LiveFeed extends LivePictures implements LiveReader {
  readonly cameraId: string
  readonly stream: number
  readonly #mux = new LiveMux()
  readonly #soundListeners = new Set<(frame: LiveSoundFrame) => void>()
  readonly #source: LiveSource
  readonly #unwatch: () => void
  readonly #onClose: () => void

  constructor(source: LiveSource, cameraId: string, stream: number, onClose: () => void) {
    super()
    this.#source = source
    this.cameraId = cameraId
    this.stream = stream
    this.#onClose = onClose
    this.#unwatch = source.watch(cameraId, stream, this)
  }

  /** What the picture is coded in; undefined before the first run. */
  get video(): VideoTrack | undefined {
    return this.#mux.video
  }

  get sound(): LiveSound {
    return this.#mux.sound
  }

  utcUsOf(mediaSec: number): number {
    return this.#mux.utcUsOf(mediaSec)
  }

  /** The sample within a fragment of this feed. */
  sampleOf(payload: Uint8Array): Uint8Array {
    return payload.subarray(fragmentHeadBytes)
  }

  listenToSound(listener: (frame: LiveSoundFrame) => void): () => void {
    this.#soundListeners.add(listener)
    if (this.#soundListeners.size === 1) this.#source.wantSound(this.cameraId, this.stream, true)
    return () => {
      if (!this.#soundListeners.delete(listener) || this.#soundListeners.size > 0) return
      this.#source.wantSound(this.cameraId, this.stream, false)
    }
  }

  config(tracks: TrackConfig[]): void {
    this.#mux.configure(tracks)
    this.start = undefined
    this.frames = []
    if (this.#mux.video === undefined) this.end('this stream has no picture')
  }

  sample(
    track: 0 | 1 | 2,
    isKey: boolean,
    _isBurst: boolean,
    dtsTicks: number,
    ctsTicks: number,
    utcUs: number,
    data: Uint8Array,
  ): void {
    if (track === liveTracks.picture) this.#picture(isKey, dtsTicks, ctsTicks, utcUs, data)
    else if (track === liveTracks.sound) this.#sound(dtsTicks, utcUs, data)
  }

  ended(reason: string): void {
    this.end(reason)
  }

  protected override release(): void {
    this.#unwatch()
    this.#onClose()
  }

  #picture(isKey: boolean, dtsTicks: number, ctsTicks: number, utcUs: number, data: Uint8Array): void {
    const { video } = this.#mux
    if (video === undefined) return
    if (!this.#mux.isBegun) {
      if (!isKey) return
      this.#mux.begin(dtsTicks, ctsTicks, utcUs)
    }
    if (video.codec === 'mjpeg') {
      if (this.start === undefined) this.begin(jpegStart(video, data))
      this.push({ kind: 'jpeg', isKey: true, utcUs, payload: Buffer.from(data) })
      return
    }
    if (this.start === undefined) {
      if (!isKey) return
      const { widthPx, heightPx } = video
      this.begin({ init: this.#mux.pictureInit(), mimeType: this.#mux.pictureMimeType, widthPx, heightPx })
    }
    this.push({ kind: 'video', isKey, utcUs, payload: this.#mux.picture(isKey, dtsTicks, ctsTicks, data) })
  }

  #sound(dtsTicks: number, utcUs: number, data: Uint8Array): void {
    if (this.#soundListeners.size === 0 || !this.#mux.isBegun) return
    const isAac = this.sound.kind === 'aac'
    if (!isAac && this.sound.kind !== 'g711') return
    const frame: LiveSoundFrame = isAac
      ? { kind: liveFrameKinds.aac, utcUs, payload: this.#mux.aac(dtsTicks, data) }
      : { kind: liveFrameKinds.g711, utcUs, payload: Buffer.from(data) }
    for (const listener of this.#soundListeners) listener(frame)
  }
}

function jpegStart(video: VideoTrack, data: Uint8Array): { widthPx: number; heightPx: number } {
  try {
    return parseJpegSize(data)
  } catch {
    return video
  }
}

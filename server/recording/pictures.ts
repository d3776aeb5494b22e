// All that gives pictures out, put together: playback, movies, single pictures, and the live WebSocket.
import type { StreamHealth } from '../../shared/stream.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Route } from '../http/router.ts'
import { Decoder } from '../stream/decoder.ts'
import { H264Transcoder } from '../stream/h264-transcoder.ts'
import { LiveHub } from '../stream/live-hub.ts'
import type { LiveSource, LiveStreamInfo } from '../stream/live-reader.ts'
import { LiveSockets } from '../stream/live-socket.ts'
import { type KeyframeSource, Snapshots } from '../stream/snapshot.ts'
import { ClipShelf } from './clip-shelf.ts'
import { SoundCache } from './clip-sound.ts'
import { FootageFiles } from './footage-file.ts'
import { type PinListener, Pins } from './pins.ts'
import { pictureRoutes } from './playback-routes.ts'
import { SegmentIndex } from './segment-index.ts'
import { FootageReader, type SegmentCatalogue } from './segment-reader.ts'

/** What pictures need of the recorder; `RecorderClient` is it. */
export interface PictureRecorder extends LiveSource, KeyframeSource {
  setPins: PinListener
}

export interface PicturesOptions<Actor> {
  /** Without one there are no live pictures. */
  recorder: PictureRecorder | undefined
  catalogue: SegmentCatalogue
  /** The state of every stream of every camera now. */
  health: () => readonly StreamHealth[]
  /** A camera's name; undefined where it is not known. */
  cameraName: (cameraId: string) => Promise<string | undefined>
  /** Whether an actor may see a camera live. */
  mayWatch: (actor: Actor, cameraId: string) => boolean | Promise<boolean>
  clock: Clock
  logger: Logger
  /** A folder of their own for sound that was converted; made when needed, emptied at the close. */
  temporaryFolder: string
}

const noRecorder: PictureRecorder = {
  watch: (_cameraId, _stream, reader) => {
    reader.ended('there is no recorder')
    return () => undefined
  },
  keyframe: async () => undefined,
  setPins: () => undefined,
}

export class Pictures<Actor> {
  readonly routes: Route[]
  readonly live: LiveSockets<Actor>
  readonly #decoder = new Decoder()
  readonly #transcoder = new H264Transcoder()
  readonly #hub: LiveHub
  readonly #index: SegmentIndex
  readonly #sounds: SoundCache
  readonly #clips: ClipShelf
  readonly #pins: Pins

  constructor(options: PicturesOptions<Actor>) {
    const { recorder = noRecorder, clock, logger, cameraName, mayWatch, health } = options
    const streams = (cameraId: string) => streamsOf(health(), cameraId)
    const files = new FootageFiles()
    this.#index = new SegmentIndex(files)
    const reader = new FootageReader(options.catalogue, this.#index, files)
    this.#pins = new Pins((pins) => recorder.setPins(pins))
    this.#sounds = new SoundCache(reader, options.temporaryFolder)
    this.#clips = new ClipShelf({
      reader,
      convert: (stretches, fromUs, toUs) => this.#sounds.convert(stretches, fromUs, toUs),
      pin: (rows) => this.#pins.pin(rows),
    })
    this.#hub = new LiveHub(recorder, this.#decoder, this.#transcoder)
    this.live = new LiveSockets({ hub: this.#hub, streams, mayWatch, clock, logger })
    this.routes = pictureRoutes({
      reader,
      files,
      decoder: this.#decoder,
      transcoder: this.#transcoder,
      snapshots: new Snapshots(recorder, this.#decoder, streams),
      clips: this.#clips,
      clock,
      cameraName,
    })
  }

  /** A recorder was just connected: it is told what must not be removed. */
  recorderConnected(): void {
    this.#pins.repeat()
  }

  /** A segment's file is gone: what was kept of it is forgotten. */
  segmentRemoved(segmentId: string): void {
    this.#index.forget(segmentId)
  }

  async close(): Promise<void> {
    this.live.close()
    this.#hub.close()
    this.#clips.close()
    this.#transcoder.close()
    this.#decoder.close()
    await this.#sounds.close()
  }
}

/** A camera's streams for a viewer; undefined where it has none, being no camera. */
export function streamsOf(health: readonly StreamHealth[], cameraId: string): LiveStreamInfo[] | undefined {
  const own = health.filter((one) => one.cameraId === cameraId)
  if (own.length === 0) return undefined
  return own.map(({ stream, state, videoCodec, fault, faultDetail, sinceMs }) => ({
    stream,
    isLive: state === 'live',
    videoCodec,
    reason: state === 'live' ? '' : (faultDetail ?? fault ?? (state === 'off' ? 'the stream is off' : 'connecting')),
    sinceMs,
  }))
}

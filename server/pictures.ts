// Builds all that gives pictures out: playback, movies, snapshots and live view, and mounts the live WebSocket.
import { join } from 'node:path'
import type { Bus } from './base/bus.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import type { Scope } from './base/scope.ts'
import type { CameraService } from './camera/camera-service.ts'
import type { Route } from './http/router.ts'
import { ClipShelf } from './recording/clip-shelf.ts'
import { SoundCache } from './recording/clip-sound.ts'
import { FootageFiles } from './recording/footage-file.ts'
import type { HealthService } from './recording/health-service.ts'
import { Pins } from './recording/pins.ts'
import { pictureRoutes } from './recording/playback-routes.ts'
import type { RecorderLink } from './recording/recorder-link.ts'
import type { SegmentRow } from './recording/recorder-protocol.ts'
import type { RecordingStore } from './recording/recording-store.ts'
import { SegmentIndex } from './recording/segment-index.ts'
import { FootageReader } from './recording/segment-reader.ts'
import { folderOf, type SpaceService } from './space/space-service.ts'
import { Decoder } from './stream/decoder.ts'
import { H264Transcoder } from './stream/h264-transcoder.ts'
import { LiveHub } from './stream/live-hub.ts'
import type { LiveStreamInfo } from './stream/live-reader.ts'
import { LiveSockets } from './stream/live-socket.ts'
import { Snapshots } from './stream/snapshot.ts'

export interface PicturesOptions<Actor> {
  dataDir: string
  store: RecordingStore
  spaces: SpaceService
  cameras: CameraService
  health: HealthService
  recorder: RecorderLink | undefined
  mayWatch: (actor: Actor, cameraId: string) => boolean | Promise<boolean>
  bus: Bus
  clock: Clock
  logger: Logger
  scope: Scope
}

export interface Pictures<Actor> {
  routes: Route[]
  sockets: LiveSockets<Actor>
  decoder: Decoder
}

/** Builds the parts in ladder order; what they start ends with the scope. */
export async function buildPictures<Actor>(options: PicturesOptions<Actor>): Promise<Pictures<Actor>> {
  const { scope, store, spaces, cameras, recorder, clock, logger } = options
  const files = new FootageFiles()
  const catalogue = {
    segments: (cameraId: string, stream: number, kind: SegmentRow['kind'], fromMs: number, toMs: number) =>
      store.listSegments(cameraId, stream, kind, fromMs * 1000, toMs * 1000),
    folderOf: await spaceFolders(spaces, options.bus, scope),
  }
  const reader = new FootageReader(catalogue, new SegmentIndex(files), files)
  const decoder = new Decoder()
  scope.add(() => decoder.close())
  const transcoder = new H264Transcoder()
  scope.add(() => transcoder.close())
  const sounds = new SoundCache(reader, join(options.dataDir, 'sound-cache'))
  scope.add(() => sounds.close())
  const pins = new Pins((all) => recorder?.setPins(all))
  recorder?.onConnected(() => pins.repeat())
  const clips = new ClipShelf({
    reader,
    convert: (stretches, fromUs, toUs) => sounds.convert(stretches, fromUs, toUs),
    pin: (rows) => pins.pin(rows),
  })
  scope.add(() => clips.close())
  const streams = (cameraId: string) => streamsOf(options.health, cameraId)
  const source = recorder ?? noRecorder
  const snapshots = new Snapshots(source, decoder, streams)
  const hub = new LiveHub(source, decoder, transcoder)
  scope.add(() => hub.close())
  const onSeen = () => options.bus.emit('picture-seen', {})
  const sockets = new LiveSockets<Actor>({ hub, streams, mayWatch: options.mayWatch, onSeen, clock, logger })
  scope.add(() => sockets.close())
  const cameraName = async (cameraId: string) => (await cameras.list()).find(({ id }) => id === cameraId)?.name
  return {
    routes: pictureRoutes({ reader, files, decoder, transcoder, snapshots, clips, clock, cameraName }),
    sockets,
    decoder,
  }
}

/** Where no recorder is, there is nothing to watch. */
const noRecorder: Pick<RecorderLink, 'watch' | 'wantSound' | 'keyframe'> = {
  watch: (_cameraId, _stream, reader) => {
    reader.ended('the server runs without a recorder')
    return () => undefined
  },
  wantSound: () => undefined,
  keyframe: async () => undefined,
}

/** The folders of spaces by their id, kept at hand: they change only when a space is made or removed. */
async function spaceFolders(
  spaces: SpaceService,
  bus: Bus,
  scope: Scope,
): Promise<(spaceId: string) => string | undefined> {
  let folders = new Map<string, string>()
  const read = async () => {
    folders = new Map((await spaces.listStored()).map((space) => [space.id, folderOf(space)]))
  }
  await read()
  scope.add(bus.on('space-changed', () => read()))
  scope.add(bus.on('space-removed', () => read()))
  return (spaceId) => folders.get(spaceId)
}

/** A camera's streams as they do now; undefined where none is known of it. */
function streamsOf(health: HealthService, cameraId: string): LiveStreamInfo[] | undefined {
  const known = health.list().filter((one) => one.cameraId === cameraId)
  if (known.length === 0) return undefined
  return known.map((one) => ({
    stream: one.stream,
    isLive: one.state === 'live',
    videoCodec: one.videoCodec,
    reason: one.state === 'live' ? '' : (one.faultDetail ?? 'not connected yet'),
    sinceMs: one.sinceMs,
  }))
}

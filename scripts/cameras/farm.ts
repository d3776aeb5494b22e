// Any number of simulated cameras in one process.
import path from 'node:path'
import { Camera, type CameraStats } from './camera.ts'
import { type ClipChanges, ClipLibrary, type VideoClip } from './clip-library.ts'
import type { AuthScheme } from './doorkeeper.ts'
import type { FaultWish } from './fault.ts'
import { type CameraSpec, type Preset, presetCameras } from './preset.ts'
import type { RtpClip } from './rtp-clip.ts'
import type { FindStream } from './rtsp-connection.ts'
import { RtspServer } from './rtsp-server.ts'
import type { Stream } from './stream.ts'
import { TimeWheel } from './time-wheel.ts'
import { TrackSource } from './track-source.ts'

/** How a farm is set up; everything has a default. */
export interface FarmOptions {
  /** Used where `cameras` is a number or absent. Default `plain`. */
  preset?: Preset
  /** How many of the preset's, default 1 (`demo`: 4); or the cameras themselves. */
  cameras?: number | CameraSpec[]
  /** Address to listen on. Default 127.0.0.1. */
  host?: string
  /** Default 0, any free port. With `portPerCamera`, camera k listens on this plus k, or on a free one. */
  rtspPort?: number
  /** Every camera its own RTSP port, beside its path; only then does `refuse` close a port. Default false. */
  portPerCamera?: boolean
  /** Folder of clips, made if missing. Default `.cache/clips` of the project. */
  cacheDir?: string
  /** For cameras that say nothing else. Default `none`, or `digest` where a password is given. */
  auth?: AuthScheme
  user?: string
  password?: string
  /** Line rate of every connection in Mbit/s. Default 100. */
  lineMbit?: number
  /** Send buffer of every connection. Default 131072. */
  sendBufferBytes?: number
  /** Silence after which a session ends. Default 60. */
  sessionTimeoutSec?: number
  /** Changes to named clips. */
  clips?: ClipChanges
  /** Length of sounds in seconds. */
  audioSec?: number
  /** Clips made ready for the fault `clip` beyond those that are shown. */
  spareClips?: string[]
}

/** Cameras at work, until `close`. */
export interface CameraFarm {
  readonly cameras: readonly Camera[]
  readonly host: string
  /** The port all cameras share. */
  readonly rtspPort: number
  /** Address of a stream; the camera by number from 0 or by name, the stream its main one unless named. */
  rtspUrl(camera: number | string, stream?: string): string
  /** Sets faults (`fault.ts`); `null` clears all. */
  fault(camera: number | string, wish: FaultWish | null): void
  stats(): CameraStats[]
  close(): Promise<void>
}

const DEFAULT_CACHE = path.join(import.meta.dirname, '../../.cache/clips')
const HOUR_SEC = 3600
// Successive multiples of it fall evenly apart, whatever their number.
const GOLDEN = 0.6180339887

/** Makes the clips that are missing, then starts the cameras. */
export async function startCameras(options: FarmOptions = {}): Promise<CameraFarm> {
  const host = options.host ?? '127.0.0.1'
  const preset = options.preset ?? 'plain'
  const specs = Array.isArray(options.cameras)
    ? options.cameras
    : presetCameras(preset, options.cameras ?? (preset === 'demo' ? 4 : 1))
  const library = new ClipLibrary(options.cacheDir ?? DEFAULT_CACHE, options.clips ?? {}, options.audioSec)
  const wheel = new TimeWheel()
  const cameras: Camera[] = []
  for (const [i, spec] of specs.entries()) cameras.push(await makeCamera(spec, i, library, wheel, options))

  const find = (own: Camera | undefined): FindStream => {
    return (url) => findStream(cameras, own, url)
  }
  const servers: RtspServer[] = []
  const listen = async (port: number, own: Camera | undefined) => {
    const server = new RtspServer(host, port, find(own))
    await server.listen()
    servers.push(server)
    return server
  }
  const ownPort = new Map<Camera, number>()
  const shared = options.portPerCamera ? undefined : await listen(options.rtspPort ?? 0, undefined)
  if (options.portPerCamera) {
    for (const [i, camera] of cameras.entries()) {
      const server = await listen(options.rtspPort ? options.rtspPort + i : 0, camera)
      ownPort.set(camera, server.port)
      camera.onRefuseChanged = (isRefused) => void (isRefused ? server.pause() : server.listen())
    }
  }

  const cameraOf = (which: number | string): Camera => {
    const camera = typeof which === 'number' ? cameras[which] : cameras.find(({ name }) => name === which)
    if (!camera) throw new Error(`simulated camera ${which}: there is none`)
    return camera
  }
  return {
    cameras,
    host,
    rtspPort: shared?.port ?? ownPort.get(cameras[0]!)!,
    rtspUrl(which, stream) {
      const camera = cameraOf(which)
      const port = ownPort.get(camera) ?? shared!.port
      return `rtsp://${host}:${port}/${camera.name}/${stream ?? camera.streams[0]!.name}`
    },
    fault(which, wish) {
      const camera = cameraOf(which)
      if (wish === null) camera.clearFaults()
      else camera.setFaults(wish)
    },
    stats: () => cameras.map((camera) => camera.stats),
    async close() {
      wheel.close()
      await Promise.all(servers.map((server) => server.pause()))
    },
  }
}

async function makeCamera(
  spec: CameraSpec,
  number: number,
  library: ClipLibrary,
  wheel: TimeWheel,
  options: FarmOptions,
): Promise<Camera> {
  const clips = new Map<string, RtpClip>()
  const streams: Stream[] = []
  const phase = (number * GOLDEN) % 1
  for (const wanted of spec.streams) {
    const video = await library.video(wanted.clip, spec)
    clips.set(wanted.clip, video.rtp)
    const tracks = [makeVideoSource(video, wheel, phase)]
    if (wanted.audio) tracks.push(makeSource(await library.audio(wanted.audio), wheel, phase))
    if (wanted.metadata) tracks.push(makeSource(library.metadata(), wheel, phase))
    streams.push({ name: wanted.name, tracks, bitrateKbps: video.raw.recipe.bitrateKbps })
  }
  for (const name of options.spareClips ?? []) clips.set(name, (await library.video(name, spec)).rtp)
  const password = spec.password ?? options.password ?? ''
  return new Camera({
    name: spec.name,
    title: spec.title ?? spec.name,
    auth: spec.auth ?? options.auth ?? (password === '' ? 'none' : 'digest'),
    user: spec.user ?? options.user ?? 'admin',
    password,
    lineMbit: options.lineMbit ?? 100,
    sendBufferBytes: options.sendBufferBytes ?? 128 * 1024,
    sessionTimeoutSec: options.sessionTimeoutSec ?? 60,
    streams,
    clips,
    wheel,
  })
}

/** A source whose place in the frame slot and in the loop is the camera's own. */
function makeSource(clip: RtpClip, wheel: TimeWheel, phase: number): TrackSource {
  const frameMs = (clip.frameTicks / clip.clockRate) * 1000
  return new TrackSource(wheel, clip, Math.floor(phase * clip.frames.length), performance.now() + phase * frameMs)
}

/** The same; but a clip of an hour shows the minute of the UTC hour. */
function makeVideoSource(video: VideoClip, wheel: TimeWheel, phase: number): TrackSource {
  const { recipe } = video.raw
  if (recipe.seconds !== HOUR_SEC) return makeSource(video.rtp, wheel, phase)
  const frameMs = 1000 / recipe.fps
  const intoHourMs = Date.now() % (HOUR_SEC * 1000)
  const index = Math.ceil(intoHourMs / frameMs)
  return new TrackSource(wheel, video.rtp, index, performance.now() + index * frameMs - intoHourMs)
}

/** `/camera/stream/trackID=n`; on a port of its own a camera is also found as `/stream`. */
function findStream(cameras: Camera[], own: Camera | undefined, url: string) {
  const parts = url.split('/').filter((part) => part !== '' && !/^trackID=/.test(part))
  const named = own ? (parts[0] === own.name ? own : undefined) : cameras.find(({ name }) => name === parts[0])
  const camera = named ?? own
  if (!camera) return undefined
  const streamName = named ? parts[1] : parts[0]
  const stream = streamName === undefined ? camera.streams[0] : camera.streams.find(({ name }) => name === streamName)
  return { camera, stream }
}

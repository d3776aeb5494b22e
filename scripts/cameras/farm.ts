// Any number of simulated cameras in one process.
import path from 'node:path'
import type { Camera, CameraStats } from './camera.ts'
import { makeCamera } from './camera-factory.ts'
import { answerCameraHttp } from './camera-http.ts'
import { loadCertificate } from './certificate.ts'
import { type ClipChanges, ClipLibrary } from './clip-library.ts'
import { answerControl, type FarmAddresses } from './control-api.ts'
import { DiscoveryResponder } from './discovery-responder.ts'
import type { AuthScheme } from './doorkeeper.ts'
import type { FaultWish } from './fault.ts'
import type { CameraAddresses } from './onvif-service.ts'
import { type CameraSpec, type Preset, presetCameras } from './preset.ts'
import type { FindStream } from './rtsp-connection.ts'
import { RtspServer } from './rtsp-server.ts'
import { TimeWheel } from './time-wheel.ts'
import { type HttpAnswer, WebServer } from './web-server.ts'

/** How a farm is set up; everything has a default. */
export interface FarmOptions {
  /** Used where `cameras` is a number or absent. Default `plain`. */
  preset?: Preset
  /** How many of the preset's, default 1 (`demo`: 4); or the cameras themselves. */
  cameras?: number | CameraSpec[]
  /** Address to listen on. Default 127.0.0.1. */
  host?: string
  /** Port all cameras share. Default 0, any free one. With `portPerCamera` camera k, from 0, has this plus k. */
  rtspPort?: number
  /** Port of RTSP over TLS, for all cameras; 0 for any free one. Default: none. */
  rtspsPort?: number
  /** Port of the remote control and of all cameras by path. Default 0. With `portPerCamera` camera k has this + 1 + k. */
  httpPort?: number
  /** Every camera its own RTSP and HTTP port, as real ones have; only then does `refuse` close ports. Default false. */
  portPerCamera?: boolean
  /** Answers WS-Discovery on UDP 3702. Default false. */
  discovery?: boolean
  /** Folder of clips, made if missing. Default `.cache/clips` of the project. */
  cacheDir?: string
  /** For cameras that say nothing else. Default `none`, or `digest` where a password is given. */
  auth?: AuthScheme
  /** Default `admin`. */
  user?: string
  password?: string
  /** Line rate of every connection in Mbit/s. Default 100. */
  lineMbit?: number
  /**
   * Send buffer of every connection, in the kernel where it can be told; frames are dropped once as much again waits
   * on this side of it. Default 131072.
   */
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
  /** The port all cameras share; the first camera's where each has its own. */
  readonly rtspPort: number
  /** -1 where there is no TLS. */
  readonly rtspsPort: number
  /** Remote control (`control-api.ts`), and every camera's web server by path: `/cam1/onvif/device_service`. */
  readonly httpPort: number
  /** The first camera's ONVIF port. */
  readonly onvifPort: number
  addresses(): FarmAddresses
  /** Address of a stream; the camera by number from 0 or by name, the stream its main one unless named. */
  rtspUrl(camera: number | string, stream?: string): string
  /** The same over TLS. */
  rtspsUrl(camera: number | string, stream?: string): string
  /** Where the camera's ONVIF device service is. */
  onvif(camera: number | string): { hostname: string; port: number; path: string }
  /** `http://host:port[/camN]`: before `/snapshot.jpg`, `/mjpeg`, `/onvif/device_service`. */
  httpUrl(camera: number | string): string
  /** Sets faults (`fault.ts`); `null` clears all. */
  fault(camera: number | string, wish: FaultWish | null): void
  stats(): CameraStats[]
  close(): Promise<void>
}

/** A camera's own ports, or those it shares. */
interface Ports {
  rtsp: RtspServer
  web: WebServer
  /** Before its HTTP paths. */
  httpPrefix: string
}

const DEFAULT_CACHE = path.join(import.meta.dirname, '../../.cache/clips')
const DEFAULT_BUFFER_BYTES = 128 * 1024

/** Makes the clips that are missing, then starts the cameras. */
export async function startCameras(options: FarmOptions = {}): Promise<CameraFarm> {
  const farm = new Farm(options)
  try {
    await farm.open()
  } catch (error) {
    await farm.close()
    throw error
  }
  return farm
}

class Farm implements CameraFarm {
  readonly cameras: Camera[] = []
  readonly host: string
  readonly #options: FarmOptions
  readonly #cacheDir: string
  readonly #library: ClipLibrary
  readonly #wheel = new TimeWheel()
  readonly #specs = new Map<Camera, CameraSpec>()
  readonly #ports = new Map<Camera, Ports>()
  readonly #servers: (RtspServer | WebServer)[] = []
  #sharedWeb: WebServer | undefined
  #tls: RtspServer | undefined
  #discovery: DiscoveryResponder | undefined

  constructor(options: FarmOptions) {
    this.#options = options
    this.host = options.host ?? '127.0.0.1'
    this.#cacheDir = options.cacheDir ?? DEFAULT_CACHE
    this.#library = new ClipLibrary(this.#cacheDir, options.clips ?? {}, options.audioSec)
  }

  async open(): Promise<void> {
    const { cameras, preset = 'plain' } = this.#options
    const specs = Array.isArray(cameras) ? cameras : presetCameras(preset, cameras ?? (preset === 'demo' ? 4 : 1))
    for (const [i, spec] of specs.entries()) {
      const camera = await makeCamera(spec, i, this.#library, this.#wheel, this.#options)
      this.cameras.push(camera)
      this.#specs.set(camera, spec)
    }
    const { httpPort = 0, rtspPort = 0, rtspsPort, portPerCamera = false } = this.#options
    const web = await this.#listen(new WebServer(this.host, httpPort, this.#answerShared))
    this.#sharedWeb = web
    if (portPerCamera) {
      for (const [i, camera] of this.cameras.entries()) {
        await this.#openOwnPorts(camera, rtspPort && rtspPort + i, httpPort && httpPort + 1 + i)
      }
    } else {
      const rtsp = await this.#listen(this.#rtspServer(rtspPort, undefined))
      for (const camera of this.cameras) this.#ports.set(camera, { rtsp, web, httpPrefix: `/${camera.name}` })
    }
    if (rtspsPort !== undefined) {
      const certificate = await loadCertificate(this.#cacheDir)
      this.#tls = await this.#listen(this.#rtspServer(rtspsPort, undefined, certificate))
    }
    if (this.#options.discovery) {
      this.#discovery = await DiscoveryResponder.open(this.host, this.cameras, (camera) => {
        return `${this.httpUrl(camera.name)}/onvif/device_service`
      })
    }
  }

  async close(): Promise<void> {
    this.#wheel.close()
    await this.#discovery?.close()
    await Promise.all(this.#servers.map((server) => server.pause()))
  }

  get rtspPort(): number {
    return this.#portsOf(0).rtsp.port
  }

  get rtspsPort(): number {
    return this.#tls?.port ?? -1
  }

  get httpPort(): number {
    return this.#sharedWeb!.port
  }

  get onvifPort(): number {
    return this.#portsOf(0).web.port
  }

  rtspUrl(which: number | string, stream?: string): string {
    return `rtsp://${this.host}:${this.#portsOf(which).rtsp.port}${this.#pathOf(which, stream)}`
  }

  rtspsUrl(which: number | string, stream?: string): string {
    return `rtsps://${this.host}:${this.rtspsPort}${this.#pathOf(which, stream)}`
  }

  httpUrl(which: number | string): string {
    const { web, httpPrefix } = this.#portsOf(which)
    return `http://${this.host}:${web.port}${httpPrefix}`
  }

  onvif(which: number | string): { hostname: string; port: number; path: string } {
    const { web, httpPrefix } = this.#portsOf(which)
    return { hostname: this.host, port: web.port, path: `${httpPrefix}/onvif/device_service` }
  }

  fault(which: number | string, wish: FaultWish | null): void {
    const camera = this.#cameraOf(which)
    if (wish === null) camera.clearFaults()
    else camera.setFaults(wish)
  }

  stats(): CameraStats[] {
    return this.cameras.map((camera) => camera.stats)
  }

  addresses(): FarmAddresses {
    return {
      host: this.host,
      rtspPort: this.rtspPort,
      ...(this.#tls ? { rtspsPort: this.rtspsPort } : {}),
      httpPort: this.httpPort,
      cameras: this.cameras.map((camera) => ({
        name: camera.name,
        title: camera.title,
        auth: camera.auth,
        user: camera.user,
        streams: Object.fromEntries(camera.streams.map(({ name }) => [name, this.rtspUrl(camera.name, name)])),
        onvif: this.onvif(camera.name),
        snapshot: `${this.httpUrl(camera.name)}/snapshot.jpg`,
        mjpeg: `${this.httpUrl(camera.name)}/mjpeg`,
      })),
    }
  }

  #cameraOf(which: number | string): Camera {
    const camera = typeof which === 'number' ? this.cameras[which] : this.cameras.find(({ name }) => name === which)
    if (!camera) throw new Error(`simulated camera ${which}: there is none`)
    return camera
  }

  #portsOf(which: number | string): Ports {
    return this.#ports.get(this.#cameraOf(which))!
  }

  #pathOf(which: number | string, stream: string | undefined): string {
    const camera = this.#cameraOf(which)
    return `/${camera.name}/${stream ?? camera.streams[0]!.name}`
  }

  async #listen<T extends RtspServer | WebServer>(server: T): Promise<T> {
    await server.listen()
    this.#servers.push(server)
    return server
  }

  #rtspServer(port: number, own: Camera | undefined, certificate?: { key: string; cert: string }): RtspServer {
    const find: FindStream = (url) => findStream(this.cameras, own, url)
    const sendBufferBytes = this.#options.sendBufferBytes ?? DEFAULT_BUFFER_BYTES
    return new RtspServer(this.host, port, find, { sendBufferBytes, ...(certificate ? { certificate } : {}) })
  }

  async #openOwnPorts(camera: Camera, rtspPort: number, httpPort: number): Promise<void> {
    const rtsp = await this.#listen(this.#rtspServer(rtspPort, camera))
    const answer: HttpAnswer = (request, response, url) => this.#answerCamera(camera, request, response, url, '')
    const web = await this.#listen(new WebServer(this.host, httpPort, answer))
    this.#ports.set(camera, { rtsp, web, httpPrefix: '' })
    let lastStep = Promise.resolve()
    camera.onRefuseChanged = (isRefused) => {
      lastStep = lastStep.then(async () => {
        for (const server of [rtsp, web]) await (isRefused ? server.pause() : server.listen())
      })
    }
  }

  #answerShared: HttpAnswer = async (request, response, url) => {
    if (url === '/control' || url.startsWith('/control/')) {
      await answerControl(this.cameras, () => this.addresses(), request, response, url)
      return
    }
    const [, name = '', rest = ''] = /^\/([^/]+)(\/.*)?$/.exec(url) ?? []
    const camera = this.cameras.find((one) => one.name === name)
    if (camera) await this.#answerCamera(camera, request, response, rest, `/${name}`)
    else response.writeHead(404).end()
  }

  #answerCamera(camera: Camera, ...[request, response, url, prefix]: [...Parameters<HttpAnswer>, string]) {
    // Addresses name the host the client knows the camera by, which need not be the one listened on.
    const host = request.headers.host ?? this.host
    const addresses: CameraAddresses = {
      httpBase: `http://${host}${prefix}`,
      rtspUrl: (stream) => this.rtspUrl(camera.name, stream).replace(this.host, host.replace(/:\d+$/, '')),
    }
    const mjpegClip = async () => (await this.#library.video('mjpeg', this.#specs.get(camera)!)).raw
    return answerCameraHttp({ camera, mjpegClip }, addresses, request, response, url)
  }
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

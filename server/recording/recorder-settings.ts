// Tells the recorder what to do: cameras and spaces as they are set, at every change and every time it is found again.
import type { Camera } from '../../shared/camera.ts'
import type { Bus } from '../base/bus.ts'
import type { Logger } from '../base/logger.ts'
import { persist } from '../base/persist.ts'
import type { CameraService } from '../camera/camera-service.ts'
import { isDatabaseAway } from '../db/database.ts'
import type { SettingStore } from '../db/setting-store.ts'
import type { SpaceService } from '../space/space-service.ts'
import type { RecorderLink } from './recorder-link.ts'
import type { RecorderSettings, StreamSettings } from './recorder-protocol.ts'

export interface ConfiguratorOptions {
  recorder: RecorderLink
  cameras: CameraService
  spaces: SpaceService
  settings: SettingStore
  bus: Bus
  logger: Logger
  serverId: string
  flushSec: number
  segmentSec: number
}

export class RecorderConfigurator {
  readonly #options: ConfiguratorOptions
  readonly #stop = new AbortController()
  readonly #undoings: (() => void)[]
  #sent = ''
  #work: Promise<void> = Promise.resolve()
  #isDue = false

  constructor(options: ConfiguratorOptions) {
    this.#options = options
    const { bus } = options
    this.#undoings = [
      bus.on('camera-changed', () => this.configure()),
      bus.on('camera-removed', () => this.configure()),
      bus.on('space-changed', () => this.configure()),
      bus.on('space-removed', () => this.configure()),
    ]
  }

  /** Sends the settings, if they are others than those sent last. Waits while the database is away. */
  configure(): Promise<void> {
    if (!this.#isDue) {
      this.#isDue = true
      this.#work = this.#work.then(() => this.#configure()).catch((error) => this.#failed(error))
    }
    return this.#work
  }

  /** Sends them in any case: the recorder is another one than before, or was found again. */
  configureAnew(): Promise<void> {
    this.#sent = ''
    return this.configure()
  }

  async close(): Promise<void> {
    for (const undo of this.#undoings) undo()
    this.#stop.abort()
    await this.#work
  }

  async #configure(): Promise<void> {
    const { settings: store, recorder } = this.#options
    const plan = { firstMs: 500, longestMs: 10_000, isWorthwhile: isDatabaseAway, signal: this.#stop.signal }
    await persist(plan, async () => {
      this.#isDue = false
      const settings = await this.#read()
      const text = JSON.stringify(settings)
      if (text === this.#sent) return
      // Kept over restarts: the recorder compares it with that of its own last settings.
      const revision = ((await store.get<number>('recorder-revision')) ?? 0) + 1
      await store.set('recorder-revision', revision)
      recorder.configure({ ...settings, revision })
      this.#sent = text
    })
  }

  async #read(): Promise<Omit<RecorderSettings, 'revision'>> {
    const { cameras, spaces, serverId, flushSec, segmentSec } = this.#options
    const [known, stored] = [await cameras.listWithPasswords(), await spaces.listStored()]
    return {
      serverId,
      flushSec,
      segmentSec,
      spaces: stored.map(({ isDefault: _isDefault, createdMs: _createdMs, ...space }) => space),
      streams: known.flatMap(({ camera, password }) => streamsOf(camera, password)),
    }
  }

  #failed(error: unknown): void {
    if (!this.#stop.signal.aborted)
      this.#options.logger.error({ err: error }, 'the recorder could not be told its settings')
  }
}

/** The streams of an enabled camera, each with all the recorder needs to fetch it. */
function streamsOf(camera: Camera, password: string): StreamSettings[] {
  if (!camera.isEnabled) return []
  return camera.streams.map((one) => ({
    cameraId: camera.id,
    cameraName: camera.name,
    stream: one.stream,
    url: one.url,
    username: camera.username,
    password,
    hasAudio: one.hasAudio,
    isRecorded: one.isRecorded,
    spaceId: camera.spaceId,
  }))
}

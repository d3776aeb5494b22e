// Cameras: what people set of them. What becomes of it (streams, recordings) is told over the bus.
import { randomUUID } from 'node:crypto'
import type { Camera, CameraChange, CameraDraft, StreamSettings } from '../../shared/camera.ts'
import { Failure } from '../../shared/failure.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { Seal } from '../base/seal.ts'
import { isDuplicate } from '../db/database.ts'
import type { LogAuthor, LogService } from '../log/log-service.ts'
import type { CameraStore, StoredCamera } from './camera-store.ts'

/** What cameras need to know of recording spaces. */
export interface SpaceDirectory {
  /** The space new cameras record to. */
  defaultSpaceId(): Promise<string>
  has(spaceId: string): Promise<boolean>
}

/** What cameras need to know of recordings. */
export interface FootageDirectory {
  /** Whether there is any footage of a camera. */
  hasFootage(cameraId: string): Promise<boolean>
  /** Notes that all footage of a camera is to be removed; it is, once `camera-removed` is told. */
  add(cameraId: string): Promise<void>
}

export interface CameraServiceOptions {
  store: CameraStore
  seal: Seal
  spaces: SpaceDirectory
  footage: FootageDirectory
  log: LogService
  /** An address as it may be shown: without secrets. */
  shownUrl: (url: string) => string
  bus: Bus
  clock: Clock
}

export class CameraService {
  readonly #options: CameraServiceOptions

  constructor(options: CameraServiceOptions) {
    this.#options = options
  }

  /** All of them, by channel. */
  async list(): Promise<Camera[]> {
    return (await this.#options.store.list()).map(cameraFromStored)
  }

  /** Fails `not-found`. */
  async get(id: string): Promise<Camera> {
    return cameraFromStored(await this.#stored(id))
  }

  /** Cameras with their passwords, for the recorder alone. */
  async listWithPasswords(): Promise<{ camera: Camera; password: string }[]> {
    const stored = await this.#options.store.list()
    return stored.map((camera) => ({ camera: cameraFromStored(camera), password: this.#unsealed(camera) }))
  }

  /** The saved password of a camera, '' where it has none. Fails `not-found`. */
  async passwordOf(id: string): Promise<string> {
    return this.#unsealed(await this.#stored(id))
  }

  /** Fails `invalid` at `spaceId` where there is no such space. */
  async create(draft: CameraDraft, by: LogAuthor): Promise<Camera> {
    const id = randomUUID()
    const spaceId = await this.#checkedSpace(draft.spaceId)
    const { password, ...settings } = draft
    const stored = await this.#insert({
      ...settings,
      id,
      spaceId,
      passwordSealed: this.#sealed(id, password),
      isRecovered: false,
      createdMs: this.#nowMs(),
    })
    const camera = cameraFromStored(stored)
    this.#options.log.record({
      kind: 'setting',
      level: 'info',
      name: 'camera-created',
      message: `camera ${camera.name} was added as channel ${camera.channel}`,
      cameraId: id,
      by,
      detail: shownFields(camera, password !== '', this.#options.shownUrl),
    })
    this.#options.bus.emit('camera-changed', { camera })
    return camera
  }

  /** Fails `not-found`; `conflict` for a recovered channel's streams; `invalid` at `spaceId`. */
  async update(id: string, change: CameraChange, by: LogAuthor): Promise<Camera> {
    const before = await this.#stored(id)
    if (before.isRecovered && (change.streams !== undefined || change.isEnabled === true)) {
      throw new Failure('conflict', `change camera ${before.name}: it has footage only, and no device to fetch`)
    }
    if (change.spaceId !== undefined) await this.#checkedSpace(change.spaceId)
    const { password, ...settings } = change
    const after: StoredCamera = {
      ...before,
      ...settings,
      passwordSealed: password === undefined ? before.passwordSealed : this.#sealed(id, password),
    }
    await this.#options.store.update(after)
    const camera = cameraFromStored(after)
    const detail = changesOf(
      shownFields(cameraFromStored(before), false, this.#options.shownUrl),
      shownFields(camera, password !== undefined && password !== this.#unsealed(before), this.#options.shownUrl),
    )
    if (Object.keys(detail).length > 0) {
      this.#options.log.record({
        kind: 'setting',
        level: 'info',
        name: 'camera-updated',
        message: `camera ${camera.name} was changed: ${Object.keys(detail).join(', ')}`,
        cameraId: id,
        by,
        detail,
      })
      this.#options.bus.emit('camera-changed', { camera })
    }
    return camera
  }

  /**
   * Removes a camera, and its footage where that is asked for.
   *
   * Where footage is kept, the channel stays as a read-only one (`isRecovered`), for footage nobody can name is lost.
   * Fails `not-found`; `conflict` where such a channel is to be removed and its footage kept.
   */
  async remove(id: string, footage: 'keep' | 'remove', by: LogAuthor): Promise<void> {
    const before = await this.#stored(id)
    const hasFootage = await this.#options.footage.hasFootage(id)
    const isKept = footage === 'keep' && hasFootage
    if (isKept && before.isRecovered) {
      throw new Failure('conflict', `remove camera ${before.name}: all that is left of it is the footage to keep`)
    }
    if (isKept) {
      await this.#options.store.update({
        ...before,
        isRecovered: true,
        isEnabled: false,
        onvifHost: '',
        username: '',
        passwordSealed: '',
        streams: [],
      })
    } else {
      // First the intent: a server that ends between the two must not find footage of a channel nobody knows.
      if (hasFootage) await this.#options.footage.add(id)
      await this.#options.store.remove(id)
    }
    this.#options.log.record({
      kind: 'deletion',
      level: 'info',
      name: 'camera-removed',
      message: `camera ${before.name} was removed, ${isKept ? 'its footage kept' : hasFootage ? 'its footage with it' : 'it had no footage'}`,
      cameraId: id,
      by,
    })
    if (isKept) this.#options.bus.emit('camera-changed', { camera: await this.get(id) })
    else this.#options.bus.emit('camera-removed', { cameraId: id, hasFootageRemoved: hasFootage })
  }

  /** Makes a read-only channel for footage that was found and belongs to no camera. Does nothing where it is known. */
  async createRecovered(id: string, name: string, spaceId: string): Promise<void> {
    if ((await this.#options.store.get(id)) !== undefined) return
    const stored = await this.#insert({
      id,
      name: name.slice(0, 50),
      brand: '',
      model: '',
      onvifHost: '',
      onvifPort: 80,
      username: '',
      passwordSealed: '',
      streams: [],
      isEnabled: false,
      isRecovered: true,
      spaceId,
      createdMs: this.#nowMs(),
    })
    this.#options.log.record({
      kind: 'surveillance',
      level: 'warning',
      name: 'camera-recovered',
      message: `footage of an unknown channel was found: it is shown as ${stored.name}, channel ${stored.channel}`,
      cameraId: id,
    })
    this.#options.bus.emit('camera-changed', { camera: cameraFromStored(stored) })
  }

  async #stored(id: string): Promise<StoredCamera> {
    const camera = await this.#options.store.get(id)
    if (camera === undefined) throw new Failure('not-found', `camera ${id}: there is none`)
    return camera
  }

  async #insert(camera: Omit<StoredCamera, 'channel'>): Promise<StoredCamera> {
    try {
      return await this.#options.store.create(camera)
    } catch (error) {
      // Another request took the same channel number between reading and writing (MariaDB).
      if (!isDuplicate(error)) throw error
      return this.#options.store.create(camera)
    }
  }

  async #checkedSpace(spaceId: string | undefined): Promise<string> {
    if (spaceId === undefined) return this.#options.spaces.defaultSpaceId()
    if (await this.#options.spaces.has(spaceId)) return spaceId
    throw new Failure('invalid', 'spaceId: there is no such recording space', { field: 'spaceId' })
  }

  #sealed(id: string, password: string): string {
    return password === '' ? '' : this.#options.seal.seal(password, passwordContext(id))
  }

  #unsealed(camera: StoredCamera): string {
    return camera.passwordSealed === ''
      ? ''
      : this.#options.seal.unseal(camera.passwordSealed, passwordContext(camera.id))
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.utcUs() / 1000)
  }
}

function passwordContext(id: string): string {
  return `camera:${id}:password`
}

function cameraFromStored({ passwordSealed, ...camera }: StoredCamera): Camera {
  return { ...camera, hasPassword: passwordSealed !== '' }
}

type Fields = Record<string, unknown>

/** A camera's settings as the log shows them. A password that was set or changed is `(secret)`. */
function shownFields(camera: Camera, isPasswordNew: boolean, shownUrl: (url: string) => string): Fields {
  const { id: _id, channel: _channel, createdMs: _created, hasPassword: _has, streams, ...fields } = camera
  const shown: Fields = { ...fields }
  for (const one of streams) shown[`stream${one.stream}`] = shownStream(one, shownUrl)
  if (isPasswordNew) shown['password'] = '(secret)'
  return shown
}

function shownStream(one: StreamSettings, shownUrl: (url: string) => string): string {
  return `${shownUrl(one.url)}${one.isRecorded ? ', recorded' : ''}${one.hasAudio ? ', with sound' : ''}`
}

function changesOf(before: Fields, after: Fields): Fields {
  const changes: Fields = {}
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (before[key] !== after[key]) changes[key] = { from: before[key] ?? null, to: after[key] ?? null }
  }
  return changes
}

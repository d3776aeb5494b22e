// Recording spaces: where they are and how large they may be. What is in them is the recorder's.
import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../shared/failure.ts'
import { minAllocatedBytes, type Space, type SpaceChange, type SpaceDraft, spaceDraft } from '../../shared/space.ts'
import type { VolumeView } from '../../shared/volume.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { HostSession } from '../host/host-session.ts'
import { readVolumeFacts, type VolumeFacts } from '../host/volume.ts'
import type { LogAuthor, LogService } from '../log/log-service.ts'
import { findFolder } from './space-folder.ts'
import type { SpaceStore, StoredSpace } from './space-store.ts'
import { listVolumes, makeSpaceFolder, type SpaceHost } from './space-volumes.ts'

/** What the recorder last said of a space. */
export type SpaceReport = Pick<
  Space,
  'state' | 'fault' | 'faultDetail' | 'usedBytes' | 'freeBytes' | 'writeLatencyMs' | 'oldestMs'
>

export interface SpaceServiceOptions {
  store: SpaceStore
  host: SpaceHost
  /** How many cameras record to a space. */
  camerasIn: (spaceId: string) => Promise<number>
  /** This server's own: a folder that another server made is not taken. */
  serverId: string
  /** How folders are called: as QVR Pro's, or beside them. */
  folderNames: 'qvrpro' | 'nightjar'
  log: LogService
  bus: Bus
  clock: Clock
}

/** What is left to the volume's other users when a space is made without a size. */
const defaultSharePct = 80

export class SpaceService {
  readonly #options: SpaceServiceOptions
  /** What the recorder said last of each space, and what of it was last pushed. */
  readonly #reports = new Map<string, SpaceReport>()
  readonly #told = new Map<string, SpaceReport>()

  constructor(options: SpaceServiceOptions) {
    this.#options = options
  }

  /** All of them, oldest first, each in the state last reported. */
  async list(): Promise<Space[]> {
    return Promise.all((await this.#options.store.list()).map((space) => this.#shown(space)))
  }

  /** The machine's volumes; `session`, of an administrator of the NAS, tells more of them. */
  async listVolumes(session?: HostSession): Promise<VolumeView[]> {
    return listVolumes(this.#options.host, await this.#options.store.list(), session)
  }

  /** As they were set, for the recorder. */
  listStored(): Promise<StoredSpace[]> {
    return this.#options.store.list()
  }

  async has(id: string): Promise<boolean> {
    return (await this.#options.store.get(id)) !== undefined
  }

  /** The space new cameras record to. Fails `conflict` where there is none. */
  async defaultSpaceId(): Promise<string> {
    const spaces = await this.#options.store.list()
    const found = spaces.find((space) => space.isDefault) ?? spaces[0]
    if (found === undefined) throw new Failure('conflict', 'there is no recording space: make one first')
    return found.id
  }

  /**
   * Makes the first space, at first start, where there is none. `allocatedBytes` 0 takes 80 % of what is free.
   *
   * Fails as `create` does.
   */
  async createFirst(volumePath: string, allocatedBytes: number): Promise<void> {
    if ((await this.#options.store.list()).length > 0) return
    await mkdir(volumePath, { recursive: true })
    const facts = await readVolumeFacts(volumePath)
    const share = Math.floor(((facts?.freeBytes ?? 0) * defaultSharePct) / 100)
    const draft = spaceDraft.parse({
      name: 'Default',
      volumePath,
      allocatedBytes: allocatedBytes === 0 ? Math.max(minAllocatedBytes, share) : allocatedBytes,
    })
    await this.create(draft, {})
  }

  /**
   * Fails `invalid` at `volumePath` or `allocatedBytes` with what is wrong there, `conflict` where another space uses
   * the volume or has the name. `session` is what the log-in of who asks has opened at the machine.
   */
  async create(draft: SpaceDraft, by: LogAuthor, session?: HostSession): Promise<Space> {
    const others = await this.#options.store.list()
    const facts = await this.#checkedVolume(draft, others)
    checkName(draft.name, others)
    checkRoom(draft.allocatedBytes, facts.freeBytes)
    const { folder, spaceId } = await findFolder(facts.realPath, this.#options.serverId, this.#options.folderNames)
    if (spaceId === undefined) await makeSpaceFolder(this.#options.host, facts, folder, session)
    const space: StoredSpace = {
      ...draft,
      // A space that was forgotten and is made again in the same place finds its footage again.
      id: spaceId ?? randomUUID(),
      volumePath: facts.realPath,
      mountPoint: facts.mountPoint,
      folder,
      isFresh: spaceId === undefined,
      isDefault: others.length === 0,
      createdMs: Math.floor(this.#options.clock.utcUs() / 1000),
    }
    await this.#options.store.create(space)
    this.#options.log.record({
      kind: 'setting',
      level: 'info',
      name: 'space-created',
      message: `recording space ${space.name} was made in ${folderOf(space)}`,
      by,
      detail: { volumePath: space.volumePath, allocatedBytes: space.allocatedBytes },
    })
    return this.#tell(space)
  }

  /** Fails `not-found`; `invalid` at `allocatedBytes` where the volume has not so much; `conflict` for the name. */
  async update(id: string, change: SpaceChange, by: LogAuthor): Promise<Space> {
    const before = await this.#stored(id)
    if (change.name !== undefined) {
      checkName(
        change.name,
        (await this.#options.store.list()).filter((other) => other.id !== id),
      )
    }
    if (change.allocatedBytes !== undefined && change.allocatedBytes > before.allocatedBytes) {
      const facts = await readVolumeFacts(before.volumePath)
      const usedBytes = this.#reports.get(id)?.usedBytes ?? 0
      checkRoom(change.allocatedBytes, (facts?.freeBytes ?? 0) + usedBytes)
    }
    const after = { ...before, ...change }
    await this.#options.store.update(after)
    const keys = (Object.keys(change) as (keyof SpaceChange)[]).filter((key) => before[key] !== after[key])
    if (keys.length > 0) {
      this.#options.log.record({
        kind: 'setting',
        level: 'info',
        name: 'space-updated',
        message: `recording space ${after.name} was changed: ${keys.join(', ')}`,
        by,
        detail: Object.fromEntries(keys.map((key) => [key, { from: before[key], to: after[key] }])),
      })
    }
    return this.#tell(after)
  }

  /** Forgets a space; its files stay where they are. Fails `not-found`; `conflict` while a camera records to it. */
  async remove(id: string, by: LogAuthor): Promise<void> {
    const space = await this.#stored(id)
    if (space.isDefault) throw new Failure('conflict', `remove space ${space.name}: it is the default space`)
    const cameras = await this.#options.camerasIn(id)
    if (cameras > 0) throw new Failure('conflict', `remove space ${space.name}: ${cameras} cameras record to it`)
    await this.#options.store.remove(id)
    this.#reports.delete(id)
    this.#told.delete(id)
    this.#options.log.record({
      kind: 'deletion',
      level: 'info',
      name: 'space-removed',
      message: `recording space ${space.name} was removed; its files stay in ${folderOf(space)}`,
      by,
    })
    this.#options.bus.emit('space-removed', { spaceId: id })
  }

  /** The recorder has made the folder and the marker of a new space: from now on they must be there. */
  async noteMade(id: string): Promise<void> {
    const space = await this.#options.store.get(id)
    if (space?.isFresh) await this.#options.store.update({ ...space, isFresh: false })
  }

  /** Takes what the recorder says of a space. Tells of it where it matters: another state, or 1 % more or less. */
  async report(id: string, report: SpaceReport): Promise<void> {
    const space = await this.#options.store.get(id)
    if (space === undefined) return
    this.#reports.set(id, report)
    const told = this.#told.get(id)
    const isNews =
      told === undefined ||
      told.state !== report.state ||
      told.fault !== report.fault ||
      told.faultDetail !== report.faultDetail ||
      Math.abs(told.usedBytes - report.usedBytes) > space.allocatedBytes / 100
    if (!isNews) return
    this.#told.set(id, report)
    this.#options.bus.emit('space-changed', { space: await this.#shown(space) })
  }

  async #stored(id: string): Promise<StoredSpace> {
    const space = await this.#options.store.get(id)
    if (space === undefined) throw new Failure('not-found', `recording space ${id}: there is none`)
    return space
  }

  async #tell(stored: StoredSpace): Promise<Space> {
    const space = await this.#shown(stored)
    this.#options.bus.emit('space-changed', { space })
    return space
  }

  async #shown(stored: StoredSpace): Promise<Space> {
    const { mountPoint: _mountPoint, createdMs: _createdMs, isFresh: _isFresh, ...settings } = stored
    const space = { ...settings, folder: folderOf(stored) }
    const report = this.#reports.get(stored.id)
    if (report !== undefined) return { ...space, ...report }
    // Nobody records yet: what the volume itself says.
    const facts = await readVolumeFacts(stored.volumePath).catch(() => undefined)
    return {
      ...space,
      ...(facts === undefined ? { state: 'error', fault: 'missing' } : { state: 'idle' }),
      usedBytes: 0,
      freeBytes: facts?.freeBytes ?? 0,
      writeLatencyMs: 0,
    }
  }

  async #checkedVolume(draft: SpaceDraft, others: StoredSpace[]): Promise<VolumeFacts> {
    const wrong = (finding: string) =>
      new Failure('invalid', `volumePath: ${draft.volumePath} ${finding}`, { field: 'volumePath' })
    const facts = await readVolumeFacts(draft.volumePath).catch((error: Error) => {
      throw wrong(`cannot be read: ${error.message}`)
    })
    if (facts === undefined) throw wrong('is not there')
    if (!facts.isDirectory) throw wrong('is no folder')
    // Under systemd a folder is closed to the server until it is opened.
    if (facts.isReadOnly) throw wrong('is mounted read-only, or on Linux was not made ready by `nightjar make-space`')
    const user = others.find((other) => other.volumePath === facts.realPath)
    if (user !== undefined) {
      throw new Failure('conflict', `volumePath: ${draft.volumePath} is used by recording space ${user.name}`, {
        field: 'volumePath',
      })
    }
    return facts
  }
}

/** Absolute path of a space's own folder. */
export function folderOf(space: StoredSpace): string {
  return join(space.volumePath, space.folder)
}

function checkName(name: string, others: StoredSpace[]): void {
  if (others.some((other) => other.name.toLowerCase() === name.toLowerCase())) {
    throw new Failure('conflict', `name: a recording space ${name} is there already`, { field: 'name' })
  }
}

function checkRoom(allocatedBytes: number, roomBytes: number): void {
  if (allocatedBytes <= roomBytes) return
  throw new Failure('invalid', `allocatedBytes: the volume has room for ${roomBytes} bytes, not ${allocatedBytes}`, {
    field: 'allocatedBytes',
  })
}

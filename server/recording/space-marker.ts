// A space's marker on its volume: made once, read to prove that the disk is the right one, written as a heartbeat
// (FORMAT.md §6).
import type { Clock } from '../base/clock.ts'
import type { Disk } from './disk.ts'
import { type Marker, markerBytes, markerName, parseMarker, writeMarker } from './marker.ts'
import type { SpaceSettings } from './recorder-protocol.ts'
import { SpaceUnavailable } from './space-unavailable.ts'

export interface SpaceMarkerOptions {
  settings: SpaceSettings
  /** Absolute path of the space's folder. */
  folder: string
  serverId: string
  bootId: string
  disk: Disk
  clock: Clock
  /** The mount point a path stands on; undefined where that cannot be told. */
  mountPointOf: (path: string) => Promise<string | undefined>
}

export class SpaceMarker {
  readonly #options: SpaceMarkerOptions
  #marker: Marker | undefined
  /** Monotonic time at which the last look that found all well began, microseconds. */
  provedAtUs = Number.NEGATIVE_INFINITY

  constructor(options: SpaceMarkerOptions) {
    this.#options = options
  }

  /** As last read or written; undefined before that. */
  get state(): Marker['state'] | undefined {
    return this.#marker?.state
  }

  /** Something failed: what was proved before counts no more. */
  doubt(): void {
    this.provedAtUs = Number.NEGATIVE_INFINITY
  }

  /** The volume is there and is the one the space was made on. */
  async checkPlace(): Promise<void> {
    const { volumePath, mountPoint, name } = this.#options.settings
    const stats = await this.#options.disk.stat(volumePath)
    if (stats === undefined || !stats.isFolder) {
      throw new SpaceUnavailable('missing', `space ${name}: ${volumePath} is not there`)
    }
    const found = await this.#options.mountPointOf(volumePath)
    if (found !== undefined && found !== mountPoint) {
      throw new SpaceUnavailable('not-mounted', `space ${name}: ${volumePath} stands on ${found}, not on ${mountPoint}`)
    }
  }

  /** Makes the folder and the marker of a fresh space, safe. */
  async make(): Promise<void> {
    await this.#options.disk.makeFolder(this.#options.folder)
    const path = `${this.#options.folder}/${markerName}`
    if ((await this.#options.disk.stat(path)) === undefined) {
      const file = await this.#options.disk.open(path, 'create')
      const bytes = writeMarker(this.#freshMarker())
      await this.#options.disk.write(file, bytes, 0, bytes.length, 0)
      await this.#options.disk.sync(file)
      await this.#options.disk.close(file)
    } else {
      await this.#remakeTornMarker(path)
    }
    // Also where both were there: a process killed right after making them had not synced them.
    await this.#options.disk.syncFolder(this.#options.folder)
    await this.#options.disk.syncFolder(this.#options.settings.volumePath)
  }

  /** A fresh space whose marker was cut short by a crash while it was made: there is nothing else in the folder yet. */
  async #remakeTornMarker(path: string): Promise<void> {
    const file = await this.#options.disk.open(path, 'update')
    try {
      const isWhole = parseMarker(await this.#options.disk.read(file, 0, markerBytes)) !== undefined
      const others = ((await this.#options.disk.list(this.#options.folder)) ?? []).filter(
        (entry) => entry.name !== markerName,
      )
      if (!isWhole && others.length === 0) {
        const bytes = writeMarker(this.#freshMarker())
        await this.#options.disk.write(file, bytes, 0, bytes.length, 0)
      }
      await this.#options.disk.sync(file)
    } finally {
      await this.#options.disk.close(file)
    }
  }

  #freshMarker(): Marker {
    const { serverId, bootId, clock } = this.#options
    const now = Math.floor(clock.utcUs() / 1000)
    return {
      format: 1,
      space: this.#options.settings.id,
      server: serverId,
      boot: bootId,
      heartbeatMs: now,
      state: 'new',
    }
  }

  async #readMarker(): Promise<Marker> {
    const { name, id } = this.#options.settings
    const path = `${this.#options.folder}/${markerName}`
    if ((await this.#options.disk.stat(path)) === undefined) {
      throw new SpaceUnavailable(
        'marker-missing',
        `space ${name}: ${this.#options.folder} has no marker: it may be another disk`,
      )
    }
    const file = await this.#options.disk.open(path, 'read')
    let marker: Marker | undefined
    try {
      marker = parseMarker(await this.#options.disk.read(file, 0, markerBytes))
    } finally {
      await this.#options.disk.close(file)
    }
    if (marker === undefined) throw new SpaceUnavailable('marker-unreadable', `space ${name}: its marker is damaged`)
    if (marker.space !== id)
      throw new SpaceUnavailable('marker-foreign', `space ${name}: the marker is another space's`)
    if (marker.server !== this.#options.serverId) {
      throw new SpaceUnavailable('owned-by-another-server', `space ${name}: it belongs to another server`)
    }
    return marker
  }

  /** Throws unless the disk is the right one. Fails `SpaceUnavailable`, saying why. */
  async prove(): Promise<void> {
    const nowUs = this.#options.clock.monotonicUs()
    // Many segments end together: one look at the marker in a second serves them all.
    if (nowUs - this.provedAtUs < 1e6) return
    await this.checkPlace()
    this.#marker = await this.#readMarker()
    this.provedAtUs = nowUs
  }

  /** The same, however lately it was done. */
  async proveAnew(): Promise<void> {
    this.doubt()
    await this.prove()
  }

  /** Writes the marker anew; a read-only volume shows here. */
  async beat(state = this.#marker?.state ?? 'new', isSynced = false): Promise<void> {
    const file = await this.#options.disk.open(`${this.#options.folder}/${markerName}`, 'update')
    try {
      const marker = { ...this.#freshMarker(), state }
      const bytes = writeMarker(marker)
      await this.#options.disk.write(file, bytes, 0, bytes.length, 0)
      if (isSynced) await this.#options.disk.sync(file)
      this.#marker = marker
    } finally {
      await this.#options.disk.close(file)
    }
  }
}

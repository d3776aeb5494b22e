// The volumes of a NAS: what is mounted below /share, and what QTS tells of it.
import { basename, dirname } from 'node:path'
import { asFinding, type Finding, found, knownValue, lack } from '../finding.ts'
import type { HostSession } from '../host-session.ts'
import type { MachineFiles } from '../machine-files.ts'
import { makeFolder } from '../make-folder.ts'
import { type Mount, parseMountInfo, visibleMounts } from '../mount.ts'
import type { ToolRunner } from '../tool-runner.ts'
import type { Volume, VolumeKind, VolumePart } from '../volume.ts'
import { VolumeRoom } from '../volume-room.ts'
import type { QtsHttp } from './qts-http.ts'
import { readVolumeIndex, type VolumeIndexRow } from './volume-index.ts'
import { readVolumeInfo, type VolumeInfo } from './volume-info.ts'

/** Milliseconds for all of it, and for what getsysinfo adds. */
const limitMs = 20_000
const describeLimitMs = 12_000

export class QtsVolumes implements VolumePart {
  readonly #tools: ToolRunner
  readonly #files: MachineFiles
  readonly #http: QtsHttp
  readonly #room = new VolumeRoom()

  constructor(tools: ToolRunner, files: MachineFiles, http: QtsHttp) {
    this.#tools = tools
    this.#files = files
    this.#http = http
  }

  list(session?: HostSession): Promise<Finding<Volume[]>> {
    return asFinding('list volumes', limitMs, async () => {
      const mountInfo = await this.#files.read('/proc/self/mountinfo')
      if (mountInfo === undefined) return lack('not-available', 'list volumes: there is no /proc/self/mountinfo')
      const mounts = visibleMounts(parseMountInfo(mountInfo)).filter(({ mountPoint }) => kindOf(mountPoint))
      const [volumes, infos, index] = await Promise.all([
        Promise.all(mounts.map((mount) => this.#measure(mount))),
        this.#infos(),
        session === undefined ? undefined : readVolumeIndex(this.#http, session).then(knownValue),
      ])
      const told = volumes.map((volume) => described(volume, matching(volume, volumes, infos), index))
      const locked = await this.#locked(mounts)
      return found([...told, ...locked].sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1)))
    })
  }

  /** A package of QTS runs as root. Where nothing is mounted, the folder would be made in the RAM the system runs from. */
  async makeSpaceFolder(path: string): Promise<Finding<undefined>> {
    const volumes = await this.list()
    if (!volumes.isFound) return volumes
    const volume = volumes.value.find(({ mountPath }) => mountPath === dirname(path))
    if (volume !== undefined && !volume.isLocked) return makeFolder(path)
    return lack('refused', `make folder ${path}: no volume is mounted at ${dirname(path)}`)
  }

  /** A NAS that is slow to describe its volumes still has them. */
  async #infos(): Promise<VolumeInfo[]> {
    const infos = await asFinding('describe volumes', describeLimitMs, async () => {
      return found(await readVolumeInfo(this.#tools))
    })
    return knownValue(infos) ?? []
  }

  async #measure({ mountPoint, fileSystem, isReadOnly, source }: Mount): Promise<Volume> {
    const mountPath = this.#files.path(mountPoint)
    const room = await this.#room.read(mountPath)
    return {
      mountPath,
      label: basename(mountPoint),
      kind: kindOf(mountPoint)!,
      source,
      fileSystem,
      totalBytes: knownValue(room)?.totalBytes,
      freeBytes: knownValue(room)?.freeBytes,
      isReadOnly,
      isEncrypted: basename(mountPoint).startsWith('CE_'),
      isLocked: false,
      raid: undefined,
      state: 'unknown',
      stateDetail: room.isFound ? '' : room.reason,
    }
  }

  /** A locked volume leaves its folder behind, with nothing mounted on it. */
  async #locked(mounts: Mount[]): Promise<Volume[]> {
    const mounted = new Set(mounts.map(({ mountPoint }) => mountPoint))
    const names = (await this.#files.list('/share')).filter(
      (name) => /^CE_\w+_DATA$/.test(name) && !mounted.has(`/share/${name}`),
    )
    return names.map((name) => ({
      mountPath: this.#files.path(`/share/${name}`),
      label: name,
      kind: 'internal',
      source: '',
      fileSystem: '',
      totalBytes: undefined,
      freeBytes: undefined,
      isReadOnly: true,
      isEncrypted: true,
      isLocked: true,
      raid: undefined,
      state: 'unknown',
      stateDetail: 'locked',
    }))
  }
}

/** Undefined for what is mounted elsewhere or for the system's own use. */
function kindOf(mountPoint: string): VolumeKind | undefined {
  if (/^\/share\/[A-Z]\w*_DATA$/.test(mountPoint)) return 'internal'
  if (/^\/share\/external\/[^./][^/]*$/.test(mountPoint)) return 'external'
  return /^\/share\/external\/\.cm\/[^/]+$/.test(mountPoint) ? 'remote' : undefined
}

/**
 * What getsysinfo tells of this volume. It names no mount point, so the size must tell: where more than one volume or more
 * than one description could be meant, none is.
 */
function matching(volume: Volume, volumes: Volume[], infos: VolumeInfo[]): VolumeInfo | undefined {
  const fits = (info: VolumeInfo, { totalBytes, kind }: Volume) =>
    kind === 'internal' && totalBytes !== undefined && Math.abs(info.totalBytes - totalBytes) <= info.toleranceBytes
  const candidates = infos.filter((info) => fits(info, volume))
  const info = candidates.length === 1 ? candidates[0] : undefined
  return info !== undefined && volumes.filter((other) => fits(info, other)).length === 1 ? info : undefined
}

function described(
  volume: Volume,
  info: VolumeInfo | undefined,
  index: Map<string, VolumeIndexRow> | undefined,
): Volume {
  const row = index?.get(basename(volume.source))
  return {
    ...volume,
    label: row?.label || info?.label || volume.label,
    isEncrypted: volume.isEncrypted || row?.isEncrypted === true,
    raid: info?.raid,
    state: info?.state ?? volume.state,
    stateDetail: info?.stateDetail || volume.stateDetail,
  }
}

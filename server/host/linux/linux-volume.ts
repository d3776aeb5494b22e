// The volumes of a Linux machine: file systems that footage could stand on.
import { basename } from 'node:path'
import { asFinding, type Finding, found, knownValue, lack } from '../finding.ts'
import type { MachineFiles } from '../machine-files.ts'
import { makeFolder } from '../make-folder.ts'
import { type Mount, parseMountInfo, visibleMounts } from '../mount.ts'
import type { ToolRunner } from '../tool-runner.ts'
import type { Volume, VolumePart } from '../volume.ts'
import { VolumeRoom } from '../volume-room.ts'
import { type BlockDevice, readBlockDevices } from './block-device.ts'
import { parseMdstat, type RaidState } from './mdstat.ts'
import type { RootClient } from './root-client.ts'

const limitMs = 15_000

const diskFileSystems =
  /^(ext[234]|xfs|btrfs|zfs|f2fs|jfs|reiserfs|bcachefs|vfat|exfat|ntfs3?|fuseblk|tmpfs|overlay|hfsplus)$/
const remoteFileSystems = /^(nfs4?|cifs|smb3|9p|virtiofs|ceph|glusterfs|fuse\..*)$/

/** What the system keeps for itself. */
const systemPlaces = /^\/(proc|sys|dev|run|boot|snap|var\/lib\/(docker|containers)|etc|tmp|usr)(\/|$)/

/** Where media plugged in are mounted below /run. */
const mediaPlaces = /^\/run\/media\//

export class LinuxVolumes implements VolumePart {
  readonly #tools: ToolRunner
  readonly #files: MachineFiles
  readonly #root: RootClient
  readonly #room = new VolumeRoom()

  constructor(tools: ToolRunner, files: MachineFiles, root: RootClient) {
    this.#tools = tools
    this.#files = files
    this.#root = root
  }

  list(): Promise<Finding<Volume[]>> {
    return asFinding('list volumes', limitMs, async () => {
      const mountInfo = await this.#files.read('/proc/self/mountinfo')
      if (mountInfo === undefined) return lack('not-available', 'list volumes: there is no /proc/self/mountinfo')
      const mounts = visibleMounts(parseMountInfo(mountInfo)).filter(isVolume)
      const devices = knownValue(await readBlockDevices(this.#tools)) ?? []
      const raids = parseMdstat((await this.#files.read('/proc/mdstat')) ?? '')
      const volumes = await Promise.all(mounts.map((mount) => this.#describe(mount, devices, raids)))
      const all = [...volumes, ...locked(devices)]
      return found(all.sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1)))
    })
  }

  /** By itself where the volume is the server's to write to; else by root. */
  async makeSpaceFolder(path: string): Promise<Finding<undefined>> {
    const own = await makeFolder(path)
    return own.isFound || own.kind !== 'denied' ? own : this.#root.ask({ verb: 'make-space-folder', path })
  }

  async #describe(mount: Mount, devices: BlockDevice[], raids: Map<string, RaidState>): Promise<Volume> {
    const mountPath = this.#files.path(mount.mountPoint)
    const room = await this.#room.read(mountPath)
    const device =
      devices.find(({ path }) => path === mount.source) ??
      devices.find(({ mountPoint }) => mountPoint === mount.mountPoint)
    const chain = device === undefined ? [] : [device, ...device.below]
    const raid = chain.map(({ kernelName }) => raids.get(kernelName)).find((state) => state !== undefined)
    return {
      mountPath,
      label: device?.label || basename(mount.mountPoint) || '/',
      kind: remoteFileSystems.test(mount.fileSystem) ? 'remote' : device?.isExternal ? 'external' : 'internal',
      source: device?.path ?? mount.source,
      fileSystem: mount.fileSystem,
      totalBytes: knownValue(room)?.totalBytes,
      freeBytes: knownValue(room)?.freeBytes,
      isReadOnly: mount.isReadOnly,
      isEncrypted: chain.some(({ type }) => type === 'crypt'),
      isLocked: false,
      raid: raid?.level || chain.find(({ type }) => type.startsWith('raid'))?.type,
      // A disk alone has no state of its own to tell but this: it answers.
      state: raid?.state ?? (room.isFound ? 'good' : 'unknown'),
      stateDetail: raid?.detail ?? (room.isFound ? '' : room.reason),
    }
  }
}

function isVolume({ mountPoint, fileSystem }: Mount): boolean {
  if (systemPlaces.test(mountPoint) && !mediaPlaces.test(mountPoint)) return false
  return diskFileSystems.test(fileSystem) || remoteFileSystems.test(fileSystem)
}

/** Encrypted devices that nothing has opened: they have no mount point until somebody gives the key. */
function locked(devices: BlockDevice[]): Volume[] {
  return devices
    .filter(({ fileSystem }) => fileSystem === 'crypto_LUKS')
    .filter((device) => !devices.some(({ below }) => below.includes(device)))
    .map((device) => ({
      mountPath: '',
      label: device.label || device.kernelName,
      kind: device.isExternal ? 'external' : 'internal',
      source: device.path,
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

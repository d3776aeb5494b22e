// What the machine says of its volumes, and of the volume under one path: room, rights and mount point.
import { access, constants, readFile, realpath, stat, statfs } from 'node:fs/promises'
import type { Finding } from './finding.ts'
import type { HostSession } from './host-session.ts'
import { mountOf, parseMountInfo } from './mount.ts'

/** `internal`: disks of the machine. `external`: plugged in. `remote`: another machine's, or a cloud's. */
export type VolumeKind = 'internal' | 'external' | 'remote'

/** `rebuilding` and `degraded` hold their data; `failed` may not. `unknown` is what the machine does not tell. */
export type VolumeState = 'good' | 'rebuilding' | 'degraded' | 'failed' | 'unknown'

export interface Volume {
  /** Where its files are; while it is locked, where they would be, or empty where that is not known. */
  mountPath: string
  /** What people call it; the last part of its path where it has no name. */
  label: string
  kind: VolumeKind
  /** The block device or the remote place, where there is one. */
  source: string
  fileSystem: string
  /** Its size, and what a process without privileges may still use. Not there while it is locked or does not answer. */
  totalBytes: number | undefined
  freeBytes: number | undefined
  isReadOnly: boolean
  isEncrypted: boolean
  /** Encrypted, and nobody has given its key: it is not mounted. */
  isLocked: boolean
  /** Such as `raid5`, where the machine tells. */
  raid: string | undefined
  state: VolumeState
  /** The machine's own words for that state, or why size and room are not known. */
  stateDetail: string
}

export interface VolumePart {
  /** In the order of their paths. `session`, of an administrator, tells more on some machines. */
  list(session?: HostSession): Promise<Finding<Volume[]>>
  /**
   * Makes the folder of a recording space, directly on a volume, writable for the server. One that is there already is
   * refused: whose it is, is for the caller to find out.
   */
  makeSpaceFolder(path: string): Promise<Finding<undefined>>
}

export interface VolumeFacts {
  /** The path with symbolic links resolved. */
  realPath: string
  isDirectory: boolean
  isWritable: boolean
  /** Where its file system is mounted, by /proc/self/mountinfo; `/` where nothing nearer is. */
  mountPoint: string
  /** The file system's type, such as `ext4`; empty where it is not known. */
  fileSystem: string
  isReadOnly: boolean
  /** Bytes a process without privileges may still use (`f_bavail`). */
  freeBytes: number
  totalBytes: number
}

/** The facts of a path, or undefined where nothing is there. Fails with the system's error on anything else. */
export async function readVolumeFacts(path: string): Promise<VolumeFacts | undefined> {
  try {
    const realPath = await realpath(path)
    const [status, room, mountInfo] = await Promise.all([
      stat(realPath),
      statfs(realPath),
      readFile('/proc/self/mountinfo', 'utf8'),
    ])
    const mount = mountOf(realPath, parseMountInfo(mountInfo))
    const isWritable = await access(realPath, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    )
    return {
      realPath,
      isDirectory: status.isDirectory(),
      isWritable,
      mountPoint: mount.mountPoint,
      fileSystem: mount.fileSystem,
      isReadOnly: mount.isReadOnly,
      freeBytes: room.bavail * room.bsize,
      totalBytes: room.blocks * room.bsize,
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

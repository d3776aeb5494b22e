// What the machine says of a volume: room, rights and mount point.
import { access, constants, readFile, realpath, stat, statfs } from 'node:fs/promises'

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

export interface Mount {
  mountPoint: string
  fileSystem: string
  isReadOnly: boolean
}

/** The facts of a path, or undefined where nothing is there. Fails with the system's error on anything else. */
export async function readVolumeFacts(path: string): Promise<VolumeFacts | undefined> {
  try {
    const realPath = await realpath(path)
    const [status, room, mounts] = await Promise.all([stat(realPath), statfs(realPath), readMounts()])
    const mount = mountOf(realPath, mounts)
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

async function readMounts(): Promise<Mount[]> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'))
}

/**
 * The mounts of `/proc/self/mountinfo` (proc(5)), in the order they were made: of two on one place the later counts.
 *
 * A line: id, parent, device, root, mount point, options, optional fields, `-`, type, source, super options.
 */
export function parseMountInfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ')
    const dash = fields.indexOf('-', 6)
    if (dash < 0) return []
    const options = `${fields[5]},${fields[dash + 3] ?? ''}`.split(',')
    return [
      {
        mountPoint: unescapeOctal(fields[4]!),
        fileSystem: fields[dash + 1] ?? '',
        isReadOnly: options.includes('ro'),
      },
    ]
  })
}

/** The mount a path stands on: the deepest one, and of those the last made. */
export function mountOf(path: string, mounts: Mount[]): Mount {
  let found: Mount = { mountPoint: '/', fileSystem: '', isReadOnly: false }
  for (const mount of mounts) {
    const prefix = mount.mountPoint === '/' ? '/' : `${mount.mountPoint}/`
    if (`${path}/`.startsWith(prefix) && mount.mountPoint.length >= found.mountPoint.length) found = mount
  }
  return found
}

/** Space, tab, newline and backslash stand as octal there: `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

// The mounts of /proc/self/mountinfo.

export interface Mount {
  mountPoint: string
  fileSystem: string
  isReadOnly: boolean
  /** What is mounted, such as `/dev/mapper/cachedev1`; a word of the file system's own where it is no device. */
  source: string
  /** Number of the device, `major:minor`. */
  device: string
  /** Which folder of that device is seen here. */
  root: string
  id: number
  /** The mount it was mounted on; of one outside the process's root, none is in the list. */
  parentId: number
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
        source: unescapeOctal(fields[dash + 2] ?? ''),
        device: fields[2]!,
        root: unescapeOctal(fields[3]!),
        id: Number(fields[0]),
        parentId: Number(fields[1]),
      },
    ]
  })
}

/**
 * The mount a path stands on: the deepest one, and of those the last made.
 *
 * systemd makes a folder writable for a service (`ReadWritePaths=`) by mounting it on itself. That is no volume: the rights
 * are that mount's, the mount point is the one below it, so that a disk which is not mounted does not look as if it were.
 */
export function mountOf(path: string, mounts: Mount[]): Mount {
  const above = mounts
    .filter(({ mountPoint }) => isWithin(path, mountPoint))
    .map((mount, at) => ({ mount, at }))
    .sort((a, b) => b.mount.mountPoint.length - a.mount.mountPoint.length || b.at - a.at)
    .map(({ mount }) => mount)
  const found = above[0]
  if (found === undefined) {
    return {
      ...{ mountPoint: '/', fileSystem: '', isReadOnly: false, source: '' },
      device: '',
      root: '/',
      id: 0,
      parentId: 0,
    }
  }
  let at = 0
  while (at + 1 < above.length && isOnItself(above[at]!, above[at + 1]!)) at++
  return { ...found, mountPoint: above[at]!.mountPoint }
}

function isWithin(path: string, mountPoint: string): boolean {
  return `${path}/`.startsWith(mountPoint === '/' ? '/' : `${mountPoint}/`)
}

/** Whether `mount` shows at its place what `below` would show there anyway. */
function isOnItself(mount: Mount, below: Mount): boolean {
  const bare = (path: string) => (path === '/' ? '' : path)
  return (
    mount.device === below.device &&
    bare(mount.root) === bare(below.root) + mount.mountPoint.slice(bare(below.mountPoint).length)
  )
}

/** Those a path can lead to: not what another one was mounted over, at the same place or at a folder above it. */
export function visibleMounts(mounts: Mount[]): Mount[] {
  const byId = new Map(mounts.map((mount) => [mount.id, mount]))
  const isCovered = ({ id, mountPoint }: Mount) =>
    mounts.some((other) => other.parentId === id && other.mountPoint === mountPoint)
  const isReachable = (mount: Mount): boolean => {
    const { parentId, mountPoint } = mount
    if (mounts.some((other) => other.parentId === parentId && isAbove(other.mountPoint, mountPoint))) return false
    const parent = byId.get(parentId)
    return parent === undefined || parent === mount || isReachable(parent)
  }
  return mounts.filter((mount) => isReachable(mount) && !isCovered(mount))
}

function isAbove(folder: string, path: string): boolean {
  return folder !== path && path.startsWith(folder === '/' ? '/' : `${folder}/`)
}

/** Space, tab, newline and backslash stand as octal there: `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

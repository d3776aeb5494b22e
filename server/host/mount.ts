// The mounts of /proc/self/mountinfo.

export interface Mount {
  mountPoint: string
  fileSystem: string
  isReadOnly: boolean
  /** What is mounted, such as `/dev/mapper/cachedev1`; a word of the file system's own where it is no device. */
  source: string
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
      },
    ]
  })
}

/** The mount a path stands on: the deepest one, and of those the last made. */
export function mountOf(path: string, mounts: Mount[]): Mount {
  let found: Mount = { mountPoint: '/', fileSystem: '', isReadOnly: false, source: '' }
  for (const mount of mounts) {
    const prefix = mount.mountPoint === '/' ? '/' : `${mount.mountPoint}/`
    if (`${path}/`.startsWith(prefix) && mount.mountPoint.length >= found.mountPoint.length) found = mount
  }
  return found
}

/** One mount a place: of several on one mount point only the last is seen by those who look. */
export function visibleMounts(mounts: Mount[]): Mount[] {
  return [...new Map(mounts.map((mount) => [mount.mountPoint, mount])).values()]
}

/** Space, tab, newline and backslash stand as octal there: `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

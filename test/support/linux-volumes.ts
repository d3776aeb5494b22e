// Makes mounts and lists the volumes of this machine: run as root in a mount namespace of its own (see
// `linux-host.test.ts`). Prints one line of JSON: the volumes below /mnt.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createLinuxHost } from '../../server/host/linux/linux-host.ts'

execFileSync('mount', ['-t', 'tmpfs', 'none', '/mnt'])
for (const [name, size, options] of [
  ['first', '16m', 'rw'],
  ['second', '48m', 'ro'],
] as const) {
  const place = `/mnt/${name}`
  mkdirSync(place)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},${options}`, 'none', place])
}

const volumes = await createLinuxHost().volumes.list()
if (!volumes.isFound) throw new Error(volumes.reason)
console.log(
  JSON.stringify(
    volumes.value
      .filter(({ mountPath }) => mountPath.startsWith('/mnt/'))
      .map(({ label, fileSystem, totalBytes, isReadOnly, kind }) => ({
        label,
        fileSystem,
        totalBytes,
        isReadOnly,
        kind,
      })),
  ),
)

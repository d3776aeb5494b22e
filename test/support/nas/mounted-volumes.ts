// Lists the volumes of a simulated NAS whose volumes are mounts of unlike sizes: run as root in a mount namespace of its own
// (see `qts-volume.test.ts`). Prints one line of JSON.
//
// Usage: mounted-volumes.ts FOLDER
import { execFileSync } from 'node:child_process'
import { basename, join } from 'node:path'
import { createQtsHost } from '../../../server/host/qts/qts-host.ts'
import { SimulatedNas } from './simulated-nas.ts'

const folder = process.argv[2]!
const nas = await SimulatedNas.start(folder)
nas.mount(
  ['/', 'tmpfs', 'none', 'rw'],
  ['/share/CACHEDEV1_DATA', 'ext4', '/dev/mapper/cachedev1', 'rw'],
  ['/share/CACHEDEV2_DATA', 'ext4', '/dev/mapper/cachedev2', 'rw'],
)
for (const [name, size] of [
  ['CACHEDEV1_DATA', '16m'],
  ['CACHEDEV2_DATA', '48m'],
] as const) {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', join(folder, 'share', name)])
}
nas.state.change((extra) => {
  extra.volumes = {
    '1': { description: '[Volume Old, Pool 1]', fileSystem: 'Unknown', size: '48.00 MB', status: '--' },
    '3': { description: '[RAID5 Disk Volume: Drive 1 2 3]', fileSystem: 'EXT4', size: '48.00 MB', status: 'Degraded' },
    '6': { description: '[Volume DataVol1, Pool 1]', fileSystem: 'EXT4', size: '16.00 MB', status: 'Ready' },
  }
})

const volumes = await createQtsHost({ root: nas.root, baseUrls: [nas.baseUrl], nowMs: Date.now }).volumes.list()
await nas.close()
console.log(
  JSON.stringify(
    volumes.isFound
      ? volumes.value.map(({ mountPath, label, raid, state, totalBytes }) => [
          basename(mountPath),
          label,
          raid,
          state,
          totalBytes,
        ])
      : volumes,
  ),
)

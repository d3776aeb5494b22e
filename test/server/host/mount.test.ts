import assert from 'node:assert/strict'
import { mountOf, parseMountInfo, visibleMounts } from '../../../server/host/mount.ts'

// Fields as proc(5) lists them: id, parent, device, root, mount point, options, optional fields, -, type, source, options.
const mountInfo = [
  '22 1 253:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw',
  '30 22 0:26 / /share rw,nosuid - tmpfs tmpfs rw,size=16384k',
  '31 30 253:2 / /share/CACHEDEV1_DATA rw,relatime shared:7 master:2 - ext4 /dev/mapper/cachedev1 rw,data=ordered',
  '32 30 253:3 / /share/My\\040Disk ro,relatime - ext4 /dev/sdb1 rw',
  '33 31 253:4 / /share/CACHEDEV1_DATA rw,relatime - xfs /dev/sdc1 ro',
  '34 30 253:5 / /share/CACHEDEV1_DATA2 rw - ext4 /dev/sdd1 rw',
].join('\n')

describe('mounts', () => {
  const cases: [path: string, mountPoint: string, fileSystem: string, isReadOnly: boolean, source: string][] = [
    ['/', '/', 'ext4', false, '/dev/vda1'],
    ['/home/x', '/', 'ext4', false, '/dev/vda1'],
    ['/share', '/share', 'tmpfs', false, 'tmpfs'],
    ['/share/other', '/share', 'tmpfs', false, 'tmpfs'],
    ['/share/CACHEDEV1_DATA/a/b', '/share/CACHEDEV1_DATA', 'xfs', true, '/dev/sdc1'],
    ['/share/CACHEDEV1_DATA2/a', '/share/CACHEDEV1_DATA2', 'ext4', false, '/dev/sdd1'],
    ['/share/My Disk/x', '/share/My Disk', 'ext4', true, '/dev/sdb1'],
  ]
  for (const [path, mountPoint, fileSystem, isReadOnly, source] of cases) {
    it(`have ${path} on ${mountPoint}`, () => {
      assert.deepEqual(mountOf(path, parseMountInfo(mountInfo)), { mountPoint, fileSystem, isReadOnly, source })
    })
  }

  it('show of two on one place the later', () => {
    const shown = visibleMounts(parseMountInfo(mountInfo)).filter((mount) => mount.mountPoint.endsWith('DEV1_DATA'))

    assert.deepEqual(
      shown.map(({ source }) => source),
      ['/dev/sdc1'],
    )
  })

  it('leave out lines that are none', () => {
    assert.deepEqual(parseMountInfo('\nnonsense\n1 2 3'), [])
  })
})

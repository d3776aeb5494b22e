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
      const mount = mountOf(path, parseMountInfo(mountInfo))

      assert.deepEqual(
        [mount.mountPoint, mount.fileSystem, mount.isReadOnly, mount.source],
        [mountPoint, fileSystem, isReadOnly, source],
      )
    })
  }

  it('are seen but for what another was mounted over', () => {
    const over = [
      '22 1 253:1 / / rw - ext4 /dev/vda1 rw',
      '30 22 253:2 / /mnt/lower rw - ext4 /dev/vdb1 rw',
      '31 30 253:3 / /mnt/lower/deep rw - ext4 /dev/vdc1 rw',
      '32 22 0:30 / /mnt rw - tmpfs over rw',
      '33 32 0:31 / /mnt/new rw - tmpfs new rw',
      '34 33 0:32 / /mnt/new rw - tmpfs newer rw',
      '36 33 0:34 / /mnt/new/old rw - tmpfs old rw',
      '35 34 0:33 / /mnt/new/below rw - tmpfs below rw',
    ].join('\n')

    const seen = visibleMounts(parseMountInfo(over)).map(({ source }) => source)

    assert.deepEqual(seen, ['/dev/vda1', 'over', 'newer', 'below'])
  })

  it('are seen through where a folder was mounted on itself to be written to', () => {
    const ofService = parseMountInfo(
      [
        '22 1 253:1 / / ro - ext4 /dev/vda1 rw',
        '30 22 253:1 /srv/footage /srv/footage rw - ext4 /dev/vda1 rw',
        '31 22 253:2 / /mnt/disk ro - ext4 /dev/vdb1 rw',
        '32 31 253:2 /here /mnt/disk/here rw - ext4 /dev/vdb1 rw',
        '33 22 253:1 /elsewhere /mnt/bound rw - ext4 /dev/vda1 rw',
        '34 22 253:3 / /mnt/other rw - ext4 /dev/vdc1 rw',
        // A disk that was mounted on such a folder later comes below it and above it.
        '35 36 253:1 /mnt/late /mnt/late rw - ext4 /dev/vda1 rw',
        '36 22 253:4 / /mnt/late rw - ext4 /dev/vdd1 rw',
        '37 35 253:4 / /mnt/late rw - ext4 /dev/vdd1 rw',
      ].join('\n'),
    )

    const paths = ['/srv/footage/a', '/mnt/disk/here', '/mnt/disk', '/mnt/bound', '/mnt/other', '/mnt/late']
    const seen = paths.map((path) => {
      const { mountPoint, isReadOnly } = mountOf(path, ofService)
      return [path, mountPoint, isReadOnly]
    })

    assert.deepEqual(seen, [
      ['/srv/footage/a', '/', false],
      ['/mnt/disk/here', '/mnt/disk', false],
      ['/mnt/disk', '/mnt/disk', true],
      ['/mnt/bound', '/mnt/bound', false],
      ['/mnt/other', '/mnt/other', false],
      ['/mnt/late', '/mnt/late', false],
    ])
  })

  it('leave out lines that are none', () => {
    assert.deepEqual(parseMountInfo('\nnonsense\n1 2 3'), [])
  })
})

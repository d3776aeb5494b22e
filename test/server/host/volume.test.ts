import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountOf, parseMountInfo, readVolumeFacts } from '../../../server/host/volume.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

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
  const cases: [path: string, mountPoint: string, fileSystem: string, isReadOnly: boolean][] = [
    ['/', '/', 'ext4', false],
    ['/home/x', '/', 'ext4', false],
    ['/share', '/share', 'tmpfs', false],
    ['/share/other', '/share', 'tmpfs', false],
    ['/share/CACHEDEV1_DATA/a/b', '/share/CACHEDEV1_DATA', 'xfs', true],
    ['/share/CACHEDEV1_DATA2/a', '/share/CACHEDEV1_DATA2', 'ext4', false],
    ['/share/My Disk/x', '/share/My Disk', 'ext4', true],
  ]
  for (const [path, mountPoint, fileSystem, isReadOnly] of cases) {
    it(`have ${path} on ${mountPoint}`, () => {
      assert.deepEqual(mountOf(path, parseMountInfo(mountInfo)), { mountPoint, fileSystem, isReadOnly })
    })
  }

  it('leave out lines that are none', () => {
    assert.deepEqual(parseMountInfo('\nnonsense\n1 2 3'), [])
  })
})

describe('volume facts', () => {
  it('are those of the folder a link leads to', async () => {
    const folder = makeTestFolder()
    mkdirSync(join(folder, 'volume'))
    symlinkSync(join(folder, 'volume'), join(folder, 'link'))

    const facts = await readVolumeFacts(join(folder, 'link'))

    assert.equal(facts?.realPath, join(folder, 'volume'))
    assert.equal(facts?.isDirectory, true)
    assert.equal(facts?.isWritable, true)
    assert.ok(facts!.freeBytes > 0 && facts!.freeBytes <= facts!.totalBytes)
    assert.ok(join(folder, 'volume').startsWith(facts!.mountPoint))
  })

  it('are none where nothing is', async () => {
    const folder = makeTestFolder()
    writeFileSync(join(folder, 'file'), '')

    assert.equal(await readVolumeFacts(join(folder, 'nothing')), undefined)
    assert.equal(await readVolumeFacts(join(folder, 'file/below')), undefined)
    assert.equal((await readVolumeFacts(join(folder, 'file')))?.isDirectory, false)
  })
})

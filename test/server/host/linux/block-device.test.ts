import assert from 'node:assert/strict'
import { parseBlockDevices, readBlockDevices } from '../../../../server/host/linux/block-device.ts'
import { ToolRunner } from '../../../../server/host/tool-runner.ts'

/** An encrypted array of two disks, and a stick, as lsblk lists them. */
const tree = {
  blockdevices: [
    ...['sda', 'sdb'].map((name) => ({
      kname: name,
      path: `/dev/${name}`,
      type: 'disk',
      rm: false,
      tran: 'sata',
      fstype: 'linux_raid_member',
      children: [
        {
          kname: 'md0',
          path: '/dev/md0',
          type: 'raid1',
          fstype: 'crypto_LUKS',
          children: [
            {
              kname: 'dm-0',
              path: '/dev/mapper/data',
              type: 'crypt',
              fstype: 'ext4',
              label: 'Data',
              mountpoint: '/data',
            },
          ],
        },
      ],
    })),
    {
      kname: 'sdc',
      path: '/dev/sdc',
      type: 'disk',
      rm: '0',
      tran: 'usb',
      children: [{ kname: 'sdc1', path: '/dev/sdc1', type: 'part', rm: '0', fstype: 'vfat', label: null }],
    },
  ],
}

describe('block devices', () => {
  it('know what they stand on', () => {
    const data = parseBlockDevices(JSON.stringify(tree)).find(({ path }) => path === '/dev/mapper/data')

    assert.equal(data?.label, 'Data')
    assert.equal(data?.mountPoint, '/data')
    assert.deepEqual(
      data?.below.map(({ kernelName, type }) => [kernelName, type]),
      [
        ['md0', 'raid1'],
        ['sda', 'disk'],
      ],
    )
  })

  it('are external with the disk they are part of', () => {
    const devices = parseBlockDevices(JSON.stringify(tree))

    assert.deepEqual(
      devices.filter(({ isExternal }) => isExternal).map(({ path }) => path),
      ['/dev/sdc', '/dev/sdc1'],
    )
  })

  for (const text of ['', 'lsblk: unknown column', '{}', '{"blockdevices": "none"}', '[]']) {
    it(`are none in ${JSON.stringify(text)}, which is an error`, () => {
      assert.throws(() => parseBlockDevices(text))
    })
  }

  it('are listed on this machine', async () => {
    const devices = await readBlockDevices(new ToolRunner({ root: '/' }))

    assert.ok(devices.isFound, devices.isFound ? '' : devices.reason)
    assert.ok(devices.value.every(({ path }) => path.startsWith('/dev/')))
    assert.ok(devices.value.length > 0)
  })
})

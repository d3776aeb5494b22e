import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, realpathSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { createLinuxHost } from '../../../../server/host/linux/linux-host.ts'
import { RootClient } from '../../../../server/host/linux/root-client.ts'
import { makeTestFolder } from '../../../support/test-folder.ts'

const is = (value: unknown) => ({ isFound: true, value })

/** A root with these files and programs; a path that ends in `*` is a program. */
function rootOf(files: Record<string, string>): string {
  const root = makeTestFolder()
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name.replace(/\*$/, ''))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    if (name.endsWith('*')) chmodSync(path, 0o755)
  }
  return root
}

describe('this machine', () => {
  const host = createLinuxHost()

  it('tells who it is', async () => {
    const identity = await host.identity.get()

    assert.deepEqual(identity.name, is(hostname()))
    assert.deepEqual(identity.machineId, is(readFileSync('/etc/machine-id', 'utf8').trim()))
    assert.match(identity.system.isFound ? identity.system.value : '', /\w/)
    for (const { isFound, reason } of [identity.model, identity.serial, identity.platform] as {
      isFound: boolean
      reason?: string
    }[]) {
      assert.ok(isFound || reason !== '')
    }
  })

  it('has the volume that / is, with its room, and none of the kernel’s own', async () => {
    const volumes = await host.volumes.list()

    assert.ok(volumes.isFound, volumes.isFound ? '' : volumes.reason)
    const top = volumes.value.find(({ mountPath }) => mountPath === '/')
    assert.equal(top?.totalBytes, statfsSync('/').blocks * statfsSync('/').bsize)
    assert.ok(top!.freeBytes! > 0 && top!.freeBytes! <= top!.totalBytes!)
    assert.ok(volumes.value.every(({ mountPath }) => !/^\/(proc|sys|dev)(\/|$)/.test(mountPath)))
  })

  it('tells its time zone and, where anything here can, whether its clock is kept right', async () => {
    const { timeZone, isSynchronised } = await host.wallClock.get()

    assert.deepEqual(timeZone, is(/zoneinfo\/(.+)/.exec(realpathSync('/etc/localtime'))?.[1]))
    assert.ok(isSynchronised.isFound || isSynchronised.kind === 'not-available')
  })

  it('has no root door unless one is set up, and says so', async () => {
    const none = createLinuxHost({ rootClient: new RootClient(join(makeTestFolder(), 'root.sock')) })

    const findings = [
      await none.power.restart(),
      await none.power.shutDown(),
      await none.wallClock.setTimeZone('Europe/Berlin'),
    ]

    for (const finding of findings) {
      assert.equal(!finding.isFound && finding.kind, 'not-available')
      assert.match(finding.isFound ? '' : finding.reason, /not available here/)
    }
  })

  it('does not log its accounts in, nor change them', async () => {
    const outcome = await host.logins.verify({ name: 'root', password: 'x', clientAddress: '127.0.0.1' })
    const created = await host.accounts.create({ name: 'bob', password: 'bob-secret', description: '' })

    assert.equal(outcome.kind, 'unreachable')
    assert.equal(!created.isFound && created.kind, 'not-available')
  })

  it('tells of mounts made under it', () => {
    const program = join(import.meta.dirname, '../../../support/linux-volumes.ts')
    const noMocha = join(import.meta.dirname, '../../../support/no-mocha.mjs')
    const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
    const output = execFileSync('unshare', [...asRoot, '-m', process.execPath, '--import', noMocha, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    })

    assert.deepEqual(JSON.parse(output), [
      { label: 'first', fileSystem: 'tmpfs', totalBytes: 16 * 1024 ** 2, isReadOnly: false, kind: 'internal' },
      { label: 'second', fileSystem: 'tmpfs', totalBytes: 48 * 1024 ** 2, isReadOnly: true, kind: 'internal' },
    ])
  })
})

describe('a Linux machine', () => {
  it('tells who it is, but not what its maker left blank', async () => {
    const root = rootOf({
      '/proc/sys/kernel/hostname': 'attic\n',
      '/etc/os-release': 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
      '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
      '/sys/class/dmi/id/product_name': 'ProLiant MicroServer\n',
      '/sys/class/dmi/id/product_serial': 'To be filled by O.E.M.\n',
    })

    const identity = await createLinuxHost({ root }).identity.get()

    assert.deepEqual(identity.name, is('attic'))
    assert.deepEqual(identity.system, is('Debian GNU/Linux 12 (bookworm)'))
    assert.deepEqual(identity.model, is('ProLiant MicroServer'))
    assert.deepEqual(identity.serial, {
      isFound: false,
      kind: 'not-available',
      reason: 'read serial number: this machine does not tell it',
    })
  })

  it('has volumes with array, key and label of what they stand on', async () => {
    const lsblk = {
      blockdevices: [
        {
          ...{ kname: 'sda', path: '/dev/sda', type: 'disk' },
          children: [
            {
              ...{ kname: 'md0', path: '/dev/md0', type: 'raid1', fstype: 'crypto_LUKS' },
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
        },
        { kname: 'sdb', path: '/dev/sdb', type: 'disk', fstype: 'crypto_LUKS', label: 'Spare', tran: 'usb' },
      ],
    }
    const root = rootOf({
      '/proc/self/mountinfo':
        '30 1 9:0 / /data rw - ext4 /dev/mapper/data rw\n31 1 0:9 / /far rw - nfs4 nas:/far rw\n' +
        '32 1 0:8 / /run/user/0 rw - tmpfs tmpfs rw\n33 1 0:7 / /gone rw - xfs /dev/sdz rw\n',
      '/proc/mdstat': 'md0 : active raid1 sdc[1] sda[0]\n      976 blocks [2/1] [U_]\n',
      '/usr/bin/lsblk*': `#!/bin/sh\ncat <<'E'\n${JSON.stringify(lsblk)}\nE\n`,
      '/data/file': '',
      '/far/file': '',
    })

    const volumes = await createLinuxHost({ root }).volumes.list()

    assert.ok(volumes.isFound)
    const seen = volumes.value.map(({ label, kind, isEncrypted, isLocked, raid, state }) => {
      return [label, kind, isEncrypted, isLocked, raid, state]
    })
    assert.deepEqual(seen, [
      ['Spare', 'external', true, true, undefined, 'unknown'],
      ['Data', 'internal', true, false, 'raid1', 'degraded'],
      ['far', 'remote', false, false, undefined, 'good'],
      ['gone', 'internal', false, false, undefined, 'unknown'],
    ])
    assert.match(volumes.value.at(-1)!.stateDetail, /ENOENT/)
  })

  it('still lists its volumes where lsblk prints nonsense', async () => {
    const root = rootOf({
      '/proc/self/mountinfo': '30 1 9:0 / /data rw - ext4 /dev/sda1 rw\n',
      '/usr/bin/lsblk*': '#!/bin/sh\necho lsblk: failed\n',
      '/data/file': '',
    })

    const volumes = await createLinuxHost({ root }).volumes.list()

    assert.deepEqual(volumes.isFound && volumes.value.map(({ label }) => label), ['data'])
  })

  it('lists the accounts of people, and who may become root', async () => {
    const root = rootOf({
      '/etc/passwd':
        'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nalice:x:1000:1000:Alice,,,:/home/alice:/bin/bash\n' +
        'bob:x:1001:1001::/home/bob:/usr/sbin/nologin\nnobody:x:65534:65534::/:/usr/sbin/nologin\n',
      '/etc/group': 'root:x:0:\nsudo:x:27:alice\nalice:x:1000:\nbob:x:1001:\n',
    })
    const { accounts } = createLinuxHost({ root })

    const [people, groups] = [await accounts.list(), await accounts.listGroups()]

    assert.deepEqual(
      people.isFound && people.value.map(({ name, isAdministrator, isEnabled }) => [name, isAdministrator, isEnabled]),
      [
        ['alice', true, true],
        ['bob', false, false],
      ],
    )
    assert.deepEqual(groups.isFound && groups.value.map(({ name, members }) => [name, members]), [
      ['sudo', ['alice']],
      ['alice', ['alice']],
      ['bob', ['bob']],
    ])
  })

  it('has the shared folders of its Samba, or says that there is none', async () => {
    const root = rootOf({
      '/etc/samba/smb.conf':
        '[global]\npath = /x\n[Films]\npath = /films\nbrowsable = no\n[Music]\npath = /m\nwritable = yes\n',
    })

    const [shares, none] = [
      await createLinuxHost({ root }).shares.list(),
      await createLinuxHost({ root: makeTestFolder() }).shares.list(),
    ]

    assert.deepEqual(
      shares.isFound &&
        shares.value.map(({ name, isHidden, isReadOnly, isPresent }) => [name, isHidden, isReadOnly, isPresent]),
      [
        ['Films', true, true, false],
        ['Music', false, false, false],
      ],
    )
    assert.equal(!none.isFound && none.kind, 'not-available')
  })

  it('writes to its system log by logger, as one argument', async () => {
    const root = rootOf({ '/usr/bin/logger*': '#!/bin/sh\nprintf "%s|" "$@" >"$(dirname "$0")/said"\n' })

    const written = await createLinuxHost({ root }).eventLog.write({ level: 'error', text: '--x\n`id`', user: 'alice' })

    assert.deepEqual(written, is(undefined))
    assert.equal(readFileSync(join(root, 'usr/bin/said'), 'utf8'), '-t|nightjar|-p|daemon.err|--|--x `id` (alice)|')
  })

  // As chronyd 4.3 prints it, its server's address replaced.
  const chronyLine =
    'C0000207,192.0.2.7,3,1795838000.123456789,-0.000012345,0.000020000,0.000100000,-12.3,0.001,0.02,0.001,0.0005,64.2,'
  const clocks: [what: string, files: Record<string, string>, isSynchronised: boolean][] = [
    ['systemd', { '/usr/bin/timedatectl*': '#!/bin/sh\necho yes\n' }, true],
    ['systemd', { '/usr/bin/timedatectl*': '#!/bin/sh\necho no\n' }, false],
    [
      'its file where timedatectl fails',
      { '/usr/bin/timedatectl*': '#!/bin/sh\nexit 1\n', '/run/systemd/timesync/synchronized': '' },
      true,
    ],
    ['the kernel', { '/sbin/adjtimex*': '#!/bin/sh\n[ "$1" = --print ] && echo "       status: 8193 (PLL)"\n' }, true],
    ['the kernel', { '/sbin/adjtimex*': '#!/bin/sh\n[ "$1" = --print ] && echo "  status: 64"\n' }, false],
    [
      'busybox',
      {
        '/sbin/adjtimex*':
          '#!/bin/sh\ncase $1 in --help) echo "BusyBox v1.01" >&2; exit 1 ;; "") echo "    status:    64 (UNSYNC)" ;; esac\n',
      },
      false,
    ],
    ['chrony', { '/usr/bin/chronyc*': `#!/bin/sh\necho "${chronyLine}Normal"\n` }, true],
    ['chrony', { '/usr/bin/chronyc*': `#!/bin/sh\necho "${chronyLine}Not synchronised"\n` }, false],
  ]
  for (const [what, files, isSynchronised] of clocks) {
    it(`learns from ${what} that its clock is ${isSynchronised ? '' : 'not '}kept right`, async () => {
      const clock = await createLinuxHost({ root: rootOf(files) }).wallClock.get()

      assert.deepEqual(clock.isSynchronised, is(isSynchronised))
    })
  }

  it('has the zone that /etc/localtime is a link to, else that of /etc/timezone', async () => {
    const root = rootOf({ '/etc/timezone': 'Europe/Paris\n' })
    const before = await createLinuxHost({ root }).wallClock.get()
    symlinkSync('/usr/share/zoneinfo/Asia/Taipei', join(root, 'etc/localtime'))
    const after = await createLinuxHost({ root }).wallClock.get()

    assert.deepEqual([before.timeZone, after.timeZone], [is('Europe/Paris'), is('Asia/Taipei')])
  })
})

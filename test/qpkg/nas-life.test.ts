// What becomes of an installed package when the NAS is shut down, loses power, or moves it.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { AppCenter, boot, shutdown } from '../support/nas/qts-life.ts'
import { QtsRoot } from '../support/nas/qts-root.ts'
import { packRelease } from '../support/nas/test-package.ts'

const [firstVolume, secondVolume] = ['/share/CACHEDEV1_DATA', '/share/CACHEDEV2_DATA']
const data = `${firstVolume}/NightjarData`
const service = '/etc/init.d/nightjar.sh'
/** Another package, which does not stop. */
const slow = '[Slow]\nName = Slow\nShell = /share/slow.sh\nTimeout = 5,1\nEnable = TRUE\n'
const disabled = '[Off]\nName = Off\nShell = /share/off.sh\nEnable = FALSE\n'

describe('a package in the life of a NAS', function () {
  this.timeout(240_000)
  let nas: QtsRoot | undefined
  afterEach(async () => await nas?.stop())

  it('starts at boot, stops at shutdown, moves and goes', async () => {
    nas = new QtsRoot({ shell: 'busybox' })
    const center = new AppCenter(nas)
    const root = nas
    const pidOf = async (what: string) => (await root.run(`${service} status`)).output.match(`${what} (\\d+)`)?.[1]
    root.write('share/slow.sh', '#!/bin/sh\necho "$1" >>/share/slow\n[ "$1" = start ] || sleep 60\n')
    root.write('share/off.sh', '#!/bin/sh\necho "$1" >>/share/off\n')
    await root.run('chmod 755 /share/slow.sh /share/off.sh')
    root.write('etc/config/qpkg.conf', root.read('etc/config/qpkg.conf') + slow + disabled)
    const installed = await center.install(await packRelease('0.1.0'), firstVolume)
    assert.equal(root.progress, '3', installed.output)

    const stopped = await shutdown(root)

    assert.deepEqual(
      stopped.map(({ name, isTimedOut }) => [name, isTimedOut]),
      [
        ['Nightjar', false],
        ['Slow', true],
      ],
    )
    assert.equal(root.read(`${data}/footage`), 'closed\n')

    const started = await boot(root)

    assert.deepEqual(
      started.map(({ name, code }) => [name, code]),
      [
        ['Slow', 0],
        ['Nightjar', 0],
      ],
      started.map(({ output }) => output).join(),
    )
    assert.ok(!existsSync(root.path('share/off')))
    assert.equal(root.read('share/slow'), 'stop\nstart\n')
    assert.equal(readlinkSync(root.path(service)), `${firstVolume}/.qpkg/Nightjar/nightjar.sh`)
    assert.equal(readdirSync(root.path('home/httpd/RSS/images')).length, 3)
    const recorder = await pidOf('recorder')
    assert.ok(recorder, 'the recorder runs')

    // The power goes: a recorder's number of before may be anybody's now.
    const again = await boot(root)

    assert.equal(again.at(-1)!.code, 0, again.at(-1)!.output)
    assert.ok(await pidOf('recorder'), 'the recorder runs after a power cut')
    assert.equal(root.read(`${data}/footage`), 'closed\n')

    const moved = await center.migrate('Nightjar', secondVolume)

    const home = `${secondVolume}/.qpkg/Nightjar`
    assert.equal(moved.code, 0, moved.output)
    assert.ok(!existsSync(root.path(`${firstVolume}/.qpkg/Nightjar`)))
    assert.equal(root.setting('Mount_Action'), `${home}/nightjar-mounted.sh`)
    assert.equal(root.setting('Unmount_Action'), `${home}/nightjar-unmounting.sh`)
    assert.equal(readlinkSync(root.path(service)), `${home}/nightjar.sh`)
    assert.equal(root.read(`${data}/footage`), 'closed\nclosed\n')
    assert.ok(await pidOf('server'))

    await root.run(`${service} stop`)
    const mounted = await center.fire('Mount', firstVolume)
    const shared = await center.fire('Share_Add', 'Public')

    assert.deepEqual(
      mounted.map(({ name, code }) => [name, code]),
      [['Nightjar', 0]],
    )
    assert.deepEqual(shared, [])
    assert.ok(await pidOf('server'), 'it starts when its volume comes')
    await center.fire('Unmount', firstVolume)
    assert.equal(await pidOf('server'), undefined)

    const removed = await center.remove('Nightjar')

    assert.equal(removed.code, 0, removed.output)
    assert.ok(!existsSync(root.path(home)))
    assert.ok(!root.read('etc/config/qpkg.conf').includes('[Nightjar]'))
    assert.match(root.read('etc/config/qpkg.conf'), /\[Slow\]\n[\s\S]*\[Off\]\n/)
    assert.ok(existsSync(root.path(`${data}/server.log`)))
  })
})

// nightjar.sh, the package's service script, where App Center or a person calls it.
import assert from 'node:assert/strict'
import { existsSync, renameSync, rmSync } from 'node:fs'
import type { PackedFile } from '../../scripts/qpkg/pack.ts'
import { QtsRoot } from '../support/nas/qts-root.ts'
import { install, packRelease } from '../support/nas/test-package.ts'

const data = '/share/CACHEDEV1_DATA/NightjarData'
const installPath = '/share/CACHEDEV1_DATA/.qpkg/Nightjar'
const service = '/etc/init.d/nightjar.sh'

describe('the service script', function () {
  this.timeout(240_000)
  let packed: PackedFile
  let nas: QtsRoot

  before(async () => {
    packed = await packRelease('0.1.0')
  })
  beforeEach(async () => {
    nas = new QtsRoot({ shell: 'dash' })
    await install(nas, packed)
    assert.equal(nas.progress, '3')
  })
  afterEach(async () => await nas.stop())

  const pidIn = (file: string) => nas.read(file).trim()

  it('does not start what is disabled, and fails then', async () => {
    const { code, output } = await nas.run(
      `${service} stop; setcfg Nightjar Enable FALSE -f /etc/config/qpkg.conf; ${service} start`,
    )

    assert.equal(code, 1)
    assert.equal(output, 'Nightjar is disabled.\n')
  })

  it('starts no second server', async () => {
    const before = pidIn('/var/run/nightjar.pid')

    const { code, output } = await nas.run(`${service} start`)

    assert.equal(code, 0)
    assert.equal(output, 'Nightjar already runs.\n')
    assert.equal(pidIn('/var/run/nightjar.pid'), before)
  })

  it('marks server and recorder as Nightjar’s for the resource monitor', async () => {
    const { output } = await nas.run(
      `cat /proc/${pidIn('/var/run/nightjar.pid')}/environ /proc/${pidIn(`${data}/recorder.pid`)}/environ`,
    )

    assert.equal(output.match(/QNAP_QPKG=Nightjar\0/g)?.length, 2)
  })

  it('gives the settings of nightjar.conf to the server, and runs none of them', async () => {
    const conf = nas.read('/etc/config/nightjar.conf')
    nas.write('/etc/config/nightjar.conf', `${conf}NIGHTJAR_EXTRA=$(echo >/tmp/run)\`id\` a=b=\nLD_LIBRARY_PATH=/x\n`)

    await nas.run(`${service} restart`)

    assert.equal(
      nas.read(`${data}/environment`),
      'port 8971 path /qvrpro/ extra $(echo >/tmp/run)`id` a=b= library none\n',
    )
    assert.ok(!existsSync(nas.path('/tmp/run')))
  })

  it('keeps no password that the server prints', async () => {
    const log = nas.read(`${data}/server.log`)

    assert.match(log, /^a first password was made; nightjar\.sh reset-admin gives another\nNightjar is at /)
    const { output } = await nas.run(`/usr/bin/find /share /etc /tmp /var -type f | /usr/bin/xargs grep -l Geheim-1234`)
    // The stand-in itself holds it, installed and packed it is compressed.
    assert.equal(output, `${installPath}/bin/nightjar-server\n`)
  })

  it('shows a new password to who asks for one', async () => {
    const { code, output } = await nas.run(`${service} stop; echo dies >/etc/stand-in; ${service} reset-admin`)

    assert.equal(code, 1)
    assert.match(output, /user admin, password Geheim-1234/)
    assert.match(nas.read(`${data}/starts`), /--reset-admin\n$/)
  })

  it('does not start while the volume of its data is away, so that nothing is written into memory', async () => {
    await nas.run(`${service} stop`)
    nas.write('/etc/config/nightjar.conf', 'NIGHTJAR_DATA_DIR=/share/CACHEDEV7_DATA/NightjarData\n')

    const { code, output } = await nas.run(`${service} start`)

    assert.equal(code, 1)
    assert.match(output, /the volume of its data \(\/share\/CACHEDEV7_DATA\/NightjarData\) is not mounted/)
    assert.ok(!existsSync(nas.path('/share/CACHEDEV7_DATA')))
  })

  it('refuses a data folder that is no full path', async () => {
    await nas.run(`${service} stop`)
    nas.write('/etc/config/nightjar.conf', 'NIGHTJAR_DATA_DIR=data\n')

    const { code, output } = await nas.run(`${service} start`)

    assert.equal(code, 1)
    assert.match(output, /NIGHTJAR_DATA_DIR in \/etc\/config\/nightjar\.conf must begin with \/, not data/)
  })

  it('ends no process that only has the number of one of its own', async () => {
    await nas.run(`${service} stop; sh -c 'echo $$ >/var/run/nightjar.pid; while :; do sleep 0.1; done' &`)
    await nas.run('while [ ! -s /var/run/nightjar.pid ]; do sleep 0.1; done')
    const other = pidIn('/var/run/nightjar.pid')

    const { code } = await nas.run(`${service} stop`)

    assert.equal(code, 0)
    assert.equal((await nas.run(`kill -0 ${other}`)).code, 0)
  })

  it('kills a server that does not end, after its time, and closes the recorder properly', async () => {
    nas.write('/etc/stand-in', 'stubborn')
    await nas.run(`${service} restart`)
    const server = pidIn('/var/run/nightjar.pid')

    const { code, output } = await nas.run(`${service} stop`)

    assert.equal(code, 0)
    assert.equal(output, 'Nightjar: the server did not end within 10 s and is killed\n')
    assert.equal((await nas.run(`kill -0 ${server}`)).code, 1)
    assert.equal(nas.read(`${data}/footage`), 'closed\n')
  })

  it('says when only the recorder runs', async () => {
    const { code, output } = await nas.run(`${service} handover; ${service} status`)

    assert.equal(code, 1)
    assert.match(output, /^Nightjar does not run; its recorder does \(\d+\)\.\n$/)
  })

  it('starts at boot, and makes anew what was in memory', async () => {
    await nas.run(`${service} stop`)
    await nas.run('rm -rf /etc/init.d/* /home/httpd/RSS/images/* /var/run/* /tmp/*')

    const { code } = await nas.run(`${nas.setting('Shell')} start`)

    assert.equal(code, 0)
    assert.ok(existsSync(nas.path('/home/httpd/RSS/images/Nightjar_80.gif')))
    assert.equal((await nas.run(`${service} status`)).code, 0)
  })

  it('does without getcfg and readlink', async () => {
    for (const tool of ['/sbin/getcfg', '/usr/bin/readlink']) rmSync(nas.path(tool))

    const asked = await nas.run(`${service} status`)
    const stopped = await nas.run(`${installPath}/nightjar.sh stop`)

    assert.equal(asked.code, 0, asked.output)
    assert.equal(stopped.code, 0)
    assert.equal(nas.read(`${data}/footage`), 'closed\n')
  })

  it('stops before the volume of its data is unmounted, and starts when it is back', async () => {
    await nas.run(`${installPath}/nightjar-unmounting.sh /share/CACHEDEV1_DATA`)
    const away = await nas.run(`${service} status`)

    const { code } = await nas.run(`${installPath}/nightjar-mounted.sh /share/CACHEDEV1_DATA`)

    assert.equal(away.code, 1)
    assert.equal(nas.read(`${data}/footage`), 'closed\n')
    assert.equal(code, 0)
    assert.equal((await nas.run(`${service} status`)).code, 0)
  })

  it('lets go of another volume that it records to, and goes on once that is gone', async () => {
    await nas.run(`${service} stop; rm ${data}/recorder.pid ${data}/footage`)
    await nas.run(`ln -s /share/CACHEDEV2_DATA/footage ${data}/footage; ${service} start`)

    const unmounting = await nas.run(`${installPath}/nightjar-unmounting.sh CACHEDEV2_DATA`)
    const unmounted = await nas.run('/host-usr/bin/umount /share/CACHEDEV2_DATA')
    await nas.run(`tries=0; until ${service} status || [ $tries = 20 ]; do sleep 1; tries=$((tries + 1)); done`)

    assert.equal(unmounting.code, 0, unmounting.output)
    assert.equal(unmounted.code, 0, unmounted.output)
    assert.equal((await nas.run(`${service} status`)).code, 0)
  })

  it('goes on recording while a volume that it does not use is unmounted', async () => {
    const before = pidIn('/var/run/nightjar.pid')

    await nas.run(`${installPath}/nightjar-unmounting.sh /share/CACHEDEV2_DATA`)

    assert.equal(pidIn('/var/run/nightjar.pid'), before)
    assert.equal((await nas.run(`${service} status`)).code, 0)
  })

  it('asks for the volume that is meant', async () => {
    const { code, output } = await nas.run(`${service} unmounting`)

    assert.equal(code, 1)
    assert.match(output, /unmounting needs the volume's path/)
  })

  it('explains what it can do', async () => {
    const { code, output } = await nas.run(`${service} dance`)

    assert.equal(code, 2)
    assert.match(output, /^usage: nightjar\.sh start\|stop\|restart/)
  })

  it('says what to do where the program is missing', async () => {
    await nas.run(`${service} stop`)
    renameSync(nas.path(`${installPath}/bin/nightjar-server`), nas.path('/tmp/gone'))

    const { code, output } = await nas.run(`${service} start`)

    assert.equal(code, 1)
    assert.match(output, /bin\/nightjar-server is missing; install the package again/)
  })
})

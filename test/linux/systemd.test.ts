// The archive on a Debian 12 with systemd, from installation to removal. What is done builds on what was done before it.
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CameraFarm } from '../../scripts/cameras/farm.ts'
import { packArchive } from '../../scripts/linux/pack-archive.ts'
import type { SystemStatus } from '../../shared/system.ts'
import { startSmallCameras } from '../scripts/cameras/test-farm.ts'
import { DebianMachine } from '../support/linux/debian-machine.ts'
import { laySmallTree, linkedFolders } from '../support/linux/small-tree.ts'
import { assertConsecutive, readSegment, sequencesOf } from '../support/recorded-stream.ts'
import { segmentFiles } from '../support/recording-rig.ts'
import { TestClient } from '../support/test-client.ts'
import { makeTestFolder } from '../support/test-folder.ts'

/** Of this machine's ports, which the Debian shares. */
const port = 20_000 + (process.pid % 10_000)
const url = `http://127.0.0.1:${port}/qvrpro/`
const data = '/var/lib/nightjar'
const install = (version: string, options = '') =>
  `/root/nightjar-${version}-linux-x86_64/install.sh --port ${port} --https-port off ${options}`
/** The newer release speaks of a setting that the older did not know. */
const newKey = 'NIGHTJAR_LOG_LEVEL'

describe('Nightjar under systemd', function () {
  this.timeout(120_000)
  this.bail(true)
  let farm: CameraFarm
  let debian: DebianMachine
  const client = new TestClient(url)
  let password = ''
  let rebootedUs = 0

  const pidOf = async (unit: string) => Number(await debian.must(`systemctl show -p MainPID --value ${unit}`))
  const footage = (space = '/srv/footage') => {
    const folder = debian.path(space)
    return existsSync(folder) ? segmentFiles(folder).map((file) => join(folder, file)) : []
  }
  async function until(condition: () => Promise<boolean> | boolean, what: string, withinSec = 30): Promise<void> {
    for (const endMs = performance.now() + withinSec * 1000; !(await condition()); ) {
      if (performance.now() > endMs)
        throw new Error(`waited for ${what}: ${(await debian.run('nightjar logs')).output}`)
      await new Promise((wake) => setTimeout(wake, 100))
    }
  }
  /** Resolves when the newest segment has grown since it was asked. */
  async function untilRecording(space?: string): Promise<void> {
    const size = () => footage(space).reduce((sum, file) => sum + readFileSync(file).length, 0)
    const before = size()
    await until(() => size() > before, `footage in ${space ?? 'the first space'}`)
  }
  async function untilAnswers(): Promise<SystemStatus> {
    let status: SystemStatus | undefined
    await until(async () => {
      const answer = await client.get<SystemStatus>('api/system/status').catch(() => undefined)
      status = answer?.status === 200 ? answer.body : undefined
      return status?.recorder.isConnected === true
    }, 'an answer of the server')
    return status!
  }

  before(async function () {
    // The first time, the Debian is fetched.
    this.timeout(400_000)
    farm = await startSmallCameras({ cameras: [{ name: 'cam0', streams: [{ name: 'main', clip: 'main' }] }] })
    const archives = await Promise.all(
      ['1.0.0', '1.1.0'].map((version) => packArchive(laySmallTree(version), makeTestFolder(), version, 'x86_64')),
    )
    debian = new DebianMachine(linkedFolders)
    await debian.boot()
    for (const archive of archives) {
      copyFileSync(archive, debian.path('/root/archive.tar.gz'))
      await debian.must('cd /root && tar xzf archive.tar.gz && rm archive.tar.gz')
    }
    // A release that knew one setting less.
    const template = '/root/nightjar-1.0.0-linux-x86_64/linux/nightjar.env'
    await debian.must(`sed -i /${newKey}/d ${template}`)
  })
  after(async () => {
    await debian?.destroy()
    await farm?.close()
  })

  it('is refused where the machine does not do, before anything is changed', async () => {
    const folder = '/root/nightjar-1.0.0-linux-x86_64'
    const machine = `${folder}/linux/architecture`
    const foreign = await debian.run(`echo riscv64 >${machine}; ${install('1.0.0')}; echo x86_64 >${machine}`)
    const taken = await debian.run(`${folder}/install.sh --port ${farm.rtspPort}`)
    const others = await debian.run(install('1.0.0', '--data /usr/share'))
    const anybody = await debian.run(`setpriv --reuid=1 --clear-groups sh -c 'cd /; sh' <${folder}/install.sh`)

    assert.match(foreign.output, /this archive is for riscv64, this machine is x86_64/)
    assert.match(taken.output, new RegExp(`--port: ${farm.rtspPort} is taken by another program`))
    assert.match(others.output, /--data: \/usr\/share holds files of others; .* such as \/usr\/share\/nightjar/)
    assert.match(anybody.output, /it needs root/)
    assert.notEqual(taken.code, 0)
    assert.equal((await debian.run('ls -d /opt/nightjar /etc/nightjar /etc/systemd/system/nightjar*')).code, 2)
  })

  it('is installed by one command, answers, and tells its password only when it is asked', async () => {
    const { code, output } = await debian.run(install('1.0.0', '--space /srv/footage'))

    assert.equal(code, 0, output)
    assert.match(output, new RegExp(`http://[\\d.]+:${port}/qvrpro/`))
    assert.match(output, /sudo nightjar reset-admin/)
    const journal = await debian.must('journalctl -b --no-pager')
    assert.match(journal, /password \(not shown in a log/)
    password = /password (\S+)/.exec(await debian.must('nightjar reset-admin'))![1]!
    assert.equal((await client.logIn('admin', password)).status, 200)
    for (const text of [output, journal, await debian.must('journalctl -b --no-pager')]) {
      assert.ok(!text.includes(password))
    }
    const modes = await debian.must(
      `stat -c '%n %U %a' /etc/nightjar/nightjar.env ${data} ${data}/seal.key /srv/footage`,
    )
    assert.deepEqual(modes.split('\n'), [
      '/etc/nightjar/nightjar.env root 600',
      `${data} nightjar 700`,
      `${data}/seal.key nightjar 600`,
      '/srv/footage nightjar 750',
    ])
    assert.match(await debian.must('nightjar status'), /nightjar-recorder runs \(process \d+, version 1\.0\.0\)/)
    assert.equal(await debian.must('stat -c %U:%a /run/nightjar/root.sock'), 'nightjar:600')
  })

  it('records, and its server is restarted without its recorder', async () => {
    await debian.must('echo NIGHTJAR_SEGMENT_SEC=10 >>/etc/nightjar/nightjar.env')
    const recorder = await pidOf('nightjar-recorder')
    const server = await pidOf('nightjar')
    await client.must('POST', 'api/cameras', {
      name: 'Door',
      streams: [{ stream: 1, url: farm.rtspUrl(0), isRecorded: true, hasAudio: false }],
    })
    await untilRecording()

    await debian.must('systemctl restart nightjar')
    const status = await untilAnswers()

    assert.equal(await pidOf('nightjar-recorder'), recorder)
    assert.equal(status.recorder.isConnected, true)
    assert.notEqual(await pidOf('nightjar'), server)
    assert.equal(await debian.must('pgrep -u nightjar -fc recorder-main'), '1')
    await untilRecording()
  })

  it('has a recorder that comes back by itself when it is killed, with no server there', async () => {
    const recorder = await pidOf('nightjar-recorder')
    await debian.must('systemctl stop nightjar')

    await debian.must('systemctl kill -s KILL nightjar-recorder')
    await until(async () => ![0, recorder].includes(await pidOf('nightjar-recorder')), 'another recorder')
    await untilRecording()

    await debian.must('systemctl start nightjar')
    await untilAnswers()
    assert.equal(await debian.must('pgrep -u nightjar -fc recorder-main'), '1')
  })

  it('makes a space anywhere without a restart, and none where there is something else', async () => {
    const [recorder, server] = [await pidOf('nightjar-recorder'), await pidOf('nightjar')]
    // A disk of its own, and one that holds something.
    await debian.must('mkdir -p "/mnt/my disk" /mnt/full && mount -t tmpfs -o size=600m tmpfs "/mnt/my disk"')
    await debian.must('touch /mnt/full/photo.jpg')

    const made = await debian.run('nightjar make-space "/mnt/my disk/footage"')
    const refused = await Promise.all(
      ['/mnt/full', '/mnt', '/etc/nightjar', '/tmp/x', 'x', '/mnt/../x', '/'].map((folder) =>
        debian.run(`nightjar make-space '${folder}'`),
      ),
    )

    assert.equal(
      made.output,
      '/mnt/my disk/footage is ready: choose it in the desktop, Recording Storage, as the volume of a recording space.\n',
    )
    assert.deepEqual(
      refused.map(({ code, output }) => [code, /^nightjar: make-space: (.*)\n$/.exec(output)?.[1]]),
      [
        [
          1,
          '/mnt/full holds other files (/mnt/full/photo.jpg); give it a folder of its own, such as /mnt/full/nightjar',
        ],
        [1, '/mnt is not for footage alone; name a folder in it'],
        [1, '/etc/nightjar belongs to the system; take a folder elsewhere'],
        [1, '/tmp/x is emptied by the system; take a folder elsewhere'],
        [1, 'FOLDER must begin with /, not x'],
        [1, 'FOLDER must be without . and .. and double /, not /mnt/../x'],
        [1, '/ is not for footage alone; name a folder in it'],
      ],
    )
    const space = await client.must<{ id: string }>('POST', 'api/spaces', {
      name: 'Disk',
      volumePath: '/mnt/my disk/footage',
      allocatedBytes: 300 * 1024 ** 2,
    })
    const [camera] = await client.must<{ id: string }[]>('GET', 'api/cameras')
    await client.must('PATCH', `api/cameras/${camera!.id}`, { spaceId: space.id })
    await untilRecording('/mnt/my disk/footage')
    assert.deepEqual([await pidOf('nightjar-recorder'), await pidOf('nightjar')], [recorder, server])
    const spaces = await client.must<{ id: string }[]>('GET', 'api/spaces')
    await client.must('PATCH', `api/cameras/${camera!.id}`, { spaceId: spaces.find(({ id }) => id !== space.id)!.id })
    await client.must('DELETE', `api/spaces/${space.id}`)
  })

  it('records again after a reboot, with nobody there', async () => {
    const before = footage().length
    await debian.must('mkdir -m 0700 /home/anna')
    // In homes a service sees nothing, unless it is started anew.
    assert.match(await debian.must('nightjar make-space /home/anna/footage'), /nightjar-recorder is restarted, to see/)
    await debian.shutDown()
    rebootedUs = Date.now() * 1000
    await debian.boot()

    await untilRecording()
    await untilAnswers()

    assert.ok(footage().length > before)
    assert.equal(
      await debian.must('systemctl is-failed nightjar nightjar-recorder nightjar-root-door || true'),
      [...['active', 'active', 'active']].join('\n'),
    )
  })

  it('is upgraded without a lost frame, however often that is cut off', async () => {
    const folder = '/root/nightjar-1.1.0-linux-x86_64'
    const recorder = await pidOf('nightjar-recorder')
    await debian.must(`sed -i 's/^#NIGHTJAR_LOG_ENTRIES=.*/NIGHTJAR_LOG_ENTRIES=5000/' /etc/nightjar/nightjar.env`)
    const steps = [...readFileSync(debian.path(`${folder}/install.sh`), 'utf8').matchAll(/^say ('- .*)$/gm)].map(
      ([line]) => line,
    )

    // Ends before each step; then runs to its end.
    for (const [at, step] of steps.entries()) {
      const cut = `sed "/^${step}\\$/q" ${folder}/install.sh >${folder}/cut.sh; sh ${folder}/cut.sh --port ${port}`
      const { code, output } = await debian.run(cut)
      assert.equal(code, 0, `step ${at}: ${output}`)
    }
    await debian.must(`rm ${folder}/cut.sh`)
    const { code, output } = await debian.run(install('1.1.0'))

    assert.equal(code, 0, output)
    assert.equal(steps.length, 5)
    const status = await untilAnswers()
    assert.equal(status.version, '1.1.0')
    assert.equal(await pidOf('nightjar-recorder'), recorder)
    assert.match(output, /goes on with the recorder of version 1\.0\.0/)
    assert.match(await debian.must('nightjar status'), /nightjar-recorder runs \(process \d+, version 1\.0\.0\)/)
    const settings = await debian.must('cat /etc/nightjar/nightjar.env')
    assert.match(settings, /^NIGHTJAR_LOG_ENTRIES=5000$/m)
    assert.equal(settings.match(new RegExp(`^#${newKey}=info$`, 'gm'))?.length, 1, settings)
    assert.equal(await debian.must('ls /opt/nightjar/versions'), '1.0.0\n1.1.0')
    assert.deepEqual(
      readdirSync(debian.path('/opt/nightjar')).filter((name) => name.endsWith('.new')),
      [],
    )
  })

  it('is not replaced by an older version, nor told another port than its settings', async () => {
    const older = await debian.run(install('1.0.0'))
    const other = await debian.run('/opt/nightjar/current/install.sh --port 81')

    assert.match(older.output, /version 1\.1\.0 is installed, and this is 1\.0\.0/)
    assert.match(other.output, /--port: \/etc\/nightjar\/nightjar\.env says otherwise, and is kept/)
    assert.deepEqual([older.code, other.code], [1, 1])
    assert.equal(await debian.must('nightjar version'), '1.1.0')
  })

  it('may do little, as systemd measures it, and yet what it needs', async () => {
    const units = ['nightjar', 'nightjar-recorder', 'nightjar-root-door'].map((unit) => `${unit}.service`)
    const recorder = await pidOf('nightjar-recorder')
    const asNightjar = 'setpriv --reuid=nightjar --regid=nightjar --clear-groups'
    const inside = (command: string) => debian.run(`nsenter -t ${recorder} -m ${asNightjar} sh -c '${command}'`)
    const ask = async (request: object) => {
      const script = `require('net').connect('/run/nightjar/root.sock').on('data', (d) => process.stdout.write(d)).write(process.argv[1] + '\\n')`
      const node = '/opt/nightjar/current/runtime/bin/node'
      return JSON.parse(await debian.must(`${asNightjar} ${node} -e "${script}" '${JSON.stringify(request)}'`))
    }
    await debian.must('mkdir /mnt/volume && mount -t tmpfs -o mode=0755 tmpfs /mnt/volume')

    assert.equal(await debian.must(`systemd-analyze verify ${units.join(' ')}`), '')
    for (const unit of units) {
      const { code, output } = await debian.run(
        `systemd-analyze security --no-pager --threshold=20 ${unit} | tail -n 1`,
      )
      assert.equal(code, 0, output)
    }
    assert.equal((await inside('touch /srv/footage/x && rm /srv/footage/x')).code, 0)
    assert.match((await inside('touch /srv/x')).output, /Read-only file system/)
    assert.equal((await inside('touch /home/anna/footage/x && rm /home/anna/footage/x')).code, 0)
    assert.equal((await inside('ls -A /home /root')).output, '/home:\nanna\n\n/root:\n')
    const done = { isDone: true, reason: '' }
    assert.deepEqual(await ask({ verb: 'make-space-folder', path: '/mnt/volume/QVRProSpace_volume' }), done)
    assert.equal(await debian.must('stat -c %U:%a /mnt/volume/QVRProSpace_volume'), 'nightjar:750')
  })

  it('is removed, with all footage whole, and finds its settings when it is installed again', async () => {
    await untilRecording()
    const removed = await debian.run('nightjar uninstall')

    assert.equal(removed.code, 0, removed.output)
    assert.match(removed.output, /Footage stays in \/srv\/footage\/QVRProSpace_footage/)
    assert.match(removed.output, /Settings stay in \/etc\/nightjar, databases and keys in \/var\/lib\/nightjar/)
    assert.equal(
      (await debian.run('ls -d /opt/nightjar /usr/local/bin/nightjar /etc/systemd/system/nightjar*')).code,
      2,
    )
    assert.equal((await debian.run('pgrep -u nightjar')).code, 1)
    // All since the reboot came over one session: no frame is missing, whatever was upgraded meanwhile.
    const videos = footage().map((file) => readSegment(file).video)
    const numbers = sequencesOf(videos.filter(([first]) => first!.utcUs > rebootedUs).flat())
    assertConsecutive(numbers)
    assert.ok(numbers.length > 200, `${numbers.length} frames`)

    const again = await debian.run(install('1.1.0'))
    assert.equal(again.code, 0, again.output)
    const session = new TestClient(url)
    assert.equal((await session.logIn('admin', password)).status, 200)
  })

  it('forgets its settings only when this machine is named, and keeps footage unless that is said too', async () => {
    const wrong = await debian.run('nightjar uninstall --remove-data', 'elsewhere\n')
    const stillRuns = await debian.run('nightjar status')
    await debian.must(`touch ${data}/own.mp4`)
    const right = await debian.run('nightjar uninstall --remove-data', 'nightjar-test\n')

    assert.match(wrong.output, /nothing was removed: the name of this machine is nightjar-test, not elsewhere/)
    assert.equal(stillRuns.code, 0)
    assert.equal(right.code, 0, right.output)
    assert.equal((await debian.run('ls -d /etc/nightjar')).code, 2)
    // By name, so whatever the server makes there has to be known to the uninstaller.
    assert.equal(await debian.must(`ls -A ${data}`), 'own.mp4')
    assert.ok(footage().length > 0)
    assert.match(right.output, /Footage stays in \/srv\/footage\/QVRProSpace_footage/)
    assert.match(right.output, /\/var\/lib\/nightjar stays/)
  })
})

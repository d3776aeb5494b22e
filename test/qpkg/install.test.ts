// What an installation does where things are not as they are meant to be.
import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type PackedFile, pack } from '../../scripts/qpkg/pack.ts'
import { QtsRoot } from '../support/nas/qts-root.ts'
import { install, packRelease, qpkgFolder } from '../support/nas/test-package.ts'
import { makeTestFolder } from '../support/test-folder.ts'

const packages = '/share/CACHEDEV1_DATA/.qpkg'
const data = '/share/CACHEDEV1_DATA/NightjarData'
const service = '/etc/init.d/nightjar.sh'

describe('installing the package', function () {
  this.timeout(240_000)
  let first: PackedFile
  let second: PackedFile
  let nas: QtsRoot

  before(async () => {
    first = await packRelease('0.1.0')
    second = await packRelease('0.2.0')
  })
  beforeEach(() => {
    nas = new QtsRoot()
  })
  afterEach(async () => await nas.stop())

  /** What the NAS's log was told. */
  const logged = () => nas.read('/var/log/qts-trace').match(/^log_tool .*/gm) ?? []
  const installedVersion = () => nas.read(`${packages}/Nightjar/bin/release`).trim()

  it('goes to the volume that App Center chose', async () => {
    await install(nas, first, 'QNAP_QPKG=Nightjar QINSTALL_PATH=/share/CACHEDEV2_DATA')

    assert.equal(nas.progress, '3')
    assert.equal(nas.setting('Install_Path'), '/share/CACHEDEV2_DATA/.qpkg/Nightjar')
    assert.ok(existsSync(nas.path('/share/CACHEDEV2_DATA/NightjarData/server.log')))
    assert.deepEqual(readdirSync(nas.path('/share/CACHEDEV2_DATA/.qpkg')), ['Nightjar'])
  })

  it('upgrades where it is installed, and leaves its data there', async () => {
    await install(nas, first, 'QINSTALL_PATH=/share/CACHEDEV2_DATA')

    await install(nas, second)

    assert.equal(nas.setting('Install_Path'), '/share/CACHEDEV2_DATA/.qpkg/Nightjar')
    assert.equal(nas.setting('Version'), '0.2.0')
    assert.ok(!existsSync(nas.path(`${packages}/Nightjar`)))
    assert.match(nas.read('/share/CACHEDEV2_DATA/NightjarData/starts'), /0\.1\.0[\s\S]*0\.2\.0/)
  })

  it('moves to another volume when App Center says so, and its data stay in use', async () => {
    await install(nas, first)

    await install(nas, second, 'QINSTALL_PATH=/share/CACHEDEV2_DATA')

    assert.equal(nas.setting('Install_Path'), '/share/CACHEDEV2_DATA/.qpkg/Nightjar')
    assert.ok(!existsSync(nas.path(`${packages}/Nightjar`)))
    assert.match(nas.read(`${data}/starts`), /0\.1\.0[\s\S]*0\.2\.0/)
  })

  it('takes the path /nightjar/ where QVR Pro has the other, and keeps it', async () => {
    nas.write('/etc/config/qpkg.conf', '[QVRProServer]\nName = QVRProServer\nInstall_Path = /share/CACHEDEV1_DATA/x\n')
    await install(nas, first)
    nas.write('/etc/config/qpkg.conf', nas.read('/etc/config/qpkg.conf').replace(/\[QVRProServer\][^[]*/, ''))

    await install(nas, second)

    assert.equal(nas.setting('WebUI'), '/nightjar/')
    assert.equal(nas.setting('Proxy_Path'), '/nightjar')
    assert.match(nas.read(`${data}/environment`), /path \/nightjar\//)
    const { output } = await nas.run('cat /proc/$(cat /var/run/nightjar.pid)/environ')
    assert.match(output, /\0NIGHTJAR_FOLDER_NAMES=nightjar\0/)
  })

  it('finds each trace of QVR Pro that makes it take /nightjar/, and none in what is its own', async () => {
    copyFileSync(join(qpkgFolder, 'package_routines'), nas.path('share/package_routines'))
    const chosen = async () => {
      const stubs = 'qpkg_conf=/etc/config/qpkg.conf; QPKG_NAME=Nightjar; QPKG_WEBUI=/qvrpro/; setting() { :; }'
      return (
        await nas.run(`${stubs}; . /share/package_routines; pkg_pre_install; echo "$QPKG_WEBUI $QPKG_PROXY_PATH"`)
      ).output
    }
    const volume = nas.path('share/CACHEDEV1_DATA')
    const conf = nas.read('/etc/config/qpkg.conf')
    const found: Record<string, string> = {}

    found['nothing'] = await chosen()
    nas.write('/etc/config/qpkg.conf', `${conf}[Nightjar]\nWebUI = /qvrpro/\nProxy_Path = /qvrpro\n`)
    mkdirSync(join(volume, 'QVRProSpace_own'))
    writeFileSync(join(volume, 'QVRProSpace_own/.nightjar-space'), '')
    found['its own'] = await chosen()
    nas.write('/etc/config/qpkg.conf', `${conf}[Another]\nProxy_Path = /qvrpro\n`)
    found['the path of another package'] = await chosen()
    nas.write('/etc/config/qpkg.conf', conf)
    for (const folder of ['QVRProSpace_DataVol1', 'QVRProDB', 'QVRProRecording']) {
      mkdirSync(join(volume, folder))
      found[folder] = await chosen()
      rmSync(join(volume, folder), { recursive: true })
    }

    const [own, other] = ['/qvrpro/ /qvrpro\n', '/nightjar/ /nightjar\n']
    assert.deepEqual(found, {
      ...{ nothing: own, 'its own': own, 'the path of another package': other },
      ...{ QVRProSpace_DataVol1: other, QVRProDB: other, QVRProRecording: other },
    })
  })

  it('leaves a package disabled that was disabled', async () => {
    await install(nas, first)
    await nas.run(`${service} stop; setcfg Nightjar Enable FALSE -f /etc/config/qpkg.conf`)

    await install(nas, second)

    assert.equal(nas.progress, '3')
    assert.equal(nas.setting('Enable'), 'FALSE')
    assert.doesNotMatch(nas.read(`${data}/starts`), /0\.2\.0/)
  })

  it('disables what does not start, and says so', async () => {
    nas.write('/etc/stand-in', 'dies')

    const { code, output } = await install(nas, first)

    assert.equal(code, 10)
    assert.equal(nas.progress, '3')
    assert.equal(nas.setting('Enable'), 'FALSE')
    assert.match(
      output,
      /its last words, in \/share\/CACHEDEV1_DATA\/NightjarData\/server\.log:\nNightjar cannot start/,
    )
    assert.match(logged().join('\n'), /-t1 .*did not start; it is now disabled/)
  })

  it('refuses what is no NAS', async () => {
    await nas.run('/host-usr/bin/umount /mnt/HDA_ROOT')

    const { code, output } = await install(nas, first)

    assert.equal(code, 1)
    assert.match(output, /this is no QNAP NAS/)
    assert.deepEqual(readdirSync(nas.path('/share/CACHEDEV1_DATA')), ['Public'])
  })

  it('refuses another processor', async () => {
    const other = process.arch === 'arm64' ? 'x86_64' : 'arm_64'
    const options = { sourceFolder: qpkgFolder, outFolder: makeTestFolder(), additions: [], builtOn: '20260102' }

    const { code } = await install(nas, await pack({ ...options, architecture: other }))

    assert.equal(code, 1)
    assert.equal(nas.progress, '-1')
    assert.match(logged().join('\n'), /this package is for (aarch64|x86_64), this NAS is/)
  })

  it('refuses firmware that is too old', async () => {
    nas.write('/etc/default_config/uLinux.conf', '[System]\nVersion = 4.5.4\n')

    const { code } = await install(nas, first)

    assert.equal(code, 10)
    assert.equal(nas.progress, '-1')
    assert.match(logged().join('\n'), /-t2 .*it needs QTS 5\.0\.0 or newer, this is 4\.5\.4/)
    assert.deepEqual(readdirSync(nas.path(packages)), [])
  })

  it('refuses a volume that is not there', async () => {
    const { code, output } = await install(nas, first, 'QINSTALL_PATH=/share/CACHEDEV9_DATA')

    assert.equal(code, 1)
    assert.equal(nas.progress, '-1')
    assert.match(output, /the volume chosen is not there: \/share\/CACHEDEV9_DATA/)
  })

  it('refuses a damaged package, and leaves the installed one running', async () => {
    await install(nas, first)
    const damaged = `${makeTestFolder()}/damaged.qpkg`
    const bytes = readFileSync(second.path)
    bytes.writeUInt8(bytes[bytes.length - 3000]! ^ 1, bytes.length - 3000)
    writeFileSync(damaged, bytes)

    const { code, output } = await install(nas, { ...second, path: damaged })

    assert.equal(code, 1)
    assert.equal(nas.progress, '-1')
    assert.match(output, /the package is damaged: the sum of its data part is wrong/)
    assert.equal(installedVersion(), '0.1.0')
    assert.equal((await nas.run(`${service} status`)).code, 0)
  })

  for (const size of ['16k', '72k']) {
    it(`says that a volume of ${size} is full, and leaves nothing on it`, async () => {
      await nas.run(`/host-usr/bin/mount -t tmpfs -o size=${size} tmpfs /share/CACHEDEV2_DATA`)

      await install(nas, first, 'QINSTALL_PATH=/share/CACHEDEV2_DATA')

      assert.equal(nas.progress, '-1')
      assert.match(logged().join('\n'), /-t2 .*; is the volume full\?/)
      assert.equal((await nas.run('echo /share/CACHEDEV2_DATA/.qpkg/*')).output, '/share/CACHEDEV2_DATA/.qpkg/*\n')
    })
  }

  it('puts the old version back, and starts it, where the new one cannot be registered', async () => {
    await install(nas, first)
    const recorder = nas.read(`${data}/recorder.pid`)
    nas.write('/etc/qts-setcfg-fails', 'Version')

    await install(nas, second)

    assert.equal(nas.progress, '-1')
    assert.equal(installedVersion(), '0.1.0')
    assert.deepEqual(readdirSync(nas.path(packages)), ['Nightjar'])
    assert.equal((await nas.run(`${service} status`)).code, 0)
    assert.equal(nas.read(`${data}/recorder.pid`), recorder)
    assert.match(nas.read(`${data}/starts`), /^server 0\.1\.0 \nserver 0\.1\.0 \n$/)
  })

  // The steps that change something: the power goes just before each.
  for (const [tool, call, step] of [
    ['tar', 1, 'the header unpacks'],
    ['tar', 3, 'the new files are laid out'],
    ['mv', 1, 'the old files make way'],
    ['mv', 2, 'the new files take their place'],
    ['setcfg', 1, 'it is registered'],
    ['ln', 1, 'it is linked into the system'],
  ] as const) {
    it(`is finished by the next try where it was cut off before ${step}`, async () => {
      await install(nas, first)
      cutPowerAt(nas, tool, call)
      await install(nas, second)
      assert.notEqual(nas.progress, '3')
      restoreTool(nas, tool)

      await install(nas, second)

      assert.equal(nas.progress, '3')
      assert.equal(nas.setting('Version'), '0.2.0')
      assert.equal(installedVersion(), '0.2.0')
      assert.deepEqual(readdirSync(nas.path(packages)), ['Nightjar'])
      assert.equal((await nas.run(`${service} status`)).code, 0)
    })
  }
})

const placeOf = (tool: string) => (tool === 'setcfg' ? '/sbin/setcfg' : `/bin/${tool}`)

/** Has a tool end the installation and all that started it, as a power cut does, instead of doing its work for the nth time. */
function cutPowerAt(nas: QtsRoot, tool: string, call: number): void {
  const place = nas.path(placeOf(tool))
  renameSync(place, `${place}.real`)
  const script = `#!/host-usr/bin/bash
echo >>/tmp/calls
if [ "$(/host-usr/bin/wc -l </tmp/calls)" = ${call} ]; then
  pids=""
  pid=$PPID
  while [ "$pid" -gt 1 ]; do
    pids="$pids $pid"
    while read -r key value; do [ "$key" != PPid: ] || parent=$value; done <"/proc/$pid/status"
    pid=$parent
  done
  kill -9 $pids
  exit 1
fi
exec ${placeOf(tool)}.real "$@"
`
  writeFileSync(place, script, { mode: 0o755 })
}

function restoreTool(nas: QtsRoot, tool: string): void {
  const place = nas.path(placeOf(tool))
  renameSync(`${place}.real`, place)
}

// A package's whole life on a throw-away NAS, under each shell that /bin/sh may be.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import type { PackedFile } from '../../scripts/qpkg/pack.ts'
import { type NasShell, QtsRoot } from '../support/nas/qts-root.ts'
import { install, packRelease } from '../support/nas/test-package.ts'

const installPath = '/share/CACHEDEV1_DATA/.qpkg/Nightjar'
const data = '/share/CACHEDEV1_DATA/NightjarData'
const service = '/etc/init.d/nightjar.sh'
const cases: [NasShell, 'strict' | 'lenient'][] = [
  ['bash', 'strict'],
  ['bash-as-sh', 'lenient'],
  ['dash', 'strict'],
  ['busybox', 'lenient'],
]

describe('the package on a NAS', () => {
  let first: PackedFile
  let second: PackedFile
  let nas: QtsRoot | undefined

  before(async () => {
    first = await packRelease('0.1.0')
    second = await packRelease('0.2.0')
  })
  afterEach(async () => {
    await nas?.stop()
    nas = undefined
  })

  for (const [shell, mode] of cases) {
    it(`is installed, upgraded, stopped and removed by ${shell}, with a ${mode} getcfg`, async function () {
      this.timeout(240_000)
      nas = new QtsRoot({ shell, mode })
      const recorder = async () => (await nas!.run(`cat ${data}/recorder.pid`)).output

      const installed = await install(nas, first)

      assert.equal(installed.code, 10, installed.output)
      assert.equal(nas.progress, '3')
      assertRegistered(nas, '0.1.0')
      assertLinked(nas)
      assert.equal(nas.read(`${data}/environment`), 'port 8971 path /qvrpro/ extra  library none\n')
      assert.match((await nas.run(`${service} status`)).output, /^Nightjar runs \(server \d+, recorder \d+\)\.\n$/)
      const firstRecorder = await recorder()

      const restarted = await nas.run(`${service} restart`)

      assert.equal(restarted.code, 0, restarted.output)
      assert.equal(await recorder(), firstRecorder)
      assert.equal((await nas.run(`kill -0 ${firstRecorder}`)).code, 0)

      const upgraded = await install(nas, second)

      assert.equal(upgraded.code, 10, upgraded.output)
      assert.equal(nas.progress, '3')
      assertRegistered(nas, '0.2.0')
      assert.equal(nas.read(`${data}/starts`), 'server 0.1.0 \nserver 0.1.0 \nserver 0.2.0 \n')
      assert.equal(await recorder(), firstRecorder)
      assert.equal((await nas.run(`kill -0 ${firstRecorder}`)).code, 0)
      assert.equal(existsSync(nas.path(`${data}/footage`)) && nas.read(`${data}/footage`), '')

      const stopped = await nas.run(`${service} stop`)

      assert.equal(stopped.code, 0, stopped.output)
      assert.equal(nas.read(`${data}/footage`), 'closed\n')
      assert.match((await nas.run(`${service} status`)).output, /^Nightjar does not run\.\n$/)

      assert.equal((await nas.run(`${service} start`)).code, 0)
      const removed = await nas.run(`${installPath}/.uninstall.sh`)

      assert.equal(removed.code, 0, removed.output)
      assert.match(removed.output, new RegExp(`settings and footage stay in ${data}`))
      assert.deepEqual(readdirSync(nas.path('/share/CACHEDEV1_DATA/.qpkg')), [])
      assert.equal(nas.read(`${data}/footage`), 'closed\nclosed\n')
      assert.ok(existsSync(nas.path('/etc/config/nightjar.conf')))
      for (const folder of ['/etc/init.d', '/etc/rcS.d', '/etc/rcK.d', '/home/httpd/RSS/images']) {
        assert.deepEqual(readdirSync(nas.path(folder)), [], folder)
      }
    })
  }
})

function assertRegistered(nas: QtsRoot, version: string): void {
  const expected = {
    Name: 'Nightjar',
    Display_Name: 'Nightjar',
    Version: version,
    Author: 'The Nightjar authors',
    QPKG_File: 'Nightjar.qpkg',
    Shell: `${installPath}/nightjar.sh`,
    Service_Port: '8971',
    Volume_Select: '3',
    Pid_File: '/var/run/nightjar.pid',
    Install_Path: installPath,
    WebUI: '/qvrpro/',
    Web_Port: '8971',
    RC_Number: '101',
    Desktop: '0',
    Use_Proxy: '1',
    Proxy_Path: '/qvrpro',
    Timeout: '60,30',
    Visible: '2',
    Distribution_Type: '1',
    FW_Ver_Min: '5.0.0',
    Mount_Action: `${installPath}/nightjar-mounted.sh`,
    Unmount_Action: `${installPath}/nightjar-unmounting.sh`,
    Action_Timeout: '30',
    Build: '20260102',
    Enable: 'TRUE',
  }
  const found = Object.fromEntries(Object.keys(expected).map((key) => [key, nas.setting(key)]))
  assert.deepEqual(found, expected)
  assert.match(nas.setting('Date') ?? '', /^\d{4}-\d\d-\d\d$/)
  // Other packages' sections are as they were.
  assert.match(nas.read('/etc/config/qpkg.conf'), /^\[CacheMount\]\nName = CacheMount\nEnable = TRUE\n\[Nightjar\]\n/)
}

function assertLinked(nas: QtsRoot): void {
  const links: [string, string][] = [
    [service, `${installPath}/nightjar.sh`],
    ['/etc/rcS.d/QS101Nightjar', service],
    ['/etc/rcK.d/QK899Nightjar', service],
  ]
  for (const [link, target] of links) assert.equal(readlinkSync(nas.path(link)), target)
  assert.deepEqual(readdirSync(nas.path('/home/httpd/RSS/images')).sort(), [
    'Nightjar.gif',
    'Nightjar_80.gif',
    'Nightjar_gray.gif',
  ])
}

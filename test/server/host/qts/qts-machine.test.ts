import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Host } from '../../../../server/host/host.ts'
import type { HostSession } from '../../../../server/host/host-session.ts'
import { createQtsHost } from '../../../../server/host/qts/qts-host.ts'
import { SimulatedNas } from '../../../support/nas/simulated-nas.ts'
import { makeTestFolder } from '../../../support/test-folder.ts'

describe('a NAS', () => {
  let nas: SimulatedNas
  let host: Host
  beforeEach(async () => {
    nas = await SimulatedNas.start(makeTestFolder())
    host = createQtsHost({ root: nas.root, baseUrls: [nas.baseUrl], nowMs: Date.now })
  })
  afterEach(() => nas.close())

  async function administrator(): Promise<HostSession> {
    const outcome = await host.logins.verify({ name: 'admin', password: 'pässwört✓ 1', clientAddress: '192.0.2.1' })
    assert.ok(outcome.kind === 'passed')
    return outcome.session
  }

  const is = (value: unknown) => ({ isFound: true, value })

  for (const isStrict of [true, false]) {
    it(`tells who it is, by a getcfg that is ${isStrict ? 'strict' : 'lenient'}`, async () => {
      nas.state.change((extra) => {
        extra.isStrict = isStrict
      })

      const identity = await host.identity.get(await administrator())

      assert.deepEqual(identity, {
        name: is('attic'),
        model: is('TS-453D'),
        system: is('QTS 5.1.0 (20230926)'),
        serial: is('Q204I09876'),
        machineId: is('24:5e:be:00:11:22'),
        architecture: process.arch,
        platform: is('X86_APOLLOLAKE'),
      })
    })
  }

  it('tells its serial number to administrators only', async () => {
    const { serial } = await host.identity.get()

    assert.equal(!serial.isFound && serial.kind, 'denied')
  })

  it('with half its programs and files gone still tells the rest, and why not', async () => {
    rmSync(nas.state.path('/sbin/getsysinfo'))
    rmSync(nas.state.path('/etc/platform.conf'))
    rmSync(nas.state.path('/etc/default_config'), { recursive: true })
    rmSync(nas.state.path('/sys'), { recursive: true })

    const { model, system, platform, machineId } = await host.identity.get()

    assert.deepEqual(model, is('TS-X53D'))
    for (const finding of [system, platform, machineId]) {
      assert.equal(!finding.isFound && finding.kind, 'not-available')
      assert.notEqual(!finding.isFound && finding.reason, '')
    }
  })

  it('whose getcfg hangs is a lack after the time limit', async () => {
    nas.state.change((extra) => {
      extra.hangingTools = ['getcfg']
    })

    const { timeZone } = await host.wallClock.get()

    assert.deepEqual(timeZone, {
      isFound: false,
      kind: 'failed',
      reason: 'run /sbin/getcfg: no answer within 5000 ms',
    })
  })

  it('tells its time zone, and whose it is to change', async () => {
    const { timeZone } = await host.wallClock.get()
    const set = await host.wallClock.setTimeZone('Europe/Berlin')

    assert.deepEqual(timeZone, is('Asia/Taipei'))
    assert.equal(!set.isFound && set.kind, 'not-available')
    await assert.rejects(host.wallClock.setTimeZone('../etc/passwd'), { kind: 'invalid', field: 'timeZone' })
  })

  it('tells where its web server is', async () => {
    const { httpPort, httpsPort, certificatePath } = await host.webAccess.get()

    assert.deepEqual(httpPort, is(Number(new URL(nas.baseUrl).port)))
    assert.equal(!httpsPort.isFound && httpsPort.kind, 'not-available')
    assert.equal(!certificatePath.isFound && certificatePath.kind, 'not-available')
  })

  it('has the ports of QTS where none are set, and a certificate where there is one', async () => {
    nas.state.write('/etc/config/uLinux.conf', '[Stunnel]\nEnable = 1\n')
    nas.state.write('/etc/stunnel/stunnel.pem', '')

    assert.deepEqual(await host.webAccess.get(), {
      httpPort: is(8080),
      httpsPort: is(443),
      certificatePath: is(join(nas.root, 'etc/stunnel/stunnel.pem')),
    })
  })

  it('does not take nonsense for a port', async () => {
    nas.state.write('/etc/config/uLinux.conf', '[System]\nWeb Access Port = 80800\n')

    const { httpPort } = await host.webAccess.get()

    assert.deepEqual(httpPort, {
      isFound: false,
      kind: 'failed',
      reason: 'read [System] Web Access Port: "80800" is no port',
    })
  })

  it('writes to its event log, one line and never an option', async () => {
    const text = 'camera lost\n$(reboot)'
    const written = await host.eventLog.write({ level: 'warn', text, user: '-x', clientAddress: '192.0.2.7' })

    assert.deepEqual(written, is(undefined))
    const entry = ['1', 'x', '192.0.2.7', '[Nightjar] camera lost $(reboot)']
    assert.deepEqual(nas.state.read('/etc/event.log'), `${entry.join('\x1f')}\n`)
    const [type, user, address, line] = entry as [string, string, string, string]
    assert.deepEqual(nas.state.toolCalls().at(-1), [
      ...['log_tool', '-t', type, '-u', user, '-p', address, '-m', hostname(), '-a', line],
    ])
  })

  it('restarts by its own program, or in an administrator’s name', async () => {
    const byProgram = await host.power.restart()
    const first = nas.state.read('/tmp/power')
    const byRequest = await host.power.shutDown(await administrator())
    const second = nas.state.read('/tmp/power')

    assert.deepEqual([byProgram, byRequest], [is(undefined), is(undefined)])
    assert.deepEqual([first, second], ['restart by program', 'shutdown by request'])
  })

  it('says why it does not shut down', async () => {
    writeFileSync(nas.state.path('/sbin/poweroff'), '#!/bin/sh\necho busy: a RAID is rebuilding >&2\nexit 1\n')

    assert.deepEqual(await host.power.shutDown(), {
      isFound: false,
      kind: 'failed',
      reason: 'run /sbin/poweroff: status 1 busy: a RAID is rebuilding',
    })
  })
})

// The package with the real server in it: what the service script expects of the server is what the server does.
import assert from 'node:assert/strict'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { NasWebPort } from '../support/nas/nas-web-port.ts'
import { AppCenter, boot } from '../support/nas/qts-life.ts'
import { type JobResult, QtsRoot } from '../support/nas/qts-root.ts'
import { install, packRelease } from '../support/nas/test-package.ts'
import { makeTestFolder } from '../support/test-folder.ts'

const root = resolve(import.meta.dirname, '../..')
const data = '/share/CACHEDEV1_DATA/NightjarData'
const service = '/etc/init.d/nightjar.sh'
/** Of this machine's ports, which the NAS shares. */
const port = 20_000 + (process.pid % 10_000)

describe('the package with the real server', function () {
  this.timeout(240_000)
  let nas: QtsRoot | undefined
  let web: NasWebPort | undefined
  afterEach(async () => {
    await web?.close()
    await nas?.stop()
  })

  it('serves the desktop’s API, hands its recorder over when it is upgraded, ends both, and is there after a boot and a move', async () => {
    const server = join(makeTestFolder(), 'nightjar-server')
    const node = realpathSync(process.execPath)
    writeFileSync(server, `#!/bin/sh\nexec ${node} ${root}/server/main.ts "$@"\n`)
    const modules = realpathSync(join(root, 'node_modules'))
    nas = new QtsRoot({ mode: 'lenient', binds: [root, ...(modules.startsWith(`${root}/`) ? [] : [modules])] })
    nas.write(
      '/etc/config/nightjar.conf',
      `NIGHTJAR_DATA_DIR=${data}\nNIGHTJAR_PORT=${port}\nNIGHTJAR_SPACE_BYTES=${256 * 1024 ** 2}\nNIGHTJAR_DESKTOP_DIR=/share\n`,
    )
    mkdirSync(nas.path(data), { recursive: true })

    const installed = await install(nas, await packRelease('0.1.0', server))
    assert.match(nas.progress, /^3$/, installed.output)
    assert.equal(nas.setting('Enable'), 'TRUE', installed.output)
    const answer = await fetch(`http://127.0.0.1:${port}/qvrpro/api/session`)
    const before = await bothRunning(nas)
    await install(nas, await packRelease('0.2.0', server))
    const after = await bothRunning(nas)
    const stopped = await nas.run(`${service} stop`)
    const last = await nas.run(`${service} status`)

    // What the first server printed; the second began a log of its own.
    const told = nas.read(`${data}/server.log.1`).split('\n')
    // The web port goes by the list of packages; the port that nightjar.conf says is this machine's.
    const simulated = nas
    const readConf = () => simulated.read('/etc/config/qpkg.conf').replace(/^Web_Port = .*$/m, `Web_Port = ${port}`)
    web = await NasWebPort.start({ readConf, userOf: () => undefined })
    const askedBefore = await fetch(`${web.url}qvrpro/api/session`)
    const [booted] = (await boot(nas)).slice(-1)
    const askedAfter = await fetch(`${web.url}qvrpro/api/session`)
    const moved = await new AppCenter(nas, false).migrate('Nightjar', '/share/CACHEDEV2_DATA')
    const askedMoved = await fetch(`${web.url}qvrpro/api/session`)
    const lastly = await bothRunning(nas)

    assert.deepEqual([booted!.code, moved.code], [0, 0], booted!.output + moved.output)
    // 502: nobody is behind the port. 401: the server answers, and asks who it is.
    assert.deepEqual([askedBefore.status, askedAfter.status, askedMoved.status], [502, 401, 401])
    assert.match(lastly.output, /server \d+, recorder \d+/)
    assert.ok(answer.status < 500, `status ${answer.status}`)
    const pids = (text: string) => /server (\d+), recorder (\d+)/.exec(text)?.slice(1) ?? []
    assert.equal(pids(before.output).length, 2, before.output)
    assert.equal(pids(after.output)[1], pids(before.output)[1])
    assert.notEqual(pids(after.output)[0], pids(before.output)[0])
    assert.equal(stopped.output, '')
    assert.equal(last.output, 'Nightjar does not run.\n')
    // The NAS's own administrators log in: no password is made, and none stands in a log.
    assert.deepEqual(
      told.filter((line) => line.includes('password')),
      [],
    )
  })
})

/** The status, once a recorder that was just started has told its number; as it is after so many tries otherwise. */
async function bothRunning(nas: QtsRoot): Promise<JobResult> {
  let status = await nas.run(`${service} status`)
  for (let tries = 0; tries < 100 && !/recorder \d+/.test(status.output); tries++) {
    await new Promise((wake) => setTimeout(wake, 100))
    status = await nas.run(`${service} status`)
  }
  return status
}

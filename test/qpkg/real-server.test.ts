// The package with the real server in it: what the service script expects of the server is what the server does.
import assert from 'node:assert/strict'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { QtsRoot } from '../support/nas/qts-root.ts'
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
  afterEach(async () => await nas?.stop())

  it('serves the desktop’s API, hands its recorder over when it is upgraded, and ends both', async () => {
    const server = join(makeTestFolder(), 'nightjar-server')
    const node = realpathSync(process.execPath)
    writeFileSync(server, `#!/bin/sh\nexec ${node} ${root}/server/main.ts "$@"\n`)
    const modules = realpathSync(join(root, 'node_modules'))
    nas = new QtsRoot({ binds: [root, ...(modules.startsWith(`${root}/`) ? [] : [modules])] })
    nas.write(
      '/etc/config/nightjar.conf',
      `NIGHTJAR_DATA_DIR=${data}\nNIGHTJAR_PORT=${port}\nNIGHTJAR_SPACE_BYTES=${256 * 1024 ** 2}\nNIGHTJAR_DESKTOP_DIR=/share\n`,
    )
    mkdirSync(nas.path(data), { recursive: true })

    const installed = await install(nas, await packRelease('0.1.0', server))
    assert.match(nas.progress, /^3$/, installed.output)
    assert.equal(nas.setting('Enable'), 'TRUE', installed.output)
    const answer = await fetch(`http://127.0.0.1:${port}/qvrpro/api/session`)
    const before = await nas.run(`${service} status`)
    await install(nas, await packRelease('0.2.0', server))
    const after = await nas.run(`${service} status`)
    const stopped = await nas.run(`${service} stop`)
    const last = await nas.run(`${service} status`)

    assert.ok(answer.status < 500, `status ${answer.status}`)
    const pids = (text: string) => /server (\d+), recorder (\d+)/.exec(text)?.slice(1) ?? []
    assert.equal(pids(before.output).length, 2, before.output)
    assert.equal(pids(after.output)[1], pids(before.output)[1])
    assert.notEqual(pids(after.output)[0], pids(before.output)[0])
    assert.equal(stopped.output, '')
    assert.equal(last.output, 'Nightjar does not run.\n')
    // What the first server printed; the second began a log of its own.
    const told = nas.read(`${data}/server.log.1`).split('\n')
    assert.deepEqual(
      told.filter((line) => line.includes('password')),
      ['a first password was made; nightjar.sh reset-admin gives another'],
    )
  })
})

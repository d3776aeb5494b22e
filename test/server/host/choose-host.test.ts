import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { chooseHost } from '../../../server/host/choose-host.ts'
import { SimulatedNas } from '../../support/nas/simulated-nas.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

describe('choice of host', () => {
  let nas: SimulatedNas
  beforeEach(async () => {
    nas = await SimulatedNas.start(makeTestFolder())
  })
  afterEach(() => nas.close())

  it('is QTS on a NAS', async () => {
    assert.equal((await chooseHost(nas.root)).kind, 'qts')
  })

  for (const path of ['/etc/config/qpkg.conf', '/sbin/getcfg']) {
    it(`is Linux where there is no ${path}`, async () => {
      rmSync(nas.state.path(path))

      assert.equal((await chooseHost(nas.root)).kind, 'linux')
    })
  }

  it('is Linux on this machine', async () => {
    assert.equal((await chooseHost()).kind, 'linux')
  })

  it('reaches the web server of a NAS at the port of its settings', async () => {
    const host = await chooseHost(nas.root)

    const attempt = { name: 'alice', password: 'alice-secret', clientAddress: '192.0.2.7' }
    assert.equal((await host.logins.verify(attempt)).kind, 'passed')
  })
})

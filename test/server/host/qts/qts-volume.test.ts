import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from '../../../../server/host/host.ts'
import { createQtsHost } from '../../../../server/host/qts/qts-host.ts'
import type { Volume } from '../../../../server/host/volume.ts'
import { SimulatedNas } from '../../../support/nas/simulated-nas.ts'
import { makeTestFolder } from '../../../support/test-folder.ts'

describe('volumes of QTS', () => {
  let nas: SimulatedNas
  let host: Host
  beforeEach(async () => {
    nas = await SimulatedNas.start(makeTestFolder())
    host = createQtsHost({ root: nas.root, baseUrls: [nas.baseUrl], nowMs: Date.now })
  })
  afterEach(() => nas.close())

  async function list(): Promise<Volume[]> {
    const volumes = await host.volumes.list()
    assert.ok(volumes.isFound)
    return volumes.value
  }

  it('are what is mounted below /share, and what is locked', async () => {
    const volumes = await list()

    assert.deepEqual(
      volumes.map((volume) => [
        volume.mountPath.slice(nas.root.length),
        volume.kind,
        volume.fileSystem,
        volume.isReadOnly,
        volume.isEncrypted,
        volume.isLocked,
        volume.totalBytes !== undefined,
      ]),
      [
        ['/share/CACHEDEV1_DATA', 'internal', 'ext4', false, false, false, true],
        ['/share/CACHEDEV2_DATA', 'internal', 'ext4', true, false, false, true],
        ['/share/CE_CACHEDEV3_DATA', 'internal', '', true, true, true, false],
        ['/share/external/DEV3301_1', 'external', 'fuseblk', false, false, false, true],
      ],
    )
  })

  it('have the names the storage programs tell an administrator', async () => {
    const attempt = { name: 'admin', password: 'pässwört✓ 1', clientAddress: '192.0.2.1' }
    const outcome = await host.logins.verify(attempt)
    assert.ok(outcome.kind === 'passed')

    const volumes = await host.volumes.list(outcome.session)

    assert.deepEqual(
      volumes.isFound && volumes.value.slice(0, 2).map(({ label, isEncrypted }) => [label, isEncrypted]),
      [
        ['DataVol1', false],
        ['Archive', true],
      ],
    )
  })

  it('take no description that could be of more than one of them', async () => {
    const [first] = await list()
    const size = `${(first!.totalBytes! / 1024 ** 3).toFixed(2)} GB`
    nas.state.change((extra) => {
      extra.volumes = { '0': { description: '[Volume DataVol1, Pool 1]', fileSystem: 'EXT4', size, status: 'Ready' } }
    })

    const volumes = await list()

    assert.deepEqual(
      volumes.slice(0, 2).map(({ label, state }) => [label, state]),
      [
        ['CACHEDEV1_DATA', 'unknown'],
        ['CACHEDEV2_DATA', 'unknown'],
      ],
    )
  })

  it('are still listed where getsysinfo prints without end', async () => {
    nas.state.change((extra) => {
      extra.babblingTools = ['getsysinfo']
    })

    assert.equal((await list()).length, 4)
  })

  it('with unlike sizes get their names from getsysinfo, past the holes in its numbers', () => {
    const program = join(import.meta.dirname, '../../../support/nas/mounted-volumes.ts')
    const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
    const noMocha = join(import.meta.dirname, '../../../support/no-mocha.mjs')
    const output = execFileSync(
      'unshare',
      [...asRoot, '-m', process.execPath, '--import', noMocha, program, makeTestFolder()],
      { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
    )

    assert.deepEqual(JSON.parse(output), [
      ['CACHEDEV1_DATA', 'DataVol1', null, 'good', 16 * 1024 ** 2],
      ['CACHEDEV2_DATA', 'RAID5 Disk Volume: Drive 1 2 3', 'raid5', 'degraded', 48 * 1024 ** 2],
      ['CE_CACHEDEV3_DATA', 'CE_CACHEDEV3_DATA', null, 'unknown', null],
    ])
  })

  it('take a space’s folder where they are mounted, and nowhere else', async () => {
    const made = await host.volumes.makeSpaceFolder(join(nas.root, 'share/CACHEDEV1_DATA/QVRProSpace_1'))
    const again = await host.volumes.makeSpaceFolder(join(nas.root, 'share/CACHEDEV1_DATA/QVRProSpace_1'))
    const locked = await host.volumes.makeSpaceFolder(join(nas.root, 'share/CE_CACHEDEV3_DATA/QVRProSpace_3'))

    assert.equal(made.isFound, true)
    assert.equal(!again.isFound && again.kind, 'refused')
    assert.equal(!locked.isFound && locked.kind, 'refused')
    assert.equal(existsSync(join(nas.root, 'share/CE_CACHEDEV3_DATA/QVRProSpace_3')), false)
  })
})

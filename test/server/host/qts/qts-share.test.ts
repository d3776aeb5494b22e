import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Host } from '../../../../server/host/host.ts'
import type { HostSession } from '../../../../server/host/host-session.ts'
import { createQtsHost } from '../../../../server/host/qts/qts-host.ts'
import { SimulatedNas } from '../../../support/nas/simulated-nas.ts'
import { makeTestFolder } from '../../../support/test-folder.ts'

describe('shared folders of QTS', () => {
  let nas: SimulatedNas
  let host: Host
  let session: HostSession
  beforeEach(async () => {
    nas = await SimulatedNas.start(makeTestFolder())
    host = createQtsHost({ root: nas.root, baseUrls: [nas.baseUrl], patienceMs: 300, nowMs: Date.now })
    const attempt = { name: 'admin', password: 'pässwört✓ 1', clientAddress: '192.0.2.1' }
    const outcome = await host.logins.verify(attempt)
    assert.ok(outcome.kind === 'passed')
    session = outcome.session
  })
  afterEach(() => nas.close())

  const draft = () => ({ name: 'Footage', comment: 'Cameras', volumePath: join(nas.root, 'share/CACHEDEV1_DATA') })

  it('are the sections of smb.conf that have a folder', async () => {
    assert.deepEqual(await host.shares.list(), {
      isFound: true,
      value: [
        {
          name: 'Public',
          path: join(nas.root, 'share/CACHEDEV1_DATA/Public'),
          comment: 'System default share',
          isHidden: false,
          isReadOnly: false,
          isPresent: true,
        },
        {
          name: 'Vault',
          path: join(nas.root, 'share/CE_CACHEDEV3_DATA/Vault'),
          comment: '',
          isHidden: true,
          isReadOnly: true,
          isPresent: false,
        },
      ],
    })
  })

  it('are made on the volume that is wanted', async () => {
    const made = await host.shares.create(draft(), session)

    assert.ok(made.isFound, made.isFound ? '' : made.reason)
    assert.equal(made.value.path, join(nas.root, 'share/CACHEDEV1_DATA/Footage'))
    assert.equal(made.value.comment, 'Cameras')
  })

  it('do not believe "passed" where nothing changed', async () => {
    nas.state.change((extra) => {
      extra.ignoresChanges = true
    })

    assert.deepEqual(await host.shares.create(draft(), session), {
      isFound: false,
      kind: 'failed',
      reason: 'create shared folder Footage: QTS agreed, but nothing changed',
    })
  })

  it('tell where they were made on another volume', async () => {
    nas.state.change((extra) => {
      extra.volumeIndex = [{ number: '2', mappingName: 'cachedev1', label: '', isEncrypted: false }]
        .concat({ number: '2', mappingName: 'cachedev2', label: '', isEncrypted: false })
        .reverse()
    })

    const made = await host.shares.create(draft(), session)

    assert.match(made.isFound ? '' : made.reason, /it was made at .*CACHEDEV2_DATA\/Footage, not on/)
  })

  it('are refused under a name that is taken, whatever its capitals, and on what is no volume', async () => {
    const taken = await host.shares.create({ ...draft(), name: 'public' }, session)
    const nowhere = await host.shares.create({ ...draft(), volumePath: '/share/CE_CACHEDEV3_DATA' }, session)

    assert.equal(!taken.isFound && taken.kind, 'refused')
    assert.equal(!nowhere.isFound && nowhere.kind, 'refused')
  })

  it('are denied without an administrator', async () => {
    const made = await host.shares.create(draft())

    assert.equal(!made.isFound && made.kind, 'denied')
  })

  for (const name of ['', ' x', '.hidden', 'a/b', 'a'.repeat(65), 'a\nb']) {
    it(`fail invalid for the name ${JSON.stringify(name)}`, async () => {
      await assert.rejects(host.shares.create({ ...draft(), name }, session), { kind: 'invalid', field: 'name' })
    })
  }
})

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import type { FailureBody } from '../../../shared/failure.ts'
import type { Space } from '../../../shared/space.ts'
import type { VolumeView } from '../../../shared/volume.ts'
import { NasApp } from '../../support/nas/nas-app.ts'
import type { TestClient } from '../../support/test-client.ts'

describe('recording spaces on a NAS', () => {
  let app: NasApp
  let administrator: TestClient
  before(async () => {
    app = await NasApp.start()
    administrator = await app.administrator()
  })
  after(() => app.close())

  const allocatedBytes = 256 * 1024 * 1024

  it('are offered its volumes, with the names people gave them', async () => {
    const volumes = await administrator.must<VolumeView[]>('GET', 'api/volumes')

    const shown = volumes.map(({ label, kind, isLocked, isReadOnly }) => [label, kind, isLocked, isReadOnly])
    assert.deepEqual(shown, [
      ['DataVol1', 'internal', false, false],
      ['Archive', 'internal', false, true],
      ['CE_CACHEDEV3_DATA', 'internal', true, true],
      ['DEV3301_1', 'external', false, false],
    ])
    assert.ok(volumes[0]!.freeBytes! > 0)
  })

  it('stand in a shared folder that the NAS makes, and no second one on the same volume', async () => {
    const [first] = await administrator.must<VolumeView[]>('GET', 'api/volumes')
    const draft = { name: 'Attic', volumePath: first!.mountPath, allocatedBytes }

    const made = await administrator.must<Space>('POST', 'api/spaces', draft)
    const again = await administrator.post<FailureBody>('api/spaces', { ...draft, name: 'Second' })

    assert.equal(made.folder, `${first!.mountPath}/QVRProSpace_CACHEDEV1_DATA`)
    assert.match(
      app.nas.state.read('/etc/config/smb.conf'),
      /\[QVRProSpace_CACHEDEV1_DATA\]\ncomment = Recordings of Nightjar/,
    )
    assert.deepEqual([again.status, again.body.field], [409, 'volumePath'])
    const [now] = await administrator.must<VolumeView[]>('GET', 'api/volumes')
    assert.equal(now!.spaceId, made.id)
  })

  it('are refused where the NAS only says that it made the folder', async () => {
    mkdirSync(app.nas.state.path('/share/CACHEDEV4_DATA'))
    const mounts = app.nas.state.read('/proc/self/mountinfo')
    const line = '90 30 0:9 / /share/CACHEDEV4_DATA rw - ext4 /dev/mapper/cachedev4 rw\n'
    app.nas.state.write('/proc/self/mountinfo', mounts + line)

    const draft = { name: 'Cellar', volumePath: app.nas.state.path('/share/CACHEDEV4_DATA'), allocatedBytes }
    const answer = await administrator.post<FailureBody>('api/spaces', draft)

    assert.equal(answer.body.field, 'volumePath')
    assert.ok(answer.status >= 400)
    assert.equal(
      (await administrator.must<Space[]>('GET', 'api/spaces')).some(({ name }) => name === 'Cellar'),
      false,
    )
  })
})

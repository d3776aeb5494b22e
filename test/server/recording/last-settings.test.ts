import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Seal } from '../../../server/base/seal.ts'
import { keepSettings, lastSettings } from '../../../server/recording/last-settings.ts'
import type { RecorderSettings } from '../../../server/recording/recorder-protocol.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const settings: RecorderSettings = {
  revision: 3,
  serverId: 'a',
  flushSec: 5,
  segmentSec: 300,
  spaces: [],
  streams: [
    {
      cameraId: 'b',
      cameraName: 'Gate',
      stream: 1,
      url: 'rtsp://10.0.0.5/secret-path',
      username: 'admin',
      password: 'correct horse',
      hasAudio: true,
      isRecorded: true,
      spaceId: 'c',
    },
  ],
}

describe('last settings', () => {
  it('are read back, and nothing of them can be read in the file', () => {
    const folder = makeTestFolder()
    const path = join(folder, 'recorder-settings.sealed')
    const seal = Seal.open(join(folder, 'seal.key'))

    keepSettings(path, seal, settings)

    assert.deepEqual(lastSettings(path, seal), settings)
    const text = readFileSync(path, 'latin1')
    for (const secret of ['correct horse', 'admin', 'secret-path', 'Gate']) assert.ok(!text.includes(secret))
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  it('are replaced as a whole', () => {
    const folder = makeTestFolder()
    const path = join(folder, 's')
    const seal = Seal.open(join(folder, 'seal.key'))
    keepSettings(path, seal, settings)

    keepSettings(path, seal, { ...settings, revision: 4, streams: [] })

    assert.equal(lastSettings(path, seal)?.revision, 4)
    assert.equal(existsSync(`${path}.new`), false)
  })

  it('are none where there is no file, it is damaged, or sealed by another key', () => {
    const folder = makeTestFolder()
    const path = join(folder, 's')
    const seal = Seal.open(join(folder, 'seal.key'))
    assert.equal(lastSettings(path, seal), undefined)

    keepSettings(path, seal, settings)
    assert.equal(lastSettings(path, Seal.open(join(folder, 'other.key'))), undefined)

    writeFileSync(path, readFileSync(path).subarray(0, 60))
    assert.equal(lastSettings(path, seal), undefined)
  })
})

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { removeSpaceFolders } from '../../../server/space/space-removal.ts'
import type { StoredSpace } from '../../../server/space/space-store.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

describe('removal of recording spaces', () => {
  it('takes what has the marker of this server and space, and leaves the rest with its reason', async () => {
    const volumePath = makeTestFolder()
    const space = (id: string): StoredSpace => ({
      ...{ id, name: id, volumePath, mountPoint: '/', folder: `QVRProSpace_${id}`, isFresh: false },
      ...{ allocatedBytes: 1, overwriteThresholdPct: 95, isDefault: false, createdMs: 0 },
    })
    const make = (id: string, marker: string | undefined) => {
      const folder = join(volumePath, `QVRProSpace_${id}`)
      mkdirSync(folder)
      writeFileSync(join(folder, 'footage'), 'x')
      if (marker !== undefined) writeFileSync(join(folder, '.nightjar-space'), marker.padEnd(504))
    }
    make('ours', JSON.stringify({ space: 'ours', server: 'me' }))
    make('foreign', JSON.stringify({ space: 'foreign', server: 'you' }))
    make('other', JSON.stringify({ space: 'ours', server: 'me' }))
    make('bare', undefined)
    make('broken', '{')
    symlinkSync('QVRProSpace_foreign', join(volumePath, 'QVRProSpace_linked'))

    const ids = ['ours', 'foreign', 'other', 'bare', 'broken', 'linked', 'away']
    const removed = await removeSpaceFolders(ids.map(space), 'me')

    assert.deepEqual(
      removed.map(({ isRemoved }) => isRemoved),
      [true, false, false, false, false, false, false],
    )
    assert.ok(removed.slice(1).every(({ finding }) => (finding ?? '') !== ''))
    assert.equal(existsSync(join(volumePath, 'QVRProSpace_ours')), false)
    for (const id of ['foreign', 'other', 'bare', 'broken']) {
      assert.equal(existsSync(join(volumePath, `QVRProSpace_${id}/footage`)), true, id)
    }
  })
})

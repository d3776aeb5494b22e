import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readVolumeFacts } from '../../../server/host/volume.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

describe('volume facts', () => {
  it('are those of the folder a link leads to', async () => {
    const folder = makeTestFolder()
    mkdirSync(join(folder, 'volume'))
    symlinkSync(join(folder, 'volume'), join(folder, 'link'))

    const facts = await readVolumeFacts(join(folder, 'link'))

    assert.equal(facts?.realPath, join(folder, 'volume'))
    assert.equal(facts?.isDirectory, true)
    assert.equal(facts?.isWritable, true)
    assert.ok(facts!.freeBytes > 0 && facts!.freeBytes <= facts!.totalBytes)
    assert.ok(join(folder, 'volume').startsWith(facts!.mountPoint))
  })

  it('are none where nothing is', async () => {
    const folder = makeTestFolder()
    writeFileSync(join(folder, 'file'), '')

    assert.equal(await readVolumeFacts(join(folder, 'nothing')), undefined)
    assert.equal(await readVolumeFacts(join(folder, 'file/below')), undefined)
    assert.equal((await readVolumeFacts(join(folder, 'file')))?.isDirectory, false)
  })
})

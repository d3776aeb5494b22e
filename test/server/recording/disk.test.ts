import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, type DiskLoad, NodeDisk } from '../../../server/recording/disk.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

describe('disk', () => {
  it('makes a file once, and never takes one that is there for new', async () => {
    const disk = new NodeDisk()
    const path = join(makeTestFolder(), 'a')
    await disk.close(await disk.open(path, 'create'))

    await assert.rejects(disk.open(path, 'create'), { code: 'EEXIST' })
    await assert.rejects(disk.open(`${path}b`, 'update'), { code: 'ENOENT' })
  })

  it('writes and reads at positions, and reads less at the end', async () => {
    const disk = new NodeDisk()
    const path = join(makeTestFolder(), 'a')
    const file = await disk.open(path, 'create')
    await disk.write(file, Buffer.from('xxhelloxx'), 2, 7, 0)
    await disk.write(file, Buffer.from('world'), 0, 5, 5)
    await disk.sync(file)

    assert.equal(readFileSync(path, 'latin1'), 'helloworld')
    assert.equal(Buffer.from(await disk.read(file, 7, 100)).toString(), 'rld')
    assert.equal((await disk.read(file, 100, 10)).length, 0)
    await disk.truncate(file, 5)
    assert.equal((await disk.stat(path))?.sizeBytes, 5)
    await disk.close(file)
  })

  it('tells what is not there as a value', async () => {
    const disk = new NodeDisk()
    const folder = makeTestFolder()
    writeFileSync(join(folder, 'file'), '')

    assert.equal(await disk.stat(join(folder, 'none')), undefined)
    assert.equal(await disk.list(join(folder, 'none')), undefined)
    assert.equal(await disk.stat(join(folder, 'file/below')), undefined)
    assert.deepEqual(await disk.list(folder), [{ name: 'file', isFolder: false }])
  })

  it('makes folders, says whether they were there, and removes them only when empty', async () => {
    const disk = new NodeDisk()
    const folder = makeTestFolder()
    assert.equal(await disk.makeFolder(join(folder, 'a')), true)
    assert.equal(await disk.makeFolder(join(folder, 'a')), false)
    mkdirSync(join(folder, 'a/b'))
    await disk.syncFolder(join(folder, 'a'))

    await assert.rejects(disk.removeFolder(join(folder, 'a')), { code: 'ENOTEMPTY' })
    await assert.rejects(disk.makeFolder(join(folder, 'x/y')), { code: 'ENOENT' })
  })

  it('tells free bytes as a process without privileges has them', async () => {
    const { freeBytes, totalBytes } = await new NodeDisk().usage(makeTestFolder())

    assert.ok(totalBytes > 0 && freeBytes > 0 && freeBytes <= totalBytes)
  })

  it('lets sixteen calls be under way at once, and the rest wait their turn', async () => {
    const load: DiskLoad = { waiting: 0, urgent: 0, finished: 0 }
    const disk = new NodeDisk(load)
    const folder = makeTestFolder()

    const calls = Array.from({ length: 40 }, () => disk.stat(folder))

    assert.deepEqual(load, { waiting: 24, urgent: 40, finished: 0 })
    assert.ok(disk.stalledMs >= 0)
    await Promise.all(calls)
    assert.deepEqual(load, { waiting: 0, urgent: 0, finished: 40 })
    assert.equal(disk.stalledMs, 0)
  })

  it('names the system’s error', () => {
    assert.equal(codeOf(Object.assign(new Error('full'), { code: 'ENOSPC' })), 'ENOSPC')
    assert.deepEqual([undefined, null, 'x', new Error('x'), { code: 7 }].map(codeOf), ['', '', '', '', ''])
  })
})

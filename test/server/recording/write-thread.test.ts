import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DiskLoad, NodeDisk } from '../../../server/recording/disk.ts'
import { WriteThread } from '../../../server/recording/write-thread.ts'
import { Arena } from '../../../server/stream/arena.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const mib = 1024 * 1024

/** Kicks and settles as the recorder's naps do, until `promise` is done. */
async function throughNaps<T>(thread: WriteThread, promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {
    thread.kick()
    thread.settle()
  }, 1)
  try {
    return await promise
  } finally {
    clearInterval(timer)
  }
}

describe('write thread', () => {
  const arena = new Arena(4 * mib)
  let thread: WriteThread
  let path: string
  let file: number

  beforeEach(() => {
    thread = new WriteThread(arena.memory)
    path = join(makeTestFolder(), 'a')
    file = openSync(path, 'w')
  })

  afterEach(async () => {
    closeSync(file)
    await thread.end()
  })

  it('writes what it is given to its places, more than the ring has room for in time', async () => {
    const slot = arena.take(mib)!
    for (let i = 0; i < 3000; i++) arena.bytes[slot.offset + i] = i % 251

    for (let from = 0; from < 3000; from += 1000) {
      const writes = Array.from({ length: 1000 }, (_, i) => {
        const at = slot.offset + from + i
        return thread.write(file, arena.bytes, at, at + 1, from + i)
      })
      await throughNaps(thread, Promise.all(writes))
    }

    const expected = Buffer.from(Array.from({ length: 3000 }, (_, i) => i % 251))
    assert.deepEqual(readFileSync(path), expected)
  })

  it('begins nothing before it is kicked', async () => {
    const write = thread.write(file, arena.bytes, 0, 10, 0)
    await new Promise((resolve) => setTimeout(resolve, 100))

    assert.equal(readFileSync(path).length, 0)
    assert.ok(thread.oldestMs >= 90)
    await throughNaps(thread, write)
    assert.equal(thread.oldestMs, 0)
    assert.equal(readFileSync(path).length, 10)
  })

  it('fails as the system does, and goes on', async () => {
    const readOnly = openSync(path, 'r')
    const failing = thread.write(readOnly, arena.bytes, 0, 10, 0)
    const writing = thread.write(file, arena.bytes, 0, 10, 0)

    const [failed, written] = await throughNaps(thread, Promise.allSettled([failing, writing]))

    assert.equal(failed.status, 'rejected')
    assert.equal((failed as PromiseRejectedResult).reason.code, 'EBADF')
    assert.equal(written.status, 'fulfilled')
    closeSync(readOnly)
  })

  it('takes only memory that it sees, and nothing once it has ended', async () => {
    assert.ok(thread.canTake(arena.bytes))
    assert.ok(!thread.canTake(new Uint8Array(10)))
    const write = thread.write(file, arena.bytes, 0, 10, 0)

    await thread.end()

    await assert.rejects(write, { code: 'EIO' })
    assert.ok(thread.isGone && !thread.canTake(arena.bytes))
  })

  it('takes of a disk’s writes those from the arena that nobody waits for', async () => {
    const load: DiskLoad = { waiting: 0, urgent: 0, finished: 0 }
    const disk = new NodeDisk(load, thread)
    arena.bytes.set(Buffer.from('abcd'), 100)
    const own = Buffer.from('xy')

    const fromArena = disk.write(file, arena.bytes, 100, 104, 0)
    await disk.write(file, own, 0, 2, 4)
    await disk.write(file, arena.bytes, 100, 102, 6, true)
    assert.equal(readFileSync(path, 'latin1'), '\0\0\0\0xyab')
    assert.ok(disk.stalledMs > 0)
    await throughNaps(thread, fromArena)

    assert.equal(readFileSync(path, 'latin1'), 'abcdxyab')
    assert.equal(disk.stalledMs, 0)
  })
})

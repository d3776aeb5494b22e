import assert from 'node:assert/strict'
import { CrashDisk } from '../../../scripts/faults/crash-disk.ts'
import { emptyVolume, plant } from '../../../scripts/faults/crash-volume.ts'
import { Random } from '../../../scripts/faults/random.ts'

const images = 300

/** Lets a call be performed, and gives its outcome. */
async function done<T>(disk: CrashDisk, call: Promise<T>): Promise<T> {
  disk.step()
  return await call
}

function newDisk(seed: number): CrashDisk {
  return new CrashDisk('/v', emptyVolume(7), new Random(seed))
}

async function fileOn(disk: CrashDisk, path: string): Promise<number> {
  return await done(disk, disk.open(path, 'create'))
}

async function append(disk: CrashDisk, file: number, bytes: Uint8Array, at = 0): Promise<void> {
  await done(disk, disk.write(file, bytes, 0, bytes.length, at))
}

/** A file of 10,000 ones, synced with its name, then 10,000 twos behind them that are not. */
async function halfSynced(seed: number): Promise<CrashDisk> {
  const disk = newDisk(seed)
  const file = await fileOn(disk, '/v/a')
  await append(disk, file, new Uint8Array(10_000).fill(1))
  await done(disk, disk.sync(file))
  await done(disk, disk.syncFolder('/v'))
  await append(disk, file, new Uint8Array(10_000).fill(2), 10_000)
  return disk
}

describe('the crash disk', () => {
  it('keeps in every image what was synced, and of the rest sometimes nothing, sometimes all, sometimes a part', async () => {
    const lengths = new Set<number>()
    let torn = 0
    for (let seed = 0; seed < images; seed++) {
      const image = (await halfSynced(seed)).powerCut()

      const bytes = image.tree().read('/v/a')!
      assert.ok(
        bytes.subarray(0, 10_000).every((byte) => byte === 1),
        `seed ${seed}: synced bytes are lost`,
      )
      lengths.add(bytes.length)
      const rest = bytes.subarray(10_000)
      assert.ok(rest.every((byte) => byte === 2 || byte === 0))
      for (let at = 10_240; at + 512 <= bytes.length; at += 512) {
        const sector = bytes.subarray(at, at + 512)
        assert.ok(
          sector.every((byte) => byte === sector[0]),
          `seed ${seed}: a sector is torn at ${at}`,
        )
      }
      if (rest.includes(0) && rest.includes(2)) torn++
    }
    assert.ok(lengths.has(10_000) && lengths.has(20_000))
    assert.ok(torn > images / 20, `${torn} images hold a part`)
  })

  it('loses a name now and then until its folder was synced, and never after', async () => {
    let lost = 0
    for (let seed = 0; seed < images; seed++) {
      const disk = newDisk(seed)
      const file = await fileOn(disk, '/v/a')
      await append(disk, file, Uint8Array.of(1))
      await done(disk, disk.sync(file))
      if (disk.powerCut().tree().read('/v/a') === undefined) lost++
    }
    for (let seed = 0; seed < images; seed++) assert.ok((await halfSynced(seed)).powerCut().tree().read('/v/a'))
    assert.ok(lost > images / 10 && lost < images)
  })

  it('brings a deleted file back now and then until its folder was synced', async () => {
    let back = 0
    for (let seed = 0; seed < images; seed++) {
      const disk = await halfSynced(seed)
      await done(disk, disk.unlink('/v/a'))
      if (disk.powerCut().tree().read('/v/a') !== undefined) back++
    }
    for (let seed = 0; seed < images; seed++) {
      const disk = await halfSynced(seed)
      await done(disk, disk.unlink('/v/a'))
      await done(disk, disk.syncFolder('/v'))
      assert.equal(disk.powerCut().tree().read('/v/a'), undefined)
    }
    assert.ok(back > images / 10 && back < images)
  })

  it("lets bytes of deleted files stand where a new file's were not written", async () => {
    let stale = 0
    for (let seed = 0; seed < images; seed++) {
      const disk = newDisk(seed)
      const old = await fileOn(disk, '/v/old')
      await append(disk, old, new Uint8Array(20_000).fill(9))
      await done(disk, disk.unlink('/v/old'))
      const file = await fileOn(disk, '/v/a')
      await done(disk, disk.syncFolder('/v'))
      await append(disk, file, new Uint8Array(20_000).fill(2))
      if (disk.powerCut().tree().read('/v/a')!.includes(9)) stale++
    }
    assert.ok(stale > images / 20, `${stale} images hold stale bytes`)
  })

  it('promises nothing for what was written after the sync was called', async () => {
    const disk = newDisk(1)
    const file = await fileOn(disk, '/v/a')
    await done(disk, disk.syncFolder('/v'))
    await append(disk, file, Uint8Array.of(1))
    const syncing = disk.sync(file)
    const writing = disk.write(file, Uint8Array.of(2), 0, 1, 1)
    while (disk.step());
    await Promise.all([syncing, writing])

    assert.deepEqual([...disk.safeBytes('/v/a')!], [1])
  })

  it('never makes safe what a failed sync has dropped, unless it is written again', async () => {
    const disk = newDisk(1)
    const file = await fileOn(disk, '/v/a')
    await done(disk, disk.syncFolder('/v'))
    await append(disk, file, new Uint8Array(4096).fill(1))
    disk.fault = (call) => (call.kind === 'sync' ? { code: 'EIO' } : undefined)
    await assert.rejects(done(disk, disk.sync(file)), { code: 'EIO' })
    disk.fault = () => undefined

    await done(disk, disk.sync(file))
    const afterSync = disk.safeBytes('/v/a')!.length
    await append(disk, file, new Uint8Array(4096).fill(1))
    await done(disk, disk.sync(file))

    assert.equal(afterSync, 0)
    assert.equal(disk.safeBytes('/v/a')!.length, 4096)
  })

  it('keeps its cache when a process is killed', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const bytes = (await halfSynced(seed)).kill().tree().read('/v/a')!

      assert.equal(bytes.length, 20_000)
      assert.equal(bytes[19_999], 2)
    }
  })

  it('writes what fits on a full disk and then says ENOSPC, or EDQUOT for a quota', async () => {
    const disk = newDisk(1)
    disk.volume!.capacityBytes = 8192
    const file = await fileOn(disk, '/v/a')
    await assert.rejects(append(disk, file, new Uint8Array(20_000).fill(1)), { code: 'ENOSPC' })

    assert.equal(disk.tree().read('/v/a')!.length, 8192)
    assert.equal((await done(disk, disk.usage('/v'))).freeBytes, 0)
    disk.volume!.capacityBytes = 1 << 20
    disk.volume!.quota = { path: '/v', bytes: 12_288 }
    await assert.rejects(append(disk, file, new Uint8Array(20_000).fill(1), 8192), { code: 'EDQUOT' })
    assert.equal(disk.tree().read('/v/a')!.length, 12_288)
  })

  it('leaves calls hanging until it is released', async () => {
    const disk = newDisk(1)
    disk.fault = () => 'hang'
    const opening = disk.open('/v/a', 'create')
    disk.step()
    assert.equal(disk.hung, 1)
    disk.fault = () => undefined

    disk.release()
    disk.step()

    assert.ok((await opening) > 0)
  })

  it('is read-only, pulled or another disk when it is told to be', async () => {
    const disk = await halfSynced(1)
    const home = disk.volume!
    const file = await done(disk, disk.open('/v/a', 'read'))
    home.isReadOnly = true
    await assert.rejects(done(disk, disk.makeFolder('/v/b')), { code: 'EROFS' })
    await assert.rejects(done(disk, disk.unlink('/v/a')), { code: 'EROFS' })

    const other = emptyVolume(8)
    plant(other, 'x/y', Uint8Array.of(5))
    disk.volume = other
    assert.equal(await done(disk, disk.stat('/v/a')), undefined)
    assert.equal((await done(disk, disk.stat('/v/x/y')))?.device, 8)
    assert.equal((await done(disk, disk.read(file, 0, 1)))[0], 1, 'an open file stays open')
    home.isPulled = true
    await assert.rejects(done(disk, disk.read(file, 0, 1)), { code: 'EIO' })
    disk.volume = undefined
    await assert.rejects(done(disk, disk.open('/v/a', 'read')), { code: 'ENOENT' })
  })
})

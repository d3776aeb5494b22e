import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findFolder } from '../../../server/space/space-folder.ts'
import { SpaceStore, type StoredSpace } from '../../../server/space/space-store.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { Space } from '../../../shared/space.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'
import { describeOnBoth } from '../../support/test-database.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const megabytes = 1024 * 1024
const allocatedBytes = 256 * megabytes

describeOnBoth('the space store', 'settings', (database) => {
  it('gives back what it was given, oldest first', async () => {
    const store = new SpaceStore(database())
    const space = (id: string, createdMs: number): StoredSpace => ({
      id,
      name: id,
      volumePath: '/share/CACHEDEV1_DATA',
      mountPoint: '/share/CACHEDEV1_DATA',
      folder: 'QVRProSpace_x',
      isFresh: true,
      allocatedBytes: 40 * 1024 ** 4,
      overwriteThresholdPct: 90,
      isDefault: false,
      createdMs,
    })
    await store.create(space('b', 2))
    await store.create(space('a', 1))

    await store.update({ ...space('b', 2), isFresh: false, name: 'c' })

    assert.deepEqual(await store.list(), [space('a', 1), { ...space('b', 2), isFresh: false, name: 'c' }])
    assert.deepEqual(await store.get('a'), space('a', 1))
    await store.remove('a')
    assert.equal(await store.get('a'), undefined)
  })
})

describe('recording spaces over HTTP', () => {
  let test: TestApp
  let client: TestClient

  beforeEach(async () => {
    test = await startTestApp()
    client = await test.administrator()
  })
  afterEach(() => test.close())

  it('begin with a default one, made at first start', async () => {
    const [space] = await client.must<Space[]>('GET', 'api/spaces')

    assert.equal(space!.isDefault, true)
    assert.equal(space!.volumePath, `${test.folder}/volume`)
    assert.equal(space!.folder, `${test.folder}/volume/QVRProSpace_volume`)
    assert.equal(space!.allocatedBytes, allocatedBytes)
    assert.equal(space!.state, 'idle')
    assert.ok(space!.freeBytes > 0)
  })

  it('are made, changed and removed', async () => {
    const volumePath = makeTestFolder()

    const made = await client.post<Space>('api/spaces', { name: 'Second', volumePath, allocatedBytes })
    const changed = await client.must<Space>('PATCH', `api/spaces/${made.body.id}`, { overwriteThresholdPct: 80 })
    const removed = await client.request('DELETE', `api/spaces/${made.body.id}`)

    assert.equal(made.status, 201)
    assert.equal(made.body.overwriteThresholdPct, 95)
    assert.equal(changed.overwriteThresholdPct, 80)
    assert.equal(removed.status, 204)
    assert.equal((await client.must<Space[]>('GET', 'api/spaces')).length, 1)
  })

  it('are refused where the volume does not do, each with its reason at its field', async () => {
    const folder = makeTestFolder()
    writeFileSync(join(folder, 'file'), '')
    const used = `${test.folder}/volume`
    symlinkSync(used, join(folder, 'link'))
    const cases: [change: Record<string, unknown>, status: number, field: string, says: RegExp][] = [
      [{ volumePath: join(folder, 'nothing') }, 400, 'volumePath', /is not there/],
      [{ volumePath: join(folder, 'file') }, 400, 'volumePath', /is no folder/],
      [{ volumePath: 'relative' }, 400, 'volumePath', /absolute/],
      [{ volumePath: `${folder}/../x` }, 400, 'volumePath', /\.\./],
      [{ volumePath: used }, 409, 'volumePath', /used by recording space Default/],
      [{ volumePath: join(folder, 'link') }, 409, 'volumePath', /used by recording space Default/],
      [{ allocatedBytes: 2 ** 52 }, 400, 'allocatedBytes', /has room for \d+ bytes/],
      [{ allocatedBytes: 1 }, 400, 'allocatedBytes', /256 MiB/],
      [{ name: 'default' }, 409, 'name', /already/],
      [{ overwriteThresholdPct: 100 }, 400, 'overwriteThresholdPct', /99/],
    ]

    for (const [change, status, field, says] of cases) {
      const draft = { name: 'Second', volumePath: folder, allocatedBytes, ...change }
      const answer = await client.post<FailureBody>('api/spaces', draft)
      assert.deepEqual([answer.status, answer.body.field], [status, field], JSON.stringify(change))
      assert.match(answer.body.message, says)
    }
  })

  it('use a name of their own beside a folder of other software, and none beside two', async () => {
    const volumePath = makeTestFolder()
    const name = volumePath.split('/').at(-1)
    mkdirSync(join(volumePath, `QVRProSpace_${name}`))

    const beside = await client.post<Space>('api/spaces', { name: 'Second', volumePath, allocatedBytes })
    await client.must('DELETE', `api/spaces/${beside.body.id}`)
    mkdirSync(join(volumePath, `NightjarSpace_${name}`))
    const none = await client.post<FailureBody>('api/spaces', { name: 'Second', volumePath, allocatedBytes })

    assert.equal(beside.body.folder, join(volumePath, `NightjarSpace_${name}`))
    assert.equal(none.status, 409)
  })

  it('use the name of their own where QVR Pro’s are to be left alone, and still know their former one', async () => {
    const [fresh, former] = [makeTestFolder(), makeTestFolder()]
    const nameOf = (folder: string) => folder.split('/').at(-1)
    mkdirSync(join(former, `QVRProSpace_${nameOf(former)}`))
    const marker = JSON.stringify({ space: 'a', server: 'me' }).padEnd(504, ' ')
    writeFileSync(join(former, `QVRProSpace_${nameOf(former)}/.nightjar-space`), marker)

    assert.deepEqual(await findFolder(fresh, 'me', 'nightjar'), {
      folder: `NightjarSpace_${nameOf(fresh)}`,
      spaceId: undefined,
    })
    assert.deepEqual(await findFolder(former, 'me', 'nightjar'), {
      folder: `QVRProSpace_${nameOf(former)}`,
      spaceId: 'a',
    })
  })

  it('find their footage again when they are made anew in the same place, and take no other server’s', async () => {
    const volumePath = makeTestFolder()
    const folder = join(volumePath, `QVRProSpace_${volumePath.split('/').at(-1)}`)
    const { serverId } = await client.must<{ serverId: string }>('GET', 'api/system/status')
    const mark = (server: string) => {
      const text = JSON.stringify({ format: 1, space: '11111111-2222-4333-8444-555555555555', server })
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, '.nightjar-space'), `${text.padEnd(504, ' ')}00000000`)
    }

    mark('another')
    const foreign = await client.post<FailureBody>('api/spaces', { name: 'Second', volumePath, allocatedBytes })
    mark(serverId)
    const own = await client.post<Space>('api/spaces', { name: 'Second', volumePath, allocatedBytes })

    assert.equal(foreign.status, 409)
    assert.match(foreign.body.message, /another server/)
    assert.equal(own.body.id, '11111111-2222-4333-8444-555555555555')
  })

  it('are kept while a camera records to them, and the default one always', async () => {
    const volumePath = makeTestFolder()
    const { body: space } = await client.post<Space>('api/spaces', { name: 'Second', volumePath, allocatedBytes })
    await client.must('POST', 'api/cameras', {
      name: 'Gate',
      spaceId: space.id,
      streams: [{ stream: 1, url: 'rtsp://127.0.0.1:1/x' }],
    })
    const [byDefault] = await client.must<Space[]>('GET', 'api/spaces')

    const inUse = await client.request<FailureBody>('DELETE', `api/spaces/${space.id}`)
    const defaultOne = await client.request<FailureBody>('DELETE', `api/spaces/${byDefault!.id}`)

    assert.equal(inUse.status, 409)
    assert.match(inUse.body.message, /1 camera/)
    assert.equal(defaultOne.status, 409)
  })

  it('are in error while their volume is away', async () => {
    const folder = makeTestFolder()
    const volumePath = join(folder, 'volume')
    mkdirSync(volumePath)
    const { body: made } = await client.post<Space>('api/spaces', { name: 'Second', volumePath, allocatedBytes })
    chmodSync(folder, 0o755)
    const { rmSync } = await import('node:fs')
    rmSync(volumePath, { recursive: true })

    const spaces = await client.must<Space[]>('GET', 'api/spaces')

    const space = spaces.find((one) => one.id === made.id)
    assert.deepEqual([space?.state, space?.fault], ['error', 'missing'])
  })

  it('that are not there are 404', async () => {
    assert.equal((await client.request('PATCH', 'api/spaces/none', { name: 'x' })).status, 404)
    assert.equal((await client.request('DELETE', 'api/spaces/none')).status, 404)
  })
})

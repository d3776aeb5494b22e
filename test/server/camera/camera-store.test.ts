import assert from 'node:assert/strict'
import { CameraStore, type StoredCamera } from '../../../server/camera/camera-store.ts'
import { describeOnBoth } from '../../support/test-database.ts'

function cameraNamed(id: string): Omit<StoredCamera, 'channel'> {
  return {
    id,
    name: `Cämera ${id}`,
    brand: 'Acme',
    model: 'X-1',
    onvifHost: '10.0.0.5',
    onvifPort: 8000,
    username: 'root',
    passwordSealed: 'v1.sealed',
    streams: [
      { stream: 1, url: 'rtsp://10.0.0.5/main', isRecorded: true, hasAudio: false },
      { stream: 2, url: 'rtsp://10.0.0.5/sub', isRecorded: false, hasAudio: true },
    ],
    isEnabled: true,
    isRecovered: false,
    spaceId: 'space',
    createdMs: 1_795_354_716_790,
  }
}

describeOnBoth('the camera store', 'settings', (database) => {
  let store: CameraStore
  beforeEach(() => {
    store = new CameraStore(database())
  })

  it('gives back what it was given, with the lowest channel that is free', async () => {
    const one = await store.create(cameraNamed('one'))
    const two = await store.create(cameraNamed('two'))
    await store.remove('one')
    const three = await store.create(cameraNamed('three'))

    assert.deepEqual(await store.get('two'), two)
    assert.deepEqual([one.channel, two.channel, three.channel], [1, 2, 1])
    assert.deepEqual(await store.list(), [three, two])
  })

  it('changes a camera with its streams, and no other', async () => {
    const one = await store.create(cameraNamed('one'))
    const two = await store.create(cameraNamed('two'))
    const changed = { ...one, name: 'New', streams: [one.streams[1]!] }

    await store.update(changed)

    assert.deepEqual(await store.list(), [changed, two])
  })

  it('removes the streams with the camera', async () => {
    await store.create(cameraNamed('one'))

    await store.remove('one')

    assert.equal(await store.get('one'), undefined)
    assert.deepEqual(await database().knex('camera_stream'), [])
  })

  it('counts the cameras of a space', async () => {
    await store.create(cameraNamed('one'))
    await store.create({ ...cameraNamed('two'), spaceId: 'other' })

    assert.equal(await store.countInSpace('other'), 1)
    assert.equal(await store.countInSpace('none'), 0)
  })

  it('gives a channel to one camera only', async () => {
    const made = await Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => store.create(cameraNamed(id))))

    const channels = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value.channel] : []))
    assert.equal(new Set(channels).size, channels.length)
  })
})

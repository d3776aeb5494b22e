import assert from 'node:assert/strict'
import type { Camera } from '../../../shared/camera.ts'
import { type PushMessage, pushMessage } from '../../../shared/push.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'

type Push<T extends PushMessage['type']> = Extract<PushMessage, { type: T }>

describe('the push', () => {
  let test: TestApp
  let client: TestClient

  before(async () => {
    test = await startTestApp()
    client = await test.administrator()
  })
  after(() => test.close())

  it('is refused without a login', async () => {
    await assert.rejects(test.client().socket('api/push').opened, { status: 401 })
  })

  it('is refused to a page of another origin, also of another port of this host', async () => {
    for (const origin of ['http://evil.example', 'http://127.0.0.1:1']) {
      await assert.rejects(client.socket('api/push', { origin }).opened, { status: 403 })
    }
  })

  it('is given to a page of ours', async () => {
    const socket = client.socket('api/push', { origin: new URL(client.url).origin })

    await socket.opened
    socket.close()
  })

  it('is at its own address alone', async () => {
    await assert.rejects(client.socket('api/nothing').opened, { status: 404 })
    await assert.rejects(client.socket('/api/push').opened, { status: 404 })
  })

  it('says hello first, then what is so now', async () => {
    const socket = client.socket('api/push')

    const hello = await socket.next<Push<'hello'>>('hello')
    const health = await socket.next<Push<'health'>>('health')
    const alarms = await socket.next<Push<'alarms'>>('alarms')

    assert.match(hello.version, /^\d+\.\d+\.\d+/)
    assert.ok(Math.abs(hello.nowMs - Date.now()) < 60_000)
    assert.deepEqual(health.streams, [])
    assert.deepEqual(alarms.alarms, [])
    socket.close()
  })

  it('tells of cameras, spaces and the log as they change, in messages of the contract', async () => {
    const socket = client.socket('api/push')
    await socket.next('alarms')

    const camera = await client.must<Camera>('POST', 'api/cameras', {
      name: 'Gate',
      streams: [{ stream: 1, url: 'rtsp://127.0.0.1:1/x', isRecorded: false }],
    })
    const changed = await socket.next<Push<'camera-changed'>>('camera-changed')
    const logged = await socket.next<Push<'logged'>>('logged', ({ entry }) => entry.name === 'camera-created')
    await client.must('DELETE', `api/cameras/${camera.id}?footage=remove`)
    const removed = await socket.next<Push<'camera-removed'>>('camera-removed')

    assert.deepEqual(changed.camera, camera)
    assert.equal(logged.entry.cameraId, camera.id)
    assert.equal(removed.cameraId, camera.id)
    for (const message of [changed, logged, removed]) pushMessage.parse(message)
    assert.ok(!JSON.stringify(logged).includes('sessionId'))
    socket.close()
  })

  it('tells of the health of a new camera’s streams, and alarms when one that should record does not', async () => {
    const socket = client.socket('api/push')
    await socket.next('alarms')

    const camera = await client.must<Camera>('POST', 'api/cameras', {
      name: 'Yard',
      streams: [{ stream: 1, url: 'rtsp://127.0.0.1:1/x' }],
    })
    const health = await socket.next<Push<'health'>>('health', ({ streams }) => streams.length > 0)

    assert.deepEqual(
      health.streams.map((one) => [one.cameraId, one.isRecordWanted, one.isRecording, one.notRecordingReason]),
      [[camera.id, true, false, 'recorder-down']],
    )
    socket.close()
  })
})

import assert from 'node:assert/strict'
import type { Camera, ConnectionTest } from '../../../shared/camera.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import { type AskedTests, nobodyThere, startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'

const draft = {
  name: 'Gate',
  username: 'root',
  password: 'hunter2',
  streams: [
    { stream: 1, url: 'rtsp://10.0.0.5/main' },
    { stream: 2, url: 'rtsp://10.0.0.5/sub?token=abc', isRecorded: false },
  ],
}

describe('cameras over HTTP', () => {
  let test: TestApp
  let client: TestClient
  let tests: AskedTests

  beforeEach(async () => {
    tests = nobodyThere()
    test = await startTestApp({ tests })
    client = await test.administrator()
  })
  afterEach(() => test.close())

  it('are added with defaults, listed and read, and never show a password', async () => {
    const answer = await client.post<Camera>('api/cameras', draft)

    assert.equal(answer.status, 201)
    const camera = answer.body
    assert.match(camera.id, /^[0-9a-f-]{36}$/)
    assert.equal(camera.channel, 1)
    assert.equal(camera.hasPassword, true)
    assert.equal(camera.streams[0]!.isRecorded, true)
    assert.deepEqual((await client.get('api/cameras')).body, [camera])
    assert.deepEqual((await client.get(`api/cameras/${camera.id}`)).body, camera)
    assert.ok(!JSON.stringify(camera).includes('hunter2'))
  })

  it('are changed as far as asked; an empty password removes it', async () => {
    const { body: camera } = await client.post<Camera>('api/cameras', draft)

    const renamed = await client.must<Camera>('PATCH', `api/cameras/${camera.id}`, { name: 'Door' })
    const cleared = await client.must<Camera>('PATCH', `api/cameras/${camera.id}`, { password: '' })

    assert.deepEqual(renamed, { ...camera, name: 'Door' })
    assert.deepEqual(cleared, { ...camera, name: 'Door', hasPassword: false })
  })

  it('are logged from old to new, with secrets hidden', async () => {
    const { body: camera } = await client.post<Camera>('api/cameras', draft)
    await client.must('PATCH', `api/cameras/${camera.id}`, { name: 'Door', password: 'other secret' })
    await client.must('PATCH', `api/cameras/${camera.id}`, { name: 'Door', password: 'other secret' })
    await client.must('DELETE', `api/cameras/${camera.id}?footage=keep`)
    await test.app.log.flush()

    const { body } = await client.get<LogEntry[]>(`api/logs?cameraId=${camera.id}`)

    assert.deepEqual(
      body.map((entry) => entry.name),
      ['camera-removed', 'camera-updated', 'camera-created'],
    )
    assert.deepEqual(body[1]!.detail, {
      name: { from: 'Gate', to: 'Door' },
      password: { from: null, to: '(secret)' },
    })
    assert.equal(body[0]!.kind, 'deletion')
    assert.doesNotMatch(JSON.stringify(body), /hunter2|other secret|token=abc/)
  })

  it('without footage are gone when removed, whatever was asked of it', async () => {
    const { body: camera } = await client.post<Camera>('api/cameras', draft)

    const answer = await client.request('DELETE', `api/cameras/${camera.id}?footage=keep`)

    assert.equal(answer.status, 204)
    assert.deepEqual((await client.get('api/cameras')).body, [])
  })

  it('are not removed without saying what becomes of the footage', async () => {
    const { body: camera } = await client.post<Camera>('api/cameras', draft)

    const answer = await client.request<FailureBody>('DELETE', `api/cameras/${camera.id}`)

    assert.equal(answer.status, 400)
    assert.equal(answer.body.field, 'footage')
  })

  it('that are not there are 404, for everything that may be asked of one', async () => {
    for (const [method, path, body] of [
      ['GET', 'api/cameras/none'],
      ['PATCH', 'api/cameras/none', { name: 'x' }],
      ['DELETE', 'api/cameras/none?footage=keep'],
      ['POST', 'api/cameras/none/test'],
      ['GET', 'api/cameras/none/health'],
      ['GET', 'api/cameras/none/footage'],
    ] as const) {
      const answer = await client.request<FailureBody>(method, path, body)
      assert.equal(answer.status, 404, path)
      assert.equal(answer.body.kind, 'not-found')
    }
  })

  it('are tested as they are saved, with the saved password', async () => {
    const { body: camera } = await client.post<Camera>('api/cameras', draft)

    const answer = await client.post<ConnectionTest>(`api/cameras/${camera.id}/test?stream=2`)

    assert.equal(answer.status, 200)
    assert.equal(answer.body.isReachable, false)
    assert.deepEqual(tests.addresses, [{ url: 'rtsp://10.0.0.5/sub?token=abc', username: 'root', password: 'hunter2' }])
  })

  it('are tested one at a time each', async () => {
    const { body: camera } = await client.post<Camera>('api/cameras', draft)
    let finish: () => void = () => {}
    tests.testConnection = () =>
      new Promise((resolve) => {
        finish = () => resolve({ isReachable: false, fault: 'silent', detail: 'nothing came' })
      })

    const first = client.post<ConnectionTest>(`api/cameras/${camera.id}/test`)
    let second = await client.post<FailureBody>(`api/cameras/${camera.id}/test`)
    while (second.status === 200) second = await client.post<FailureBody>(`api/cameras/${camera.id}/test`)
    finish()

    assert.equal(second.status, 409)
    assert.equal((await first).status, 200)
  })

  it('may be tried before they are saved, with a password given or that of a camera', async () => {
    const { body: camera } = await client.post<Camera>('api/cameras', draft)
    const url = 'rtsp://10.0.0.9/x'

    await client.must('POST', 'api/cameras/test', { url, username: 'u', password: 'p' })
    await client.must('POST', 'api/cameras/test', { url, cameraId: camera.id })
    await client.must('POST', 'api/cameras/probe-onvif', { host: '10.0.0.9' })

    assert.deepEqual(tests.addresses, [
      { url, username: 'u', password: 'p' },
      { url, username: '', password: 'hunter2' },
    ])
    assert.deepEqual(tests.probes, [{ host: '10.0.0.9', port: 80, username: '', password: '' }])
  })

  it('that were removed with their footage kept are read-only channels', async () => {
    const { body: camera } = await client.post<Camera>('api/cameras', draft)
    await addRun(test, camera.id)

    await client.must('DELETE', `api/cameras/${camera.id}?footage=keep`)
    const kept = await client.must<Camera>('GET', `api/cameras/${camera.id}`)
    const enabled = await client.request<FailureBody>('PATCH', `api/cameras/${camera.id}`, { isEnabled: true })
    const again = await client.request<FailureBody>('DELETE', `api/cameras/${camera.id}?footage=keep`)

    assert.deepEqual(
      [kept.name, kept.isRecovered, kept.isEnabled, kept.hasPassword, kept.streams],
      ['Gate', true, false, false, []],
    )
    assert.equal(enabled.status, 409)
    assert.equal(again.status, 409)
    assert.equal((await client.request('DELETE', `api/cameras/${camera.id}?footage=remove`)).status, 204)
  })
})

/** Puts a run into the index, as if the camera had recorded. */
async function addRun(test: TestApp, cameraId: string): Promise<void> {
  const { openKnex } = await import('../../../server/db/database.ts')
  const place = { kind: 'sqlite', file: `${test.folder}/data/index.sqlite` } as const
  const knex = openKnex(place, { durability: 'NORMAL', hasForeignKeys: true })
  await knex('run').insert({
    camera_id: cameraId,
    stream: 1,
    kind: 'normal',
    run_id: '0123456789abcdef',
    first_index: 0,
    last_index: 0,
    start_us: 1,
    end_us: 2,
  })
  await knex.destroy()
}

import assert from 'node:assert/strict'
import { parse } from 'yaml'
import type { Camera } from '../../../shared/camera.ts'
import { configuration } from '../../../shared/configuration.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'

describe('the configuration as text', () => {
  let test: TestApp

  before(async () => {
    test = await startTestApp()
  })
  after(() => test.close())

  it('tells spaces and cameras as they were set up, and no password', async () => {
    const client = await test.administrator()
    const streams = [
      { stream: 1, url: 'rtsp://192.0.2.7/main', isRecorded: true, hasAudio: true },
      { stream: 2, url: 'rtsp://192.0.2.7/sub?a=b', isRecorded: false, hasAudio: false },
    ]
    const draft = { name: 'Front: door #1', username: 'viewer', password: 'hush-hush', streams }
    const added = await client.post<Camera>('api/cameras', draft)
    assert.equal(added.status, 201)

    const answer = await fetch(new URL('api/configuration.yaml', client.url), { headers: { cookie: client.cookie } })
    const text = await answer.text()

    assert.equal(answer.headers.get('content-type'), 'application/yaml')
    assert.match(
      answer.headers.get('content-disposition') ?? '',
      /^attachment; filename="nightjar-\d{4}-\d\d-\d\d\.yaml"$/,
    )
    assert.ok(!text.includes('hush-hush'))
    const read = configuration.parse(parse(text))
    assert.equal(read.spaces.length, 1)
    assert.ok(read.spaces[0]!.isDefault && read.spaces[0]!.allocatedBytes === 256 * 1024 * 1024)
    const [camera] = read.cameras
    assert.equal(camera?.id, added.body.id)
    assert.equal(camera?.name, 'Front: door #1')
    assert.equal(camera?.space, read.spaces[0]!.name)
    assert.ok(camera?.hasPassword && camera.username === 'viewer')
    assert.deepEqual(camera?.streams, streams)
  })

  it('is refused without a login', async () => {
    const answer = await fetch(new URL('api/configuration.yaml', test.client().url))

    assert.equal(answer.status, 401)
  })
})

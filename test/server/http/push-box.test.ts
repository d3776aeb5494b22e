// Push and live view over plain HTTP, as the whole server answers.
import assert from 'node:assert/strict'
import type { PushMail } from '../../../shared/push.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'

describe('the push by long poll', () => {
  let test: TestApp
  let client: TestClient

  before(async () => {
    test = await startTestApp()
    client = await test.administrator()
  })
  after(() => test.close())

  const poll = (mail?: PushMail, who = client) =>
    who.must<PushMail>('GET', mail === undefined ? 'api/push/poll' : `api/push/poll?box=${mail.box}&after=${mail.last}`)
  const types = (mail: PushMail) => mail.messages.map(({ type }) => type)
  const addCamera = (name: string) =>
    client.must('POST', 'api/cameras', {
      name,
      streams: [{ stream: 1, url: 'rtsp://127.0.0.1:1/x', isRecorded: false }],
    })

  it('is refused without a login, and so is live view', async () => {
    for (const path of ['api/push/poll', 'api/live/stream']) {
      assert.equal((await test.client().get(path)).status, 401, path)
    }
    const id = '00000000-0000-4000-8000-000000000000'
    assert.equal((await test.client().post(`api/live/streams/${id}`, { requests: [] })).status, 401)
    const answer = await client.request('POST', `api/live/streams/${id}`, { requests: [] }, { 'x-csrf-token': 'x' })
    assert.equal(answer.status, 403)
    assert.equal((await client.post(`api/live/streams/${id}`, { requests: [] })).status, 404)
  })

  it('names the field that is wrong', async () => {
    const answer = await client.get<{ field: string; message: string }>('api/push/poll?after=-1')

    assert.equal(answer.status, 400)
    assert.equal(answer.body.field, 'after')
    assert.match(answer.body.message, /must be a whole number from 0/)
  })

  it('says hello and what is so now at once, then waits for news, and gives each once', async () => {
    const first = await poll()
    const waiting = poll(first)
    await addCamera('Gate')
    const second = await waiting
    const third = poll(second)
    await addCamera('Yard')

    assert.deepEqual(types(first).slice(0, 3), ['hello', 'health', 'alarms'])
    assert.equal(second.box, first.box)
    assert.ok(types(second).includes('camera-changed'), types(second).join())
    const [last] = (await third).messages.flatMap((one) => (one.type === 'camera-changed' ? [one.camera.name] : []))
    assert.equal(last, 'Yard')
  })

  it('gives again what did not arrive', async () => {
    const first = await poll()
    await addCamera('Lost on the way')
    const lost = await poll(first)

    const again = await poll(first)

    assert.deepEqual(again.messages.slice(0, lost.messages.length), lost.messages)
  })

  it('gives a new box for one that is another session’s', async () => {
    const mine = await poll()
    const other = await test.administrator()

    const theirs = await poll(mine, other)

    assert.notEqual(theirs.box, mine.box)
    assert.equal(types(theirs)[0], 'hello')
  })

  it('tells of the log-out, which ends the live stream too', async () => {
    const leaving = await test.administrator()
    let mail = await poll(undefined, leaving)
    const stream = await fetch(new URL('api/live/stream', leaving.url), { headers: { cookie: leaving.cookie } })
    const reader = stream.body!.getReader()
    await reader.read()

    const [told] = await Promise.all([
      (async () => {
        while (!types(mail).includes('session-ended')) mail = await poll(mail, leaving)
        return mail
      })(),
      leaving.post('api/logout'),
    ])
    while (!(await reader.read()).done);

    assert.equal(types(told).at(-1), 'session-ended')
    assert.equal((await leaving.get(`api/push/poll?box=${mail.box}&after=${mail.last}`)).status, 401)
  })

  it('lets the server stop while somebody waits', async () => {
    const mail = await poll()
    const waiting = client.get(`api/push/poll?box=${mail.box}&after=${mail.last}`).catch(() => undefined)
    const startMs = performance.now()

    await test.restart()

    assert.ok(performance.now() - startMs < 10_000)
    await waiting
  })
})

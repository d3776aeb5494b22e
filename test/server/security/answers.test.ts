// What every answer brings along, whatever its kind; and what none tells.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import { type Answer, TestClient } from '../../support/test-client.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

describe('answers', () => {
  let test: TestApp
  let folder = ''
  let administrator: TestClient

  before(async () => {
    folder = makeTestFolder()
    writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Nightjar</title>')
    test = await startTestApp({ folder, env: { NIGHTJAR_DESKTOP_DIR: folder } })
    administrator = await test.administrator()
  })
  after(() => test.close())

  it('of every kind say what a page of ours may do, and are never guessed at', async () => {
    const elsewhere = test.client()
    elsewhere.headers = { 'x-forwarded-for': '203.0.113.5' }
    await administrator.must('POST', 'api/network/bans', { target: '203.0.113.5', banMin: 5 })
    const kinds: [what: string, status: number, answer: Answer][] = [
      ['the desktop', 200, await administrator.get('')],
      ['a redirect', 308, await administrator.get('../qvrpro')],
      ['nothing', 404, await administrator.get('nothing.html')],
      ['nothing outside the base path', 404, await administrator.get('/')],
      ['a success', 200, await administrator.get('api/session')],
      ['a file to keep', 200, await administrator.get('api/configuration.yaml')],
      ['no login', 401, await test.client().get('api/session')],
      ['no token', 403, await administrator.request('POST', 'api/logout', undefined, { 'x-csrf-token': 'x' })],
      ['a bad body', 400, await administrator.post('api/cameras', '{"')],
      ['a bad address', 400, await administrator.get('api/cameras/%E0%A4%A')],
      ['an unknown address', 404, await administrator.get('api/nothing')],
      ['the page of the API', 200, await administrator.get('api/docs')],
      ['QVR Pro’s log-in', 200, await administrator.get('/cgi-bin/authLogin.cgi')],
      ['a banned address', 403, await elsewhere.get('')],
      ['another method', 404, await administrator.request('PUT', '')],
    ]

    for (const [what, status, { status: given, headers }] of kinds) {
      assert.equal(given, status, what)
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'self';script-src 'self';/, what)
      assert.match(headers.get('content-security-policy')!, /frame-ancestors 'self'/, what)
      assert.equal(headers.get('x-content-type-options'), 'nosniff', what)
      assert.equal(headers.get('x-frame-options'), 'SAMEORIGIN', what)
      assert.equal(headers.get('referrer-policy'), 'same-origin', what)
      assert.equal(headers.get('x-powered-by'), null, what)
      assert.equal(headers.get('server'), null, what)
    }
  })

  it('to a WebSocket that is refused cannot be taken for a page', async () => {
    const { hostname, port } = new URL(test.app.url)
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        const head = ['Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
        socket.write(`GET /qvrpro/api/push HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`)
      })
      let text = ''
      socket.on('data', (chunk) => {
        text += String(chunk)
      })
      socket.on('end', () => resolve(text))
      socket.on('error', reject)
    })

    assert.match(answer, /^HTTP\/1\.1 401 /)
    assert.match(answer, /\r\nX-Content-Type-Options: nosniff\r\n/)
    assert.match(answer, /\r\nContent-Security-Policy: default-src 'none'\r\n/)
  })

  it('set cookies that scripts cannot read and other sites do not send, each for as long as it is needed', async () => {
    const login = await test.client().logIn('admin', test.password)
    const place = new TestClient(test.app.url.replace('127.0.0.1', 'localhost'))
    const challenge = await place.request('POST', 'api/login/passkey/options', undefined, {
      origin: new URL(place.url).origin,
    })

    for (const [{ headers }, sameSite] of [
      [login, 'Lax'],
      [challenge, 'Strict'],
    ] as const) {
      const [cookie] = headers.getSetCookie()
      assert.match(cookie!, /; HttpOnly/)
      assert.match(cookie!, new RegExp(`; SameSite=${sameSite}`))
      assert.match(cookie!, /; Path=\/qvrpro\/;/)
      assert.match(cookie!, /; Expires=/)
      assert.doesNotMatch(cookie!, /; Domain=/)
    }
    assert.match(challenge.headers.getSetCookie()[0]!, /; Max-Age=300;/)
  })

  it('to what broke inside hold no stack, no path and no SQL', async () => {
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(join(folder, 'data/settings.sqlite'))
    database.exec('alter table space rename to space_away')

    const answer = await administrator.get('api/spaces')

    database.exec('alter table space_away rename to space')
    database.close()
    assert.equal(answer.status, 500)
    assert.deepEqual(answer.body, {
      kind: 'internal',
      message: 'something went wrong in the server; its log says more',
    })
  })
})

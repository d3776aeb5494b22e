import assert from 'node:assert/strict'
import type { FailureBody } from '../../../shared/failure.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'

/** A path with every `:name` filled in. */
function filled(path: string): string {
  return path.replace(/:\w+/g, '00000000-0000-4000-8000-000000000000')
}

describe('the API', () => {
  let test: TestApp
  let administrator: TestClient

  before(async () => {
    test = await startTestApp()
    administrator = await test.administrator()
  })
  after(() => test.close())

  it('refuses every route but the login without a login', async () => {
    const guarded = test.app.routes.filter(({ spec }) => spec.privilege !== 'public')

    const answers = await Promise.all(
      guarded.map(({ spec }) => test.client().request<FailureBody>(spec.method.toUpperCase(), filled(spec.path))),
    )

    assert.ok(guarded.length >= 20)
    for (const [at, answer] of answers.entries()) {
      assert.equal(answer.status, 401, guarded[at]!.spec.path)
      assert.equal(answer.body.kind, 'unauthenticated')
    }
    assert.deepEqual(
      test.app.routes.filter(({ spec }) => spec.privilege === 'public').map(({ spec }) => spec.path),
      [
        'api/login',
        'api/login/passkey',
        'api/login/passkey/options',
        'api/login/passkey',
        'api/login/ways',
        'api/openid/start',
        'api/openid/callback',
      ],
    )
  })

  it('refuses every change without the session’s token, and with another session’s', async () => {
    const other = await test.administrator()
    const changes = test.app.routes.filter(({ spec }) => spec.privilege !== 'public' && spec.method !== 'get')

    for (const { spec } of changes) {
      for (const token of ['', other.token]) {
        const answer = await administrator.request<FailureBody>(
          spec.method.toUpperCase(),
          filled(spec.path),
          undefined,
          { 'x-csrf-token': token },
        )
        assert.equal(answer.status, 403, spec.path)
        assert.equal(answer.body.kind, 'forbidden')
      }
    }
  })

  it('answers an unknown address with 404 in JSON', async () => {
    const answer = await administrator.get<FailureBody>('api/nothing/here')

    assert.equal(answer.status, 404)
    assert.equal(answer.body.kind, 'not-found')
  })

  const badBodies: [what: string, body: unknown, field: string | undefined, says: RegExp][] = [
    ['no JSON', '{"name":', undefined, /not JSON/],
    ['an array', [], undefined, /body/],
    ['no name', { streams: [] }, 'name', /name/],
    ['an empty name', draft({ name: '  ' }), 'name', /required/],
    ['a long name', draft({ name: 'x'.repeat(51) }), 'name', /50 characters/],
    ['no streams', draft({ streams: [] }), 'streams', /at least one/],
    [
      'four streams',
      draft({ streams: [1, 2, 3, 3].map((stream) => ({ stream, url: 'rtsp://a/' })) }),
      'streams',
      /three/,
    ],
    ['a stream of number 9', draft({ streams: [{ stream: 9, url: 'rtsp://a/' }] }), 'streams.0.stream', /3/],
    ['another scheme', draft({ streams: [{ stream: 1, url: 'gopher://a/' }] }), 'streams.0.url', /rtsp/],
    ['a password in the address', draft({ streams: [{ stream: 1, url: 'rtsp://u:p@a/' }] }), 'streams.0.url', /fields/],
    ['a port of 0', draft({ onvifPort: 0 }), 'onvifPort', /1/],
    ['a key that is not known', draft({ nmae: 'x' }), 'nmae', /not known/],
    ['a space that is not there', draft({ spaceId: 'x' }), 'spaceId', /no such/],
  ]
  for (const [what, body, field, says] of badBodies) {
    it(`answers a body with ${what} with 400, naming the field and its limit`, async () => {
      const answer = await administrator.post<FailureBody>('api/cameras', body)

      assert.equal(answer.status, 400)
      assert.equal(answer.body.kind, 'invalid')
      assert.equal(answer.body.field, field)
      assert.match(answer.body.message, says)
    })
  }

  it('answers a body of another type, and none, with 400', async () => {
    const form = await administrator.request<FailureBody>('POST', 'api/cameras', 'name=x', {
      'content-type': 'application/x-www-form-urlencoded',
    })
    const none = await administrator.post<FailureBody>('api/cameras')

    assert.equal(form.status, 400)
    assert.match(form.body.message, /application\/json/)
    assert.equal(none.status, 400)
  })

  it('answers a body past 256 KiB with 400', async () => {
    const answer = await administrator.post<FailureBody>('api/cameras', { name: 'x'.repeat(300_000) })

    assert.equal(answer.status, 400)
    assert.match(answer.body.message, /262144 bytes/)
  })

  it('answers a bad query with 400, naming the parameter', async () => {
    const answer = await administrator.get<FailureBody>('api/timeline?fromMs=yesterday&toMs=2')

    assert.equal(answer.status, 400)
    assert.equal(answer.body.field, 'fromMs')
  })

  it('answers an address that cannot be decoded with 400', async () => {
    const answer = await administrator.get<FailureBody>('api/cameras/%E0%A4%A')

    assert.equal(answer.status, 400)
  })

  it('lets no answer of the API be cached', async () => {
    const answer = await administrator.get('api/cameras')

    assert.equal(answer.headers.get('cache-control'), 'no-store')
  })

  it('sends strict headers with everything', async () => {
    const { headers } = await test.client().get('')

    const policy = headers.get('content-security-policy')!
    assert.match(policy, /script-src 'self';/)
    assert.match(policy, /media-src 'self' blob:/)
    assert.doesNotMatch(policy, /upgrade-insecure-requests/)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('x-powered-by'), null)
  })
})

function draft(change: Record<string, unknown>): Record<string, unknown> {
  return { name: 'Door', streams: [{ stream: 1, url: 'rtsp://127.0.0.1/main' }], ...change }
}

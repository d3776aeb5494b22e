// Who is refused at which door: every route and every WebSocket there is, so that no new one is forgotten.
import assert from 'node:assert/strict'
import type { FailureBody } from '../../../shared/failure.ts'
import { everyonesPrivileges } from '../../../shared/privilege.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'

const id = '00000000-0000-4000-8000-000000000000'
const password = 'correct horse'
/** No JSON: whoever reads it says so. */
const broken = '{"'

describe('the doors of the API', () => {
  let test: TestApp
  let nobody: TestClient
  /** May do what everybody may. */
  let mia: TestClient
  /** Must change the password first. */
  let late: TestClient

  before(async () => {
    test = await startTestApp()
    const administrator = await test.administrator()
    nobody = test.client()
    mia = test.client()
    late = test.client()
    for (const [username, client, mustChangePassword] of [
      ['mia', mia, false],
      ['late', late, true],
    ] as const) {
      await administrator.must('POST', 'api/accounts', { username, password, mustChangePassword })
      await client.logIn(username, password)
    }
  })
  after(() => test.close())

  /** A request with a body that cannot be read, but for GET, which has none. */
  const knock = (client: TestClient, { method, path }: { method: string; path: string }) =>
    client.request<FailureBody>(method.toUpperCase(), path.replace(/:\w+/g, id), method === 'get' ? undefined : broken)

  const guarded = () => test.app.routes.map(({ spec }) => spec).filter(({ privilege }) => privilege !== 'public')

  it('are shut to who is not logged in, before a body is read', async () => {
    for (const spec of guarded()) {
      const { status, body } = await knock(nobody, spec)

      assert.deepEqual([status, body.kind], [401, 'unauthenticated'], `${spec.method} ${spec.path}`)
    }
  })

  it('are shut to who lacks the privilege, before a body is read', async () => {
    const beyond = guarded().filter(({ privilege }) => !everyonesPrivileges.includes(privilege as never))

    assert.ok(beyond.length > 30)
    for (const spec of beyond) {
      const { status, body } = await knock(mia, spec)

      assert.deepEqual([status, body.kind], [403, 'forbidden'], `${spec.method} ${spec.path}`)
      assert.match(body.message, new RegExp(`this needs ${spec.privilege}`))
    }
  })

  it('are shut to who must change the password, but for the own account', async () => {
    for (const spec of guarded().filter(({ privilege }) => privilege !== 'account.self')) {
      const { status, body } = await knock(late, spec)

      assert.deepEqual([status, body.kind, body.field], [403, 'forbidden', 'password'], `${spec.method} ${spec.path}`)
    }
  })

  it('read the body of who may pass, and say that it is none', async () => {
    const open = guarded().filter(({ body, privilege }) => body && everyonesPrivileges.includes(privilege as never))

    assert.ok(open.length > 3)
    for (const spec of open) {
      const { status, body } = await knock(mia, spec)

      assert.deepEqual([status, body.kind], [400, 'invalid'], `${spec.method} ${spec.path}`)
    }
  })

  it('are shut to WebSockets without a login, of another origin, and where the password must be changed', async () => {
    const { paths } = test.app.upgrades
    const { origin, hostname } = new URL(test.app.url)

    assert.ok(paths.length >= 2)
    for (const path of paths) {
      for (const [client, from, status] of [
        [nobody, origin, 401],
        [late, origin, 403],
        [mia, 'http://evil.example', 403],
        // Another port of this host: to a browser the same site, so the cookie comes along.
        [mia, `http://${hostname}:1`, 403],
        [mia, 'null', 403],
      ] as const) {
        await assert.rejects(client.socket(path, { origin: from }).opened, { status }, `${path} from ${from}`)
      }
      const socket = mia.socket(path, { origin })
      await socket.opened
      socket.close()
    }
  })

  it('give no page of another origin leave to read', async () => {
    for (const path of ['', 'api/session', 'api/openapi.json', 'api/nothing']) {
      const answer = await mia.request('GET', path, undefined, { origin: 'http://evil.example' })

      const given = [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))
      assert.deepEqual(given, [], path)
    }
  })

  it('take no public change from a form of another page', async () => {
    const changes = test.app.routes.filter(({ spec }) => spec.privilege === 'public' && spec.method === 'post')
    const login = JSON.stringify({ username: 'mia', password })

    assert.ok(changes.length >= 3)
    for (const { spec } of changes) {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        const headers = { 'content-type': type, origin: 'http://evil.example' }
        const answer = await nobody.request<FailureBody>('POST', spec.path, login, headers)

        assert.ok([400, 403].includes(answer.status), `${spec.path} as ${type}: ${answer.status}`)
        assert.deepEqual(answer.headers.getSetCookie(), [])
      }
    }
  })
})

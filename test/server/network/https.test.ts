import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { startApp } from '../../../server/app.ts'
import { readConfig } from '../../../server/config.ts'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import type { NetworkStatus } from '../../../shared/network.ts'
import { nobodyThere, startTestApp, type TestApp } from '../../support/test-app.ts'
import { TestClient } from '../../support/test-client.ts'
import { silentLogger } from '../../support/test-database.ts'
import { makeTestFolder } from '../../support/test-folder.ts'
import { askTls } from '../../support/tls-client.ts'

/** An address of this machine that is not loopback: from there we are somebody else. */
const outside = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)!.address

async function freePort(): Promise<number> {
  const probe = await occupy(0)
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

function occupy(port: number): Promise<Server> {
  const server = createServer()
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)))
}

describe('HTTPS', () => {
  let test: TestApp
  let administrator: TestClient
  let url: string

  beforeEach(async () => {
    test = await startTestApp({ env: { NIGHTJAR_HTTPS_PORT: '0', NIGHTJAR_HOST: '0.0.0.0' } })
    administrator = await test.administrator()
    url = test.app.httpsUrl!
  })
  afterEach(() => test.close())

  const logInOverTls = (headers: Record<string, string> = {}) =>
    askTls<{ csrfToken: string }>(new URL('api/login', url), {
      method: 'POST',
      body: { username: 'admin', password: test.password },
      headers,
    })
  const change = (body: object) =>
    administrator.request<NetworkStatus & FailureBody>('PATCH', 'api/network/settings', body)

  it('takes a log-in with a cookie that plain HTTP never sees', async () => {
    const { status, headers } = await logInOverTls()

    const [cookie] = headers['set-cookie'] as string[]
    assert.equal(status, 200)
    assert.match(cookie!, /; Secure/)
    assert.match(cookie!, /; HttpOnly/)
    const session = await askTls<{ username: string }>(new URL('api/session', url), {
      headers: { cookie: cookie!.split(';')[0]! },
    })
    assert.equal(session.body.username, 'admin')
  })

  it('leaves the log-in over plain HTTP its own cookie: a browser that has both is logged in on both', async () => {
    const [secure] = (await logInOverTls()).headers['set-cookie'] as string[]
    const plain = administrator.cookie

    const names = [secure!, plain].map((cookie) => cookie.split('=')[0]!)
    const both = `${secure!.split(';')[0]}; ${plain}`
    const overHttp = test.client()
    overHttp.cookie = both

    assert.notEqual(names[0], names[1])
    assert.equal((await overHttp.get('api/session')).status, 200)
    assert.equal((await askTls(new URL('api/session', url), { headers: { cookie: both } })).status, 200)
    assert.equal((await askTls(new URL('api/session', url), { headers: { cookie: plain } })).status, 401)
  })

  it('is beside plain HTTP, which is sent on to it only where that is forced', async () => {
    const { hostname } = new URL(url)
    const client = new TestClient(test.app.url.replace(hostname, outside))
    const before = await client.get('api/session')

    await change({ isHttpsForced: true })
    const after = await client.request('POST', 'api/login?x=1', { username: 'admin', password: 'wrong' })

    assert.equal(before.status, 401)
    assert.equal(after.status, 308)
    assert.equal(after.headers.get('location'), new URL('api/login?x=1', url.replace(hostname, outside)).href)
    assert.equal(after.headers.get('strict-transport-security'), null)
    assert.equal((await askTls(after.headers.get('location')!, { method: 'POST', body: {} })).status, 400)
  })

  it('is not sent on to where somebody’s own `Host` or address would lead', async () => {
    await change({ isHttpsForced: true })
    const { port } = new URL(test.app.url)
    const ask = (path: string, headers: Record<string, string>) =>
      new Promise<{ status: number; location: string | undefined }>((resolve, reject) => {
        const asked = request({ host: outside, port, path, headers }, (answer) => {
          answer.resume()
          resolve({ status: answer.statusCode!, location: answer.headers.location })
        })
        asked.once('error', reject).end()
      })

    for (const [path, host] of [
      ['/qvrpro/', 'nas.example/@evil.example'],
      ['/qvrpro/', 'evil.example#'],
      ['/qvrpro/', 'nas.example@evil.example'],
      ['/qvrpro/', 'nas example'],
      ['http://evil.example/', 'nas.example'],
    ] as const) {
      assert.deepEqual(await ask(path, { host }), { status: 400, location: undefined }, `${path} at ${host}`)
    }
    const told = await ask('//evil.example/', { host: 'nas.example', 'x-forwarded-host': 'evil.example' })
    assert.equal(new URL(told.location!).hostname, 'nas.example')
  })

  it('is not forced on this machine’s own programs, nor on what comes through a proxy', async () => {
    await change({ isHttpsForced: true })
    const proxied = test.client()
    proxied.headers = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' }

    assert.equal((await administrator.get('api/session')).status, 200)
    assert.equal((await proxied.get('api/session')).status, 401)
  })

  it('is forced on WebSockets by refusing them', async () => {
    const { hostname } = new URL(url)
    const client = new TestClient(test.app.url.replace(hostname, outside))
    await client.logIn('admin', test.password)
    await change({ isHttpsForced: true })

    const push = client.socket('api/push')

    await assert.rejects(push.opened, (error: { status?: number }) => error.status === 403)
  })

  it('is switched off and on again, and forced only while it is on', async () => {
    const off = await change({ isHttpsOn: false })
    const isGone = await askTls(url).catch((error: NodeJS.ErrnoException) => error.code)
    const forced = await change({ isHttpsForced: true })
    const on = await change({ isHttpsOn: true, isHttpsForced: true })
    const offAgain = await change({ isHttpsOn: false })

    assert.equal(off.body.isHttpsOn, false)
    assert.equal(isGone, 'ECONNREFUSED')
    assert.deepEqual([forced.status, forced.body.field], [400, 'isHttpsForced'])
    assert.equal(on.status, 200)
    assert.deepEqual([offAgain.status, offAgain.body.field], [400, 'isHttpsOn'])
  })

  it('has its ports left to the environment that gave them', async () => {
    const answer = await change({ httpPort: 8080 })

    assert.equal(answer.status, 409)
    assert.equal(answer.body.field, 'httpPort')
    assert.match(answer.body.message, /NIGHTJAR_PORT/)
  })

  it('has the server’s name checked, kept and logged', async () => {
    const refused = await change({ serverName: 'my nas' })
    await change({ serverName: 'my-nas' })
    await test.restart()
    administrator = await test.administrator()

    const status = await administrator.must<NetworkStatus>('GET', 'api/network/settings')
    const [entry] = await administrator.must<LogEntry[]>('GET', 'api/logs?kind=setting')

    assert.deepEqual([refused.status, refused.body.field], [400, 'serverName'])
    assert.equal(status.serverName, 'my-nas')
    assert.equal((entry!.detail as { serverName: { to: string } }).serverName.to, 'my-nas')
    assert.equal(entry!.username, 'admin')
  })
})

describe('HTTPS that cannot be listened for', () => {
  it('is said so, plain HTTP goes on, and it is tried for again when asked for', async () => {
    const other = await occupy(0)
    const { port } = other.address() as AddressInfo

    const test = await startTestApp({ env: { NIGHTJAR_HTTPS_PORT: String(port) } })

    const administrator = await test.administrator()
    const status = await administrator.must<NetworkStatus>('GET', 'api/network/settings')
    const change = (body: object) =>
      administrator.request<NetworkStatus & FailureBody>('PATCH', 'api/network/settings', body)
    const named = await change({ serverName: 'my-nas' })
    const tooEarly = await change({ isHttpsOn: true })
    await new Promise((resolve) => other.close(resolve))
    const again = await change({ isHttpsOn: true })
    assert.equal(test.app.httpsUrl, undefined)
    assert.match(status.httpsFault!, /EADDRINUSE/)
    assert.match(named.body.httpsFault!, /EADDRINUSE/)
    assert.deepEqual([tooEarly.status, tooEarly.body.field], [409, 'httpsPort'])
    assert.deepEqual([again.status, again.body.httpsFault], [200, undefined])
    assert.equal((await askTls(`https://127.0.0.1:${port}/qvrpro/api/session`)).status, 401)
    await test.close()
  })
})

describe('HTTPS that the environment switches off', () => {
  it('cannot be switched on from within, and makes no certificate', async () => {
    const test = await startTestApp()
    const administrator = await test.administrator()

    const answer = await administrator.request<FailureBody>('PATCH', 'api/network/settings', { isHttpsOn: true })

    assert.equal(test.app.httpsUrl, undefined)
    assert.equal(answer.status, 409)
    assert.match(answer.body.message, /NIGHTJAR_HTTPS_PORT/)
    await test.close()
  })
})

describe('ports that are set in the desktop', () => {
  /** As on a machine whose environment says nothing of ports, but on ones that are free here. */
  async function startOn(folder: string, port: number, httpsPort: number) {
    const config = readConfig({
      NIGHTJAR_HOST: '127.0.0.1',
      NIGHTJAR_DATA_DIR: `${folder}/data`,
      NIGHTJAR_SPACE_BYTES: String(256 * 1024 * 1024),
    })
    assert.deepEqual([config.isPortGiven, config.isHttpsPortGiven], [false, false])
    return startApp({ config: { ...config, port, httpsPort }, logger: silentLogger, tests: nobodyThere() })
  }

  it('are moved to at once, with the answer and the WebSockets still on the former, and are kept', async () => {
    const folder = makeTestFolder()
    const [first, second, third, fourth] = [await freePort(), await freePort(), await freePort(), await freePort()]
    const app = await startOn(folder, first, second)
    const client = new TestClient(app.url)
    await client.logIn('admin', app.firstPassword!)
    const push = client.socket('api/push')
    await push.next('hello')

    const moved = await client.must<NetworkStatus>('PATCH', 'api/network/settings', {
      httpPort: third,
      httpsPort: fourth,
    })

    assert.deepEqual([moved.httpPort, moved.httpsPort], [third, fourth])
    await push.next('logged', ({ entry }: { entry: LogEntry }) => entry.name === 'network-updated')
    const after = new TestClient(app.url.replace(`:${first}/`, `:${third}/`))
    assert.equal((await after.get('api/session')).status, 401)
    assert.equal((await askTls(app.httpsUrl!.replace(`:${second}/`, `:${fourth}/api/session`))).status, 404)
    await assert.rejects(askTls(app.httpsUrl!), { code: 'ECONNREFUSED' })
    push.close()
    await app.close()
    const again = await startOn(folder, first, second)
    assert.deepEqual([new URL(again.url).port, new URL(again.httpsUrl!).port], [String(third), String(fourth)])
    await again.close()
  })

  it('are refused where another program has them, and nothing has changed then', async () => {
    const other = await occupy(0)
    const { port: taken } = other.address() as AddressInfo
    const [first, second] = [await freePort(), await freePort()]
    const app = await startOn(makeTestFolder(), first, second)
    const client = new TestClient(app.url)
    await client.logIn('admin', app.firstPassword!)

    const http = await client.request<FailureBody>('PATCH', 'api/network/settings', { httpPort: taken })
    const https = await client.request<FailureBody>('PATCH', 'api/network/settings', { httpsPort: taken })
    const free = await freePort()
    const half = await client.request<FailureBody>('PATCH', 'api/network/settings', {
      httpPort: taken,
      httpsPort: free,
    })
    const same = await client.request<FailureBody>('PATCH', 'api/network/settings', { httpsPort: first })

    assert.deepEqual([http.status, http.body.field], [409, 'httpPort'])
    assert.match(http.body.message, /another program has it/)
    assert.deepEqual([https.status, https.body.field], [409, 'httpsPort'])
    assert.deepEqual([half.status, half.body.field], [409, 'httpPort'])
    await assert.rejects(askTls(`https://127.0.0.1:${free}/`), { code: 'ECONNREFUSED' })
    assert.deepEqual([same.status, same.body.field], [400, 'httpsPort'])
    const status = await client.must<NetworkStatus>('GET', 'api/network/settings')
    assert.deepEqual([status.httpPort, status.httpsPort], [first, second])
    other.close()
    await app.close()
  })
})

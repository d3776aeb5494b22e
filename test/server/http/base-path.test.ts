import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import { TestClient } from '../../support/test-client.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

/** A proxy that serves `prefix` from another server's root, as nginx's `proxy_pass` with a path does; adds no header. */
async function startProxy(prefix: string, target: string): Promise<Server> {
  const { hostname, port } = new URL(target)
  const proxy = createServer((incoming, outgoing) => {
    const path = `/${incoming.url!.slice(prefix.length)}`
    const headers = { ...incoming.headers, host: `${hostname}:${port}` }
    incoming.pipe(
      request({ hostname, port, path, method: incoming.method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(outgoing)
      }),
    )
  })
  proxy.on('upgrade', (incoming, socket) => {
    const through = connect(Number(port), hostname, () => {
      const head = Object.entries({ ...incoming.headers, host: `${hostname}:${port}` })
      const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      through.write(`GET /${incoming.url!.slice(prefix.length)} HTTP/1.1\r\n${lines}\r\n`)
      through.pipe(socket).pipe(through)
    })
    for (const end of [through, socket]) end.on('error', () => end.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return proxy
}

function makeDesktop(): string {
  const folder = makeTestFolder()
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Nightjar</title>')
  writeFileSync(join(folder, 'assets/main-Ck3s9dQ1.js'), 'export {}')
  writeFileSync(join(folder, 'assets/nj-camera-settings.js'), 'export {}')
  return folder
}

describe('the base path', () => {
  let test: TestApp
  let desktop: string

  before(async () => {
    desktop = makeDesktop()
    test = await startTestApp({ env: { NIGHTJAR_BASE_PATH: '/nas/eye/', NIGHTJAR_DESKTOP_DIR: desktop } })
  })
  after(() => test.close())

  it('may be any path, and the desktop is at it', async () => {
    const answer = await test.client().get<string>('')

    assert.match(test.app.url, /\/nas\/eye\/$/)
    assert.equal(answer.status, 200)
    assert.match(answer.body, /<title>Nightjar/)
    assert.equal(answer.headers.get('cache-control'), 'no-cache')
  })

  it('without its last slash leads to it by a relative address, query and all', async () => {
    const answer = await test.client().get('../eye?x=1')

    assert.equal(answer.status, 308)
    assert.equal(answer.headers.get('location'), 'eye/?x=1')
    assert.equal(new URL('eye/?x=1', new URL('../eye?x=1', test.app.url)).pathname, '/nas/eye/')
  })

  it('has files with a hash in their names kept for ever, and no others', async () => {
    const hashed = await test.client().get('assets/main-Ck3s9dQ1.js')
    const named = await test.client().get('assets/nj-camera-settings.js')

    assert.match(hashed.headers.get('cache-control')!, /immutable/)
    assert.equal(named.headers.get('cache-control'), 'no-cache')
  })

  it('is all there is: elsewhere is 404', async () => {
    assert.equal((await test.client().get('/')).status, 404)
    assert.equal((await test.client().get('/qvrpro/')).status, 404)
    assert.equal((await test.client().get('nothing.html')).status, 404)
  })

  it('serves no file outside the desktop’s folder', async () => {
    const { hostname, port } = new URL(test.app.url)
    const status = await new Promise((resolve) => {
      request({ hostname, port, path: '/nas/eye/assets/../../data/seal.key' }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      }).end()
    })

    assert.equal(status, 404)
  })
})

describe('a proxy that adds a prefix', () => {
  let test: TestApp
  let proxy: Server
  let client: TestClient

  before(async () => {
    test = await startTestApp({ env: { NIGHTJAR_DESKTOP_DIR: makeDesktop() } })
    proxy = await startProxy('/cams/', test.app.url)
    const { port } = proxy.address() as AddressInfo
    client = new TestClient(`http://127.0.0.1:${port}/cams/qvrpro/`)
    // What a browser sends of the page that asks.
    client.headers = { referer: client.url, origin: `http://127.0.0.1:${port}` }
  })
  after(async () => {
    proxy.closeAllConnections()
    proxy.close()
    await test.close()
  })

  it('finds the desktop and the redirect to it', async () => {
    const redirect = await client.get('../qvrpro')

    assert.equal(redirect.status, 308)
    assert.equal(new URL(redirect.headers.get('location')!, new URL('../qvrpro', client.url)).href, client.url)
    assert.equal((await client.get('')).status, 200)
  })

  it('lets log in, and the cookie has the path the browser sees', async () => {
    const answer = await client.logIn('admin', test.password)

    assert.equal(answer.status, 200)
    assert.match(answer.headers.getSetCookie()[0]!, /; Path=\/cams\/qvrpro\/;/)
    assert.equal((await client.get('api/session')).status, 200)
  })

  it('carries the push', async () => {
    const push = client.socket('api/push', { origin: new URL(client.url).origin })

    await push.next('hello')

    push.close()
  })
})

// Odd requests: paths that lead out, headers that lie, bodies that weigh or poison.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { FailureBody } from '../../../shared/failure.ts'
import type { LogEntry } from '../../../shared/log.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { TestClient } from '../../support/test-client.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const marker = 'nobody-may-read-this'

describe('odd requests', () => {
  let folder = ''
  let test: TestApp
  let administrator: TestClient

  before(async () => {
    folder = makeTestFolder()
    mkdirSync(join(folder, 'desktop'))
    writeFileSync(join(folder, 'desktop/index.html'), '<!doctype html><title>Nightjar</title>')
    writeFileSync(join(folder, 'desktop/.hidden'), marker)
    writeFileSync(join(folder, 'secret.txt'), marker)
    test = await startTestApp({ folder, env: { NIGHTJAR_DESKTOP_DIR: join(folder, 'desktop') } })
    administrator = await test.administrator()
  })
  after(() => test.close())

  /** One request as it is written, its target untouched by any library; gives the whole answer. */
  function ask(target: string, headers: Record<string, string> = {}, of = test): Promise<string> {
    const { hostname, port } = new URL(of.app.url)
    const lines = Object.entries({ Host: `${hostname}:${port}`, Connection: 'close', ...headers })
    return new Promise((resolve, reject) => {
      let text = ''
      const socket = connect(Number(port), hostname, () => {
        socket.write(`GET ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
      })
      socket.setEncoding('latin1')
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('end', () => resolve(text))
      socket.on('error', reject)
    })
  }

  const statusOf = (answer: string) => Number(answer.split(' ')[1])
  const headOf = (answer: string) => answer.split('\r\n\r\n')[0]!

  for (const target of [
    '/qvrpro/../secret.txt',
    '/qvrpro/%2e%2e/secret.txt',
    '/qvrpro/..%2fsecret.txt',
    '/qvrpro/%2e%2e%2fsecret.txt',
    '/qvrpro/%252e%252e%252fsecret.txt',
    '/qvrpro/..%5csecret.txt',
    '/qvrpro/..\\secret.txt',
    '/qvrpro/....//secret.txt',
    '/qvrpro/.%00./secret.txt',
    '/qvrpro/index.html%00.png/../../secret.txt',
    '/qvrpro/%00',
    '/qvrpro/.hidden',
    `/qvrpro/${'../'.repeat(30)}etc/passwd`,
    `/qvrpro/${'%2e%2e/'.repeat(30)}etc/passwd`,
    '/qvrpro//etc/passwd',
    '//etc/passwd',
    '/qvrpro/api/docs/../../../secret.txt',
    '/qvrpro/api/docs/..%2f..%2fpackage.json',
    '/qvrpro/api/docs/%2e%2e/%2e%2e/typescript/package.json',
    '/qvrpro/api/recordings/..%2f..%2fsecret.txt',
    '/.well-known/acme-challenge/..%2f..%2fsecret.txt',
    'http://evil.example/qvrpro/../secret.txt',
  ]) {
    it(`lead nowhere: ${target.length > 70 ? `${target.slice(0, 70)}…` : target}`, async () => {
      const answer = await ask(target)

      assert.ok([400, 401, 403, 404].includes(statusOf(answer)), answer)
      assert.doesNotMatch(answer, new RegExp(`${marker}|root:|"version"|${folder}|node_modules|\\n\\s+at `))
    })
  }

  it('split no header by what stands in an address', async () => {
    for (const target of ['/qvrpro?x=%0d%0aSet-Cookie:%20a=b', '/qvrpro?x=%0aLocation:%20http://evil.example']) {
      const answer = await ask(target)

      assert.equal(statusOf(answer), 308)
      assert.match(headOf(answer), /\r\nLocation: qvrpro\/\?x=%0/i)
      assert.doesNotMatch(headOf(answer), /\r\n(Set-Cookie|Location: http)/i)
    }
  })

  it('turn no redirect and no page towards a host that they name', async () => {
    const lies = {
      Host: 'evil.example',
      ...{ 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Prefix': '/../evil', 'X-Forwarded-Proto': 'https' },
      ...{
        Forwarded: 'host=evil.example;proto=https',
        'X-Original-URL': '/secret.txt',
        'X-Rewrite-URL': '/secret.txt',
      },
    }

    for (const target of ['/qvrpro', '/qvrpro/', '/qvrpro/api/docs', '/qvrpro/api/docs/', '/qvrpro/api/openapi.json']) {
      assert.doesNotMatch(await ask(target, lies), /evil|nobody-may-read/, target)
    }
  })

  it('are believed to come from where a trusted proxy says, and from where they do elsewhere', async () => {
    const direct = await startTestApp({ env: { NIGHTJAR_TRUST_PROXY: '192.0.2.1' } })
    const lies = { 'x-forwarded-for': '198.51.100.9', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' }
    try {
      for (const [of, address, cookie] of [
        [test, '198.51.100.9', /-tls=.*; Secure/],
        [direct, '127.0.0.1', /^(?!.*(-tls=|; Secure))/],
      ] as const) {
        const client = of.client()
        client.headers = lies
        const answer = await client.logIn('admin', of.password)
        await of.app.log.flush()
        client.headers = { 'x-forwarded-proto': 'https' }
        const [entry] = await client.must<LogEntry[]>('GET', 'api/logs?kind=connection')

        assert.equal(entry!.address, address)
        assert.match(answer.headers.getSetCookie()[0]!, cookie)
      }
    } finally {
      await direct.close()
    }
  })

  it('give no camera a name that splits a header', async () => {
    const name = 'Door\r\nSet-Cookie: a=b'

    const { status, body } = await administrator.post<FailureBody>('api/cameras', {
      ...{ name, streams: [{ stream: 1, url: 'rtsp://127.0.0.1/main' }] },
    })

    assert.deepEqual([status, body.field], [400, 'name'])
  })

  it('are refused past their size, also packed and without a length', async () => {
    const big = JSON.stringify({ name: 'x'.repeat(20_000_000) })
    const headers = { 'content-type': 'application/json', cookie: administrator.cookie }
    const url = new URL('api/cameras', test.app.url)
    const token = { 'x-csrf-token': administrator.token }

    const packed = await fetch(url, {
      ...{ method: 'POST', body: gzipSync(big) },
      headers: { ...headers, ...token, 'content-encoding': 'gzip' },
    })
    const endless = await fetch(url, {
      ...{ method: 'POST', body: new Blob(['x'.repeat(300_000)]).stream(), duplex: 'half' },
      headers: { ...headers, ...token },
    } as RequestInit)

    for (const answer of [packed, endless]) {
      assert.equal(answer.status, 400)
      assert.match(await answer.text(), /larger than 262144 bytes/)
    }
  })

  it('are read however deep they are nested, and leave the server up', async () => {
    const depth = 120_000
    const bodies = ['['.repeat(depth) + ']'.repeat(depth), `{"name":${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}}`]
    for (const body of bodies) {
      const { status, body: failure } = await administrator.post<FailureBody>('api/cameras', body)

      assert.equal(status, 400)
      assert.ok(failure.message.length < 300, failure.message)
    }
    assert.equal((await administrator.get('api/session')).status, 200)
  })

  it('poison no prototype and grant nothing by it', async () => {
    const account = '"username":"eve","password":"correct horse","mustChangePassword":false'
    for (const poison of [
      '"__proto__":{"isAdministrator":true}',
      '"constructor":{"prototype":{"isAdministrator":true}}',
    ]) {
      const { status } = await administrator.post('api/accounts', `{${account},${poison}}`)

      assert.ok(status === 400 || status === 201, String(status))
      assert.equal(({} as { isAdministrator?: boolean }).isAdministrator, undefined)
      const accounts = await administrator.must<{ username: string; isAdministrator: boolean }[]>('GET', 'api/accounts')
      assert.equal(accounts.find(({ username }) => username === 'eve')?.isAdministrator ?? false, false)
    }
    for (const query of ['__proto__[x]=1', '__proto__.x=1', 'constructor[prototype][x]=1', 'limit[$gt]=1']) {
      assert.ok([200, 400].includes((await administrator.get(`api/logs?${query}`)).status), query)
      assert.equal(({} as { x?: unknown }).x, undefined)
    }
  })
})

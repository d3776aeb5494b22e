// Whom the server believes of what stands in `X-Forwarded-*`, behind a simulated NAS's web port.
import assert from 'node:assert/strict'
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import type { LogEntry } from '../../../shared/log.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { NasWebPort } from '../../support/nas/nas-web-port.ts'
import { startTestApp, type TestApp } from '../../support/test-app.ts'

interface Asked {
  status: number
  setCookie: string
}

/** A log-in from another of this machine's addresses, which nobody trusts. */
function logIn(url: string, password: string, headers: Record<string, string> = {}): Promise<Asked> {
  const address = new URL('api/login', url)
  const request = address.protocol === 'https:' ? tlsRequest : plainRequest
  const options = { method: 'POST', agent: false, localAddress: '127.0.0.2', rejectUnauthorized: false }
  return new Promise((resolve, reject) => {
    const page = { origin: address.origin, referer: url, 'content-type': 'application/json' }
    const asked = request(address, { ...options, headers: { ...page, ...headers } }, (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode!, setCookie: (answer.headers['set-cookie'] ?? []).join() })
    })
    asked.once('error', reject)
    asked.end(JSON.stringify({ username: 'admin', password }))
  })
}

describe('the address behind a NAS’s web port', () => {
  let test: TestApp
  let plain: NasWebPort
  let secure: NasWebPort

  before(async () => {
    test = await startTestApp({ env: { NIGHTJAR_TRUST_PROXY: '127.0.0.1/32', NIGHTJAR_HOST: '0.0.0.0' } })
    const options = {
      readConf: () =>
        `[Nightjar]\nEnable = TRUE\nUse_Proxy = 1\nProxy_Path = /qvrpro\nWeb_Port = ${new URL(test.app.url).port}\n`,
      userOf: () => undefined,
    }
    const { certificate: cert, key } = await makeCertificate()
    plain = await NasWebPort.start(options)
    secure = await NasWebPort.start(options, { certificate: { cert, key } })
  })
  after(async () => {
    await Promise.all([plain.close(), secure.close()])
    await test.close()
  })

  /** What the connection log says of the newest log-in. */
  async function lastLogin(): Promise<LogEntry> {
    const client = test.client()
    client.headers = { 'x-forwarded-for': '192.0.2.77' }
    await client.logIn('admin', test.password)
    const entries = await client.must<LogEntry[]>('GET', 'api/logs?kind=connection&limit=20')
    return entries.find(({ address }) => address !== '192.0.2.77')!
  }

  it('is the client’s, whatever the client itself says of it', async () => {
    const { status } = await logIn(`${plain.url}qvrpro/`, test.password, { 'x-forwarded-for': '198.51.100.9' })

    assert.equal(status, 200)
    assert.equal((await lastLogin()).address, '127.0.0.2')
  })

  it('is the socket’s where no trusted proxy tells otherwise', async () => {
    const headers = { 'x-forwarded-for': '198.51.100.9', 'x-forwarded-proto': 'https' }
    const { status, setCookie } = await logIn(test.app.url.replace('0.0.0.0', '127.0.0.1'), test.password, headers)

    assert.equal(status, 200)
    assert.doesNotMatch(setCookie, /Secure/)
    assert.equal((await lastLogin()).address, '127.0.0.2')
  })

  it('gets a cookie of the path that the browser sees, Secure where the port tells of TLS', async () => {
    secure.proxy.mode = { ...secure.proxy.mode, isStrict: true }
    const silent = await logIn(`${secure.url}qvrpro/`, test.password)
    secure.proxy.mode = { ...secure.proxy.mode, isStrict: false }
    const told = await logIn(`${secure.url}qvrpro/`, test.password)

    assert.deepEqual([silent.status, told.status], [200, 200])
    for (const { setCookie } of [silent, told]) assert.match(setCookie, /; Path=\/qvrpro\/;.*HttpOnly/)
    assert.doesNotMatch(silent.setCookie, /Secure/)
    assert.match(told.setCookie, /^nightjar-[0-9a-f]{8}-tls=.*; Secure/)
  })

  it('is what failed log-ins are counted by', async () => {
    const statuses = new Set<number>()
    for (let i = 0; i < 30 && !statuses.has(429); i++) {
      const headers = { 'x-forwarded-for': `198.51.100.${i}` }
      statuses.add((await logIn(`${plain.url}qvrpro/`, 'wrong', headers)).status)
    }

    assert.deepEqual([...statuses], [401, 429])
  })
})

// What a stranger learns by trying names and passwords: nothing, and not for long.
import assert from 'node:assert/strict'
import { generate } from 'otplib'
import { startTestApp, type TestApp } from '../../support/test-app.ts'
import type { Answer, TestClient } from '../../support/test-client.ts'

const password = 'correct horse'
const names = { known: 'mia', disabled: 'off', unknown: 'nobody', second: 'two' }

/** All that an answer tells, but for when it was given. */
function shapeOf({ status, headers, body }: Answer): unknown {
  const kept = [...headers].filter(([name]) => !['date', 'retry-after'].includes(name))
  return { status, headers: kept, body }
}

describe('a stranger who tries names and passwords', function () {
  this.timeout(60_000)
  let test: TestApp
  let nextHost = 1

  /** From an address of its own, as the proxy before us tells it. */
  function stranger(): TestClient {
    const client = test.client()
    client.headers = { 'x-forwarded-for': `198.51.100.${nextHost++}` }
    return client
  }

  before(async () => {
    test = await startTestApp({ loginLimits: { perAccount: 12, perAddress: 6, windowSec: 900 } })
    const administrator = await test.administrator()
    for (const username of [names.known, names.disabled, names.second]) {
      const { id } = await administrator.must<{ id: string }>('POST', 'api/accounts', {
        ...{ username, password, mustChangePassword: false },
      })
      if (username === names.disabled) await administrator.must('PATCH', `api/accounts/${id}`, { isEnabled: false })
    }
    const two = test.client()
    await two.logIn(names.second, password)
    const { secret } = await two.must<{ secret: string }>('POST', 'api/account/second-factor/offer', { password })
    await two.must('POST', 'api/account/second-factor/confirm', { code: await generate({ secret }) })
  })
  after(() => test.close())

  it('is answered alike and in about the same time, whether the name is known, disabled, has a second step or is nobody’s', async () => {
    const shapes = new Map<string, unknown>()
    const times = new Map<string, number[]>()
    // One after the other in turn, so that a busy machine is as busy for each.
    for (let round = 0; round < 5; round++) {
      for (const name of Object.values(names)) {
        const startMs = performance.now()
        const answer = await stranger().logIn(name, 'wrong')
        times.set(name, [...(times.get(name) ?? []), performance.now() - startMs])
        shapes.set(name, shapeOf(answer))
      }
    }

    for (const name of Object.values(names)) assert.deepEqual(shapes.get(name), shapes.get(names.known), name)
    // A name that is not looked up would be answered in a tenth of the time that a password takes to check.
    const fastest = Object.values(names).map((name) => Math.min(...times.get(name)!))
    assert.ok(Math.max(...fastest) < 4 * Math.min(...fastest), `milliseconds: ${fastest.join(', ')}`)
  })

  it('is answered alike by the address of QVR Pro’s clients', async () => {
    const answers = await Promise.all(
      Object.values(names).map(async (user) => {
        const url = new URL(`/cgi-bin/authLogin.cgi?user=${user}&pwd=${btoa('wrong')}`, test.app.url)
        const response = await fetch(url, { headers: stranger().headers })
        return [response.status, [...response.headers].filter(([name]) => name !== 'date'), await response.text()]
      }),
    )

    for (const answer of answers) assert.deepEqual(answer, answers[0])
    assert.match(String(answers[0]![2]), /<authPassed><!\[CDATA\[0\]\]>/)
  })

  it('is stopped at one account whatever the address, and learns not whether it exists', async () => {
    const stopped: unknown[] = []
    for (const name of [names.known, names.unknown]) {
      let answer: Answer = await stranger().logIn(name, 'wrong')
      for (let tries = 0; tries < 15 && answer.status === 401; tries++) answer = await stranger().logIn(name, 'wrong')
      stopped.push([answer.status, (answer.body as { kind: string }).kind])
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
    }

    assert.deepEqual(stopped, [
      [429, 'rate-limited'],
      [429, 'rate-limited'],
    ])
    // Also with the right password then, so that it cannot be told by it.
    assert.equal((await stranger().logIn(names.known, password)).status, 429)
  })

  it('is stopped at one address whatever the account, by passwords, by QVR Pro’s way and by passkeys', async () => {
    const one = stranger()
    const headers = { ...one.headers, origin: new URL(test.app.url).origin.replace('127.0.0.1', 'localhost') }
    const place = test.app.url.replace('127.0.0.1', 'localhost')
    const bytes = Buffer.from('x').toString('base64url')
    const passkey = {
      ...{ id: bytes, rawId: bytes, type: 'public-key' },
      response: { clientDataJSON: bytes, authenticatorData: bytes, signature: bytes },
    }
    const byPasskey = async () => {
      const answer = await fetch(new URL('api/login/passkey', place), {
        ...{ method: 'POST', body: JSON.stringify(passkey) },
        headers: { ...headers, 'content-type': 'application/json' },
      })
      return answer.status
    }

    const statuses: number[] = []
    for (let tries = 0; tries < 3; tries++) statuses.push((await one.logIn(`someone${tries}`, 'wrong')).status)
    const url = new URL(`/cgi-bin/authLogin.cgi?user=other&pwd=${btoa('wrong')}`, test.app.url)
    await fetch(url, { headers: one.headers })
    for (let tries = 0; tries < 3; tries++) statuses.push(await byPasskey())
    statuses.push((await one.logIn('someone', 'wrong')).status)

    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429])
  })

  it('gains nothing by a session that it planted', async () => {
    const administrator = await test.administrator()
    const [name, value] = administrator.cookie.split('=')
    for (const planted of [`${name}=planted`, `${name}=s%3Aplanted.signature`, `${name}=${value!.slice(0, -3)}abc`]) {
      const client = test.client()
      client.cookie = planted

      const answer = await client.logIn('admin', test.password)

      assert.equal(answer.status, 200)
      assert.notEqual(client.cookie, planted)
      const thief = test.client()
      thief.cookie = planted
      assert.equal((await thief.get('api/session')).status, 401)
    }
  })
})

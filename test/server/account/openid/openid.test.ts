import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import type { AccountView, Session } from '../../../../shared/account.ts'
import type { OpenidSettings } from '../../../../shared/openid.ts'
import { startTestApp, type TestApp } from '../../../support/test-app.ts'
import type { TestClient } from '../../../support/test-client.ts'

const clientSecret = 'client-secret-of-32-characters-..'

/** A browser as far as redirects, forms and cookies go; a cookie is known by host, name and path. */
class Browser {
  readonly cookies = new Map<string, { host: string; path: string; name: string; value: string }>()

  async request(address: string | URL, form?: Record<string, string>): Promise<Response> {
    const url = new URL(address)
    const sent = [...this.cookies.values()].filter(
      ({ host, path }) => host === url.host && url.pathname.startsWith(path),
    )
    const response = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie: sent.map(({ name, value }) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      const path = /; *path=([^;]*)/i.exec(line)?.[1] ?? '/'
      const key = `${url.host} ${name} ${path}`
      if (/expires=Thu, 01 Jan 1970/i.test(line)) this.cookies.delete(key)
      else this.cookies.set(key, { host: url.host, path, name: name!, value: value! })
    }
    return response
  }

  /** The note of the way there. */
  get note(): { value: string } {
    return [...this.cookies.values()].find(({ name }) => name === 'nightjar-openid')!
  }

  /** Follows redirects until `until` matches an address, which is not asked, or a page comes. */
  async follow(address: string | URL, until: RegExp): Promise<{ url: URL; response?: Response }> {
    let url = new URL(address)
    for (let hop = 0; hop < 12; hop++) {
      if (until.test(url.href)) return { url }
      const response = await this.request(url)
      const location = response.headers.get('location')
      if (location === null) return { url, response }
      url = new URL(location, url)
    }
    throw new Error('redirected in circles')
  }
}

describe('log-in by a provider of OpenID Connect', function () {
  this.timeout(60_000)
  let test: TestApp
  let administrator: TestClient
  let server: Server
  let issuer: string
  let settings: Record<string, unknown>
  const groups: Record<string, string[]> = { alice: ['staff', 'chiefs'], bob: ['staff'], eve: [], admin: ['staff'] }

  before(async () => {
    test = await startTestApp()
    administrator = await test.administrator()
    server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: 'nightjar',
          client_secret: clientSecret,
          redirect_uris: [`${test.app.url}api/openid/callback`],
          token_endpoint_auth_method: 'client_secret_basic',
        },
      ],
      claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email', 'email_verified'] },
      cookies: { keys: ['a key for tests'] },
      pkce: { required: () => true },
      // Its log-in takes any password: who logs in is what it is called.
      findAccount: (_context, id) => ({
        accountId: id,
        claims: () => ({
          ...{ sub: id, preferred_username: id, groups: groups[id] ?? [] },
          ...{ email: `${id}@example.org`, email_verified: id !== 'bob' },
        }),
      }),
    })
    // What it says of itself, once a start, is for whoever runs it.
    server.on('request', provider.callback())
    settings = {
      ...{ isOn: true, label: 'Staff portal', issuer, clientId: 'nightjar', clientSecret },
      ...{ loginGroup: 'staff', administratorsGroup: 'chiefs', makesAccounts: true },
    }
    await administrator.must('PATCH', 'api/openid', settings)
  })

  after(async () => {
    server?.closeAllConnections()
    server?.close()
    await test?.close()
  })

  /** Goes to the provider, logs in there and agrees, and gives the address it would send the browser back to. */
  async function comeBackAs(browser: Browser, login: string): Promise<URL> {
    const isBack = /openid\/callback/
    const form = await browser.follow(`${test.app.url}api/openid/start`, isBack)
    const first = await browser.request(form.url, { prompt: 'login', login, password: 'any' })
    const consent = await browser.follow(new URL(first.headers.get('location')!, form.url), isBack)
    const agreed = await browser.request(consent.url, { prompt: 'consent' })
    return (await browser.follow(new URL(agreed.headers.get('location')!, consent.url), isBack)).url
  }

  async function logInAs(login: string): Promise<{ browser: Browser; landed: string; session: Session | undefined }> {
    const browser = new Browser()
    const answer = await browser.request(await comeBackAs(browser, login))
    const session = await browser.request(`${test.app.url}api/session`)
    return {
      browser,
      landed: answer.headers.get('location')!,
      session: session.status === 200 ? ((await session.json()) as Session) : undefined,
    }
  }

  it('is offered to who is not logged in, by its name', async () => {
    const ways = await test.client().must<{ openidLabel: string }>('GET', 'api/login/ways')

    assert.deepEqual(ways, { openidLabel: 'Staff portal' })
  })

  it('lets people in, by the provider’s own id, and makes those of a group administrators', async () => {
    const alice = await logInAs('alice')
    const again = await logInAs('alice')
    const bob = await logInAs('bob')

    assert.equal(alice.landed, new URL(test.app.url).pathname)
    assert.deepEqual([alice.session?.username, alice.session?.isAdministrator], ['alice', true])
    assert.equal(alice.session?.canChangePassword, false)
    assert.deepEqual([bob.session?.username, bob.session?.isAdministrator], ['bob', false])
    assert.equal(again.session?.username, 'alice')
    const accounts = await administrator.must<AccountView[]>('GET', 'api/accounts')
    const own = accounts.filter(({ source }) => source === 'openid')
    // An address that the provider has not checked is not taken over.
    assert.deepEqual(
      own.map(({ username, email }) => [username, email]),
      [
        ['alice', 'alice@example.org'],
        ['bob', ''],
      ],
    )
  })

  it('refuses who is not in the group, and who has the name of an account of this server', async () => {
    const eve = await logInAs('eve')
    const admin = await logInAs('admin')

    assert.match(eve.landed, /#login-failed=not-in-group$/)
    assert.match(admin.landed, /#login-failed=name-taken$/)
    assert.deepEqual([eve.session, admin.session], [undefined, undefined])
  })

  it('lets in only who is known where it makes no accounts', async () => {
    await administrator.must('PATCH', 'api/openid', { makesAccounts: false })
    groups['new'] = ['staff']
    const stranger = await logInAs('new')
    const alice = await logInAs('alice')
    await administrator.must('PATCH', 'api/openid', { makesAccounts: true })

    assert.match(stranger.landed, /#login-failed=no-account$/)
    assert.equal(alice.session?.username, 'alice')
  })

  it('takes each way back once, from the browser that set out alone', async () => {
    const browser = new Browser()
    const back = await comeBackAs(browser, 'bob')
    const kept = new Map(browser.cookies)
    const stolen = await new Browser().request(back)
    const first = await browser.request(back)
    for (const [key, cookie] of kept) browser.cookies.set(key, cookie)
    const second = await browser.request(back)

    assert.match(stolen.headers.get('location')!, /#login-failed=refused$/)
    assert.equal(first.headers.get('location'), new URL(test.app.url).pathname)
    assert.match(second.headers.get('location')!, /#login-failed=refused$/)
  })

  it('believes no other state, no other code, and no note of its own making', async () => {
    for (const spoil of [
      (url: URL) => url.searchParams.set('state', 'other'),
      (url: URL) => url.searchParams.set('code', 'other'),
      (_url: URL, browser: Browser) => {
        browser.note.value = 'v1.AAAA'
      },
      // Another one's answer, brought into this browser: logs nobody in as somebody else.
      (_url: URL, browser: Browser) => browser.cookies.clear(),
    ]) {
      const browser = new Browser()
      const back = await comeBackAs(browser, 'bob')
      spoil(back, browser)
      const answer = await browser.request(back)
      assert.match(answer.headers.get('location')!, /#login-failed=refused$/)
      assert.equal((await browser.request(`${test.app.url}api/session`)).status, 401)
    }
  })

  it('comes back to the page where somebody cancels', async () => {
    const browser = new Browser()
    const back = await comeBackAs(browser, 'bob')
    back.searchParams.delete('code')
    back.searchParams.set('error', 'access_denied')
    const answer = await browser.request(back)

    assert.match(answer.headers.get('location')!, /#login-failed=cancelled$/)
  })

  it('leads to no other host, whatever page the browser came from', async () => {
    for (const referer of ['http://evil.example//evil.example/x/', `${new URL(test.app.url).origin}//evil.example/`]) {
      const answer = await fetch(`${test.app.url}api/openid/start`, { redirect: 'manual', headers: { referer } })
      const redirect = new URL(answer.headers.get('location')!).searchParams.get('redirect_uri')
      assert.equal(redirect, `${test.app.url}api/openid/callback`)
      assert.match(answer.headers.getSetCookie()[0]!, /; Path=\/qvrpro\/; .*HttpOnly; SameSite=Lax/)
    }
  })

  it('says that the provider is away, and lets others log in meanwhile', async () => {
    await administrator.must('PATCH', 'api/openid', { issuer: 'http://127.0.0.1:1', clientSecret })
    const answer = await new Browser().request(`${test.app.url}api/openid/start`)
    const local = await test.client().logIn('admin', test.password)
    await administrator.must('PATCH', 'api/openid', settings)

    assert.match(answer.headers.get('location')!, /#login-failed=unreachable$/)
    assert.equal(local.status, 200)
  })

  it('keeps its secret to itself, and gives it to no other provider', async () => {
    const told = await administrator.must<OpenidSettings>('GET', 'api/openid')
    const moved = await administrator.must<OpenidSettings>('PATCH', 'api/openid', {
      issuer: 'https://elsewhere.example',
    })
    await administrator.must('PATCH', 'api/openid', settings)

    assert.equal(told.hasClientSecret, true)
    assert.ok(!JSON.stringify(told).includes(clientSecret))
    assert.equal(moved.hasClientSecret, false)
  })

  it('refuses settings that cannot work, naming the field', async () => {
    for (const [change, field] of [
      [{ issuer: 'http://provider.example' }, 'issuer'],
      [{ issuer: 'nonsense' }, 'issuer'],
      [{ clientId: '' }, 'clientId'],
      [{ scopes: 'profile' }, 'scopes'],
      [{ publicUrl: 'https://nas.example/qvrpro' }, 'publicUrl'],
    ] as const) {
      const answer = await administrator.request<{ field: string }>('PATCH', 'api/openid', change)
      assert.deepEqual([answer.status, answer.body.field], [400, field])
    }
  })
})

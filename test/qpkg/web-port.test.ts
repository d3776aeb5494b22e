// The web port of a simulated NAS: what packages behind it, and who opens them on the NAS's desktop, can count on.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { nasAccounts, SimulatedNas } from '../support/nas/simulated-nas.ts'
import { makeTestFolder } from '../support/test-folder.ts'

describe('the web port of a NAS', () => {
  let nas: SimulatedNas
  let app: Server
  let asked: IncomingMessage[]

  before(async () => {
    nas = await SimulatedNas.start(makeTestFolder())
    app = createServer((request, response) => {
      asked.push(request)
      response.end('app')
    })
    app.listen(0, '127.0.0.1')
    await once(app, 'listening')
  })
  beforeEach(() => {
    asked = []
    register('Enable = TRUE\nUse_Proxy = 1')
  })
  after(async () => {
    app.closeAllConnections()
    app.close()
    await nas.close()
  })

  function register(keys: string): void {
    const port = (app.address() as AddressInfo).port
    const section = `[App]\nDisplay_Name = The App\n${keys}\nProxy_Path = /app\nWeb_Port = ${port}\nWebUI = /app/\n`
    nas.state.write('/etc/config/qpkg.conf', `[Other]\nEnable = TRUE\n${section}`)
  }
  const get = (path: string, headers: Record<string, string> = {}) => fetch(new URL(path, nas.baseUrl), { headers })

  it('leads a package’s path, and what is below it, to its port, and tells who asked for what host', async () => {
    await get('/app/x?y=1', { 'x-forwarded-for': '198.51.100.1' })
    nas.proxy.mode = { ...nas.proxy.mode, isStrict: false }
    await get('/app')

    const [strict, lenient] = asked as [IncomingMessage, IncomingMessage]
    assert.deepEqual([strict.url, lenient.url], ['/app/x?y=1', '/app'])
    assert.equal(strict.headers.host, new URL(nas.baseUrl).host)
    assert.equal(strict.headers['x-forwarded-for'], '198.51.100.1, 127.0.0.1')
    assert.equal(strict.headers['x-forwarded-proto'], undefined)
    assert.equal(lenient.headers['x-forwarded-proto'], 'http')
  })

  it('leads to no package that is disabled or wants no proxy, nor by a path that only begins alike', async () => {
    assert.equal(await (await get('/app/')).text(), 'app')
    for (const keys of ['Enable = FALSE\nUse_Proxy = 1', 'Enable = TRUE\nUse_Proxy = 0']) {
      register(keys)
      assert.notEqual(await (await get('/app/')).text(), 'app')
    }
    register('Enable = TRUE\nUse_Proxy = 1')
    assert.notEqual(await (await get('/apple/')).text(), 'app')
  })

  it('shows its desktop to who is logged in, with the cookies of the log-in, and opens an app in a frame', async () => {
    register('Enable = TRUE\nUse_Proxy = 1\nDesktop = 1\nWin_Width = 5000\nWin_Height = 400')
    const pwd = encodeURIComponent(Buffer.from(nasAccounts.alice.password).toString('base64'))
    const xml = await (await get(`/cgi-bin/authLogin.cgi?user=alice&pwd=${pwd}`)).text()
    const sid = /<authSid><!\[CDATA\[(\w+)/.exec(xml)![1]!

    const stranger = await (await get('/?sid=wrong')).text()
    const page = await get(`/?sid=${sid}`)
    const again = await (await get('/?open=App', { cookie: `NAS_USER=alice; NAS_SID=${sid}` })).text()

    assert.doesNotMatch(stranger, /The App/)
    const cookies = page.headers.getSetCookie()
    assert.deepEqual(cookies.slice(0, 2), ['NAS_USER=alice; Path=/', `NAS_SID=${sid}; Path=/`])
    assert.match(cookies[2]!, /^qtoken=[0-9a-f]{32}; Path=\/$/)
    assert.match(await page.text(), /<a href="\/\?open=App">The App<\/a>/)
    assert.match(again, /<iframe title="App" width="1178" height="400" src="\/app\/">/)
  })
})

// The desktop through the web port of a simulated NAS, in each way that port may treat what goes on for long.
import assert from 'node:assert/strict'
import type { Browser, BrowserContext, Frame, Page } from 'playwright-core'
import { type CameraFarm, startCameras } from '../../scripts/cameras/farm.ts'
import type { Camera } from '../../shared/camera.ts'
import { openBrowser, openTab } from '../support/browser.ts'
import type { ProxyMode } from '../support/nas/nas-proxy.ts'
import { NasWebPort } from '../support/nas/nas-web-port.ts'
import { TestClient } from '../support/test-client.ts'
import { Product, shownFrame } from './product.ts'

async function until<T>(what: string, look: () => Promise<T | undefined | false>, ms = 25_000): Promise<T> {
  const end = Date.now() + ms
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > end) throw new Error(`waited for ${what}`)
    await new Promise((wake) => setTimeout(wake, 100))
  }
}

interface Case {
  title: string
  mode: ProxyMode
  /** Whether the app is opened in the NAS's own frame. */
  isFramed: boolean
  /** Of the notice; undefined where there is none. */
  notice: RegExp | undefined
  liveRequest: RegExp
}

const cases: Case[] = [
  {
    title: 'by WebSocket where the port passes it',
    mode: { passesUpgrades: true, holdsAnswers: false, isStrict: true },
    isFramed: false,
    notice: undefined,
    liveRequest: /^UPGRADE \/qvrpro\/api\/live$/,
  },
  {
    title: 'by streams and long polls where it passes no WebSocket, in the frame of the NAS’s desktop',
    mode: { passesUpgrades: false, holdsAnswers: false, isStrict: true },
    isFramed: true,
    notice: /Live view goes through the NAS’s web port without WebSocket/,
    liveRequest: /^GET \/qvrpro\/api\/live\/stream$/,
  },
  {
    title: 'picture by picture where it holds answers back as well',
    mode: { passesUpgrades: false, holdsAnswers: true, isStrict: false },
    isFramed: false,
    notice: /Live view shows single pictures/,
    liveRequest: /^GET \/qvrpro\/api\/cameras\/[^/]+\/live\.jpg/,
  },
]

describe('the desktop behind a NAS’s web port', function () {
  this.timeout(90_000)
  const product = new Product()
  let farm: CameraFarm
  let browser: Browser
  let web: NasWebPort
  let isFramed = false
  let client: TestClient
  let camera: Camera

  before(async () => {
    farm = await startCameras({ cameras: [{ name: 'cam1', streams: [{ name: 'main', clip: 'hour' }] }] })
    await product.start()
    web = await NasWebPort.start({
      readConf: () =>
        `[Nightjar]\nEnable = TRUE\nUse_Proxy = 1\nProxy_Path = /qvrpro\nWeb_Port = ${new URL(product.url).port}\n` +
        `WebUI = /qvrpro/\nDesktop = ${isFramed ? 1 : 0}\nWin_Width = 1600\nWin_Height = 1200\n`,
      userOf: (sid) => (sid === 'a1b2c3d4' ? 'alice' : undefined),
    })
    client = new TestClient(product.url)
    await client.logIn('admin', product.password)
    const streams = [{ stream: 1, url: farm.rtspUrl(0) }]
    camera = await client.must<Camera>('POST', 'api/cameras', { name: 'Yard', streams })
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await web?.close()
    await product.remove()
    await farm?.close()
  })

  /** The page of the app, as the NAS's desktop opens it, and the tab it is in. */
  async function openFromNas(context: BrowserContext, page: Page): Promise<{ desk: Page | Frame; tab: Page }> {
    await page.goto(`${web.url}?sid=a1b2c3d4`)
    const link = page.getByRole('link', { name: 'Nightjar' })
    if (!isFramed) {
      const [tab] = await Promise.all([context.waitForEvent('page'), link.click()])
      return { desk: tab, tab }
    }
    await link.click()
    const frame = page.getByTitle('Nightjar')
    const { width, height } = (await frame.boundingBox())!
    // A border of two pixels is around the frame.
    assert.deepEqual([width, height], [1182, 604])
    return { desk: (await (await frame.elementHandle())!.contentFrame())!, tab: page }
  }

  async function logIn(desk: Page | Frame): Promise<void> {
    await desk.getByLabel('User name').fill('admin')
    await desk.getByLabel('Password', { exact: true }).fill(product.password)
    await desk.getByRole('button', { name: 'Log in' }).click()
    await desk.getByRole('button', { name: 'Later' }).click()
  }

  for (const { title, mode, notice, liveRequest, ...more } of cases) {
    it(`shows live pictures and events ${title}, until the log-out`, async () => {
      web.proxy.mode = mode
      isFramed = more.isFramed
      web.proxy.passed.length = 0
      const { page, context } = await openTab(browser)

      const { desk, tab } = await openFromNas(context, page)
      await logIn(desk)
      await desk.getByRole('navigation', { name: 'Shortcuts' }).getByRole('button', { name: 'Live View' }).click()
      const startMs = Date.now()
      const first = await until('a live picture', () => shownFrame(desk, 'nj-live-view'))
      const pictureMs = Date.now() - startMs
      await until('another live picture', async () => {
        const frame = await shownFrame(desk, 'nj-live-view')
        return frame !== undefined && frame !== first
      })
      const name = `Yard ${Math.random().toString(36).slice(2, 8)}`
      await client.must('PATCH', `api/cameras/${camera.id}`, { name })
      await desk.getByText(`1. ${name}`).waitFor()
      const notices = await desk.locator('nj-way-notice .notice').allTextContents()
      const cookies = (await context.cookies(product.url)).filter((one) => one.name.startsWith('nightjar-'))
      await desk.getByRole('button', { name: 'Account of admin' }).click()
      await desk.getByRole('menuitem', { name: 'Log out' }).click()
      await desk.getByLabel('User name').waitFor()

      assert.ok(pictureMs < 15_000, `the first picture took ${pictureMs} ms`)
      if (notice === undefined) assert.deepEqual(notices, [])
      else assert.match(notices.join(), notice)
      assert.ok(
        web.proxy.passed.some((one) => liveRequest.test(one)),
        web.proxy.passed.join('\n'),
      )
      assert.ok(cookies.length === 1 && cookies[0]!.path === '/qvrpro/', JSON.stringify(cookies))
      const headers = { cookie: `${cookies[0]!.name}=${cookies[0]!.value}` }
      assert.equal((await fetch(new URL('api/session', product.url), { headers })).status, 401)
      // Tries of a WebSocket, whether passed on as such or not: two for the push, and at most one for live view.
      const tries = web.proxy.passed.filter((one) => /\/api\/(push|live)$/.test(one)).length
      assert.ok(tries <= 3, `${tries} tries of a WebSocket`)
      await tab.close()
      await context.close()
    })
  }

  it('goes back to WebSocket by itself when the port passes it again', async () => {
    web.proxy.mode = { passesUpgrades: false, holdsAnswers: false, isStrict: true }
    isFramed = false
    const { page, context } = await openTab(browser)
    await page.clock.install()
    await page.goto(`${web.url}qvrpro/`)
    await logIn(page)
    await page.getByRole('navigation', { name: 'Shortcuts' }).getByRole('button', { name: 'Live View' }).click()
    await until('a live picture', () => shownFrame(page, 'nj-live-view'))
    await page.locator('nj-way-notice .notice').waitFor()
    web.proxy.passed.length = 0

    web.proxy.mode = { ...web.proxy.mode, passesUpgrades: true }
    await page.clock.fastForward(61_000)

    await page.locator('nj-way-notice .notice').waitFor({ state: 'detached' })
    await until('live view by WebSocket', async () => web.proxy.passed.includes('UPGRADE /qvrpro/api/live'))
    const before = await shownFrame(page, 'nj-live-view')
    await until('the picture going on', async () => {
      const frame = await shownFrame(page, 'nj-live-view')
      return frame !== undefined && frame !== before
    })
    await context.close()
  })
})

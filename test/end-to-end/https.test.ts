import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { type CameraFarm, startCameras } from '../../scripts/cameras/farm.ts'
import { openBrowser, openTab } from '../support/browser.ts'
import { Product, shownFrame } from './product.ts'

const pause = (ms: number) => new Promise((wake) => setTimeout(wake, ms))

async function until<T>(what: string, look: () => Promise<T | undefined>, ms = 30_000): Promise<T> {
  const end = Date.now() + ms
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error(`waited for ${what}`)
    await pause(200)
  }
}

async function logIn(page: Page, password: string): Promise<void> {
  await page.getByLabel('User name').fill('admin')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Later' }).click()
}

describe('the product over HTTPS', function () {
  this.timeout(120_000)
  let farm: CameraFarm
  let browser: Browser
  const product = new Product({ NIGHTJAR_HTTPS_PORT: '0' })

  before(async () => {
    farm = await startCameras({ cameras: [{ name: 'cam1', streams: [{ name: 'main', clip: 'hour', audio: 'aac' }] }] })
    await product.start()
    browser = await openBrowser()
  })

  after(async () => {
    await browser?.close()
    await product.remove()
    await farm?.close()
  })

  it('is entered past the warning of a self-signed certificate, and live pictures come over wss:', async () => {
    const { page, context, problems } = await openTab(browser, { takesAnyCertificate: true })
    const sockets: string[] = []
    page.on('websocket', (socket) => sockets.push(socket.url()))
    await page.goto(product.httpsUrl)
    await logIn(page, product.password)
    const added = await page.evaluate(async (url) => {
      const { csrfToken } = (await (await fetch('api/session')).json()) as { csrfToken: string }
      const answer = await fetch('api/cameras', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-csrf-token': csrfToken },
        body: JSON.stringify({ name: 'Yard', streams: [{ stream: 1, url, isRecorded: true, hasAudio: true }] }),
      })
      return answer.status
    }, farm.rtspUrl(0))

    await page.getByRole('navigation', { name: 'Shortcuts' }).getByRole('button', { name: 'Live View' }).click()
    const first = await until('a live picture', () => shownFrame(page, 'nj-live-view'))
    await until('another live picture', async () => {
      const frame = await shownFrame(page, 'nj-live-view')
      return frame !== first ? frame : undefined
    })

    assert.equal(added, 201)
    const { host } = new URL(product.httpsUrl)
    assert.ok(
      sockets.some((url) => url.startsWith(`wss://${host}/`) && url.endsWith('/api/live')),
      sockets.join(' '),
    )
    assert.ok(sockets.every((url) => url.startsWith('wss://')))
    assert.deepEqual(
      problems.filter((text) => !/status of 401/.test(text)),
      [],
    )
    await context.close()
  })

  it('is logged in to over both HTTPS and HTTP by one browser', async () => {
    const { page, context } = await openTab(browser, { takesAnyCertificate: true })
    await page.goto(product.httpsUrl)
    await logIn(page, product.password)

    await page.goto(product.url)
    await logIn(page, product.password)
    const user = () =>
      page.evaluate(async () => ((await (await fetch('api/session')).json()) as { username: string }).username)
    const overHttp = await user()
    await page.goto(product.httpsUrl)
    const overHttps = await user()

    assert.deepEqual([overHttp, overHttps], ['admin', 'admin'])
    await context.close()
  })
})

import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import { openBrowser, openTab } from '../support/browser.ts'
import { builtDesktop } from './support/built-desktop.ts'
import { ContractServer } from './support/contract-server.ts'
import { openApp, until } from './support/desktop-page.ts'
import { readCode } from './support/read-code.ts'

/** Under a name other than localhost a page on plain HTTP is no secure context: much of what browsers have is missing. */
describe('the desktop on plain HTTP under a name of the local network', function () {
  this.timeout(120_000)
  let browser: Browser
  let server: ContractServer

  before(async () => {
    server = await new ContractServer({ webFolder: await builtDesktop() }).start()
    browser = await openBrowser(['--host-resolver-rules=MAP nightjar.lan 127.0.0.1'])
  })

  after(async () => {
    await browser.close()
    await server.close()
  })

  it('shows live pictures, plays back to the frame, and is heard', async () => {
    const { page, problems, context } = await openTab(browser)
    await page.goto(server.url.replace('127.0.0.1', 'nightjar.lan'))
    assert.equal(await page.evaluate(() => isSecureContext), false)
    assert.equal(await page.evaluate(() => 'VideoDecoder' in globalThis || 'AudioDecoder' in globalThis), false)

    await openApp(page, 'Live View')
    const first = await until('a live picture', () => readCode(page, '#tile-0', 'video'))
    await until('the next', async () => (await readCode(page, '#tile-0', 'video')) !== first || undefined)
    await page.getByRole('group', { name: /^Tile 2:/ }).focus()
    await page.keyboard.press('m')
    await until('sound asked for', () => server.liveRequests.some((one) => one['hasSound'] === true) || undefined)
    const download = page.waitForEvent('download')
    await page.keyboard.press('s')
    assert.match((await download).suggestedFilename(), /^Gate .*\.jpg$/)
    await page.keyboard.press('Alt+Shift+W')

    await page.getByRole('navigation', { name: 'Shortcuts' }).getByRole('button', { name: 'Playback' }).click()
    const before = await until('a recorded picture', () => readCode(page, 'nj-playback', 'video'))
    await page.getByRole('group', { name: '1. Yard' }).press('.')
    await until(
      'the next frame',
      async () => (await readCode(page, 'nj-playback', 'video')) === (before + 1) % 900 || undefined,
    )

    assert.deepEqual(
      problems.filter((text) => !text.includes('401')),
      [],
    )
    await context.close()
  })
})

// What browser tests of the desktop share: one Chromium and one build a file, a server and a tab a test.
import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { openBrowser, openTab, type Tab, type TabOptions } from '../../support/browser.ts'
import { builtDesktop } from './built-desktop.ts'
import { type ContractOptions, ContractServer } from './contract-server.ts'
import { testClip } from './test-clip.ts'

export interface Bench {
  /** Opens the desktop's login page on a server of its own. */
  open(options?: TabOptions & Partial<ContractOptions>): Promise<DesktopTab>
}

export interface DesktopTab extends Tab {
  server: ContractServer
}

/** The console notes every answer that is no success: a refusal that the page then shows is none of its problems. */
const expected = /responded with a status of 4(00|01|03|04|09) /

/** To be called inside `describe`: starts and stops what its tests need, and fails a test whose page had problems. */
export function desktopBench(): Bench {
  let browser: Browser
  let folder = ''
  const open: DesktopTab[] = []

  before(async function () {
    this.timeout(180_000)
    folder = await builtDesktop()
    await testClip()
    browser = await openBrowser()
  })

  after(async () => {
    await browser.close()
  })

  afterEach(async () => {
    const problems: string[] = []
    for (const { context, server, problems: own } of open.splice(0)) {
      await context.close()
      await server.close()
      problems.push(...own.filter((text) => !expected.test(text)))
    }
    assert.deepEqual(problems, [])
  })

  return {
    async open(options = {}) {
      const server = await new ContractServer({ webFolder: folder, ...options }).start()
      const tab = await openTab(browser, options)
      const all = { ...tab, server }
      open.push(all)
      await tab.page.goto(server.url)
      return all
    },
  }
}

export async function logIn(page: Page, password = 'correct horse'): Promise<void> {
  await page.getByLabel('User name').fill('admin')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

/** Logs in and opens an app by its shortcut on the desktop. */
export async function openApp(page: Page, title: string): Promise<void> {
  await logIn(page)
  await page.getByRole('navigation', { name: 'Shortcuts' }).getByRole('button', { name: title }).click()
  await page.getByRole('dialog', { name: title }).waitFor()
}

/** Waits until `check` gives something other than undefined, asking again and again. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  ms = 15_000,
): Promise<T> {
  const end = Date.now() + ms
  for (;;) {
    const found = await check()
    if (found !== undefined && found !== false) return found
    if (Date.now() > end) throw new Error(`waited for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

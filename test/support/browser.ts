// Headless Chromium for tests of the desktop.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
]

/** Starts Chromium. The caller closes it. */
export function openBrowser(args: string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    args: [...flags, ...args],
  })
}

export interface Tab {
  context: BrowserContext
  page: Page
  /** Errors of scripts, and what the console said was wrong: a page that works has none. */
  problems: string[]
}

export interface TabOptions {
  widthPx?: number
  heightPx?: number
  theme?: 'light' | 'dark'
  isPhone?: boolean
  /** Whether a certificate that nobody vouches for is taken, as by somebody who clicks the warning away. */
  takesAnyCertificate?: boolean
}

/** A page of its own, with cookies and storage of its own, that notes what goes wrong in it. */
export async function openTab(browser: Browser, options: TabOptions = {}): Promise<Tab> {
  const context = await browser.newContext({
    viewport: { width: options.widthPx ?? 1440, height: options.heightPx ?? 900 },
    colorScheme: options.theme ?? 'light',
    timezoneId: 'Europe/Berlin',
    acceptDownloads: true,
    ignoreHTTPSErrors: options.takesAnyCertificate ?? false,
    ...(options.isPhone ? { hasTouch: true, isMobile: true } : {}),
  })
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`${error.message}\n${error.stack ?? ''}`))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  return { context, page, problems }
}

let axeSource: string | undefined

export interface AxeFinding {
  id: string
  help: string
  nodes: string[]
}

/**
 * What axe finds wrong by WCAG 2.2 A and AA, on the whole page or within the element that `path` leads to: a selector,
 * then one in that element's shadow root, and so on.
 */
export async function axeFindings(page: Page, path: string[] = []): Promise<AxeFinding[]> {
  axeSource ??= readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(axeSource)
  return page.evaluate((within) => {
    // biome-ignore lint/suspicious/noExplicitAny: axe is there by the line above, without types.
    const axe = (globalThis as any).axe
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    const context =
      within.length > 0 ? { include: [{ fromShadowDom: within }] } : { exclude: [['nothing-is-left-out']] }
    const options = { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    return axe.run(context, options).then((result: any) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above.
      result.violations.map((one: any) => ({
        id: one.id,
        help: one.help,
        // biome-ignore lint/suspicious/noExplicitAny: as above.
        nodes: one.nodes.map((node: any) => `${node.target.flat().join(' ')}: ${node.failureSummary}`),
      })),
    )
  }, path)
}

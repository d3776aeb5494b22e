import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { type CameraFarm, startCameras } from '../../scripts/cameras/farm.ts'
import type { LogEntry } from '../../shared/log.ts'
import type { RequirementCheck, ServerTime, SetupState } from '../../shared/setup.ts'
import { axeFindings, openBrowser, openTab, type TabOptions } from '../support/browser.ts'
import { TestClient } from '../support/test-client.ts'
import { builtDesktop } from '../web-desktop/support/built-desktop.ts'
import { until } from '../web-desktop/support/desktop-page.ts'
import { Product } from './product.ts'

const ownPassword = 'battery staple'

/** Whether a picture of each look is kept, and where: to be looked at by people. */
const pictureFolder = process.env['NIGHTJAR_TEST_PICTURES']

/** A query of the API with the page's own log-in. */
function ask<T>(page: Page, path: string): Promise<T> {
  return page.evaluate(async (path) => (await fetch(path)).json() as Promise<T>, path)
}

/** The words of what the keyboard is at, through all shadow roots; none for a heading, which Tab does not lead to. */
function atKeyboard(page: Page): Promise<string> {
  return page.evaluate(() => {
    let at = document.activeElement
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    if (at instanceof HTMLHeadingElement) return ''
    const label = at instanceof HTMLInputElement || at instanceof HTMLSelectElement ? at.labels?.[0] : undefined
    return (label ?? at)?.textContent?.trim().replace(/\s+/g, ' ') ?? ''
  })
}

/** Presses Tab until the keyboard is at what is called so. */
async function tabTo(page: Page, name: string): Promise<void> {
  const passed: string[] = []
  for (let presses = 0; presses < 40; presses++) {
    const at = await atKeyboard(page)
    if (at === name) return
    passed.push(at)
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not lead to ${name}: ${passed.join(' | ')}`)
}

async function pressButton(page: Page, name: string): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press('Enter')
}

describe('the first start', function () {
  this.timeout(120_000)
  let farm: CameraFarm
  let browser: Browser
  let product: Product

  before(async () => {
    product = new Product({ NIGHTJAR_SETUP: 'ask', NIGHTJAR_DESKTOP_DIR: await builtDesktop() })
    farm = await startCameras({ cameras: [{ name: 'cam1', streams: [{ name: 'main', clip: 'hour', audio: 'aac' }] }] })
    await product.start()
    browser = await openBrowser()
  })

  after(async () => {
    await browser?.close()
    await product?.remove()
    await farm?.close()
  })

  /** Logs in with the keyboard. */
  async function open(password: string, options: TabOptions = {}) {
    const tab = await openTab(browser, options)
    await tab.page.goto(product.url)
    await tab.page.getByLabel('User name').waitFor()
    await tab.page.keyboard.type('admin')
    await tab.page.keyboard.press('Tab')
    await tab.page.keyboard.type(password)
    await tab.page.keyboard.press('Enter')
    return tab
  }

  async function look(page: Page, name: string): Promise<void> {
    if (pictureFolder !== undefined) await page.screenshot({ path: `${pictureFolder}/${name}.png` })
  }

  const wizard = (page: Page) => page.getByRole('dialog', { name: 'Set up Nightjar' })
  const heading = (page: Page, name: string) => wizard(page).getByRole('heading', { name, exact: true })

  const looks: [name: string, options: TabOptions][] = [
    ['light', { theme: 'light' }],
    ['dark', { theme: 'dark' }],
    ['phone', { theme: 'light', widthPx: 390, heightPx: 800, isPhone: true }],
  ]
  for (const [name, options] of looks) {
    it(`has no accessibility fault in any step (${name}), and nothing that is cut off`, async () => {
      const { page, context } = await open(product.password, options)
      for (const step of ['Welcome', 'Requirements', 'Date and time', 'Password'] as const) {
        await heading(page, step).waitFor()
        if (step === 'Requirements') await wizard(page).getByText('Time to make a write safe').waitFor()
        if (step === 'Date and time') {
          await wizard(page).getByRole('button', { name: 'They are wrong' }).click()
          await wizard(page).getByText('Set them in the system').waitFor()
        }
        await look(page, `setup-${step.toLowerCase().replaceAll(' ', '-')}-${name}`)

        assert.deepEqual(await axeFindings(page, ['nj-desktop', 'nj-setup']), [], step)
        const overflowPx = await page.evaluate(() => {
          const body = document
            .querySelector('nj-desktop')!
            .shadowRoot!.querySelector('nj-setup')!
            .shadowRoot!.querySelector('.body')!
          return body.scrollWidth - body.clientWidth
        })
        assert.equal(overflowPx, 0, step)
        if (step === 'Date and time') await wizard(page).getByRole('button', { name: 'They are right' }).click()
        else if (step !== 'Password')
          await wizard(page)
            .getByRole('button', { name: /^(Start|Next)$/ })
            .click()
      }
      await context.close()
    })
  }

  it('asks again at the next log-in where it was put off, and keeps the desktop’s keys from what lies beneath', async () => {
    const { page, context } = await open(product.password)
    await heading(page, 'Welcome').waitFor()
    await page.keyboard.press('Alt+Shift+M')
    assert.equal(await page.locator('nj-main-menu').count(), 0)

    await page.keyboard.press('Escape')
    await wizard(page).waitFor({ state: 'detached' })
    await page.getByText('The one-time password is still in use.').waitFor()
    await page.reload()

    await heading(page, 'Welcome').waitFor()
    await context.close()
  })

  it('goes no further before somebody said that date and time are right', async () => {
    const { page, context } = await open(product.password)
    await pressButton(page, 'Start')
    await wizard(page).getByText('Time to make a write safe').waitFor()
    await pressButton(page, 'Next')
    await heading(page, 'Date and time').waitFor()
    await wizard(page).getByRole('button', { name: 'They are wrong' }).waitFor()
    await pressButton(page, 'They are wrong')
    await wizard(page).getByText('Set them in the system').waitFor()

    await pressButton(page, 'Next')

    await wizard(page).getByRole('alert').getByText('Say first whether date and time are right.').waitFor()
    assert.equal((await ask<ServerTime>(page, 'api/setup/time')).confirmedMs, undefined)
    await pressButton(page, 'Check again')
    await wizard(page).getByText('Set them in the system').waitFor({ state: 'detached' })
    await context.close()
  })

  it('is neither shown to other users nor asked for by their desktop', async () => {
    const administrator = new TestClient(product.url)
    await administrator.logIn('admin', product.password)
    const draft = { username: 'guard', password: ownPassword, mustChangePassword: false }
    await administrator.must('POST', 'api/accounts', draft)
    const { page, context, problems } = await openTab(browser)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(product.url)
    await page.getByLabel('User name').fill('guard')
    await page.getByLabel('Password', { exact: true }).fill(ownPassword)
    await page.getByRole('button', { name: 'Log in' }).click()

    await page.getByRole('navigation', { name: 'Task bar' }).waitFor()
    await page.waitForLoadState('networkidle')
    assert.deepEqual(
      asked.filter((url) => url.includes('api/setup')),
      [],
    )
    assert.deepEqual(
      problems.filter((text) => !/status of 40[13]/.test(text)),
      [],
    )
    assert.equal(await page.locator('nj-setup').count(), 0)
    assert.equal(await page.locator('nj-checklist section').count(), 0)
    await context.close()
  })

  it('is walked through by the keyboard alone, and ends in a checklist that ticks itself', async () => {
    const { page, context, problems } = await open(product.password)
    await heading(page, 'Welcome').waitFor()
    assert.equal(await page.locator('nj-change-password').count(), 0)

    await pressButton(page, 'Start')
    await heading(page, 'Requirements').waitFor()
    await wizard(page).getByText('Time to make a write safe').waitFor()
    await pressButton(page, 'Check again')
    await wizard(page).getByRole('progressbar').waitFor()
    await wizard(page).getByText('Time to make a write safe').waitFor()
    await pressButton(page, 'Next')

    await heading(page, 'Date and time').waitFor()
    await wizard(page).getByRole('combobox').waitFor()
    await tabTo(page, 'Time zone they are shown in')
    await page.keyboard.type('America/New_York')
    await pressButton(page, 'They are right')

    await heading(page, 'Password').waitFor()
    await tabTo(page, 'One-time password')
    await page.keyboard.type(product.password)
    for (const name of ['New password', 'New password again']) {
      await tabTo(page, name)
      await page.keyboard.type(ownPassword)
    }
    await page.keyboard.press('Enter')

    await heading(page, 'Finish').waitFor()
    await look(page, 'setup-finish')
    await pressButton(page, 'Finish')
    await wizard(page).waitFor({ state: 'detached' })

    const state = await ask<SetupState>(page, 'api/setup')
    assert.deepEqual(state, { isFinished: true, isChecklistShown: true })
    assert.equal((await ask<ServerTime>(page, 'api/setup/time')).timeZone, 'America/New_York')
    assert.equal((await ask<RequirementCheck>(page, 'api/setup/requirements')).report?.findings.length, 11)
    const entries = await ask<LogEntry[]>(page, 'api/logs?limit=100')
    const confirmed = entries.find((entry) => entry.name === 'time-confirmed' && entry.message.includes('New_York'))
    assert.equal(confirmed?.username, 'admin')

    const list = page.getByRole('region', { name: 'Getting started' })
    await list.getByText('1 of 4 done').waitFor()
    await look(page, 'checklist-begun')
    assert.deepEqual(await axeFindings(page, ['nj-desktop', 'nj-checklist']), [])
    await page.setViewportSize({ width: 390, height: 800 })
    await look(page, 'checklist-phone')
    const [listBox, lastBox] = [(await list.boundingBox())!, (await page.locator('.shortcut').last().boundingBox())!]
    assert.ok(listBox.y >= lastBox.y + lastBox.height, 'the list covers a shortcut on a phone')
    await page.setViewportSize({ width: 1440, height: 900 })

    await pressButton(page, 'Add a camera')
    await page.getByRole('dialog', { name: 'Cameras' }).waitFor()
    await page.getByRole('button', { name: 'Add camera' }).first().click()
    await page.getByLabel('Name', { exact: true }).fill('Yard')
    await page.getByLabel('Address of stream 1').fill(farm.rtspUrl(0))
    await page.getByRole('button', { name: 'Add camera' }).last().click()
    await list.getByRole('button', { name: 'Done: Add a camera' }).waitFor()
    await list.getByRole('button', { name: 'Done: See that it is recorded' }).waitFor({ timeout: 30_000 })

    await page.keyboard.press('Alt+Shift+W')
    await list.getByRole('button', { name: 'Look at it live' }).click()
    await page.getByRole('dialog', { name: 'Live View' }).waitFor()
    await list.getByText('All is done').waitFor({ timeout: 30_000 })
    await page.keyboard.press('Alt+Shift+W')
    await look(page, 'checklist-done')

    await list.getByRole('button', { name: 'Dismiss the list for everybody' }).click()
    await list.waitFor({ state: 'detached' })
    await page.reload()
    await page.getByRole('navigation', { name: 'Task bar' }).waitFor()
    await until('the setup to be read', async () => (await ask<SetupState>(page, 'api/setup')).isFinished || undefined)
    assert.equal(await list.count(), 0)
    assert.equal(await wizard(page).count(), 0)
    assert.deepEqual(
      problems.filter((text) => !/status of 401/.test(text)),
      [],
    )
    await context.close()
  })
})

import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { type CameraFarm, startCameras } from '../../scripts/cameras/farm.ts'
import type { PtzState } from '../../scripts/cameras/ptz-head.ts'
import { openBrowser, openTab } from '../support/browser.ts'
import { Product } from './product.ts'

const pause = (ms: number) => new Promise((wake) => setTimeout(wake, ms))

async function until(what: string, look: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`waited for ${what}`)
    await pause(50)
  }
}

describe('a camera that can be turned', function () {
  this.timeout(120_000)
  let farm: CameraFarm
  let browser: Browser
  let page: Page
  let problems: string[]
  const product = new Product()

  /** Where the camera looks, as its remote control says. */
  const state = async (): Promise<PtzState> => {
    const answer = await fetch(`http://127.0.0.1:${farm.httpPort}/control/ptz/cam1`)
    return (await answer.json()) as PtzState
  }

  before(async () => {
    const cam1 = { name: 'cam1', streams: [{ name: 'main', clip: 'hour' }], hasPtz: true }
    farm = await startCameras({ cameras: [cam1], portPerCamera: true, user: 'admin', password: 'secret' })
    await product.start()
    browser = await openBrowser()
    const tab = await openTab(browser)
    page = tab.page
    problems = tab.problems
    await page.goto(product.url)
    await page.getByLabel('User name').fill('admin')
    await page.getByLabel('Password', { exact: true }).fill(product.password)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('button', { name: 'Later' }).click()
  })

  after(async () => {
    await browser?.close()
    await product.remove()
    await farm?.close()
  })

  it('is found by ONVIF, and turns as long as a direction is pressed', async () => {
    const open = async (title: string): Promise<void> => {
      await page.getByRole('navigation', { name: 'Shortcuts' }).getByRole('button', { name: title }).click()
      await page.getByRole('dialog', { name: title }).waitFor()
    }
    await open('Cameras')
    await page.getByRole('button', { name: 'Add camera' }).first().click()
    await page.getByRole('button', { name: 'Find by ONVIF' }).click()
    await page.getByLabel('Host name or address').fill('127.0.0.1')
    await page.getByLabel('ONVIF port').fill(String(farm.onvif(0).port))
    await page.getByLabel('User name').last().fill('admin')
    await page.getByLabel('Password', { exact: true }).last().fill('secret')
    await page.getByRole('button', { name: 'Ask the camera' }).click()
    await page.getByRole('button', { name: 'Go on with these streams' }).click()
    await page.getByRole('button', { name: 'Add camera' }).last().click()
    await page.getByRole('button', { name: 'Close' }).first().click()
    await open('Live View')
    const tile = page.getByRole('group', { name: /^Tile 1[:,]/ })
    await tile.hover()
    await tile.getByRole('button', { name: 'Turn the camera' }).click()
    const right = page.getByRole('button', { name: 'Right', exact: true })
    const { x, y, width, height } = (await right.boundingBox())!
    const before = await state()

    await page.mouse.move(x + width / 2, y + height / 2)
    await page.mouse.down()
    await until('it turns', async () => (await state()).pan > before.pan + 0.05)
    await pause(2000)
    const during = await state()
    await page.mouse.up()
    await until('it stands', async () => !(await state()).isMoving, 1000)
    const after = await state()
    await pause(500)

    assert.equal(during.isMoving, true)
    assert.ok(after.pan - before.pan > 0.3, `turned by ${after.pan - before.pan}`)
    assert.equal(after.tilt, before.tilt)
    assert.deepEqual(await state(), after)
  })

  it('keeps a preset, and goes back to it', async () => {
    const { pan } = await state()
    await page.getByRole('button', { name: 'Presets' }).click()
    await page.getByLabel('Name of a preset').fill('Gate')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    const gate = page.getByRole('button', { name: 'Go to Gate' })
    await gate.waitFor()
    await page.getByRole('button', { name: 'Move', exact: true }).click()
    await page.getByRole('button', { name: 'Home position' }).click()
    await until('home', async () => Math.abs((await state()).pan) < 1e-6)

    await page.getByRole('button', { name: 'Presets' }).click()
    await gate.click()

    await until('the preset', async () => Math.abs((await state()).pan - pan) < 1e-6)
    assert.deepEqual(
      problems.filter((text) => !/status of 401/.test(text)),
      [],
    )
  })

  it('stands still soon after the browser that turns it is gone', async () => {
    await page.getByRole('button', { name: 'Move', exact: true }).click()
    await page.getByRole('button', { name: 'Down', exact: true }).focus()
    await page.keyboard.down('ArrowDown')
    await until('it turns', async () => (await state()).isMoving)

    // Killed, it says goodbye to nobody; the camera's own limit would be five seconds.
    await browser.close()

    await until('it stands', async () => !(await state()).isMoving, 2000)
  })
})

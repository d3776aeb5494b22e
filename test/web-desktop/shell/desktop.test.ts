import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { axeFindings } from '../../support/browser.ts'
import { cameraIds } from '../support/contract-data.ts'
import { desktopBench, logIn, openApp, until } from '../support/desktop-page.ts'

function windowOf(page: Page, title: string) {
  return page.locator('nj-window').filter({ has: page.locator(`h2:text-is("${title}")`) })
}

async function boxOf(page: Page, title: string): Promise<{ x: number; y: number; width: number; height: number }> {
  return (await windowOf(page, title).boundingBox())!
}

async function dragTitle(page: Page, title: string, toX: number, toY: number, isDropped = true): Promise<void> {
  const bar = (await windowOf(page, title).locator('.bar').boundingBox())!
  await page.mouse.move(bar.x + bar.width / 2, bar.y + 18)
  await page.mouse.down()
  await page.mouse.move(bar.x + bar.width / 2 + 20, bar.y + 30, { steps: 4 })
  await page.mouse.move(toX, toY, { steps: 8 })
  if (isDropped) await page.mouse.up()
  await page.waitForTimeout(100)
}

/** The title of the window in front. */
function front(page: Page): Promise<string> {
  return page.locator('nj-window[isactive] h2').innerText()
}

describe('a window, by mouse', function () {
  this.timeout(60_000)
  const bench = desktopBench()

  it('is moved by its title bar, and put back by Esc', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Cameras')
    const before = await boxOf(page, 'Cameras')

    await dragTitle(page, 'Cameras', 800, 300)
    const moved = await boxOf(page, 'Cameras')
    assert.ok(Math.abs(moved.x + moved.width / 2 - 800) < 3, `${moved.x}`)
    assert.notEqual(moved.y, before.y)

    await dragTitle(page, 'Cameras', 500, 500, false)
    await page.keyboard.press('Escape')
    await page.mouse.up()
    assert.deepEqual(await boxOf(page, 'Cameras'), moved)
  })

  it('is resized at its edges and corners, no smaller than the app allows', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Cameras')
    const before = await boxOf(page, 'Cameras')
    const drag = async (edge: string, dx: number, dy: number) => {
      const box = (await windowOf(page, 'Cameras').locator(`.edge.${edge}`).first().boundingBox())!
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width / 2 + dx, box.y + box.height / 2 + dy, { steps: 5 })
      await page.mouse.up()
      await page.waitForTimeout(80)
    }

    await drag('bottom-right', -100, -60)
    const smaller = await boxOf(page, 'Cameras')
    assert.deepEqual([smaller.x, smaller.width, smaller.height], [before.x, before.width - 100, before.height - 60])

    await drag('left', 40, 0)
    const narrower = await boxOf(page, 'Cameras')
    assert.deepEqual([narrower.x, narrower.width], [before.x + 40, before.width - 140])

    await drag('right', -2000, 0)
    assert.equal((await boxOf(page, 'Cameras')).width, 420)
  })

  it('snaps to a half at the edge with a preview, and is torn off again in its own size', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Cameras')
    const before = await boxOf(page, 'Cameras')

    await dragTitle(page, 'Cameras', 3, 500, false)
    assert.equal(await page.locator('.preview').count(), 1)
    await page.mouse.up()
    await page.waitForTimeout(100)
    assert.deepEqual(await boxOf(page, 'Cameras'), { x: 0, y: 44, width: 720, height: 856 })

    await dragTitle(page, 'Cameras', 700, 300)
    const torn = await boxOf(page, 'Cameras')
    assert.deepEqual([torn.width, torn.height], [before.width, before.height])
  })

  it('is maximised by a double click, follows the browser’s size, and comes back', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Cameras')
    const before = await boxOf(page, 'Cameras')

    await windowOf(page, 'Cameras').locator('h2').dblclick()
    assert.deepEqual(await boxOf(page, 'Cameras'), { x: 0, y: 44, width: 1440, height: 856 })
    await page.setViewportSize({ width: 1200, height: 800 })
    await until('the new size', async () => (await boxOf(page, 'Cameras')).width === 1200 || undefined)
    await page.setViewportSize({ width: 1440, height: 900 })
    await windowOf(page, 'Cameras').getByRole('button', { name: 'Restore' }).click()

    await page.waitForTimeout(100)
    assert.deepEqual(await boxOf(page, 'Cameras'), before)
  })

  it('comes to the front by a click, and goes behind its button in the task bar', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Cameras')
    const tasks = page.getByRole('group', { name: 'Open windows' })
    await page.keyboard.press('Alt+Shift+M')
    await page
      .getByRole('navigation', { name: 'Main menu' })
      .getByRole('button', { name: /^Playback/ })
      .click()
    await until('Playback in front', async () => (await front(page)) === 'Playback' || undefined)

    await tasks.getByRole('button', { name: 'Cameras' }).click()
    assert.equal(await front(page), 'Cameras')
    await tasks.getByRole('button', { name: 'Cameras' }).click()
    assert.equal(await front(page), 'Playback')
    await tasks.getByRole('button', { name: 'Cameras, minimised' }).click()
    assert.equal(await front(page), 'Cameras')

    await page.getByRole('button', { name: 'Show desktop' }).click()
    assert.equal(await page.locator('nj-window[isactive]').count(), 0)
    await page.getByRole('button', { name: 'Show desktop' }).click()
    assert.equal(await front(page), 'Cameras')
  })
})

describe('a window, by keyboard', function () {
  this.timeout(60_000)
  const bench = desktopBench()

  it('is opened from the main menu’s filter, placed, moved, sized and closed', async () => {
    const { page } = await bench.open()
    await logIn(page)
    await page.getByRole('navigation', { name: 'Task bar' }).waitFor()

    await page.keyboard.press('Alt+Shift+M')
    await page.keyboard.type('onvif')
    await page.keyboard.press('Enter')
    await windowOf(page, 'Cameras').waitFor()
    const before = await boxOf(page, 'Cameras')

    await page.keyboard.press('Alt+Shift+ArrowRight')
    await page.waitForTimeout(80)
    assert.deepEqual(await boxOf(page, 'Cameras'), { x: 720, y: 44, width: 720, height: 856 })
    await page.keyboard.press('Alt+Shift+ArrowDown')
    await page.waitForTimeout(80)
    assert.deepEqual(await boxOf(page, 'Cameras'), before)

    await page.getByRole('button', { name: 'Window menu of Cameras' }).press('Enter')
    await page.keyboard.type('move')
    await page.keyboard.press('Enter')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Shift+ArrowDown')
    await page.keyboard.press('Enter')
    const moved = await boxOf(page, 'Cameras')
    assert.deepEqual([moved.x, moved.y], [before.x + 16, before.y + 1])

    await page.getByRole('button', { name: 'Window menu of Cameras' }).press('Enter')
    await page.keyboard.type('size')
    await page.keyboard.press('Enter')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Escape')
    assert.deepEqual(await boxOf(page, 'Cameras'), moved)

    await page.getByRole('button', { name: 'Window menu of Cameras' }).press('Enter')
    await page.keyboard.type('pos')
    await page.keyboard.press('Enter')
    await page.getByLabel('Width (px)').fill('600')
    await page.getByLabel('Width (px)').press('Enter')
    await until('the width', async () => (await boxOf(page, 'Cameras')).width === 600 || undefined)

    await page.keyboard.press('Alt+Shift+W')
    await windowOf(page, 'Cameras').waitFor({ state: 'detached' })
  })

  it('takes turns by Ctrl+`, and F6 walks the parts of the desktop', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Cameras')
    await page.keyboard.press('Alt+Shift+M')
    await page.keyboard.type('live')
    await page.keyboard.press('Enter')
    await until('Live View in front', async () => (await front(page)) === 'Live View' || undefined)

    await page.keyboard.press('Control+Backquote')
    assert.equal(await front(page), 'Cameras')
    await page.keyboard.press('Control+Shift+Backquote')
    assert.equal(await front(page), 'Live View')

    const where = () =>
      page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.tagName.toLowerCase() ?? 'nothing')
    const seen = new Set<string>()
    for (let i = 0; i < 3; i++) {
      await page.keyboard.press('F6')
      await page.waitForTimeout(50)
      seen.add(await where())
    }
    assert.ok(seen.has('nj-taskbar') && seen.has('button'), [...seen].join())
    assert.ok(seen.size === 3, [...seen].join())
  })

  it('has the focus on opening, and gives it back on closing', async () => {
    const { page } = await bench.open()
    await logIn(page)
    const shortcut = page.getByRole('navigation', { name: 'Shortcuts' }).getByRole('button', { name: 'Cameras' })
    await shortcut.focus()

    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Add camera' }).first().waitFor()
    const isInside = () =>
      page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.closest('nj-window') !== null)
    await until('the focus inside', async () => (await isInside()) || undefined)
    await page.keyboard.press('Alt+Shift+W')

    await until('the focus back', async () => (await shortcut.evaluate((one) => one.matches(':focus'))) || undefined)
  })

  it('is told of by a list of shortcuts', async () => {
    const { page } = await bench.open()
    await logIn(page)
    await page.getByRole('navigation', { name: 'Task bar' }).waitFor()

    await page.keyboard.press('F1')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    assert.deepEqual(await axeFindings(page), [])
    await page.keyboard.press('Escape')

    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor({ state: 'detached' })
  })
})

describe('the desktop', function () {
  this.timeout(90_000)
  const bench = desktopBench()

  it('brings windows back where they were at the next log-in', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Cameras')
    await dragTitle(page, 'Cameras', 760, 260)
    const before = await boxOf(page, 'Cameras')
    await page.waitForTimeout(600)

    await page.reload()

    await windowOf(page, 'Cameras').waitFor()
    assert.deepEqual(await boxOf(page, 'Cameras'), before)
  })

  it('shows the red banner exactly as long as a channel that should record does not', async () => {
    const { page, server } = await bench.open()
    await logIn(page)
    const banner = page.getByRole('alert', { name: 'Recording alarm' })
    await page.getByRole('button', { name: 'Notifications' }).waitFor()
    assert.equal(await banner.innerText(), '')

    const alarm = {
      cameraId: cameraIds.shed,
      cameraName: 'Shed',
      stream: 1,
      sinceMs: Date.now(),
      reason: 'disk is full',
    }
    server.setAlarms([alarm, { ...alarm, cameraId: cameraIds.gate, cameraName: 'Gate' }])
    await banner.getByText('2 channels are not being recorded').waitFor()
    await banner.getByText('Shed, stream 1: disk is full').waitFor()
    await banner.getByRole('button', { name: 'Show all' }).click()
    await banner.getByText('Gate, stream 1: disk is full').waitFor()
    assert.deepEqual(await axeFindings(page), [])
    await page.getByRole('button', { name: 'Notifications, 2 channels are not being recorded' }).click()
    await page.getByRole('dialog', { name: 'Notifications' }).waitFor()
    assert.deepEqual(await axeFindings(page), [])
    await page.keyboard.press('Escape')

    server.setAlarms([])

    await until('the banner gone', async () => (await banner.innerText()) === '' || undefined)
  })

  it('says since when the connection is lost, and recovers by itself', async () => {
    const { page, server, problems } = await bench.open()
    await openApp(page, 'Cameras')
    await page.getByRole('table', { name: 'Cameras' }).getByText('Yard').waitFor()
    await until('the push', () => (server.pushCount > 0 ? true : undefined))

    server.isAway = true
    server.cutSockets()
    await page.getByText(/Connection to the server lost since \d\d:\d\d:\d\d/).waitFor()
    assert.equal(await page.locator('.area.lost').count(), 1)
    server.cameras[0]!.camera.name = 'Renamed meanwhile'
    server.isAway = false

    await page.getByText('Connection to the server lost').waitFor({ state: 'detached', timeout: 30_000 })
    await page.getByText('Renamed meanwhile').waitFor()
    assert.equal(await page.locator('.area.lost').count(), 0)
    problems.length = 0
  })

  it('opens an app that could not be fetched once the server is back', async () => {
    const { page, server, problems } = await bench.open()
    await logIn(page)
    await until('the push', () => (server.pushCount > 0 ? true : undefined))
    server.isAway = true
    server.cutSockets()
    await page.getByRole('navigation', { name: 'Shortcuts' }).getByRole('button', { name: 'Cameras' }).click()
    await page.getByText('Cameras could not be opened').waitFor()

    server.isAway = false

    await page.getByRole('table', { name: 'Cameras' }).waitFor({ timeout: 30_000 })
    problems.length = 0
  })

  it('asks for the password over the windows when the session ended, and goes on', async () => {
    const { page, server, problems } = await bench.open()
    await openApp(page, 'Cameras')

    server.endSessions()
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()
    await page.getByLabel('Password of admin').fill('wrong')
    await page.getByLabel('Password of admin').press('Enter')
    await page.getByText('The user name or the password is wrong').waitFor()
    assert.deepEqual(await axeFindings(page, ['nj-desktop', 'nj-relogin']), [])
    await page.getByLabel('Password of admin').fill('correct horse')
    await page.getByLabel('Password of admin').press('Enter')

    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor({ state: 'detached' })
    assert.equal(await front(page), 'Cameras')
    server.setAlarms([{ cameraId: cameraIds.gate, cameraName: 'Gate', stream: 1, sinceMs: Date.now(), reason: 'x' }])
    await page.getByText('1 channel is not being recorded').waitFor({ timeout: 20_000 })
    problems.length = 0
  })

  it('logs out by the user’s menu, and changes its theme', async () => {
    const { page } = await bench.open()
    await logIn(page)
    const user = page.getByRole('button', { name: 'Account of admin' })

    await page.getByRole('button', { name: 'Switch to dark theme' }).click()
    assert.equal(await page.evaluate(() => document.documentElement.dataset['theme']), 'dark')
    await user.click()
    assert.deepEqual(await axeFindings(page, ['nj-menu']), [])
    await page.getByRole('menuitemcheckbox', { name: 'Theme of the system' }).click()
    assert.equal(await page.evaluate(() => document.documentElement.dataset['theme']), undefined)
    await user.click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()

    await page.getByLabel('User name').waitFor()
  })

  it('fills a phone with one app, closes it by “back”, and has every app in its bar', async () => {
    const { page } = await bench.open({ widthPx: 390, heightPx: 780, isPhone: true })
    await logIn(page)
    const bar = page.getByRole('navigation', { name: 'Task bar' })

    await bar.getByRole('button', { name: 'Cameras' }).click()
    await page.getByRole('list', { name: 'Cameras' }).waitFor()
    const box = await boxOf(page, 'Cameras')
    assert.deepEqual([box.x, box.width], [0, 390])
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390)
    assert.deepEqual(await axeFindings(page), [])
    await page.goBack()

    await windowOf(page, 'Cameras').waitFor({ state: 'detached' })
  })

  for (const theme of ['light', 'dark'] as const) {
    it(`has no accessibility fault with all apps open, ${theme}`, async () => {
      const { page } = await bench.open({ theme })
      await openApp(page, 'Cameras')
      await page.getByRole('table', { name: 'Cameras' }).waitFor()
      await page.keyboard.press('Alt+Shift+M')
      await page.locator('nj-main-menu input').waitFor()
      assert.deepEqual(await axeFindings(page), [])
      await page.keyboard.press('Escape')
      await page.getByText('Shed', { exact: true }).first().click()
      await page.getByText('Gaps of the last 7 days').waitFor()
      await page.keyboard.press('Alt+Shift+ArrowUp')
      assert.deepEqual(await axeFindings(page), [])
      for (const title of ['live', 'playback']) {
        await page.keyboard.press('Alt+Shift+M')
        await page.keyboard.type(title)
        await page.keyboard.press('Enter')
        await page.waitForTimeout(1500)
        await page.keyboard.press('Alt+Shift+ArrowUp')
        await page.waitForTimeout(200)
        assert.deepEqual(await axeFindings(page, ['nj-desktop', 'nj-window[isactive]']), [], title)
      }
    })
  }
})

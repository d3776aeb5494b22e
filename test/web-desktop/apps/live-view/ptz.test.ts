import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { axeFindings } from '../../../support/browser.ts'
import type { ContractServer } from '../../support/contract-server.ts'
import { desktopBench, openApp, until } from '../../support/desktop-page.ts'

const pause = (ms: number) => new Promise((wake) => setTimeout(wake, ms))

function tile(page: Page, place: number) {
  return page.getByRole('group', { name: new RegExp(`^Tile ${place}[:,]`) })
}

function moves(server: ContractServer): number {
  return server.requests.filter((one) => one.startsWith('POST') && one.endsWith('/ptz/move')).length
}

/** Opens the controls of the first camera. */
async function openPtz(page: Page) {
  await openApp(page, 'Live View')
  await page.getByRole('button', { name: '4 pictures' }).click()
  await tile(page, 1).hover()
  await tile(page, 1).getByRole('button', { name: 'Turn the camera' }).click()
  const panel = page.getByRole('group', { name: 'Turn Yard' })
  await panel.waitFor()
  return panel
}

/** The middle of a button, on the page. */
async function middleOf(page: Page, name: string): Promise<[number, number]> {
  const box = (await page.getByRole('button', { name, exact: true }).boundingBox())!
  return [box.x + box.width / 2, box.y + box.height / 2]
}

describe('turning a camera in Live View', function () {
  this.timeout(120_000)
  const bench = desktopBench()

  it('is offered on the tiles of cameras that can be turned alone', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Live View')
    await tile(page, 1).getByRole('button', { name: 'Turn the camera' }).waitFor()
    await until('all asked', () => server.requests.filter((one) => one.endsWith('/ptz')).length === 6 || undefined)

    assert.equal(await page.getByRole('button', { name: 'Turn the camera' }).count(), 1)
    await tile(page, 2).focus()
    await page.keyboard.press('p')
    await page.getByText('This camera cannot be turned.').waitFor()
  })

  it('moves it as long as a button is pressed, and no longer', async () => {
    const { page, server } = await bench.open()
    await openPtz(page)
    const before = server.head.state

    const [x, y] = await middleOf(page, 'Up and right')
    await page.mouse.move(x, y)
    await page.mouse.down()
    // Off the button, which neither ends the press nor drags the tile to another place.
    await page.mouse.move(x - 60, y + 40, { steps: 4 })
    await pause(1600)
    const during = server.head.state
    await page.mouse.up()
    await until('the stop', () => !server.head.state.isMoving || undefined, 500)
    const after = server.head.state
    await pause(300)

    assert.equal(during.isMoving, true, 'renewed past the second a move lasts')
    assert.ok(after.pan - before.pan > 0.2 && after.tilt - before.tilt > 0.2, JSON.stringify(after))
    assert.deepEqual(server.head.state, after)
    assert.ok(moves(server) >= 3 && moves(server) <= 6, `${moves(server)} moves`)
  })

  it('follows the arrow keys, two at once too, and + and -, while its controls have the focus', async () => {
    const { page, server } = await bench.open()
    await openPtz(page)

    await page.keyboard.down('ArrowLeft')
    await page.keyboard.down('ArrowUp')
    await until('a diagonal', () => (server.head.state.pan < -0.05 && server.head.state.tilt > 0.05) || undefined)
    await page.keyboard.up('ArrowLeft')
    await until('one key less', async () => {
      const { pan } = server.head.state
      await pause(100)
      return (server.head.state.pan === pan && server.head.state.isMoving) || undefined
    })
    await page.keyboard.up('ArrowUp')
    await until('the stop', () => !server.head.state.isMoving || undefined)
    await page.keyboard.down('+')
    await until('the zoom', () => server.head.state.zoom > 0.05 || undefined)
    await page.keyboard.up('+')
    await until('the stop', () => !server.head.state.isMoving || undefined)
    const { zoom } = server.head.state
    await page.keyboard.down('-')
    await until('the way back', () => server.head.state.zoom < zoom || undefined)

    // A key that is let go after the focus has gone elsewhere is not heard of.
    await page.keyboard.press('Escape')
    await until('the stop', () => !server.head.state.isMoving || undefined, 800)
    await page.keyboard.up('-')

    await page.getByRole('group', { name: 'Turn Yard' }).waitFor({ state: 'detached' })
    assert.equal(
      await page.evaluate(() => {
        let at = document.activeElement
        while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
        return at?.getAttribute('aria-label')
      }),
      'Turn the camera',
    )
  })

  it('can be done by the keyboard alone', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Live View')
    await tile(page, 1).getByRole('button', { name: 'Turn the camera' }).waitFor()
    await tile(page, 1).focus()

    await page.keyboard.press('p')
    const right = page.getByRole('button', { name: 'Right', exact: true })
    await right.focus()
    await page.keyboard.down(' ')
    await until('it moves', () => server.head.state.pan > 0.05 || undefined)
    await page.keyboard.up(' ')
    await until('the stop', () => !server.head.state.isMoving || undefined)
    // As a screen reader does it: a click without a press.
    const { pan } = server.head.state
    await right.evaluate((button) => (button as HTMLElement).click())
    await until('a nudge', () => server.head.state.pan > pan || undefined)
    await until('its end', () => !server.head.state.isMoving || undefined, 900)
    await page.getByRole('button', { name: 'Home position' }).press('Enter')

    await until('home', () => (server.head.state.pan === 0 && !server.head.state.isMoving) || undefined)
  })

  it('saves a preset, goes there, and deletes it once that is confirmed', async () => {
    const { page, server } = await bench.open()
    await openPtz(page)
    server.head.move({ pan: 1 }, 500)
    await pause(600)
    const { pan } = server.head.state

    await page.getByRole('button', { name: 'Presets' }).click()
    await page.getByText('The camera keeps no preset yet.').waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('The preset needs a name.').waitFor()
    // These are keys of the live view too.
    await page.getByLabel('Name of a preset').pressSequentially('misfit 4')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Go to misfit 4' }).waitFor()
    server.head.goHome()
    await until('home', () => !server.head.state.isMoving || undefined)

    await page.getByRole('button', { name: 'Go to misfit 4' }).click()
    await until('the preset', () => Math.abs(server.head.state.pan - pan) < 1e-6 || undefined)

    await page.getByRole('button', { name: 'Delete misfit 4' }).click()
    await page.getByRole('button', { name: 'Cancel' }).press('Enter')
    assert.equal(server.head.presets.length, 1)
    await page.getByRole('button', { name: 'Delete misfit 4' }).click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('The camera keeps no preset yet.').waitFor()
    assert.equal(server.head.presets.length, 0)
  })

  it('shows a small picture large while its camera is turned', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Live View')
    await page.getByRole('button', { name: '16 pictures' }).click()
    await tile(page, 1).hover()
    await tile(page, 1).getByRole('button', { name: 'Turn the camera' }).click()
    await page.getByRole('group', { name: 'Turn Yard' }).waitFor()
    await tile(page, 2).waitFor({ state: 'hidden' })

    await page.keyboard.press('Escape')

    await tile(page, 2).waitFor()
  })

  it('works by touch on a phone, with nothing hidden', async () => {
    const { page, server } = await bench.open({ widthPx: 390, heightPx: 844, isPhone: true })
    await openApp(page, 'Live View')
    await tile(page, 1).tap()
    await tile(page, 1).getByRole('button', { name: 'Turn the camera' }).tap()
    const panel = page.getByRole('group', { name: 'Turn Yard' })
    await panel.waitFor()

    const button = page.getByRole('button', { name: 'Left', exact: true })
    const [x, y] = await middleOf(page, 'Left')
    const touch = await page.context().newCDPSession(page)
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y }] })
    await until('it moves', () => server.head.state.pan < -0.1 || undefined)
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
    await until('the stop', () => !server.head.state.isMoving || undefined, 800)

    const size = (await button.boundingBox())!
    assert.ok(size.width >= 44 && size.height >= 44, JSON.stringify(size))
    const [panelBox, tileBox] = [(await panel.boundingBox())!, (await tile(page, 1).boundingBox())!]
    assert.ok(panelBox.y >= tileBox.y + (tileBox.width * 9) / 16 - 1, 'the picture is hidden')
    assert.ok(panelBox.y + panelBox.height <= tileBox.y + tileBox.height)
  })

  for (const theme of ['light', 'dark'] as const) {
    it(`has nothing axe finds wrong, in ${theme}`, async () => {
      const { page, server } = await bench.open({ theme })
      server.head.savePreset('Gate')
      await openPtz(page)

      const path = ['nj-desktop', 'nj-live-view', '#tile-0', 'nj-ptz']
      assert.deepEqual(await axeFindings(page, path), [])
      await page.getByRole('button', { name: 'Presets' }).click()
      await page.getByRole('button', { name: 'Delete Gate' }).click()
      await page.getByRole('button', { name: 'Delete', exact: true }).waitFor()
      assert.deepEqual(await axeFindings(page, path), [])
    })
  }
})

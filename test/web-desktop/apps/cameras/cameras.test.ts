import assert from 'node:assert/strict'
import { axeFindings } from '../../../support/browser.ts'
import { cameraIds } from '../../support/contract-data.ts'
import { desktopBench, openApp, until } from '../../support/desktop-page.ts'

describe('Cameras', function () {
  this.timeout(90_000)
  const bench = desktopBench()

  it('shows every camera with its state, and follows what the server pushes', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Cameras')
    const row = (name: string) => page.getByRole('row', { name: new RegExp(name) })

    await row('Yard').getByText('Recording', { exact: true }).waitFor()
    await row('Yard').getByText('H.264 1920×1080 · 25 fps').waitFor()
    await row('Shed').getByText('No connection').waitFor()
    await row('Shed').getByText('The camera refused the login, since').waitFor()

    server.cameras[2]!.sort = 'lost'
    await row('Hall').getByText('No connection').waitFor()
    server.push({ type: 'camera-changed', camera: { ...server.cameras[1]!.camera, name: 'Back Gate' } })
    await row('Back Gate').waitFor()
    server.push({ type: 'camera-removed', cameraId: cameraIds.gate })
    await row('Back Gate').waitFor({ state: 'detached' })
  })

  it('shows each stream from near: health, a day’s graph, and the gaps with their causes', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Cameras')

    await page.getByRole('row', { name: /Yard/ }).press('Enter')
    const detail = page.locator('nj-camera-detail')
    await detail.getByText('Gaps of the last 7 days').waitFor()

    const text = await detail.locator('section').innerText()
    for (const wanted of [
      /Picture\s+H\.264, 1920 × 1080/,
      /Sound\s+AAC/,
      /Keyframe every\s+2 s/,
      /Lost packets\s+3/,
      /Camera clock\s+12 ms ahead/,
      /Recording\s+Being recorded/,
      /Recording\s+Not to be recorded/,
      /5 min/,
      /nothing answers at that address/,
    ]) {
      assert.match(text, wanted)
    }
    const graph = detail.getByRole('img', {
      name: /Bit rate of the last 24 hours: at most 4\.6 Mbit\/s; not live for 19 minutes/,
    })
    assert.equal(await graph.count(), 2)
  })

  it('adds a camera by its address, with what is wrong said at each field', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Cameras')
    await page.getByRole('button', { name: 'Add camera' }).click()
    const editor = page.locator('nj-camera-editor')
    const add = editor.getByRole('button', { name: 'Add camera' })

    await add.click()
    await editor.getByText('is required').first().waitFor()
    assert.equal(await editor.locator('#name').getAttribute('aria-invalid'), 'true')
    await until('focus there', () =>
      editor.locator('#name').evaluate((one) => (one.matches(':focus') ? true : undefined)),
    )
    await editor.getByLabel('Name', { exact: true }).first().fill('Yard')
    await editor.getByLabel('Address of stream 1').fill('gopher://x')
    await add.click()
    await editor.getByText('must be an rtsp://').waitFor()
    await editor.getByLabel('Address of stream 1').fill('rtsp://192.0.2.50/main')
    await add.click()
    await editor.getByText('Another camera has this name').waitFor()
    await editor.getByLabel('Name', { exact: true }).first().fill('Roof')
    assert.deepEqual(await axeFindings(page, ['nj-desktop', 'nj-window[isactive]']), [])
    await add.click()

    await editor.waitFor({ state: 'detached' })
    await page.getByRole('row', { name: /Roof/ }).waitFor()
    assert.equal(server.cameras.at(-1)!.camera.streams[0]!.url, 'rtsp://192.0.2.50/main')
    assert.equal(await page.getByRole('row', { name: /Roof/ }).getAttribute('aria-selected'), 'true')
  })

  it('tests an address step by step, with the first picture', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Cameras')
    await page.getByRole('button', { name: 'Add camera' }).click()
    const editor = page.locator('nj-camera-editor')

    await editor.getByLabel('Address of stream 1').fill('rtsp://wrong/main')
    await editor.getByRole('button', { name: 'Test' }).click()
    await editor.getByText('Log-in: the camera refused the login').waitFor()
    await editor.getByText('rtsp://wrong/main: 401 Unauthorized (Digest)').waitFor()
    await editor.getByLabel('Address of stream 1').fill('rtsp://192.0.2.50/main')
    await editor.getByRole('button', { name: 'Test' }).click()

    await editor.getByText('H264, 1920 × 1080, 25 frames a second. Sound: AAC.').waitFor()
    await editor.getByText('after 412 ms').waitFor()
    await editor.getByText('a second sound track was left out').waitFor()
    await until('the picture', () =>
      editor
        .getByRole('img', { name: 'The first picture of the camera' })
        .evaluate((one) => ((one as HTMLImageElement).naturalWidth === 320 ? true : undefined)),
    )
  })

  it('finds the streams of an ONVIF camera', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Cameras')
    await page.getByRole('button', { name: 'Add camera' }).click()
    const editor = page.locator('nj-camera-editor')
    await editor.getByRole('button', { name: 'Find by ONVIF' }).click()

    await editor.getByLabel('Host name or address of the camera').fill('wrong.example')
    await editor.getByRole('button', { name: 'Ask the camera' }).click()
    await editor.getByText('nothing answers at that address').waitFor()
    await editor.getByLabel('Host name or address of the camera').fill('192.0.2.60')
    await editor.getByRole('button', { name: 'Ask the camera' }).click()
    await editor.getByText('Acme Dome 4, firmware 1.2.3').waitFor()
    await editor.getByLabel('Use profile Sub as').selectOption('1')
    await editor.getByRole('button', { name: 'Go on with these streams' }).click()
    await editor.getByText('Two profiles have the same stream number.').waitFor()
    await editor.getByLabel('Use profile Main as').selectOption('2')
    assert.deepEqual(await axeFindings(page, ['nj-desktop', 'nj-window[isactive]']), [])
    await editor.getByRole('button', { name: 'Go on with these streams' }).click()
    await editor.getByRole('button', { name: 'Add camera' }).click()

    await editor.waitFor({ state: 'detached' })
    const made = server.cameras.at(-1)!.camera
    assert.deepEqual(
      made.streams.map((one) => [one.stream, one.url]),
      [
        [1, 'rtsp://192.0.2.60/sub'],
        [2, 'rtsp://192.0.2.60/main'],
      ],
    )
    assert.deepEqual([made.name, made.brand, made.onvifHost], ['Acme Dome 4', 'Acme', '192.0.2.60'])
  })

  it('edits a camera and leaves its saved password alone', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Cameras')
    await page.getByRole('row', { name: /Gate/ }).press('F2')
    const editor = page.locator('nj-camera-editor')
    assert.equal(await editor.getByRole('textbox', { name: 'Password' }).inputValue(), '')
    await editor.getByText('Left empty, the saved password stays.').waitFor()

    await editor.getByLabel('Name', { exact: true }).first().fill('Front Gate')
    await editor.getByRole('button', { name: 'Save' }).click()

    await page.getByRole('row', { name: /Front Gate/ }).waitFor()
    assert.equal(server.cameras[1]!.camera.hasPassword, true)
    assert.equal(server.cameras[1]!.camera.username, 'viewer')
  })

  it('asks before it deletes, and what becomes of the footage', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Cameras')
    await page.getByRole('row', { name: /Shed/ }).press('Delete')
    const dialog = page.locator('nj-remove-camera')
    await until('the safe button in focus', () =>
      dialog.getByRole('button', { name: 'Cancel' }).evaluate((one) => (one.matches(':focus') ? true : undefined)),
    )
    assert.deepEqual(await axeFindings(page, ['nj-desktop', 'nj-window[isactive]']), [])
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.equal(server.cameras.length, 6)

    await page.getByRole('row', { name: /Shed/ }).press('Delete')
    await dialog.getByLabel('Delete it as well').check()
    await dialog.getByRole('button', { name: 'Delete camera and footage' }).click()

    await page.getByRole('row', { name: /Shed/ }).waitFor({ state: 'detached' })
    assert.ok(server.requests.includes(`DELETE api/cameras/${cameraIds.shed}?footage=remove`))
  })

  it('invites to add the first camera where there is none', async () => {
    const { page } = await bench.open({ isEmpty: true })
    await openApp(page, 'Cameras')

    await page.getByText('There is no camera yet').waitFor()
    await page.getByRole('button', { name: 'Add camera' }).click()

    await page.getByRole('dialog', { name: 'Add camera' }).waitFor()
  })

  it('finds by what is typed and says when nothing matches', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Cameras')

    await page.getByRole('searchbox', { name: 'Find a camera' }).fill('boreal')
    await page.getByText('2 of 6').waitFor()
    assert.equal(await page.getByRole('row').count(), 3)
    await page.getByRole('searchbox', { name: 'Find a camera' }).fill('zzz')
    await page.getByText('No camera matches “zzz”.').waitFor()
    await page.getByRole('button', { name: 'Clear the search' }).click()

    await until('all', async () => (await page.getByRole('row').count()) === 7 || undefined)
  })
})

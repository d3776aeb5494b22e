import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { cameraIds } from '../../support/contract-data.ts'
import type { ContractServer } from '../../support/contract-server.ts'
import { desktopBench, openApp, until } from '../../support/desktop-page.ts'
import { readCode } from '../../support/read-code.ts'
import { clipFps, clipFrames } from '../../support/test-clip.ts'

function tile(page: Page, place: number) {
  return page.getByRole('group', { name: new RegExp(`^Tile ${place}[:,]`) })
}

function opens(server: ContractServer, tileNumber: number) {
  return server.liveRequests.filter((one) => one.type === 'open' && one['tile'] === tileNumber)
}

/** How many frames what is shown lies behind what the camera sends now. */
async function framesBehind(page: Page, place: number): Promise<number | undefined> {
  const code = await readCode(page, `#tile-${place - 1}`, 'video')
  if (code === undefined) return undefined
  const now = Math.floor((Date.now() * clipFps) / 1000) % clipFrames
  return (now - code + clipFrames) % clipFrames
}

describe('Live View', function () {
  this.timeout(120_000)
  const bench = desktopBench()

  it('shows moving pictures of every camera, each as the server chose to send it, and says which', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Live View')

    await until(
      'the mode of the first',
      async () => (await tile(page, 1).innerText()).includes('Sub stream') || undefined,
    )
    for (const place of [1, 2, 3, 4]) await until(`a picture on tile ${place}`, () => framesBehind(page, place))
    const first = await until('a code', () => readCode(page, '#tile-0', 'video'))
    await until('the next picture', async () => (await readCode(page, '#tile-0', 'video')) !== first || undefined)

    assert.match(await tile(page, 4).innerText(), /H\.264, converted: H\.265 cannot be played by this browser/)
    assert.match(await tile(page, 5).innerText(), /JPEG: the camera sends MJPEG/)
    await until('a JPEG', () => readCode(page, '#tile-4', 'canvas'))
    assert.match(await tile(page, 6).innerText(), /No picture\s+rtsp:.*401 Unauthorized.*\s+Since/)
  })

  it('stays close to the live edge', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Live View')
    await until('a picture', () => framesBehind(page, 1))

    const behind = await until('the live edge', async () => {
      const frames = await framesBehind(page, 1)
      return frames !== undefined && frames <= 8 ? frames + 1 : undefined
    })

    assert.ok(behind >= 1)
  })

  it('keeps the same video elements when the layout changes and when one picture is large', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Live View')
    await until('a picture', () => framesBehind(page, 1))
    const mark = () =>
      page.evaluate(() => {
        const desktop = document.querySelector('nj-desktop')!.shadowRoot!
        const videos = [...desktop.querySelector('nj-live-view')!.shadowRoot!.querySelectorAll('nj-live-tile')].map(
          (one) => one.shadowRoot!.querySelector('video')!,
        )
        const before = videos.filter((video) => video.dataset['mark'] === 'yes').length
        for (const video of videos) video.dataset['mark'] = 'yes'
        return [before, videos.length]
      })
    assert.deepEqual(await mark(), [0, 16])

    await page.getByRole('button', { name: '16 pictures' }).click()
    await page.getByRole('button', { name: '4 pictures' }).click()
    await tile(page, 1).dblclick()
    await until('the main stream', async () => (await tile(page, 1).innerText()).includes('Main stream') || undefined)
    assert.deepEqual(await mark(), [16, 16])
    const wide = opens(server, 1).at(-1)!
    assert.equal(wide['widthPx'], 1280)
    await until('the large picture', async () => {
      const width = await page.evaluate(() => {
        const desktop = document.querySelector('nj-desktop')!.shadowRoot!
        const view = desktop.querySelector('nj-live-view')!.shadowRoot!
        return view.querySelector('#tile-0')!.shadowRoot!.querySelector('video')!.videoWidth
      })
      return width === 960 || undefined
    })
    await tile(page, 1).press('Enter')

    await until('all four', async () => ((await tile(page, 2).isVisible()) ? true : undefined))
    await until('the sub stream again', async () => opens(server, 1).at(-1)!['widthPx'] === 640 || undefined)
  })

  it('reports what it received, again and again', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Live View')
    await until('a picture', () => framesBehind(page, 1))

    const reports = await until('reports', () => {
      const all = server.liveRequests.filter((one) => one.type === 'received')
      const found = all.flatMap((one) =>
        (one['newest'] as { tile: number; sequence: number }[]).filter(({ tile }) => tile === 1),
      )
      return found.length >= 4 ? found : undefined
    })

    const sequences = reports.map(({ sequence }) => sequence)
    assert.deepEqual(
      [...sequences].sort((a, b) => a - b),
      sequences,
    )
    assert.equal(server.liveRequests[0]!.type, 'hello')
    assert.deepEqual(server.liveRequests[0]!['canPlay'], ['h264', 'aac'])
  })

  it('pauses what cannot be seen and goes on when it can', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Live View')
    await until('a picture', () => framesBehind(page, 1))
    const before = opens(server, 1).length

    await page.getByRole('button', { name: 'Minimise' }).click()
    await until('the tile closed', () =>
      server.liveRequests.some((one) => one.type === 'close' && one['tile'] === 1) ? true : undefined,
    )
    await page.getByRole('group', { name: 'Open windows' }).getByRole('button').click()

    await until('the tile opened again', () => (opens(server, 1).length > before ? true : undefined))
    await until('a picture', () => framesBehind(page, 1))
  })

  it('puts a camera on a tile by dragging, by the list, and takes it off', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Live View')
    await page.getByRole('button', { name: '4 pictures' }).click()
    await until('a picture', () => framesBehind(page, 1))

    await page.getByRole('button', { name: 'Shed' }).dragTo(tile(page, 2))
    await tile(page, 2).getByText('6. Shed').waitFor()
    assert.equal(opens(server, 2).at(-1)!['cameraId'], cameraIds.shed)

    await tile(page, 2).focus()
    await page.keyboard.press('Delete')
    await tile(page, 2).getByText('No camera').waitFor()
    await page.getByRole('button', { name: 'Old Tower' }).press('Enter')
    await tile(page, 2).getByText('5. Old Tower').waitFor()

    const closes = () => server.liveRequests.filter((one) => one.type === 'close').length
    const before = closes()
    await tile(page, 1).dragTo(tile(page, 4))
    await tile(page, 4).getByText('1. Yard').waitFor()
    assert.equal(closes(), before, 'no stream was closed for a change of places')
  })

  it('is heard on wish alone, AAC and G.711 alike', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Live View')
    await until('a picture', () => framesBehind(page, 1))
    assert.ok(server.liveRequests.every((one) => one.type !== 'open' || one['hasSound'] === false))

    await tile(page, 1).focus()
    await page.keyboard.press('m')
    await until('AAC playing', () =>
      page.evaluate(() => {
        const view = document.querySelector('nj-desktop')!.shadowRoot!.querySelector('nj-live-view')!.shadowRoot!
        const audio = view.querySelector('#tile-0')!.shadowRoot!.querySelector('audio')!
        return !audio.paused && audio.currentTime > 0.5 && !audio.muted ? true : undefined
      }),
    )
    await tile(page, 2).focus()
    await page.keyboard.press('m')
    await until('sound asked of the second', () => (opens(server, 2).at(-1)!['hasSound'] === true ? true : undefined))
    await until('the first silent', () => (opens(server, 1).at(-1)!['hasSound'] === false ? true : undefined))

    await until('a picture still', () => framesBehind(page, 2))
    await tile(page, 3).focus()
    await page.keyboard.press('m')
    await page.getByText('This camera sends no sound.').waitFor()
  })

  it('saves a snapshot of what it shows, and shows figures on I', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Live View')
    await until('a picture', () => framesBehind(page, 1))
    await tile(page, 1).focus()

    const download = page.waitForEvent('download')
    await page.keyboard.press('s')
    const saved = await download
    assert.match(saved.suggestedFilename(), /^Yard \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.jpg$/)
    await page.keyboard.press('i')
    await tile(page, 1).getByText('Latency').waitFor()

    await until('figures', async () => /Frames a second\s+1[3-7]/.test(await tile(page, 1).innerText()) || undefined)
  })

  it('comes back by itself after the socket was lost', async () => {
    const { page, server, problems } = await bench.open()
    await openApp(page, 'Live View')
    await until('a picture', () => framesBehind(page, 1))

    server.cutSockets()
    await until(
      'it says so',
      async () => (await tile(page, 1).getAttribute('aria-label'))?.includes('lost') || undefined,
    )
    await until(
      'live again',
      async () => (await tile(page, 1).getAttribute('aria-label'))?.includes('live') || undefined,
    )

    await until('a picture', () => framesBehind(page, 1))
    problems.length = 0
  })
})

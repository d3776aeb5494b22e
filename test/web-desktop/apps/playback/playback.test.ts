import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { axeFindings } from '../../../support/browser.ts'
import { cameraIds, minuteMs } from '../../support/contract-data.ts'
import { codeAt, frameAt } from '../../support/contract-footage.ts'
import type { ContractServer } from '../../support/contract-server.ts'
import { desktopBench, openApp, until } from '../../support/desktop-page.ts'
import { readCode } from '../../support/read-code.ts'
import { clipFps, clipFrames, clipGop } from '../../support/test-clip.ts'

const run = promisify(execFile)

/** What the app knows, read from its page: the clock as shown, the state of each tile, and each video's own clock. */
function state(page: Page): Promise<{ clock: string; tiles: { look: string; sec: number; rate: number }[] }> {
  return page.evaluate(() => {
    const root = document.querySelector('nj-desktop')!.shadowRoot!.querySelector('nj-playback')!.shadowRoot!
    return {
      clock: root.querySelector<HTMLElement>('.clock')?.innerText.replace(/\s+/g, ' ') ?? '',
      tiles: [...root.querySelectorAll('.tile')].map((one) => ({
        look: one.className,
        sec: one.querySelector('video')!.currentTime,
        rate: one.querySelector('video')!.playbackRate,
      })),
    }
  })
}

function code(page: Page, index = 0): Promise<number | undefined> {
  return readCode(page, 'nj-playback', 'video', index)
}

async function goTo(page: Page, ms: number): Promise<void> {
  const local = new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'Europe/Berlin',
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(ms)
  await page.locator('nj-playback .tile').first().press('g')
  await page.getByLabel('Date and time', { exact: true }).fill(local.replace(' ', 'T'))
  await page.getByRole('button', { name: 'Go there' }).click()
  await page.getByLabel('Date and time', { exact: true }).waitFor({ state: 'detached' })
}

async function addCamera(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: /^\d cameras?$/ }).click()
  await page.getByRole('menuitemcheckbox', { name }).click()
}

async function openAt(page: Page, server: ContractServer, minutesBefore: number): Promise<number> {
  await openApp(page, 'Playback')
  await page.getByRole('slider', { name: 'Timeline' }).waitFor()
  const ms = Math.floor(server.startMs / minuteMs) * minuteMs - minutesBefore * minuteMs + 20_000
  await goTo(page, ms)
  await until('the picture', async () => (await code(page)) === codeAt(ms) || undefined)
  return ms
}

describe('Playback', function () {
  this.timeout(120_000)
  const bench = desktopBench()

  it('shows the exact picture of the instant asked for', async () => {
    const { page, server } = await bench.open()

    const ms = await openAt(page, server, 70)

    assert.equal(await code(page), codeAt(ms))
    assert.match((await state(page)).clock, /:20\.000$/)
  })

  it('steps frame by frame, on and back over a keyframe, and misses none', async () => {
    const { page, server } = await bench.open()
    const ms = await openAt(page, server, 70)
    const start = codeAt(ms)

    for (let i = 1; i <= clipGop + 3; i++) {
      await page.keyboard.press('.')
      await until(`frame ${i}`, async () => (await code(page)) === (start + i) % clipFrames || undefined)
    }
    for (let i = clipGop + 2; i >= -clipGop - 2; i--) {
      await page.keyboard.press(',')
      const wanted = (start + i + clipFrames) % clipFrames
      await until(`back at ${i}`, async () => (await code(page)) === wanted || undefined)
    }
  })

  it('takes steps pressed in a row one by one', async () => {
    const { page, server } = await bench.open()
    const ms = await openAt(page, server, 70)

    for (let i = 0; i < 10; i++) await page.keyboard.press('.')

    await until('ten on', async () => (await code(page)) === codeAt(ms) + 10 || undefined)
  })

  it('plays at its speed, pauses, and plays keyframes alone from 4× on', async () => {
    const { page, server } = await bench.open()
    await openAt(page, server, 70)
    const position = async () => (await state(page)).tiles[0]!.sec

    await page.keyboard.press(' ')
    const from = await position()
    await until('two seconds', async () => (await position()) - from > 2 || undefined)
    await page.keyboard.press(' ')
    await page.waitForTimeout(200)
    const stood = await position()
    await page.waitForTimeout(300)
    assert.equal(await position(), stood)
    assert.ok(!server.requests.some((one) => one.includes('keys=1')))

    await page.getByLabel('Speed').selectOption('8')
    await page.getByRole('button', { name: 'Play (Space)' }).click()
    await until('keyframes asked for', () => (server.requests.some((one) => one.includes('keys=1')) ? true : undefined))
    await until('twenty seconds on', async () => (await position()) - stood > 20 || undefined)
    const shown = await until('a keyframe', () => code(page))
    assert.equal(shown % clipGop, 0)

    await page.locator('nj-playback .tile').first().click()
    await page.keyboard.press('.')
    await page.waitForTimeout(1500)
    const stepped = await until('a picture', () => code(page))
    await page.keyboard.press('.')
    await until('the very next', async () => (await code(page)) === (stepped + 1) % clipFrames || undefined)
  })

  it('keeps several cameras in step, with what cannot be played made anew', async () => {
    const { page, server } = await bench.open()
    await openAt(page, server, 70)
    await addCamera(page, '2. Gate')
    await addCamera(page, '4. Laboratory')
    await addCamera(page, '3. Hall')
    await until('all four', async () => {
      const { tiles } = await state(page)
      return (tiles.length === 4 && tiles.every((one) => one.look.includes('picture'))) || undefined
    })
    await page.getByText('H.264, converted').waitFor()
    assert.ok(server.requests.some((one) => one.includes(cameraIds.lab) && one.includes('form=h264')))

    // Each video counts from an epoch of its own; standing, all show the same frame.
    const standing = (await state(page)).tiles.map((one) => one.sec)
    await page.getByRole('button', { name: 'Play (Space)' }).click()
    await page.waitForTimeout(2500)
    const spreads: number[] = []
    for (let i = 0; i < 10; i++) {
      const moved = (await state(page)).tiles.map((one, at) => one.sec - standing[at]!)
      assert.ok(Math.min(...moved) > 0)
      spreads.push(Math.max(...moved) - Math.min(...moved))
      await page.waitForTimeout(100)
    }
    spreads.sort((a, b) => a - b)
    assert.ok(spreads[5]! < 1 / clipFps, `spread of half the looks: ${spreads.join()}`)

    await page.getByRole('button', { name: 'Pause (Space)' }).click()
    await until('one instant', async () => {
      const codes = await Promise.all([0, 1, 2, 3].map((i) => code(page, i)))
      return (codes.every((one) => one !== undefined && Math.abs(one - codes[0]!) <= 1) && codes) || undefined
    })
  })

  it('shows a gap as a gap with its cause, runs through it or skips it', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Playback')
    await page.getByRole('slider', { name: 'Timeline' }).waitFor()
    const gapStart = Math.floor(server.startMs / minuteMs) * minuteMs - 45 * minuteMs
    const gapEnd = gapStart + 5 * minuteMs

    await goTo(page, gapStart + minuteMs)
    await page.getByText('No recording', { exact: true }).waitFor()
    await page.getByText('nothing answers at that address').waitFor()
    const slider = page.getByRole('slider', { name: 'Timeline' })
    await until(
      'the words',
      async () =>
        (await slider.getAttribute('aria-valuetext'))?.includes(
          'no recording, nothing answers at that address, 5 min',
        ) || undefined,
    )

    await goTo(page, gapStart - 2000)
    await until('the picture before', async () => (await code(page)) === codeAt(gapStart - 2000) || undefined)
    await page.getByRole('button', { name: 'Play (Space)' }).click()
    await until('the picture after', async () => {
      const now = await code(page)
      const first = codeAt(gapEnd)
      return (now !== undefined && now >= first && now < first + 60) || undefined
    })

    await page.getByRole('checkbox', { name: 'Skip gaps' }).uncheck()
    await goTo(page, gapStart - 1000)
    await page.getByRole('button', { name: 'Play (Space)' }).click()
    await page.getByText('No recording', { exact: true }).waitFor()
    const before = (await state(page)).clock
    await until('the clock goes on', async () => (await state(page)).clock !== before || undefined)
  })

  it('steps over a gap to the next frame there is, and back', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Playback')
    await page.getByRole('slider', { name: 'Timeline' }).waitFor()
    const gapStart = Math.floor(server.startMs / minuteMs) * minuteMs - 45 * minuteMs
    await goTo(page, gapStart - 1000)
    await until('the picture', async () => (await code(page)) === codeAt(gapStart - 1000) || undefined)
    for (let i = 1; i < clipFps; i++) {
      await page.keyboard.press('.')
      await until(`frame ${i}`, async () => (await code(page)) === codeAt(gapStart - 1000) + i || undefined)
    }

    await page.keyboard.press('.')
    const over = frameAt(gapStart + 5 * minuteMs) % clipFrames

    await until('the first after the gap', async () => (await code(page)) === over || undefined)
  })

  it('zooms about the pointer with the wheel, pans by dragging, seeks by a click', async () => {
    const { page, server } = await bench.open()
    const ms = await openAt(page, server, 70)
    const view = () =>
      page.evaluate(() => {
        const root = document.querySelector('nj-desktop')!.shadowRoot!.querySelector('nj-playback')!.shadowRoot!
        return { ...(root.querySelector('nj-timeline') as unknown as { view: { fromMs: number; toMs: number } }).view }
      })
    const box = (await page.getByRole('slider', { name: 'Timeline' }).boundingBox())!
    const x = box.x + box.width * 0.25
    const y = box.y + 40
    const before = await view()
    const under = before.fromMs + 0.25 * (before.toMs - before.fromMs)

    await page.mouse.move(x, y)
    await page.mouse.wheel(0, -600)
    await page.waitForTimeout(200)
    const near = await view()
    assert.ok(near.toMs - near.fromMs < (before.toMs - before.fromMs) / 2)
    assert.ok(Math.abs(near.fromMs + 0.25 * (near.toMs - near.fromMs) - under) < (near.toMs - near.fromMs) / 100)

    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 200, y, { steps: 5 })
    await page.mouse.up()
    const panned = await view()
    const expected = near.fromMs - (200 / box.width) * (near.toMs - near.fromMs)
    assert.ok(Math.abs(panned.fromMs - expected) < (near.toMs - near.fromMs) / 50)

    await page.mouse.click(x, y)
    const clicked = panned.fromMs + 0.25 * (panned.toMs - panned.fromMs)
    const slider = page.getByRole('slider', { name: 'Timeline' })
    await until(
      'the seek',
      async () =>
        Math.abs(Number(await slider.getAttribute('aria-valuenow')) - clicked / 1000) <
          (panned.toMs - panned.fromMs) / 1e5 + 2 || undefined,
    )
    await slider.press('ArrowRight')
    await until(
      'a second on',
      async () =>
        Math.abs(Number(await slider.getAttribute('aria-valuenow')) - clicked / 1000 - 1) <
          (panned.toMs - panned.fromMs) / 1e5 + 2 || undefined,
    )
    assert.notEqual(Math.round(clicked / 1000), Math.round(ms / 1000))
  })

  it('exports a stretch by I, O and the fields, as a plain download', async () => {
    const { page, server } = await bench.open()
    const ms = await openAt(page, server, 70)

    await page.keyboard.press('i')
    await page.getByRole('heading', { name: 'Export as MP4' }).waitFor()
    assert.deepEqual(await axeFindings(page, ['nj-desktop', 'nj-window[isactive]']), [])
    await page.locator('nj-playback .tile').first().click()
    await page.keyboard.press('Shift+ArrowRight')
    await until('ten seconds on', async () => (await code(page)) === codeAt(ms + 10_000) || undefined)
    await page.keyboard.press('o')
    await page.getByLabel('Sound', { exact: true }).selectOption('none')
    await page.getByText('10 s').waitFor()
    const link = page.getByRole('link', { name: 'Download' })
    const href = new URL((await link.getAttribute('href'))!)
    assert.equal(href.searchParams.get('fromMs'), String(ms))
    assert.equal(href.searchParams.get('toMs'), String(ms + 10_000))
    assert.equal(href.searchParams.get('sound'), 'none')
    const download = page.waitForEvent('download')
    await link.click()
    const path = await (await download).path()

    const { stdout } = await run('ffprobe', [
      '-v',
      'error',
      '-count_packets',
      '-show_entries',
      'stream=nb_read_packets',
      '-of',
      'csv=p=0',
      path,
    ])
    assert.ok(Number(stdout.trim()) >= 10 * clipFps, stdout)
  })

  it('is heard on wish: AAC from the footage, G.711 as samples', async () => {
    const { page, server } = await bench.open()
    await openAt(page, server, 70)
    await page.keyboard.press('m')
    await page.keyboard.press(' ')
    await until('AAC in step with the picture', () =>
      page.evaluate(() => {
        const root = document.querySelector('nj-desktop')!.shadowRoot!.querySelector('nj-playback')!.shadowRoot!
        const audio = root.querySelector('audio')!
        const video = root.querySelector('video')!
        const isNear = Math.abs(audio.currentTime - video.currentTime) < 0.1
        return !audio.paused && !video.paused && audio.currentTime > 1 && isNear ? true : undefined
      }),
    )

    await addCamera(page, '2. Gate')
    await page.getByRole('group', { name: '2. Gate' }).click()
    await page.keyboard.press('m')

    await until('samples', () => server.requests.find((one) => one.includes(`${cameraIds.gate}/streams/1/sound`)))
    await page.getByRole('group', { name: '2. Gate' }).getByText('Sound on').waitFor()
  })

  it('plays on into what is recorded meanwhile, and never turns to live by itself', async () => {
    const { page } = await bench.open()
    await openApp(page, 'Playback')
    await page.getByRole('slider', { name: 'Timeline' }).waitFor()
    await goTo(page, Date.now() - 3000)
    await page.getByRole('button', { name: 'Play (Space)' }).click()

    const first = await until('a picture', () => code(page))
    await page.waitForTimeout(5000)

    const later = await until('a later picture', () => code(page))
    assert.ok((later - first + clipFrames) % clipFrames > clipFps, `${first} ${later}`)
    assert.equal(await page.locator('nj-live-view').count(), 0)
  })

  for (const theme of ['light', 'dark'] as const) {
    it(`has no accessibility fault in the ${theme} theme, its calendar neither`, async () => {
      const { page, server } = await bench.open({ theme })
      await openAt(page, server, 70)
      assert.deepEqual(await axeFindings(page, ['nj-desktop', 'nj-window[isactive]']), [])
      await page.locator('nj-playback .tile').first().press('g')
      await page
        .getByRole('button', { name: /, recorded$/ })
        .first()
        .waitFor()
      assert.deepEqual(await axeFindings(page, ['nj-desktop', 'nj-window[isactive]']), [])
    })
  }
})

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { type CameraFarm, startCameras } from '../../scripts/cameras/farm.ts'
import { openBrowser, openTab } from '../support/browser.ts'
import { framesPlayedByVlc } from '../support/vlc.ts'
import { Product, shownFrame } from './product.ts'

/** Frames a second of the clip `hour`, whose picture tells the time within the UTC hour. */
const hourFps = 2

const pause = (ms: number) => new Promise((wake) => setTimeout(wake, ms))

async function until<T>(what: string, look: () => Promise<T | undefined | false>, ms = 30_000): Promise<T> {
  const end = Date.now() + ms
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > end) throw new Error(`waited for ${what}`)
    await pause(200)
  }
}

async function logIn(page: Page, product: Product): Promise<void> {
  await page.getByLabel('User name').fill('admin')
  await page.getByLabel('Password', { exact: true }).fill(product.password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Later' }).click()
}

async function openApp(page: Page, title: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Shortcuts' }).getByRole('button', { name: title }).click()
  await page.getByRole('dialog', { name: title }).waitFor()
}

/** A query of the API with the page's own log-in. */
function ask<T>(page: Page, path: string): Promise<T> {
  return page.evaluate(async (path) => (await fetch(path)).json() as Promise<T>, path)
}

/** The instant, milliseconds, that the clip's frame number tells, next to one about which it is asked. */
function instantOfFrame(frame: number, nearMs: number): number {
  const hourMs = 3_600_000
  const inHour = (frame / hourFps) * 1000
  const base = Math.floor(nearMs / hourMs) * hourMs
  return [base - hourMs + inHour, base + inHour, base + hourMs + inHour].reduce((best, ms) =>
    Math.abs(ms - nearMs) < Math.abs(best - nearMs) ? ms : best,
  )
}

interface TimelineAnswer {
  fromMs: number
  tracks: { cameraId: string; spans: number[] }[]
}

describe('the product', function () {
  this.timeout(120_000)
  let farm: CameraFarm
  let browser: Browser
  const product = new Product()

  before(async () => {
    farm = await startCameras({ cameras: [{ name: 'cam1', streams: [{ name: 'main', clip: 'hour', audio: 'aac' }] }] })
    await product.start()
    browser = await openBrowser(['--host-resolver-rules=MAP nas.test 127.0.0.1'])
  })

  after(async () => {
    await browser?.close()
    await product.remove()
    await farm?.close()
  })

  it('takes a camera by its RTSP address, tests it and records it', async () => {
    const { page, context } = await openTab(browser)
    await page.goto(product.url)
    await logIn(page, product)
    await openApp(page, 'Cameras')

    await page.getByRole('button', { name: 'Add camera' }).first().click()
    await page.getByLabel('Name', { exact: true }).fill('Yard')
    await page.getByLabel('Address of stream 1').fill(farm.rtspUrl(0))
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page
      .getByText(/320\s*×\s*180/)
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Add camera' }).last().click()

    await until('a recording camera', async () => {
      const [stream] = await ask<{ isRecording: boolean }[]>(page, 'api/health')
      return stream?.isRecording === true
    })
    await context.close()
  })

  for (const host of ['127.0.0.1', 'nas.test']) {
    it(`shows live pictures that move, at the time they show, on http://${host}`, async () => {
      const { page, context, problems } = await openTab(browser)
      const url = new URL(product.url)
      url.hostname = host
      await page.goto(url.href)
      await logIn(page, product)

      await openApp(page, 'Live View')
      const first = await until('a live picture', () => shownFrame(page, 'nj-live-view'))
      const second = await until('another live picture', async () => {
        const frame = await shownFrame(page, 'nj-live-view')
        return frame !== undefined && frame !== first ? frame : undefined
      })

      const lateMs = Date.now() - instantOfFrame(second, Date.now())
      assert.ok(lateMs > -1000 && lateMs < 4000, `the picture is ${lateMs} ms late`)
      assert.deepEqual(
        problems.filter((text) => !/status of 401/.test(text)),
        [],
      )
      await context.close()
    })
  }

  it('plays the minute that was asked for, and steps by a frame', async () => {
    const { page, context } = await openTab(browser)
    await page.goto(product.url)
    await logIn(page, product)
    const [camera] = await ask<{ id: string }[]>(page, 'api/cameras')
    const footage = await until('12 s of footage', async () => {
      const answer = await ask<TimelineAnswer>(
        page,
        `api/timeline?cameras=${camera!.id}&fromMs=${Date.now() - 600_000}&toMs=${Date.now()}`,
      )
      const spans = answer.tracks[0]?.spans ?? []
      const [start = 0, end = 0] = [answer.fromMs + (spans[0] ?? 0), answer.fromMs + (spans.at(-1) ?? 0)]
      return end - start > 12_000 ? { start, end } : undefined
    })
    const wantedMs = Math.floor((footage.start + 6000) / 1000) * 1000

    await openApp(page, 'Playback')
    await page
      .getByRole('button', { name: /20\d\d/ })
      .first()
      .click()
    const field = await page.evaluate((ms) => {
      const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000)
      return local.toISOString().slice(0, 19)
    }, wantedMs)
    await page.getByRole('textbox', { name: 'Date and time' }).fill(field)
    await page.getByRole('button', { name: 'Go there' }).click()

    const shown = await until('the picture of that instant', async () => {
      const frame = await shownFrame(page, 'nj-playback')
      if (frame === undefined) return undefined
      const offMs = instantOfFrame(frame, wantedMs) - wantedMs
      return Math.abs(offMs) <= 1500 ? frame : undefined
    })
    await page.keyboard.press('.')
    const next = await until('the next frame', async () => {
      const frame = await shownFrame(page, 'nj-playback')
      return frame !== undefined && frame !== shown ? frame : undefined
    })
    assert.equal(next, shown + 1)
    await page.keyboard.press(',')
    await until('the frame before', async () => (await shownFrame(page, 'nj-playback')) === shown)
    await context.close()
  })

  it('gives a movie of any stretch, that players open with every frame', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nightjar-export-'))
    const { page, context } = await openTab(browser)
    await page.goto(product.url)
    await logIn(page, product)
    await openApp(page, 'Playback')
    await page.getByRole('button', { name: 'Export' }).click()

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ])
    const path = join(folder, 'movie.mp4')
    await download.saveAs(path)

    const url = new URL(download.url())
    const [fromMs, toMs] = [Number(url.searchParams.get('fromMs')), Number(url.searchParams.get('toMs'))]
    const [camera] = await ask<{ id: string }[]>(page, 'api/cameras')
    const { tracks } = await ask<TimelineAnswer>(
      page,
      `api/timeline?cameras=${camera!.id}&fromMs=${fromMs}&toMs=${toMs}`,
    )
    const [start = 0, end = 0] = tracks[0]!.spans
    const seconds = (Math.min(toMs, fromMs + end) - Math.max(fromMs, fromMs + start)) / 1000
    const text = execFileSync(
      'ffprobe',
      [
        '-v',
        'error',
        '-count_frames',
        '-select_streams',
        'v:0',
        '-show_entries',
        'stream=nb_read_frames',
        '-of',
        'json',
        path,
      ],
      { encoding: 'utf8' },
    )
    const frames = Number((JSON.parse(text) as { streams: { nb_read_frames: string }[] }).streams[0]!.nb_read_frames)
    assert.ok(seconds >= 5, `${seconds} s were exported`)
    // From the keyframe before (2 s at most) to the end.
    assert.ok(
      frames >= seconds * hourFps - 2 && frames <= (seconds + 2) * hourFps + 2,
      `${frames} frames in ${seconds} s`,
    )
    execFileSync('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'])
    // VLC shows what the edit list does: from the instant asked for, and without the last frame or two.
    chmodSync(folder, 0o755)
    const played = framesPlayedByVlc(path)
    assert.ok(played >= seconds * hourFps - 4, `VLC played ${played} frames of ${seconds} s`)
    rmSync(folder, { recursive: true })
    await context.close()
  })

  it('records on while the server is killed and started again', async () => {
    const { page, context } = await openTab(browser)
    await page.goto(product.url)
    await logIn(page, product)
    const [camera] = await ask<{ id: string }[]>(page, 'api/cameras')
    const pid = product.recorderPid
    const fromMs = Date.now() - 5000

    await product.stop('SIGKILL')
    await pause(6000)
    await product.start()
    await page.goto(product.url)
    const timeline = await until('footage from after the restart', async () => {
      const path = `api/timeline?cameras=${camera!.id}&fromMs=${fromMs}&toMs=${Date.now()}`
      const answer = await ask<TimelineAnswer>(page, path)
      const spans = answer.tracks?.[0]?.spans ?? []
      return answer.fromMs + (spans.at(-1) ?? 0) > fromMs + 14_000 ? answer : undefined
    })

    assert.equal(product.recorderPid, pid)
    assert.equal(timeline.tracks[0]!.spans.length, 2, `not unbroken: ${timeline.tracks[0]!.spans}`)
    await context.close()
  })
})

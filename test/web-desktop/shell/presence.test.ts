import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { desktopBench, logIn, openApp } from '../support/desktop-page.ts'

describe('presence', () => {
  const bench = desktopBench()

  /** Requests of the page: what was asked, and whether the page said that nobody was there. */
  async function noteRequests(page: Page): Promise<{ path: string; isUnattended: boolean }[]> {
    const noted: { path: string; isUnattended: boolean }[] = []
    page.on('request', (request) => {
      const path = new URL(request.url()).pathname.replace(/^.*\/api\//, '')
      noted.push({ path, isUnattended: request.headers()['x-nightjar-unattended'] !== undefined })
    })
    return noted
  }

  it('is told once a minute while somebody moves the mouse, and no more once nobody does', async () => {
    const { page } = await bench.open()
    await page.clock.install()
    await page.reload()
    await logIn(page)
    await page.getByRole('navigation', { name: 'Task bar' }).waitFor()
    const noted = await noteRequests(page)
    const sessions = () => noted.filter(({ path }) => path === 'session').length

    for (let second = 0; second < 90; second += 10) {
      await page.mouse.move(100 + second, 100)
      await page.clock.runFor(10_000)
    }
    const attended = sessions()
    await page.clock.runFor(300_000)

    assert.ok(attended >= 1 && attended <= 2, `${attended} while attended`)
    assert.ok(sessions() - attended <= 1, `${sessions() - attended} afterwards`)
  })

  it('is denied by what a page asks by itself', async () => {
    const { page } = await bench.open()
    await page.clock.install()
    await page.reload()
    await openApp(page, 'Cameras')
    await page.getByRole('row', { name: /Yard/ }).press('Enter')
    await page.locator('nj-camera-detail').getByText('Gaps of the last 7 days').waitFor()
    const noted = await noteRequests(page)

    await page.clock.runFor(180_000)

    const gaps = noted.filter(({ path }) => path.includes('gaps'))
    assert.ok(gaps.length >= 2, JSON.stringify(noted))
    assert.equal(gaps.at(-1)!.isUnattended, true)
  })
})

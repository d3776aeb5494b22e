import assert from 'node:assert/strict'
import { axeFindings } from '../../support/browser.ts'
import { desktopBench, logIn, openApp } from '../support/desktop-page.ts'

describe('the login page', function () {
  this.timeout(60_000)
  const bench = desktopBench()

  it('takes the right password and shows the desktop', async () => {
    const { page, server } = await bench.open()

    await logIn(page)

    await page.getByRole('navigation', { name: 'Task bar' }).waitFor()
    assert.ok(server.requests.includes('POST api/login'))
    assert.equal(await page.locator('nj-login').count(), 0)
  })

  it('says that a password is wrong, in words of the server, and selects it', async () => {
    const { page } = await bench.open()

    await logIn(page, 'wrong')

    await page.getByRole('alert').getByText('The user name or the password is wrong').waitFor()
    assert.equal(await page.getByLabel('Password', { exact: true }).getAttribute('aria-invalid'), 'true')
  })

  it('is used by the keyboard alone, and shows the password on wish', async () => {
    const { page } = await bench.open()
    await page.getByLabel('User name').waitFor()

    await page.keyboard.type('admin')
    await page.keyboard.press('Tab')
    await page.keyboard.type('correct horse')
    await page.getByRole('button', { name: 'Show password' }).click()
    assert.equal(await page.getByLabel('Password', { exact: true }).getAttribute('type'), 'text')
    await page.getByLabel('Password', { exact: true }).press('Enter')

    await page.getByRole('navigation', { name: 'Task bar' }).waitFor()
  })

  it('says that the server does not answer, and comes up by itself once it does', async () => {
    const { page, problems } = await bench.open()
    let isAway = true
    await page.route('**/api/session', (route) => (isAway ? route.abort() : route.continue()))
    await page.reload()
    await page.getByText('The server does not answer. Trying again…').waitFor()

    isAway = false

    await page.getByText('The server does not answer. Trying again…').waitFor({ state: 'detached' })
    problems.length = 0
  })

  it('asks for a password of one’s own while the one-time password is in use, and goes on asking', async () => {
    const { page, server } = await bench.open({ mustChangePassword: true })
    await logIn(page)
    const dialog = page.locator('nj-change-password')
    await dialog.getByText('one-time password that the server printed').waitFor()

    await dialog.getByRole('button', { name: 'Later' }).click()
    await page.getByText('The one-time password is still in use.').waitFor()
    await page.getByRole('button', { name: 'Change it' }).click()
    await page.getByLabel('One-time password').fill('wrong')
    await page.getByLabel('New password', { exact: true }).fill('short')
    await page.getByLabel('New password again').fill('short')
    await dialog.getByRole('button', { name: 'Change password' }).click()
    await dialog.getByText('must be 8 characters or more').waitFor()
    await page.getByLabel('New password', { exact: true }).fill('battery staple')
    await page.getByLabel('New password again').fill('battery staple')
    await dialog.getByRole('button', { name: 'Change password' }).click()
    await dialog.getByText('Is not the password now').waitFor()
    await page.getByLabel('One-time password').fill('correct horse')
    await dialog.getByRole('button', { name: 'Change password' }).click()

    await dialog.waitFor({ state: 'detached' })
    assert.equal(server.password, 'battery staple')
    await page.getByText('The one-time password is still in use.').waitFor({ state: 'detached' })
  })

  it('asks for the code of the second step once the password was right, and says where it is wrong', async () => {
    const { page } = await bench.open({ code: '123456' })
    await logIn(page)

    const code = page.getByLabel('Code')
    await code.waitFor()
    assert.equal(await code.evaluate((one) => one === (one.getRootNode() as ShadowRoot).activeElement), true)
    assert.equal(await page.getByRole('alert').count(), 0)
    await code.fill('000000')
    await code.press('Enter')
    await page.getByRole('alert').getByText('The code is wrong').waitFor()
    await code.fill('123456')
    await code.press('Enter')

    await page.getByRole('navigation', { name: 'Task bar' }).waitFor()
  })

  it('shows nothing of the desktop before a password that is too old was changed', async () => {
    const { page } = await bench.open({ isPasswordExpired: true })
    await logIn(page)
    const dialog = page.locator('nj-change-password')
    await dialog.getByText('must be changed before you can go on').waitFor()
    assert.equal(await page.getByRole('navigation', { name: 'Task bar' }).count(), 0)

    await page.getByLabel('Current password').fill('correct horse')
    await page.getByLabel('New password', { exact: true }).fill('battery staple')
    await page.getByLabel('New password again').fill('battery staple')
    await dialog.getByRole('button', { name: 'Change password' }).click()

    await page.getByRole('navigation', { name: 'Task bar' }).waitFor()
  })

  it('asks for another password at once where it runs out in the middle of a session, and keeps what is open', async () => {
    const { page, server } = await bench.open()
    await openApp(page, 'Live View')
    const dialog = page.locator('nj-change-password')

    // What the page asks next by itself is refused.
    server.isPasswordExpired = true
    await dialog.getByText('must be changed before you can go on').waitFor()
    assert.equal(await page.locator('nj-desktop[inert]').evaluate((one) => getComputedStyle(one).opacity), '0')
    await page.getByLabel('Current password').fill('correct horse')
    await page.getByLabel('New password', { exact: true }).fill('battery staple')
    await page.getByLabel('New password again').fill('battery staple')
    await dialog.getByRole('button', { name: 'Change password' }).click()

    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('dialog', { name: 'Live View' }).waitFor()
    assert.equal(await page.locator('nj-desktop[inert]').count(), 0)
  })

  for (const way of ['Log out', 'Close', 'Escape']) {
    it(`comes back by ${way} where a password must be changed`, async () => {
      const { page } = await bench.open({ isPasswordExpired: true })
      await logIn(page)
      const dialog = page.locator('nj-change-password')
      await dialog.getByText('must be changed before you can go on').waitFor()

      if (way === 'Escape') await page.keyboard.press(way)
      else await dialog.getByRole('button', { name: way }).click()

      await page.getByLabel('User name').waitFor()
      await dialog.waitFor({ state: 'detached' })
    })
  }

  for (const theme of ['light', 'dark'] as const) {
    it(`has no accessibility fault in the ${theme} theme`, async () => {
      const { page } = await bench.open({ theme })
      await page.getByLabel('User name').waitFor()

      assert.deepEqual(await axeFindings(page), [])
    })
  }

  it('loads without the desktop and without the schemas’ library', async () => {
    const { page } = await bench.open()
    await page.getByLabel('User name').waitFor()

    const sizes = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map((one) => [one.name.replace(/.*\//, ''), (one as PerformanceResourceTiming).decodedBodySize]),
    )

    const scripts = sizes.filter(([name]) => String(name).endsWith('.js'))
    assert.ok(!scripts.some(([name]) => String(name).includes('nj-desktop')))
    const total = scripts.reduce((sum, [, bytes]) => sum + Number(bytes), 0)
    assert.ok(total < 60_000, `${total} bytes of scripts: ${JSON.stringify(scripts)}`)
  })
})

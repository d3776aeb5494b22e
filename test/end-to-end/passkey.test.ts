import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser, CDPSession, Page } from 'playwright-core'
import type { FailureBody } from '../../shared/failure.ts'
import type { LogEntry } from '../../shared/log.ts'
import type { Passkey, PasskeyLogin, PasskeyRequest } from '../../shared/passkey.ts'
import { axeFindings, openBrowser, openTab, type Tab } from '../support/browser.ts'
import { TestClient } from '../support/test-client.ts'
import { builtDesktop } from '../web-desktop/support/built-desktop.ts'
import { until } from '../web-desktop/support/desktop-page.ts'
import { Product } from './product.ts'

const password = 'correct horse'

/** Whether a picture of each look is kept, and where: to be looked at by people. */
const pictureFolder = process.env['NIGHTJAR_TEST_PICTURES']

/** A device with a screen lock, as Chromium simulates it. */
interface Device {
  session: CDPSession
  authenticatorId: string
}

async function plugIn({ context, page }: Tab): Promise<Device> {
  const session = await context.newCDPSession(page)
  await session.send('WebAuthn.enable')
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: true, automaticPresenceSimulation: true },
    },
  })
  return { session, authenticatorId }
}

/** An assertion as a page at `url` gets it, in the form that the API takes. */
async function sign(page: Page, url: string, request: PasskeyRequest): Promise<PasskeyLogin> {
  await page.goto(url)
  return page.evaluate(async ({ challenge, rpId }) => {
    const text = (bytes: ArrayBuffer) =>
      btoa(String.fromCharCode(...new Uint8Array(bytes)))
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replace(/=*$/, '')
    const bytes = Uint8Array.from(atob(challenge.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0))
    const made = (await navigator.credentials.get({
      publicKey: { challenge: bytes, rpId, userVerification: 'required' },
    })) as PublicKeyCredential
    const { clientDataJSON, authenticatorData, signature, userHandle } = made.response as AuthenticatorAssertionResponse
    return {
      ...{ id: made.id, rawId: made.id, type: 'public-key' as const },
      response: {
        ...{ clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData) },
        ...{ signature: text(signature), userHandle: text(userHandle!) },
      },
    }
  }, request)
}

describe('passkeys in a browser', function () {
  this.timeout(120_000)
  let product: Product
  let administrator: TestClient
  let accountId = ''
  let browser: Browser
  let tab: Tab
  let device: Device
  let url = ''
  /** A page of another program on this host. */
  let other: Server
  /** What the last log-in by the page sent. */
  let sent = ''

  before(async () => {
    product = new Product({ NIGHTJAR_DESKTOP_DIR: await builtDesktop() })
    await product.start()
    administrator = new TestClient(product.url)
    await administrator.logIn('admin', product.password)
    const mia = { username: 'mia', password, mustChangePassword: false }
    accountId = (await administrator.must<{ id: string }>('POST', 'api/accounts', mia)).id
    url = product.url.replace('127.0.0.1', 'localhost')
    other = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<p>other'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    browser = await openBrowser()
    tab = await openTab(browser)
    device = await plugIn(tab)
    tab.page.on('request', (one) => {
      if (one.method() === 'POST' && one.url().endsWith('api/login/passkey')) sent = one.postData() ?? ''
    })
  })
  after(async () => {
    await browser?.close()
    other?.close()
    await product?.remove()
  })

  const byPasskey = () => tab.page.getByRole('button', { name: 'Log in with a passkey' })
  const onDesktop = () => tab.page.getByRole('navigation', { name: 'Task bar' }).waitFor()
  const credentials = async () =>
    (await device.session.send('WebAuthn.getCredentials', { authenticatorId: device.authenticatorId })).credentials

  async function openDialog(): Promise<void> {
    await tab.page.getByRole('button', { name: 'Account of mia' }).focus()
    await tab.page.keyboard.press('Enter')
    await tab.page.getByRole('menuitem', { name: 'Passkeys…' }).focus()
    await tab.page.keyboard.press('Enter')
    await tab.page.getByRole('dialog', { name: 'Passkeys' }).waitFor()
  }

  async function picture(name: string): Promise<void> {
    if (pictureFolder) await tab.page.screenshot({ path: join(pictureFolder, `${name}.png`) })
  }

  /** The look of what is open in both themes and at a phone's width, and what axe finds in it. */
  async function look(name: string, path: string[]): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await tab.page.emulateMedia({ colorScheme })
      await picture(`${name}-${colorScheme}`)
      assert.deepEqual(await axeFindings(tab.page, path), [])
    }
    await tab.page.setViewportSize({ width: 390, height: 780 })
    await picture(`${name}-phone`)
    const isWide = await tab.page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
    assert.equal(isWide, false)
    await tab.page.setViewportSize({ width: 1440, height: 900 })
    await tab.page.emulateMedia({ colorScheme: 'light' })
  }

  async function logOut(): Promise<void> {
    await tab.context.clearCookies()
    await tab.page.goto(url)
    await byPasskey().waitFor()
  }

  /** A client that asked to log in, as a page at the origin would. */
  async function asking(origin: string): Promise<{ client: TestClient; request: PasskeyRequest }> {
    const client = new TestClient(url)
    client.headers = { origin }
    const request = await client.must<PasskeyRequest>('POST', 'api/login/passkey/options')
    return { client, request }
  }

  it('are offered at a name, and not at an address', async () => {
    await tab.page.goto(product.url)
    await tab.page.getByLabel('User name').waitFor()
    assert.equal(await byPasskey().count(), 0)

    await tab.page.goto(url)

    await byPasskey().waitFor()
    await look('log-in', ['nj-login'])
  })

  it('are made at one’s own account by the keyboard, with the password', async () => {
    const { page } = tab
    await page.getByLabel('User name').fill('mia')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.keyboard.press('Enter')
    await onDesktop()
    await openDialog()
    await page.getByText('You have no passkeys yet.').waitFor()

    const name = page.getByLabel('Name')
    await name.focus()
    await page.keyboard.type('Phone')
    await page.keyboard.press('Tab')
    await page.keyboard.type('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('Password: is wrong').waitFor()
    await page.keyboard.press('Control+a')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')

    await page.getByText('not used yet').waitFor()
    assert.equal((await credentials()).length, 1)
    await look('passkeys', ['nj-desktop', 'nj-passkeys'])
  })

  it('log in alone, by the keyboard, and tell when', async () => {
    const { page } = tab
    await logOut()

    await byPasskey().focus()
    await page.keyboard.press('Enter')

    await onDesktop()
    await openDialog()
    await page.getByText('last used').waitFor()
  })

  it('are given another name', async () => {
    const { page } = tab
    await page.getByRole('button', { name: 'Rename Phone' }).focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Control+a')
    await page.keyboard.type('Old phone')
    await page.keyboard.press('Enter')

    await page.getByRole('button', { name: 'Rename Old phone' }).waitFor()
    const back = await page.evaluate(() => {
      let at = document.activeElement
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
      return at?.getAttribute('aria-label')
    })
    assert.equal(back, 'Rename Old phone')
  })

  it('do not take an answer twice', async () => {
    const cookies = (await tab.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
    const client = new TestClient(url)
    client.cookie = cookies
    client.headers = { origin: new URL(url).origin }

    const answer = await client.post<FailureBody>('api/login/passkey', sent)

    assert.equal(answer.status, 401)
    assert.equal(answer.body.message, 'this passkey is not known here, or its answer was not right')
  })

  it('take an answer from the browser that asked alone', async () => {
    const { client, request } = await asking(new URL(url).origin)
    const signed = await sign(tab.page, url, request)
    const thief = new TestClient(url)
    thief.headers = client.headers

    const stolen = await thief.post('api/login/passkey', signed)
    const own = await client.post('api/login/passkey', signed)

    assert.deepEqual([stolen.status, own.status], [401, 200])
  })

  it('take no answer that a page of another program on this host got', async () => {
    const { port } = other.address() as AddressInfo
    for (const origin of [new URL(url).origin, `http://localhost:${port}`]) {
      const { client, request } = await asking(origin)
      const signed = await sign(tab.page, `http://localhost:${port}/`, request)

      const answer = await client.post('api/login/passkey', signed)

      assert.equal(answer.status, 401, origin)
    }
  })

  it('are asked for by pages of this server alone', async () => {
    for (const origin of ['http://evil.example', 'https://127.0.0.1', 'null']) {
      const client = new TestClient(product.url)
      client.headers = { origin }

      const answer = await client.post<FailureBody>('api/login/passkey/options')

      assert.deepEqual([answer.status, answer.body.kind], [403, 'forbidden'], origin)
    }
  })

  it('are refused where the account is disabled, and say so to whoever has one', async () => {
    await administrator.must('PATCH', `api/accounts/${accountId}`, { isEnabled: false })
    await logOut()

    await byPasskey().click()

    await tab.page.getByRole('alert').getByText('This account is disabled').waitFor()
    await administrator.must('PATCH', `api/accounts/${accountId}`, { isEnabled: true })
  })

  it('are not used where the device does not know its owner', async () => {
    const { session, authenticatorId } = device
    await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })

    await byPasskey().click()

    await tab.page.getByRole('alert').getByText('No passkey was used').waitFor()
    await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })
  })

  it('are refused where their count went back, which is logged', async () => {
    const { session, authenticatorId } = device
    const [one] = await credentials()
    await session.send('WebAuthn.removeCredential', { authenticatorId, credentialId: one!.credentialId })
    await session.send('WebAuthn.addCredential', { authenticatorId, credential: { ...one!, signCount: 0 } })

    await byPasskey().click()

    await tab.page.getByRole('alert').getByText('not known here, or its answer was not right').waitFor()
    await until('the log to tell of it', async () => {
      const entries = await administrator.must<LogEntry[]>('GET', 'api/logs?kind=connection')
      return entries.some(({ message }) => /passkey of mia: its count went from \d+ to 1/.test(message)) || undefined
    })
    await session.send('WebAuthn.removeCredential', { authenticatorId, credentialId: one!.credentialId })
    await session.send('WebAuthn.addCredential', { authenticatorId, credential: one! })
  })

  it('log in no more once they were removed, while the password does', async () => {
    const { page } = tab
    // The answers that were refused have moved the device's count, not the server's.
    await byPasskey().click()
    await onDesktop()
    await openDialog()
    await page.getByRole('button', { name: 'Remove Old phone' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('It will no longer log you in.').waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('You have no passkeys yet.').waitFor()
    await page.keyboard.press('Escape')
    await logOut()

    await byPasskey().click()

    await page.getByRole('alert').getByText('not known here').waitFor()
    assert.equal((await new TestClient(product.url).logIn('mia', password)).status, 200)
  })

  it('are removed by an administrator for somebody whose device is lost', async () => {
    const { page } = tab
    await page.getByLabel('User name').fill('mia')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.keyboard.press('Enter')
    await onDesktop()
    await openDialog()
    await page.getByLabel('Name').fill('Key')
    await page.getByLabel('Current password').fill(password)
    await page.keyboard.press('Enter')
    await page.getByText('not used yet').waitFor()

    await administrator.must('DELETE', `api/accounts/${accountId}/passkeys`)

    const list = await page.evaluate(async () => (await fetch('api/account/passkeys')).json() as Promise<Passkey[]>)
    assert.deepEqual(list, [])
  })

  it('leave a password that an administrator set to be changed on the way back in, with what is open kept', async () => {
    const { page } = tab
    await page.keyboard.press('Escape')
    await page.getByRole('navigation', { name: 'Shortcuts' }).getByRole('button', { name: 'Live View' }).click()
    await page.getByRole('dialog', { name: 'Live View' }).waitFor()
    await administrator.must('POST', `api/accounts/${accountId}/password`, { password, mustChangePassword: true })
    await page.getByLabel(/Password of mia/).fill(password)
    await page.keyboard.press('Enter')

    await page.getByText('must be changed before you can go on').waitFor()
    assert.equal(await page.locator('nj-desktop[inert]').count(), 1)
    await picture('password-ran-out')
    await page.getByLabel('Current password').fill(password)
    await page.getByLabel('New password', { exact: true }).fill('battery staple')
    await page.getByLabel('New password again').fill('battery staple')
    await page.keyboard.press('Enter')

    await page.getByRole('dialog', { name: 'Live View' }).waitFor()
    await until('the desktop to be in use again', async () => (await page.locator('nj-desktop[inert]').count()) === 0)
  })
})

// A whole server on a simulated NAS.

import { readConfig } from '../../../server/config.ts'
import { createQtsHost } from '../../../server/host/qts/qts-host.ts'
import { resetAdministratorOf } from '../../../server/start.ts'
import { startTestApp, type TestApp, type TestAppOptions } from '../test-app.ts'
import type { TestClient } from '../test-client.ts'
import { silentLogger } from '../test-database.ts'
import { makeTestFolder } from '../test-folder.ts'
import type { NasAccount } from './nas-state.ts'
import { nasAccounts, SimulatedNas } from './simulated-nas.ts'

export class NasApp {
  readonly nas: SimulatedNas
  readonly test: TestApp

  private constructor(nas: SimulatedNas, test: TestApp) {
    this.nas = nas
    this.test = test
  }

  /** `isStrict`: whether its getcfg minds capitals and fails where it gives a default. */
  static async start(options: TestAppOptions = {}, isStrict = true): Promise<NasApp> {
    const nas = await SimulatedNas.start(makeTestFolder())
    nas.state.change((extra) => {
      extra.isStrict = isStrict
    })
    const { root, baseUrl } = nas
    const host = createQtsHost({ root, baseUrls: [baseUrl], timeoutMs: 1200, patienceMs: 300, nowMs: Date.now })
    return new NasApp(nas, await startTestApp({ host, ...options }))
  }

  async close(): Promise<void> {
    await this.test.close()
    await this.nas.close()
  }

  /** Logged in as the administrator of the NAS. */
  async administrator(): Promise<TestClient> {
    return this.loggedIn('admin', nasAccounts.admin.password)
  }

  async loggedIn(username: string, password: string): Promise<TestClient> {
    const client = this.test.client()
    const { status, body } = await client.logIn(username, password)
    if (status !== 200) throw new Error(`log in: ${status} ${JSON.stringify(body)}`)
    return client
  }

  /** What `nightjar.sh reset-admin` does; gives the one-time password. */
  resetAdministrator(): Promise<string> {
    const config = readConfig({ NIGHTJAR_DATA_DIR: `${this.test.folder}/data` })
    return resetAdministratorOf(config, silentLogger)
  }

  /** Adds an account to the NAS behind the server's back, or changes one. */
  setAccount(name: string, change: Partial<NasAccount>, id?: number): void {
    const { state } = this.nas
    const rows = state.rows('passwd')
    if (!name.includes('+') && !rows.some(([one]) => one === name)) {
      state.writeRows('passwd', [
        ...rows,
        [name, 'x', String(id), '100', 'Linux User,,,', `/share/homes/${name}`, '/bin/sh'],
      ])
    }
    state.change((extra) => {
      extra.accounts[name] = Object.assign({ password: `${name}-secret` }, extra.accounts[name], change)
    })
  }

  /** Removes one behind the server's back. */
  removeAccount(name: string): void {
    const { state } = this.nas
    state.writeRows(
      'passwd',
      state.rows('passwd').filter(([one]) => one !== name),
    )
    state.change((extra) => {
      delete extra.accounts[name]
    })
  }
}

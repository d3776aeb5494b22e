// Starts the server with its real parts, as long as it takes.
import { AccountPolicies } from './account/account-policy.ts'
import { AccountService } from './account/account-service.ts'
import { AccountStore } from './account/account-store.ts'
import { PasskeyStore } from './account/passkey-store.ts'
import { SecondFactorStore } from './account/second-factor-store.ts'
import { type App, openDatabases, startApp } from './app.ts'
import { systemClock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import { persist } from './base/persist.ts'
import type { CameraTests } from './camera/camera-routes.ts'
import { probeOnvif } from './camera/onvif.ts'
import type { Config } from './config.ts'
import { isDatabaseAway } from './db/database.ts'
import { SettingStore } from './db/setting-store.ts'
import { SessionStore } from './http/session.ts'
import type { RecorderClient } from './recording/recorder-client.ts'
import { testConnection } from './stream/connection-test.ts'
import type { ServiceWish } from './system/power-service.ts'

/** Tries of cameras, over the network. */
export const cameraTests: CameraTests = {
  testConnection: (address, signal) => testConnection(address, { signal }),
  probeOnvif: (request, signal) => probeOnvif(request, { signal }),
}

/** Starts the server once its databases answer: recording does not need us, so we wait for them as long as it takes. */
export async function startPatiently(
  config: Config,
  logger: Logger,
  recorder: RecorderClient,
  onServiceWish: (wish: ServiceWish) => void,
): Promise<App> {
  const plan = {
    firstMs: 500,
    longestMs: 10_000,
    isWorthwhile: isDatabaseAway,
    onFailed: (error: unknown) => logger.warn({ err: error }, 'the database does not answer; trying again'),
  }
  return await persist(plan, () => startApp({ config, logger, tests: cameraTests, recorder, onServiceWish }))
}

/** Gives the administrator a new one-time password without a second step or passkeys, and ends all sessions of theirs. */
export async function resetAdministratorOf(config: Config, logger: Logger): Promise<string> {
  const { settings, index } = await openDatabases(config, logger)
  try {
    const accounts = new AccountStore(settings)
    const service = new AccountService(accounts, await AccountPolicies.open(new SettingStore(settings)), systemClock)
    const password = await service.resetAdministrator()
    const sessions = new SessionStore(settings, logger)
    const account = await accounts.getByUsername('admin')
    if (account !== undefined) {
      await sessions.endSessionsOf(account.id)
      await new SecondFactorStore(settings).remove(account.id)
      // Whoever made them may be whom the reset is to keep out.
      await new PasskeyStore(settings).removeAllOf(account.id)
    }
    sessions.stop()
    return password
  } finally {
    await index.close()
    await settings.close()
  }
}

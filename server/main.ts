// Reads the environment, starts the server, stops it on SIGTERM. `--reset-admin` makes a new one-time password instead.
import { join } from 'node:path'
import { AccountService } from './account/account-service.ts'
import { AccountStore } from './account/account-store.ts'
import { openDatabases, startApp } from './app.ts'
import { systemClock } from './base/clock.ts'
import { createLogger, type Logger } from './base/logger.ts'
import { persist } from './base/persist.ts'
import type { CameraTests } from './camera/camera-routes.ts'
import { probeOnvif } from './camera/onvif.ts'
import { type Config, readConfig } from './config.ts'
import { isDatabaseAway } from './db/database.ts'
import { SessionStore } from './http/session.ts'
import { RecorderClient } from './recording/recorder-client.ts'
import { testConnection } from './stream/connection-test.ts'
import { version } from './version.ts'

const cameraTests: CameraTests = {
  testConnection: (address, signal) => testConnection(address, { signal }),
  probeOnvif: (request, signal) => probeOnvif(request, { signal }),
}

const databasePlan = (logger: Logger) => ({
  firstMs: 500,
  longestMs: 10_000,
  isWorthwhile: isDatabaseAway,
  onFailed: (error: unknown) => logger.warn({ err: error }, 'the database does not answer; trying again'),
})

async function serve(config: Config, logger: Logger): Promise<void> {
  // Recording does not need us: we wait for the database as long as it takes.
  const app = await persist(databasePlan(logger), () =>
    startApp({
      config,
      logger,
      tests: cameraTests,
      recorder: new RecorderClient({
        dataDir: config.dataDir,
        recorderMain: join(import.meta.dirname, 'recorder-main.ts'),
        serverVersion: version,
        logLevel: config.logLevel,
        logger,
      }),
    }),
  )
  if (app.firstPassword !== undefined) printPassword(app.firstPassword)
  console.log(`Nightjar is at ${app.url}`)
  let isStopping = false
  const stop = async () => {
    if (isStopping) return
    isStopping = true
    await app.close()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

async function resetAdministrator(config: Config, logger: Logger): Promise<void> {
  const { settings, index } = await openDatabases(config, logger)
  try {
    const accounts = new AccountStore(settings)
    const service = new AccountService(accounts, systemClock)
    const password = await service.resetAdministrator()
    const sessions = new SessionStore(settings, logger)
    const account = await accounts.getByUsername('admin')
    if (account !== undefined) await sessions.endSessionsOf(account.id)
    sessions.stop()
    printPassword(password)
  } finally {
    await index.close()
    await settings.close()
  }
}

/** Shown once, here, and nowhere kept. */
function printPassword(password: string): void {
  console.log(`Nightjar first login: user admin, password ${password}`)
}

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const logger = createLogger('server', config.logLevel)
  for (const key of config.unknownKeys) logger.warn({ key }, 'no such setting')
  if (process.argv.includes('--reset-admin')) await resetAdministrator(config, logger)
  else await serve(config, logger)
}

// What nobody awaited is a bug, but none that should cost every viewer their pictures.
process.on('unhandledRejection', (error) => console.error('Nightjar: nobody awaited this failure', error))

main().catch((error: Error) => {
  console.error(`Nightjar cannot start: ${error.message}`)
  process.exit(1)
})

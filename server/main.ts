// Reads the environment, starts the server, stops it on SIGTERM. `--reset-admin` makes a new one-time password instead,
// `--remove-all-data` removes settings, index and footage, `--version` only tells which one it is.
//
// What the server is made of is loaded once a recorder has been started: cameras wait for nothing else.
import { fstatSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger, type Logger } from './base/logger.ts'
import { type Config, readConfig } from './config.ts'
import { RecorderClient } from './recording/recorder-client.ts'
import type { ServiceWish } from './system/power-service.ts'
import { version } from './version.ts'

async function serve(config: Config, logger: Logger): Promise<void> {
  const recorder = new RecorderClient({
    dataDir: config.dataDir,
    nodePath: config.nodePath,
    recorderMain: config.keepsRecorder ? join(import.meta.dirname, 'recorder-main.ts') : undefined,
    serverVersion: version,
    logLevel: config.logLevel,
    logger,
  })
  await recorder.startEarly()
  const { startPatiently } = await import('./start.ts')
  const app = await startPatiently(config, logger, recorder, (wish) => void end(wish))
  if (app.firstPassword !== undefined) printPassword(app.firstPassword)
  if (app.httpsUrl !== undefined) console.log(`Nightjar under TLS: ${app.httpsUrl}`)
  console.log(`Nightjar is at ${app.url}`)
  let isStopping = false
  const end = async (wish: ServiceWish) => {
    if (isStopping) return
    isStopping = true
    await app.close()
    if (wish === 'remove-data') await removeAllData(config, logger).catch(giveUp)
    if (wish !== 'restart') process.exit(0)
    // Within this process, whose number is what whoever started it knows it by.
    stopNow = () => process.exit(0)
    await serve(config, logger).catch(giveUp)
  }
  stopNow = () => void end('stop')
}

/** Ends what runs now. */
let stopNow: () => void = () => process.exit(0)
process.on('SIGTERM', () => stopNow())
process.on('SIGINT', () => stopNow())

async function resetAdministrator(config: Config, logger: Logger): Promise<void> {
  const { resetAdministratorOf } = await import('./start.ts')
  printPassword(await resetAdministratorOf(config, logger))
}

/** The recorder must have ended: the service script sees to it, or the server itself. */
async function removeAllData(config: Config, logger: Logger): Promise<void> {
  const { removeAllDataOf } = await import('./remove-data.ts')
  for (const { name, folder, isRemoved, finding } of await removeAllDataOf(config, logger)) {
    console.log(
      `Nightjar ${isRemoved ? 'removed' : 'left alone'} recording space ${name}, ${folder}${finding ? `: ${finding}` : ''}`,
    )
  }
  console.log(`Nightjar removed its settings, accounts and index; what else is in ${config.dataDir} stays`)
}

/** Shown once, here, and nowhere kept: the journal, which would keep it, is not told. */
function printPassword(password: string): void {
  const shown = isJournalled() ? '(not shown in a log; `nightjar reset-admin` gives another)' : password
  console.log(`Nightjar first login: user admin, password ${shown}`)
}

/** Whether standard output goes to the journal: systemd tells its device and inode (systemd.exec(5), JOURNAL_STREAM). */
function isJournalled(): boolean {
  const { dev, ino } = fstatSync(1)
  return process.env['JOURNAL_STREAM'] === `${dev}:${ino}`
}

async function main(): Promise<void> {
  if (process.argv.includes('--version')) {
    console.log(version)
    return
  }
  const config = readConfig(process.env)
  const logger = createLogger('server', config.logLevel)
  for (const key of config.unknownKeys) logger.warn({ key }, 'no such setting')
  if (process.argv.includes('--reset-admin')) await resetAdministrator(config, logger)
  else if (process.argv.includes('--remove-all-data')) await removeAllData(config, logger)
  else await serve(config, logger)
}

// What nobody awaited is a bug, but none that should cost every viewer their pictures.
process.on('unhandledRejection', (error) => console.error('Nightjar: nobody awaited this failure', error))

function giveUp(error: Error): void {
  console.error(`Nightjar cannot start: ${error.message}`)
  process.exit(1)
}

main().catch(giveUp)

// The server as it is deployed, for benches of what it answers: without a recorder, or with one where `--recorder` is
// given. `ServerProcess` starts it, and may ask it how late its own thread is.
import path from 'node:path'
import { createLogger } from '../../server/base/logger.ts'
import { readConfig } from '../../server/config.ts'
import { RecorderClient } from '../../server/recording/recorder-client.ts'
import { version } from '../../server/version.ts'
import { type LoopDelayOrder, measureLoopDelay } from './server/loop-delay.ts'

const logLevel = 'warn'
const config = readConfig(process.env)
const logger = createLogger('server', logLevel)
const recorder = new RecorderClient({
  dataDir: config.dataDir,
  recorderMain: path.join(import.meta.dirname, '../../server/recorder-main.ts'),
  serverVersion: version,
  logLevel,
  logger,
})
const hasRecorder = process.argv.includes('--recorder')
// In the order of `server/main.ts`.
if (hasRecorder) await recorder.startEarly()
const { cameraTests } = await import('../../server/start.ts')
const { startApp } = await import('../../server/app.ts')
const app = await startApp({ config, logger, tests: cameraTests, ...(hasRecorder ? { recorder } : {}) })
process.on('SIGTERM', async () => {
  await app.close()
  process.exit(0)
})
process.on('message', async ({ seconds }: LoopDelayOrder) => {
  process.send?.(await measureLoopDelay(seconds))
})
process.send?.({ url: app.url, password: app.firstPassword })

// The server as it is deployed, for benches of what it answers: without a recorder, or with one where `--recorder` is
// given. `ServerProcess` starts it, and may ask it how late its own thread is.
import path from 'node:path'
import { startApp } from '../../server/app.ts'
import { createLogger } from '../../server/base/logger.ts'
import { probeOnvif } from '../../server/camera/onvif.ts'
import { readConfig } from '../../server/config.ts'
import { RecorderClient } from '../../server/recording/recorder-client.ts'
import { testConnection } from '../../server/stream/connection-test.ts'
import { version } from '../../server/version.ts'
import { type LoopDelayOrder, measureLoopDelay } from './server/loop-delay.ts'

const logLevel = 'warn'
const config = readConfig(process.env)
const logger = createLogger('server', logLevel)
const app = await startApp({
  config,
  logger,
  tests: {
    testConnection: (address, signal) => testConnection(address, { signal }),
    probeOnvif: (request, signal) => probeOnvif(request, { signal }),
  },
  ...(process.argv.includes('--recorder')
    ? {
        recorder: new RecorderClient({
          dataDir: config.dataDir,
          recorderMain: path.join(import.meta.dirname, '../../server/recorder-main.ts'),
          serverVersion: version,
          logLevel,
          logger,
        }),
      }
    : {}),
})
process.on('SIGTERM', async () => {
  await app.close()
  process.exit(0)
})
process.on('message', async ({ seconds }: LoopDelayOrder) => {
  process.send?.(await measureLoopDelay(seconds))
})
process.send?.({ url: app.url, password: app.firstPassword })

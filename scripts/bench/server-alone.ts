// The server as it is deployed, but without a recorder: for benches of what it answers. `ServerProcess` starts it.
import { startApp } from '../../server/app.ts'
import { createLogger } from '../../server/base/logger.ts'
import { probeOnvif } from '../../server/camera/onvif.ts'
import { readConfig } from '../../server/config.ts'
import { testConnection } from '../../server/stream/connection-test.ts'

const app = await startApp({
  config: readConfig(process.env),
  logger: createLogger('server', 'warn'),
  tests: {
    testConnection: (address, signal) => testConnection(address, { signal }),
    probeOnvif: (request, signal) => probeOnvif(request, { signal }),
  },
})
process.on('SIGTERM', async () => {
  await app.close()
  process.exit(0)
})
process.send?.({ url: app.url, password: app.firstPassword })

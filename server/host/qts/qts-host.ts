// A NAS, as QTS answers for it.
import type { Host } from '../host.ts'
import { MachineFiles } from '../machine-files.ts'
import { ToolRunner } from '../tool-runner.ts'
import { QtsAccounts } from './qts-account.ts'
import { QtsConfig } from './qts-config.ts'
import { QtsDirectory } from './qts-directory.ts'
import { QtsEventLog } from './qts-event-log.ts'
import { QtsHttp } from './qts-http.ts'
import { QtsIdentity } from './qts-identity.ts'
import { QtsLogin } from './qts-login.ts'
import { QtsPower } from './qts-power.ts'
import { QtsShares } from './qts-share.ts'
import { QtsVolumes } from './qts-volume.ts'
import { QtsWallClock } from './qts-wall-clock.ts'
import { QtsWebAccess } from './qts-web-access.ts'
import { defaultPatienceMs } from './read-back.ts'

export interface QtsHostOptions {
  /** Where the machine's file tree is; default `/`. */
  root?: string
  /** Where its web server is; default the ports of its settings, at 127.0.0.1. */
  baseUrls?: string[]
  /** Milliseconds a request may take. */
  timeoutMs?: number
  /** Milliseconds a change is looked for. */
  patienceMs?: number
  nowMs: () => number
}

export function createQtsHost(options: QtsHostOptions): Host {
  const { root = '/', baseUrls, patienceMs = defaultPatienceMs, nowMs } = options
  const files = new MachineFiles(root)
  const tools = new ToolRunner({ root })
  const config = new QtsConfig(tools, files)
  const webAccess = new QtsWebAccess(config, files)
  const http = new QtsHttp({
    baseUrls: async () => baseUrls ?? webAccess.baseUrls(),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  })
  const logins = new QtsLogin(http, tools, nowMs)
  const directory = new QtsDirectory(files, tools, http)
  return {
    kind: 'qts',
    identity: new QtsIdentity({ config, tools, files, http, architecture: process.arch }),
    volumes: new QtsVolumes(tools, files, http),
    shares: new QtsShares(files, http, patienceMs),
    accounts: new QtsAccounts({ directory, http, logins, patienceMs }),
    logins,
    eventLog: new QtsEventLog(tools),
    power: new QtsPower(tools, http),
    webAccess,
    wallClock: new QtsWallClock(config, tools, files),
  }
}

// A Linux machine that is no NAS we know.
import type { Host } from '../host.ts'
import { MachineFiles } from '../machine-files.ts'
import { ToolRunner } from '../tool-runner.ts'
import { LinuxAccounts } from './linux-account.ts'
import { LinuxEventLog } from './linux-event-log.ts'
import { LinuxIdentity } from './linux-identity.ts'
import { LinuxLogin } from './linux-login.ts'
import { LinuxPower } from './linux-power.ts'
import { LinuxShares } from './linux-share.ts'
import { LinuxVolumes } from './linux-volume.ts'
import { LinuxWallClock } from './linux-wall-clock.ts'
import { LinuxWebAccess } from './linux-web-access.ts'
import { RootClient } from './root-client.ts'
import { rootDoorPath } from './root-protocol.ts'

export interface LinuxHostOptions {
  /** Where the machine's file tree is; default `/`. */
  root?: string
  /** How root is asked; default the door the service keeps. */
  rootClient?: RootClient
}

export function createLinuxHost(options: LinuxHostOptions = {}): Host {
  const { root = '/', rootClient = new RootClient(rootDoorPath) } = options
  const files = new MachineFiles(root)
  const tools = new ToolRunner({ root })
  return {
    kind: 'linux',
    identity: new LinuxIdentity(files, process.arch),
    volumes: new LinuxVolumes(tools, files, rootClient),
    shares: new LinuxShares(files),
    accounts: new LinuxAccounts(files),
    logins: new LinuxLogin(),
    eventLog: new LinuxEventLog(tools),
    power: new LinuxPower(rootClient),
    webAccess: new LinuxWebAccess(),
    wallClock: new LinuxWallClock(tools, files, rootClient),
  }
}

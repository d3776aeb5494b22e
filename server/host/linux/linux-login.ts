// Linux accounts do not log in here: Nightjar's own do. Only root could check a password, past all that PAM asks for.
import { type Finding, found } from '../finding.ts'
import type { HostLoginOutcome, LoginPart } from '../login.ts'

export class LinuxLogin implements LoginPart {
  async verify(): Promise<HostLoginOutcome> {
    return { kind: 'unreachable', reason: 'logging in with accounts of the machine is not available here' }
  }

  async isAlive(): Promise<Finding<boolean>> {
    return found(false)
  }

  async end(): Promise<Finding<undefined>> {
    return found(undefined)
  }
}

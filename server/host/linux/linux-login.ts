// Linux accounts do not log in here: Nightjar's own do. Only root could check a password, past all that PAM asks for.
import { type Finding, found, lack } from '../finding.ts'
import type { HostLoginOutcome, LoginPart, ResumedLogin } from '../login.ts'

export class LinuxLogin implements LoginPart {
  async verify(): Promise<HostLoginOutcome> {
    return { kind: 'unreachable', reason: 'logging in with accounts of the machine is not available here' }
  }

  async isAlive(): Promise<Finding<boolean>> {
    return found(false)
  }

  async resume(): Promise<Finding<ResumedLogin | undefined>> {
    return lack('not-available', 'resume login: this machine has no desktop of its own that people log in to')
  }

  async end(): Promise<Finding<undefined>> {
    return found(undefined)
  }
}

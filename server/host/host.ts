// What we ask of the machine under us. Two answer: qts/ on a NAS, linux/ anywhere else; choose-host.ts picks.
import type { AccountPart } from './account.ts'
import type { EventLogPart } from './event-log.ts'
import type { IdentityPart } from './identity.ts'
import type { LoginPart } from './login.ts'
import type { PowerPart } from './power.ts'
import type { SharePart } from './share.ts'
import type { VolumePart } from './volume.ts'
import type { WallClockPart } from './wall-clock.ts'
import type { WebAccessPart } from './web-access.ts'

/**
 * The machine. Every call ends within a time limit, and a machine that lacks something or answers oddly is a finding with
 * its reason. Only arguments that no machine would take are a `Failure('invalid')`.
 */
export interface Host {
  readonly kind: 'qts' | 'linux'
  readonly identity: IdentityPart
  readonly volumes: VolumePart
  readonly shares: SharePart
  readonly accounts: AccountPart
  readonly logins: LoginPart
  readonly eventLog: EventLogPart
  readonly power: PowerPart
  readonly webAccess: WebAccessPart
  readonly wallClock: WallClockPart
}

// Logging in with the machine's own accounts.
import type { Finding } from './finding.ts'
import type { HostSession } from './host-session.ts'

export interface HostLoginTry {
  name: string
  password: string
  /** The address of who logs in, not of the proxy before us: the machine bans by it. */
  clientAddress: string
  /** What the browser calls itself; shown in the machine's list of sessions. */
  device?: string | undefined
  /** The second step: the 6 digits of an authenticator, or an emergency code of 8. */
  secondStepCode?: string | undefined
}

export type HostLoginOutcome =
  /** `isSecondStepDone`: the machine asked for a second step, and it was right. */
  | { kind: 'passed'; session: HostSession; mustChangePassword: boolean; isSecondStepDone: boolean }
  /** The password was right. `rescue` is what the machine offers to who has lost the telephone. */
  | { kind: 'needs-second-step'; rescue: 'mail' | 'question' | undefined }
  /** The machine's rules ask for a second step, and this account has none: it must be set up there first. */
  | { kind: 'second-step-not-set-up' }
  | { kind: 'disabled' }
  | { kind: 'expired'; what: 'account' | 'password' }
  /** `code`: the password was right, the second step was not. */
  | { kind: 'wrong'; what: 'password' | 'code' }
  /** Too many tries: the machine will hear no more, for a time or until an administrator acts. */
  | { kind: 'locked-out'; reason: string }
  /** The machine did not say yes or no. */
  | { kind: 'unreachable'; reason: string }

/** What the machine's own desktop left in the browser of who is logged in there. */
export interface HostCookies {
  name: string
  /** The session of that desktop. */
  sessionId?: string | undefined
  /** What stands for the password where the person asked to be remembered. */
  rememberToken?: string | undefined
}

export interface ResumedLogin {
  session: HostSession
  /** True where a session was opened for us, which is ours to end; else it is the desktop's own. */
  isOpenedHere: boolean
}

export interface LoginPart {
  /**
   * Asks the machine; never throws. Tries are counted by who calls, before calling: a machine that bans addresses would
   * else ban its own.
   */
  verify(attempt: HostLoginTry): Promise<HostLoginOutcome>
  /** Whether the machine still knows a session. */
  isAlive(session: HostSession): Promise<Finding<boolean>>
  /**
   * Whose login at the machine's own desktop it is; undefined where the machine does not know it, or it is another's than
   * `name`. Tries are counted by who calls.
   */
  resume(cookies: HostCookies): Promise<Finding<ResumedLogin | undefined>>
  /** Logs out. A session that is gone already is no lack. */
  end(session: HostSession): Promise<Finding<undefined>>
}

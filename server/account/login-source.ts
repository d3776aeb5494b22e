// Where passwords are kept: here, or with somebody else who is asked.
import type { AccountSource } from '../../shared/account.ts'
import type { HostSession } from '../host/host-session.ts'
import type { Account } from './account-store.ts'

export interface LoginAttempt {
  username: string
  password: string
  /** The second step: of an authenticator app, or a recovery code. */
  code: string | undefined
  /** Of who logs in, not of a proxy before us. */
  address: string
  /** What the browser says it is. */
  userAgent: string
}

/** What a source says. Only whoever has the right password learns more than that it is wrong. */
export type SourceOutcome =
  /**
   * `isSecondStepDone`: the source asked for its own, so ours is not asked for. `hostSession`: a session that was opened at
   * the machine; who takes the outcome keeps it or ends it.
   */
  | { kind: 'passed'; account: Account; isSecondStepDone: boolean; hostSession?: HostSession }
  /** There is no such name here: the next source is asked. */
  | { kind: 'unknown' }
  | { kind: 'wrong' | 'disabled' | 'code-needed' | 'code-wrong' }
  /** Right, and refused for a reason that only its own place can mend; `reason` is a sentence for who logs in. */
  | { kind: 'refused'; reason: string }
  /** It did not say yes or no. The next source is asked. */
  | { kind: 'unreachable'; reason: string }

/** One place that keeps passwords. Never throws for an odd answer: that is `unreachable`, with its reason. */
export interface LoginSource {
  readonly name: AccountSource
  /** False where it is set up for nobody: it is not asked. */
  readonly isOn: boolean
  /** Tries are counted by who calls. */
  verify(attempt: LoginAttempt): Promise<SourceOutcome>
}

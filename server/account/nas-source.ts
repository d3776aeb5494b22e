// The NAS's accounts: it alone checks their passwords.
import type { Host } from '../host/host.ts'
import type { HostLoginOutcome } from '../host/login.ts'
import type { AccountService } from './account-service.ts'
import { administratorName } from './account-service.ts'
import type { LoginAttempt, LoginSource, SourceOutcome } from './login-source.ts'
import type { NasMirror } from './nas-mirror.ts'

export interface NasSourceOptions {
  host: Pick<Host, 'logins'>
  accounts: AccountService
  mirror: NasMirror
}

/** What the NAS takes as a second step. Anything else may be a recovery code of ours. */
const nasCode = /^\d{6}(\d{2})?$/

export function nasSource({ host, accounts, mirror }: NasSourceOptions): LoginSource {
  return {
    name: 'nas',
    isOn: true,
    async verify(attempt) {
      const { username, password, code, address, userAgent } = attempt
      const outcome = await host.logins.verify({
        ...{ name: username, password, clientAddress: address, device: userAgent },
        secondStepCode: code !== undefined && nasCode.test(code) ? code : undefined,
      })
      if (outcome.kind !== 'passed') return refusalOf(outcome, attempt, accounts)
      const { session, mustChangePassword, isSecondStepDone } = outcome
      try {
        const account = await mirror.admit(session, mustChangePassword)
        return { kind: 'passed', account, isSecondStepDone, hostSession: session }
      } catch (error) {
        await host.logins.end(session)
        throw error
      }
    },
  }
}

/**
 * On a NAS only one account is kept here: `admin`, made by `nightjar.sh reset-admin` for when the NAS lets nobody in. It is
 * asked first and says nothing of a wrong password: the NAS may have an `admin` of its own, and is not told of a right one.
 */
export function fallbackSource(accounts: AccountService): LoginSource {
  return {
    name: 'local',
    isOn: true,
    async verify({ username, password }) {
      if (username.toLowerCase() !== administratorName) return { kind: 'unknown' }
      const { account, isRight } = await accounts.verify(username, password)
      return account !== undefined && isRight
        ? { kind: 'passed', account, isSecondStepDone: false }
        : { kind: 'unknown' }
    },
  }
}

async function refusalOf(
  outcome: Exclude<HostLoginOutcome, { kind: 'passed' }>,
  { username, code }: LoginAttempt,
  accounts: AccountService,
): Promise<SourceOutcome> {
  switch (outcome.kind) {
    case 'needs-second-step':
      return { kind: code === undefined ? 'code-needed' : 'code-wrong' }
    case 'second-step-not-set-up':
      return refused('the NAS asks for a second step, and this account has none: set it up at the desktop of the NAS')
    case 'disabled':
      return { kind: 'disabled' }
    case 'expired':
      return outcome.what === 'account'
        ? refused('this account has expired: ask an administrator of the NAS')
        : refused('the password has expired: change it at the desktop of the NAS')
    case 'wrong': {
      if (outcome.what === 'code') return { kind: 'code-wrong' }
      // The NAS says the same of an unknown name: another place may know it.
      const namesake = await accounts.getByUsername(username)
      return { kind: namesake?.source === 'nas' ? 'wrong' : 'unknown' }
    }
    case 'locked-out':
      return refused(`the NAS hears no more tries for now: ${outcome.reason}`)
    case 'unreachable':
      return { kind: 'unreachable', reason: `the NAS did not answer the log-in: ${outcome.reason}` }
  }
}

function refused(reason: string): SourceOutcome {
  return { kind: 'refused', reason }
}

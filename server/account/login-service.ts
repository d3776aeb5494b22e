// One log-in: how often it may be tried, the password, the second step; and what is logged of it.
import type { Request } from 'express'
import type { PassportStatic } from 'passport'
import type { Bus } from '../base/bus.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountService } from './account-service.ts'
import type { LoginLimit } from './login-limit.ts'
import type { SecondFactorService } from './second-factor-service.ts'

/** What came of a log-in. Only whoever has the right password learns more than that it is wrong. */
export type LoginOutcome =
  | { kind: 'passed'; account: Express.User }
  | { kind: 'wrong' | 'disabled' | 'code-needed' | 'code-wrong' }
  /** Too many tries: not looked at. */
  | { kind: 'limited'; waitSec: number }

export interface LoginServiceOptions {
  passport: Pick<PassportStatic, 'authenticate'>
  accounts: AccountService
  secondFactors: SecondFactorService
  limit: LoginLimit
  log: LogService
  bus: Bus
}

const findings = {
  wrong: 'the user name or the password is wrong',
  disabled: 'the account is disabled',
  'code-wrong': 'the code is wrong, or was used already',
}

export class LoginService {
  readonly #options: LoginServiceOptions

  constructor(options: LoginServiceOptions) {
    this.#options = options
  }

  /** Tries to log in whom `request.body` names, `{username, password}`, where passport's strategies look for them. */
  async logIn(request: Request, username: string, code: string | undefined): Promise<LoginOutcome> {
    const { accounts, limit, log, bus } = this.#options
    const address = request.ip ?? ''
    const by = { username, address }
    const refusal = await limit.take(username, address)
    if (refusal !== undefined) {
      const { waitSec } = refusal
      const message = `too many failed log-ins as ${username}: blocked for ${waitSec} s`
      if (refusal.isFirst) log.record({ kind: 'connection', level: 'warning', name: 'login-blocked', message, by })
      return { kind: 'limited', waitSec }
    }
    const outcome = await this.#judge(request, code)
    if (outcome.kind === 'passed') {
      await limit.succeed(username, address)
      await accounts.noteLogin(outcome.account)
      const message = `${outcome.account.username} logged in`
      log.record({ kind: 'connection', level: 'info', name: 'logged-in', message, by })
    } else if (outcome.kind !== 'code-needed' && outcome.kind !== 'limited') {
      const message = `failed to log in as ${username}: ${findings[outcome.kind]}`
      log.record({ kind: 'connection', level: 'warning', name: 'login-failed', message, by })
      bus.emit('login-failed', { username, address })
    }
    return outcome
  }

  async #judge(request: Request, code: string | undefined): Promise<LoginOutcome> {
    const { secondFactors } = this.#options
    const account = await this.#authenticate(request)
    if (account === undefined) return { kind: 'wrong' }
    if (!account.isEnabled) return { kind: 'disabled' }
    if (!(await secondFactors.isOn(account.id))) return { kind: 'passed', account }
    if (code === undefined || code === '') return { kind: 'code-needed' }
    return (await secondFactors.takes(account.id, code)) ? { kind: 'passed', account } : { kind: 'code-wrong' }
  }

  #authenticate(request: Request): Promise<Express.User | undefined> {
    return new Promise((resolve, reject) => {
      const done = (error: unknown, account: Express.User | false | undefined) => {
        if (error) reject(error)
        else resolve(account === false ? undefined : account)
      }
      this.#options.passport.authenticate('local', done)(request, request.res!, reject)
    })
  }
}

// One log-in: how often it may be tried, the password, the second step; and what is logged of it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Request } from 'express'
import type { PassportStatic } from 'passport'
import type { Bus } from '../base/bus.ts'
import type { HostSession } from '../host/host-session.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountService } from './account-service.ts'
import type { Account } from './account-store.ts'
import type { LoginLimit } from './login-limit.ts'
import type { LoginSource, SourceOutcome } from './login-source.ts'
import type { SecondFactorService } from './second-factor-service.ts'

/** What came of a log-in. Only whoever has the right password learns more than that it is wrong. */
export type LoginOutcome =
  /** `hostSession` is the caller's to keep or to end. */
  | { kind: 'passed'; account: Express.User; hostSession?: HostSession }
  | { kind: 'wrong' | 'disabled' | 'code-needed' | 'code-wrong' }
  | { kind: 'refused' | 'unreachable'; reason: string }
  /** Too many tries: not looked at. */
  | { kind: 'limited'; waitSec: number }

export interface LoginServiceOptions {
  passport: Pick<PassportStatic, 'authenticate'>
  /** Asked one after the other, until one knows the name. */
  sources: LoginSource[]
  accounts: AccountService
  secondFactors: SecondFactorService
  limit: LoginLimit
  /** Ends a session at the machine that nobody keeps. */
  endHostSession?: (session: HostSession) => void
  log: LogService
  bus: Bus
}

/**
 * With several sources a wrong log-in is told after so long: how many were asked would else tell where a name is known.
 */
const wrongAfterMs = 1500

export class LoginService {
  readonly #options: LoginServiceOptions

  constructor(options: LoginServiceOptions) {
    this.#options = options
  }

  /** Tries to log in whom `request.body` names, `{username, password, code}`, where passport's strategies look. */
  async logIn(request: Request, username: string): Promise<LoginOutcome> {
    const { limit, log } = this.#options
    const address = request.ip ?? ''
    const refusal = await limit.take(username, address)
    if (refusal !== undefined) {
      const { waitSec } = refusal
      const message = `too many failed log-ins as ${username}: blocked for ${waitSec} s`
      const by = { username, address }
      if (refusal.isFirst) log.record({ kind: 'connection', level: 'warning', name: 'login-blocked', message, by })
      return { kind: 'limited', waitSec }
    }
    const outcome = await this.#evenly(this.#judge(request))
    await this.note(outcome, username, address)
    return outcome
  }

  /** Logs what came of a log-in; one that passed clears the tries that were counted. */
  async note(outcome: LoginOutcome, username: string, address: string): Promise<void> {
    const { accounts, limit, log, bus } = this.#options
    const by = { username, address }
    if (outcome.kind === 'passed') {
      await limit.succeed(username, address)
      await accounts.noteLogin(outcome.account)
      const message = `${outcome.account.username} logged in`
      log.record({ kind: 'connection', level: 'info', name: 'logged-in', message, by })
    }
    const reason = reasonOf(outcome)
    if (reason !== undefined) {
      const message = `failed to log in as ${username}: ${reason}`
      log.record({ kind: 'connection', level: 'warning', name: 'login-failed', message, by })
      bus.emit('login-failed', { username, address })
    }
  }

  /** Whether a password is the account's own: asked again before what is hard to undo. Tries are counted by who calls. */
  async isPasswordOf(account: Account, password: string, address: string): Promise<boolean> {
    const source = this.#options.sources.find(({ name }) => name === account.source)
    const attempt = { username: account.username, password, code: undefined, address, userAgent: '' }
    const outcome = await source?.verify(attempt)
    if (outcome?.kind !== 'passed') return outcome?.kind === 'code-needed'
    if (outcome.hostSession !== undefined) this.#options.endHostSession?.(outcome.hostSession)
    return outcome.account.id === account.id
  }

  async #judge(request: Request): Promise<LoginOutcome> {
    const outcome = await this.#ask(request)
    if (outcome.kind === 'unknown') return { kind: 'wrong' }
    if (outcome.kind !== 'passed') return outcome
    const judged = await this.#admit(outcome, (request.body as { code?: string }).code)
    const { hostSession } = outcome
    if (hostSession === undefined) return judged
    if (judged.kind === 'passed') return { ...judged, hostSession }
    this.#options.endHostSession?.(hostSession)
    return judged
  }

  /** Whose password was right: whether the account is enabled here, and the second step. */
  async #admit(outcome: Extract<SourceOutcome, { kind: 'passed' }>, code: string | undefined): Promise<LoginOutcome> {
    const { accounts, secondFactors } = this.#options
    if (!outcome.account.isEnabled) return { kind: 'disabled' }
    const account = accounts.asUser(outcome.account)
    if (outcome.isSecondStepDone || !(await secondFactors.isOn(account.id))) return { kind: 'passed', account }
    if (code === undefined || code === '') return { kind: 'code-needed' }
    return (await secondFactors.takes(account.id, code)) ? { kind: 'passed', account } : { kind: 'code-wrong' }
  }

  /** What the first source says that knows the name; else that one did not answer, if one did not. */
  async #ask(request: Request): Promise<SourceOutcome> {
    let last: SourceOutcome = { kind: 'unknown' }
    for (const { name } of this.#options.sources.filter(({ isOn }) => isOn)) {
      const outcome = await this.#authenticate(name, request)
      if (outcome.kind === 'unreachable') last = outcome
      else if (outcome.kind !== 'unknown') return outcome
    }
    return last
  }

  async #evenly(judging: Promise<LoginOutcome>): Promise<LoginOutcome> {
    const isOne = this.#options.sources.filter(({ isOn }) => isOn).length === 1
    const floor = isOne ? undefined : sleep(wrongAfterMs, undefined, { ref: false })
    const outcome = await judging
    if (outcome.kind === 'wrong' || outcome.kind === 'unreachable') await floor
    return outcome
  }

  #authenticate(name: string, request: Request): Promise<SourceOutcome> {
    return new Promise((resolve, reject) => {
      const done = (error: unknown, _account: unknown, outcome: SourceOutcome | undefined) => {
        if (error) reject(error)
        // passport's own refusal: a name or a password is missing.
        else resolve(outcome?.kind === undefined ? { kind: 'wrong' } : outcome)
      }
      this.#options.passport.authenticate(name, done)(request, request.res!, reject)
    })
  }
}

/** Why it failed; undefined where it passed, was not looked at, or waits for the second step. */
function reasonOf(outcome: LoginOutcome): string | undefined {
  switch (outcome.kind) {
    case 'wrong':
      return 'the user name or the password is wrong'
    case 'disabled':
      return 'the account is disabled'
    case 'code-wrong':
      return 'the code is wrong, or was used already'
    case 'refused':
    case 'unreachable':
      return outcome.reason
    default:
      return undefined
  }
}

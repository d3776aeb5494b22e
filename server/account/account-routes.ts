// Logging in and out, the session, one's own password and second step.
import { promisify } from 'node:util'
import type { Request, Response } from 'express'
import {
  loginRequest,
  passwordChange,
  passwordConfirmation,
  recoveryCodes,
  type Session,
  secondFactorCode,
  secondFactorOffer,
  secondFactorState,
  session,
} from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import type { HostSession } from '../host/host-session.ts'
import type { Actor } from '../http/guard.ts'
import { nothing, type Route, route } from '../http/router.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountEditor } from './account-editor.ts'
import type { AccountService } from './account-service.ts'
import type { LoginLimit } from './login-limit.ts'
import type { LoginOutcome, LoginService } from './login-service.ts'
import { openLogin } from './open-login.ts'
import { privilegesOf } from './privilege-check.ts'
import type { SecondFactorService } from './second-factor-service.ts'
import type { SessionService } from './session-service.ts'

export interface AccountRoutesOptions {
  accounts: AccountService
  editor: AccountEditor
  secondFactors: SecondFactorService
  sessions: SessionService
  logins: LoginService
  limit: LoginLimit
  log: LogService
  bus: Bus
  clock: Clock
  basePath: string
  /** Takes what a log-in opened at the machine. */
  onLoggedIn?: (sessionId: string, hostSession: HostSession | undefined) => void
  /** Told before a session ends because its owner wants it so. */
  onLoggingOut?: (request: Request) => void
}

export function accountRoutes(options: AccountRoutesOptions): Route[] {
  const { editor, secondFactors, sessions, logins, limit, log, bus, clock, basePath, onLoggedIn, onLoggingOut } =
    options

  return [
    route(
      {
        method: 'post',
        path: 'api/login',
        body: loginRequest,
        answer: session,
        privilege: 'public',
        summary: 'Logs in. The answer sets the session cookie and holds the token for changes.',
        description:
          'Fails `unauthenticated` on a wrong name or password; at `code` where the password was right and a code of the ' +
          'authenticator app is needed, or was wrong; `forbidden` where the account is disabled; `rate-limited` with ' +
          '`Retry-After` after too many tries.',
      },
      async ({ request, response, body }) => {
        const outcome = await logins.logIn(request, body.username)
        if (outcome.kind !== 'passed') throw failureOf(outcome, response)
        const { account } = outcome
        await openLogin(request, account, { clock, basePath })
        onLoggedIn?.(request.sessionID, outcome.hostSession)
        return sessionOf(account, request, editor)
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/logout',
        answer: nothing,
        privilege: 'account.self',
        summary: 'Ends this session, and closes its WebSockets.',
      },
      async ({ actor, request }) => {
        onLoggingOut?.(request)
        await promisify(request.logout.bind(request) as (done: (error?: unknown) => void) => void)()
        await promisify(request.session.destroy.bind(request.session) as (done: (error?: unknown) => void) => void)()
        bus.emit('session-ended', { sessionId: actor.sessionId })
        log.record({
          kind: 'connection',
          level: 'info',
          name: 'logged-out',
          message: `${actor.username} logged out`,
          by: actor,
        })
      },
    ),
    route(
      {
        method: 'get',
        path: 'api/session',
        answer: session,
        privilege: 'account.self',
        summary: 'Who is logged in, and the token for changes. 401 where nobody is.',
      },
      async ({ request }) => sessionOf(request.user!, request, editor),
    ),
    route(
      {
        method: 'post',
        path: 'api/account/password',
        body: passwordChange,
        answer: nothing,
        privilege: 'account.self',
        summary: 'Changes one’s own password. All other sessions of the account end.',
        description: 'Fails `invalid` at `current` where that is not the password now; `rate-limited` as a login does.',
      },
      async ({ actor, body, response }) => {
        await takeTry(options, actor, response)
        await editor.changePassword(actor, body.current, body.next)
        await limit.succeed(actor.username, actor.address)
        await sessions.endAllOf(actor.accountId, actor.sessionId)
        log.record({
          kind: 'setting',
          level: 'info',
          name: 'password-changed',
          message: `${actor.username} changed the password; other sessions were ended`,
          by: actor,
        })
      },
    ),
    route(
      {
        method: 'get',
        path: 'api/account/second-factor',
        answer: secondFactorState,
        privilege: 'account.self',
        summary: 'Whether one’s own log-in has a second step, and how many recovery codes are left.',
      },
      async ({ actor }) => ({
        isOn: await secondFactors.isOn(actor.accountId),
        recoveryCodesLeft: await secondFactors.recoveryCodesLeft(actor.accountId),
      }),
    ),
    route(
      {
        method: 'post',
        path: 'api/account/second-factor/offer',
        body: passwordConfirmation,
        answer: secondFactorOffer,
        privilege: 'account.self',
        summary: 'Makes a secret for an authenticator app. It counts once a code of it was confirmed.',
        description: 'Fails `invalid` at `password` where it is wrong, `conflict` where the second step is on already.',
      },
      async ({ actor, body, response }) => {
        await mustBeOwn(options, actor, body.password, response)
        return secondFactors.offer(actor.accountId, actor.username)
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/account/second-factor/confirm',
        body: secondFactorCode,
        answer: recoveryCodes,
        privilege: 'account.self',
        summary: 'Turns the second step on. The answer holds the recovery codes, which are shown this once.',
        description: 'Fails `invalid` at `code` where it is wrong, `conflict` where no secret was asked for.',
      },
      async ({ actor, body }) => {
        const codes = await secondFactors.confirm(actor.accountId, body.code)
        await sessions.endAllOf(actor.accountId, actor.sessionId)
        noteSecondFactor(options, actor, 'turned the second step of the log-in on')
        return { recoveryCodes: codes }
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/account/second-factor/off',
        body: passwordConfirmation,
        answer: nothing,
        privilege: 'account.self',
        summary: 'Turns one’s own second step off.',
        description: 'Fails `invalid` at `password` where it is wrong; `rate-limited` as a login does.',
      },
      async ({ actor, body, response }) => {
        await mustBeOwn(options, actor, body.password, response)
        await secondFactors.remove(actor.accountId)
        noteSecondFactor(options, actor, 'turned the second step of the log-in off')
      },
    ),
  ]
}

export function failureOf(outcome: Exclude<LoginOutcome, { kind: 'passed' }>, response: Response): Failure {
  switch (outcome.kind) {
    case 'limited':
      response.setHeader('Retry-After', String(outcome.waitSec))
      return new Failure('rate-limited', `too many failed log-ins: try again in ${outcome.waitSec} s`)
    case 'wrong':
      return new Failure('unauthenticated', 'the user name or the password is wrong')
    case 'disabled':
      return new Failure('forbidden', 'this account is disabled: ask an administrator')
    case 'refused':
      return new Failure('forbidden', outcome.reason)
    case 'unreachable':
      return new Failure('unreachable', outcome.reason)
    case 'code-needed':
      return new Failure('unauthenticated', 'enter the code that your authenticator app shows', { field: 'code' })
    case 'code-wrong':
      return new Failure('unauthenticated', 'the code is wrong, or was used already', { field: 'code' })
  }
}

/** What the page of whoever is logged in must know. */
export function sessionOf(
  account: Express.User,
  request: Request,
  editor: Pick<AccountEditor, 'canChangePassword'>,
): Session {
  return {
    username: account.username,
    csrfToken: request.session.csrfToken ?? '',
    mustChangePassword: account.mustChangePassword || account.isPasswordExpired,
    isPasswordExpired: account.isPasswordExpired,
    isAdministrator: account.isAdministrator,
    canChangePassword: editor.canChangePassword(account),
    privileges: [...privilegesOf(account)],
    ...(account.lastLoginMs === undefined ? {} : { lastLoginMs: account.lastLoginMs }),
  }
}

/** One more try at the actor's own password: limited as a login's. Fails `rate-limited`. */
async function takeTry(
  { limit }: Pick<AccountRoutesOptions, 'limit'>,
  actor: Actor,
  response: Response,
): Promise<void> {
  const refusal = await limit.take(actor.username, actor.address)
  if (refusal === undefined) return
  response.setHeader('Retry-After', String(refusal.waitSec))
  throw new Failure('rate-limited', `too many wrong passwords: try again in ${refusal.waitSec} s`)
}

/** Fails `invalid` at `password` where it is not the actor's own. */
export async function mustBeOwn(
  options: Pick<AccountRoutesOptions, 'accounts' | 'logins' | 'limit'>,
  actor: Actor,
  password: string,
  response: Response,
): Promise<void> {
  const { accounts, logins, limit } = options
  await takeTry(options, actor, response)
  const account = await accounts.get(actor.accountId)
  if (account === undefined || !(await logins.isPasswordOf(account, password, actor.address))) {
    throw new Failure('invalid', 'password: is wrong', { field: 'password' })
  }
  await limit.succeed(actor.username, actor.address)
}

function noteSecondFactor({ log }: AccountRoutesOptions, actor: Actor, what: string): void {
  log.record({
    kind: 'setting',
    level: 'info',
    name: 'second-factor-changed',
    message: `${actor.username} ${what}`,
    by: actor,
  })
}

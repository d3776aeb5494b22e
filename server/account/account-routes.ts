// Logging in and out, the session, one's own password and second step.
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Request, Response } from 'express'
import type { PassportStatic } from 'passport'
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
import type { Actor } from '../http/guard.ts'
import { nothing, type Route, route } from '../http/router.ts'
import { cookiePathOf } from '../http/session.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountService } from './account-service.ts'
import type { LoginLimit } from './login-limit.ts'
import { privilegesOf } from './privilege-check.ts'
import type { SecondFactorService } from './second-factor-service.ts'
import type { SessionService } from './session-service.ts'

export interface AccountRoutesOptions {
  accounts: AccountService
  secondFactors: SecondFactorService
  sessions: SessionService
  passport: Pick<PassportStatic, 'authenticate'>
  limit: LoginLimit
  log: LogService
  bus: Bus
  clock: Clock
  basePath: string
}

export function accountRoutes(options: AccountRoutesOptions): Route[] {
  const { accounts, secondFactors, sessions, limit, log, bus, clock, basePath } = options

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
        const address = request.ip ?? ''
        const by = { username: body.username, address }
        const refusal = await limit.take(body.username, address)
        if (refusal !== undefined) {
          if (refusal.isFirst) {
            log.record({
              kind: 'connection',
              level: 'warning',
              name: 'login-blocked',
              message: `too many failed log-ins as ${body.username}: blocked for ${refusal.waitSec} s`,
              by,
            })
          }
          response.setHeader('Retry-After', String(refusal.waitSec))
          throw new Failure('rate-limited', `too many failed log-ins: try again in ${refusal.waitSec} s`)
        }
        const refuse = (failure: Failure, finding: string): never => {
          log.record({
            kind: 'connection',
            level: 'warning',
            name: 'login-failed',
            message: `failed to log in as ${body.username}: ${finding}`,
            by,
          })
          throw failure
        }
        const account = await authenticate(options, request)
        if (account === undefined) {
          return refuse(
            new Failure('unauthenticated', 'the user name or the password is wrong'),
            'the user name or the password is wrong',
          )
        }
        // Whoever has the right password may know what else is in the way; nobody else may.
        if (!account.isEnabled) {
          return refuse(
            new Failure('forbidden', 'this account is disabled: ask an administrator'),
            'the account is disabled',
          )
        }
        if (await secondFactors.isOn(account.id)) {
          const field = 'code'
          if (body.code === undefined || body.code === '') {
            throw new Failure('unauthenticated', 'enter the code that your authenticator app shows', { field })
          }
          if (!(await secondFactors.takes(account.id, body.code))) {
            const words = 'the code is wrong, or was used already'
            return refuse(new Failure('unauthenticated', words, { field }), words)
          }
        }
        await limit.succeed(body.username, address)
        // passport makes a new session here: an id that somebody planted before the login is worth nothing after it.
        await promisify(request.logIn.bind(request) as (user: Express.User, done: (error?: unknown) => void) => void)(
          account,
        )
        request.session.csrfToken = randomBytes(24).toString('base64url')
        const nowMs = Math.floor(clock.utcUs() / 1000)
        request.session.keptMs = nowMs
        request.session.startedMs = nowMs
        request.session.address = address
        request.session.userAgent = (request.get('user-agent') ?? '').slice(0, 200)
        // Only a page of ours can send this request: JSON from another origin needs a leave (CORS) that is never given.
        request.session.origin = request.get('origin')
        request.session.cookie.path = cookiePathOf(request, basePath)
        await accounts.noteLogin(account)
        log.record({
          kind: 'connection',
          level: 'info',
          name: 'logged-in',
          message: `${account.username} logged in`,
          by,
        })
        return sessionOf(account, request)
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
      async ({ request }) => sessionOf(request.user!, request),
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
        const refusal = await limit.take(actor.username, actor.address)
        if (refusal !== undefined) {
          response.setHeader('Retry-After', String(refusal.waitSec))
          throw new Failure('rate-limited', `too many wrong passwords: try again in ${refusal.waitSec} s`)
        }
        await accounts.changePassword(actor.accountId, body.current, body.next)
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

function sessionOf(account: Express.User, request: Request): Session {
  return {
    username: account.username,
    csrfToken: request.session.csrfToken ?? '',
    mustChangePassword: account.mustChangePassword || account.isPasswordExpired,
    isPasswordExpired: account.isPasswordExpired,
    isAdministrator: account.isAdministrator,
    privileges: [...privilegesOf(account)],
    ...(account.lastLoginMs === undefined ? {} : { lastLoginMs: account.lastLoginMs }),
  }
}

/** Fails `invalid` at `password` where it is not the actor's own; tries are limited as a login's. */
async function mustBeOwn(
  { accounts, limit }: AccountRoutesOptions,
  actor: Actor,
  password: string,
  response: Response,
): Promise<void> {
  const refusal = await limit.take(actor.username, actor.address)
  if (refusal !== undefined) {
    response.setHeader('Retry-After', String(refusal.waitSec))
    throw new Failure('rate-limited', `too many wrong passwords: try again in ${refusal.waitSec} s`)
  }
  if (!(await accounts.isPasswordOf(actor.accountId, password))) {
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

function authenticate(options: AccountRoutesOptions, request: Request): Promise<Express.User | undefined> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown, account: Express.User | false | undefined) => {
      if (error) reject(error)
      else resolve(account === false ? undefined : account)
    }
    options.passport.authenticate('local', done)(request, request.res!, reject)
  })
}

// Logging in and out, the session, the password.
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Request } from 'express'
import type { PassportStatic } from 'passport'
import { loginRequest, passwordChange, type Session, session } from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import type { Bus } from '../base/bus.ts'
import type { Clock } from '../base/clock.ts'
import { nothing, type Route, route } from '../http/router.ts'
import { cookiePathOf, type SessionStore } from '../http/session.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountService } from './account-service.ts'
import type { Account } from './account-store.ts'
import type { LoginLimit } from './login-limit.ts'

export interface AccountRoutesOptions {
  accounts: AccountService
  passport: Pick<PassportStatic, 'authenticate'>
  sessions: SessionStore
  limit: LoginLimit
  log: LogService
  bus: Bus
  clock: Clock
  basePath: string
}

export function accountRoutes(options: AccountRoutesOptions): Route[] {
  const { accounts, sessions, limit, log, bus, clock, basePath } = options

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
          'Fails `unauthenticated` on a wrong name or password, `rate-limited` with `Retry-After` after too many tries.',
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
        const account = await authenticate(options, request)
        if (account === undefined) {
          log.record({
            kind: 'connection',
            level: 'warning',
            name: 'login-failed',
            message: `failed to log in as ${body.username}`,
            by,
          })
          bus.emit('login-failed', { username: body.username, address })
          throw new Failure('unauthenticated', 'the user name or the password is wrong')
        }
        await limit.succeed(body.username, address)
        // passport makes a new session here: an id that somebody planted before the login is worth nothing after it.
        await promisify(request.logIn.bind(request) as (user: Express.User, done: (error?: unknown) => void) => void)(
          account,
        )
        request.session.csrfToken = randomBytes(24).toString('base64url')
        request.session.keptMs = Math.floor(clock.utcUs() / 1000)
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
      async ({ actor, request }) => {
        const account = await accounts.get(actor.accountId)
        if (account === undefined) throw new Failure('unauthenticated', 'this account is there no more')
        return sessionOf(account, request)
      },
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
        for (const sessionId of await sessions.endSessionsOf(actor.accountId, actor.sessionId)) {
          bus.emit('session-ended', { sessionId })
        }
        log.record({
          kind: 'setting',
          level: 'info',
          name: 'password-changed',
          message: `${actor.username} changed the password; other sessions were ended`,
          by: actor,
        })
      },
    ),
  ]
}

function sessionOf(account: Account, request: Request): Session {
  return {
    username: account.username,
    csrfToken: request.session.csrfToken ?? '',
    mustChangePassword: account.mustChangePassword,
    ...(account.lastLoginMs === undefined ? {} : { lastLoginMs: account.lastLoginMs }),
  }
}

function authenticate(options: AccountRoutesOptions, request: Request): Promise<Account | undefined> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown, account: Account | false | undefined) => {
      if (error) reject(error)
      else resolve(account === false ? undefined : account)
    }
    options.passport.authenticate('local', done)(request, request.res!, reject)
  })
}

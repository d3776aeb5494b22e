// The way to a provider of OpenID Connect and back, and how it is set up.
import type { Request } from 'express'
import { loginWays, openidPatch, openidSettings } from '../../../shared/openid.ts'
import type { Bus } from '../../base/bus.ts'
import type { Clock } from '../../base/clock.ts'
import { cookieOf } from '../../http/cookies.ts'
import { mediaRoute, type Route, route } from '../../http/router.ts'
import { cookiePathOf } from '../../http/session.ts'
import type { LogService } from '../../log/log-service.ts'
import type { AccountService } from '../account-service.ts'
import type { LoginService } from '../login-service.ts'
import { openLogin } from '../open-login.ts'
import type { OpenidService } from './openid-service.ts'

export interface OpenidRoutesOptions {
  openid: OpenidService
  accounts: AccountService
  logins: LoginService
  basePath: string
  log: LogService
  bus: Bus
  clock: Clock
}

const cookieName = 'nightjar-openid'

export function openidRoutes(options: OpenidRoutesOptions): Route[] {
  const { openid, accounts, logins, basePath, log, bus, clock } = options
  return [
    route(
      {
        method: 'get',
        path: 'api/login/ways',
        answer: loginWays,
        privilege: 'public',
        summary: 'Ways to log in beside name and password.',
      },
      async () => (openid.label === undefined ? {} : { openidLabel: openid.label }),
    ),
    mediaRoute(
      {
        method: 'get',
        path: 'api/openid/start',
        answer: { contentTypes: ['text/html'] },
        privilege: 'public',
        summary: 'Sends the browser to the provider (302), to log in there.',
        description: 'Where the provider does not answer it goes back to the log-in page, which says so.',
      },
      async ({ request, response }) => {
        const path = ownPathOf(request, basePath)
        try {
          const { url, note: sealed } = await openid.begin(`${request.protocol}://${request.host}`, path)
          // Sent back with the provider's redirect, which comes from another site: Lax, not Strict.
          const cookie = { httpOnly: true, sameSite: 'lax', secure: request.secure, path, maxAge: 600_000 } as const
          response.cookie(cookieName, sealed, cookie)
          response.redirect(302, url)
        } catch (error) {
          note({ kind: 'unreachable', detail: (error as Error).message, username: '' }, request)
          response.redirect(302, `${path}#login-failed=unreachable`)
        }
      },
    ),
    mediaRoute(
      {
        method: 'get',
        path: 'api/openid/callback',
        answer: { contentTypes: ['text/html'] },
        privilege: 'public',
        summary: 'Where the provider sends the browser back to: logs in, and goes on to the desktop (302).',
      },
      async ({ request, response }) => {
        const query = request.originalUrl.slice(request.originalUrl.indexOf('?'))
        const outcome = await openid.finish(cookieOf(request, cookieName), query.startsWith('?') ? query : '', basePath)
        const { path } = outcome
        response.clearCookie(cookieName, { path })
        if (outcome.kind === 'failed') {
          note({ kind: outcome.why, detail: outcome.detail, username: outcome.username }, request)
          response.redirect(302, `${path}#login-failed=${outcome.why}`)
          return
        }
        const account = accounts.asUser(outcome.account)
        await logins.note({ kind: 'passed', account }, account.username, request.ip ?? '')
        await openLogin(request, account, { clock, basePath })
        // The page that led here is the provider's: neither its path nor its origin is ours.
        request.session.cookie.path = path
        request.session.origin = `${request.protocol}://${request.host}`
        response.redirect(302, path)
      },
    ),
    route(
      {
        method: 'get',
        path: 'api/openid',
        answer: openidSettings,
        privilege: 'account.manage',
        summary: 'How log-in by a provider is set up. Its secret is never told.',
      },
      async () => openid.get(),
    ),
    route(
      {
        method: 'patch',
        path: 'api/openid',
        body: openidPatch,
        answer: openidSettings,
        privilege: 'account.manage',
        summary: 'Changes what is given. A kept secret is forgotten when the issuer changes and none is given with it.',
        description: 'Fails `invalid` where it is to be on and something it needs is missing.',
      },
      async ({ actor, body }) => {
        const next = await openid.set(body)
        const what = next.isOn ? `set up log-in by ${next.issuer}` : 'turned log-in by a provider off'
        log.record({
          ...{ kind: 'setting', level: 'info', name: 'openid-changed', by: actor },
          message: `${actor.username} ${what}`,
        })
        return next
      },
    ),
  ]

  function note(
    { kind, detail, username }: { kind: string; detail: string; username: string },
    request: Request,
  ): void {
    const by = { ...(username === '' ? {} : { username }), address: request.ip ?? '' }
    const who = username === '' ? '' : ` as ${username}`
    const message = `failed to log in${who} by the provider: ${detail}`
    log.record({ kind: 'connection', level: 'warning', name: 'login-failed', message, by })
    // Cancelling, or a provider that is away, is nobody's attack.
    if (kind === 'refused') bus.emit('login-failed', { username, address: request.ip ?? '' })
  }
}

/** The path that a page of ours is under, where the request came from one; else the base path. Ends with `/`. */
function ownPathOf(request: Request, basePath: string): string {
  const referer = request.get('referer') ?? ''
  const isOurs = URL.canParse(referer) && new URL(referer).host === request.host
  const path = isOurs ? cookiePathOf(request, basePath) : basePath
  // `//host/` would be an address of another machine.
  return path.startsWith('//') ? basePath : path
}

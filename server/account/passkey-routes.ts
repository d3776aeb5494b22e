// Logging in with a passkey, and one's own passkeys.
import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { session } from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import {
  passkey,
  passkeyCreation,
  passkeyCreationRequest,
  passkeyDraft,
  passkeyLogin,
  passkeyOffer,
  passkeyRename,
  passkeyRequest,
} from '../../shared/passkey.ts'
import type { Clock } from '../base/clock.ts'
import { cookieOf } from '../http/cookies.ts'
import type { Actor } from '../http/guard.ts'
import { nothing, type Route, route } from '../http/router.ts'
import { cookiePathOf } from '../http/session.ts'
import type { LogService } from '../log/log-service.ts'
import type { AccountEditor } from './account-editor.ts'
import { failureOf, sessionOf } from './account-routes.ts'
import type { AccountService } from './account-service.ts'
import { openLogin } from './open-login.ts'
import { challengeMs } from './passkey-challenge.ts'
import { mustBePlace, type PlaceOptions, placeOf } from './passkey-place.ts'
import type { PasskeyService } from './passkey-service.ts'

export interface PasskeyRoutesOptions {
  passkeys: PasskeyService
  place: PlaceOptions
  accounts: Pick<AccountService, 'get'>
  editor: AccountEditor
  /** Fails `invalid` at `password` where it is not the actor's own. */
  confirmPassword: (actor: Actor, password: string, response: Response) => Promise<void>
  log: LogService
  clock: Clock
  basePath: string
}

const passkeyParams = z.object({ passkeyId: z.uuid() })
const accountParams = z.object({ accountId: z.string().max(36) })

/** Names the browser that asked to log in, until it has: nothing but its own answer counts. */
const bindingCookie = 'nightjar-passkey'

export function passkeyRoutes(options: PasskeyRoutesOptions): Route[] {
  return [...loginRoutes(options), ...ownRoutes(options), removalRoute(options)]
}

function loginRoutes({ passkeys, place, editor, clock, basePath }: PasskeyRoutesOptions): Route[] {
  return [
    route(
      {
        method: 'get',
        path: 'api/login/passkey',
        answer: passkeyOffer,
        privilege: 'public',
        summary: 'Whether passkeys can work at the address of the page that asks.',
        description: 'They need HTTPS under a name that the server’s certificate has, or `localhost`.',
      },
      async ({ request }) => ({ isOffered: (await placeOf(request, place)) !== undefined }),
    ),
    route(
      {
        method: 'post',
        path: 'api/login/passkey/options',
        answer: passkeyRequest,
        privilege: 'public',
        summary: 'What the browser is to sign to log in. It counts once, within 5 minutes, for this browser.',
        description: 'Fails `forbidden` where passkeys cannot work at the address of the page that asks.',
      },
      async ({ request, response }) => {
        const at = await mustBePlace(request, place)
        const binding = randomBytes(24).toString('base64url')
        response.cookie(bindingCookie, binding, {
          ...{ httpOnly: true, sameSite: 'strict', secure: request.secure },
          ...{ path: cookiePathOf(request, basePath), maxAge: challengeMs },
        })
        return passkeys.request(binding, at)
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/login/passkey',
        body: passkeyLogin,
        answer: session,
        privilege: 'public',
        summary: 'Logs in with what the browser signed, in place of password and second step.',
        description:
          'Fails `unauthenticated` where the passkey is not known or its answer is not right; `forbidden` where the ' +
          'account is disabled, or passkeys cannot work here; `rate-limited` as a log-in does.',
      },
      async ({ request, response, body }) => {
        const at = await mustBePlace(request, place)
        const outcome = await passkeys.logIn(body, bindingOf(request), at, request.ip ?? '')
        if (outcome.kind === 'wrong') {
          throw new Failure('unauthenticated', 'this passkey is not known here, or its answer was not right')
        }
        if (outcome.kind !== 'passed') throw failureOf(outcome, response)
        await openLogin(request, outcome.account, { clock, basePath })
        return sessionOf(outcome.account, request, editor)
      },
    ),
  ]
}

function ownRoutes(options: PasskeyRoutesOptions): Route[] {
  const { passkeys, place, confirmPassword } = options
  return [
    route(
      {
        method: 'get',
        path: 'api/account/passkeys',
        answer: z.array(passkey),
        privilege: 'account.self',
        summary: 'One’s own passkeys, oldest first.',
      },
      ({ actor }) => passkeys.list(actor.accountId),
    ),
    route(
      {
        method: 'post',
        path: 'api/account/passkeys/options',
        body: passkeyCreationRequest,
        answer: passkeyCreation,
        privilege: 'account.self',
        summary: 'What the browser is to make as another passkey. It counts once, within 5 minutes, for this session.',
        description:
          'Fails `invalid` at `password` where it is wrong; `rate-limited` as a log-in does; `limit` past 20 passkeys; ' +
          '`conflict` where the account logs in at a directory or an OpenID provider.',
      },
      async ({ actor, request, response, body }) => {
        const at = await mustBePlace(request, place)
        await confirmPassword(actor, body.password, response)
        return passkeys.offer(actor.accountId, actor.sessionId, at)
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/account/passkeys',
        body: passkeyDraft,
        answer: passkey,
        privilege: 'account.self',
        status: 201,
        summary: 'Adds the passkey that the browser made.',
        description: 'Fails `invalid` at `credential` where it is not what was asked for, or came too late.',
      },
      async ({ actor, request, body }) => {
        const made = await passkeys.add(actor.accountId, actor.sessionId, await mustBePlace(request, place), body)
        note(options, actor, 'passkey-added', `added the passkey ${made.name}`)
        return made
      },
    ),
    route(
      {
        method: 'patch',
        path: 'api/account/passkeys/:passkeyId',
        params: passkeyParams,
        body: passkeyRename,
        answer: passkey,
        privilege: 'account.self',
        summary: 'Gives one of one’s own passkeys another name.',
      },
      ({ actor, params, body }) => passkeys.rename(actor.accountId, params.passkeyId, body.name),
    ),
    route(
      {
        method: 'delete',
        path: 'api/account/passkeys/:passkeyId',
        params: passkeyParams,
        answer: nothing,
        privilege: 'account.self',
        summary: 'Removes one of one’s own passkeys. The password still logs in.',
      },
      async ({ actor, params }) => {
        await passkeys.remove(actor.accountId, params.passkeyId)
        note(options, actor, 'passkey-removed', 'removed a passkey')
      },
    ),
  ]
}

function removalRoute(options: PasskeyRoutesOptions): Route {
  const { passkeys, accounts } = options
  return route(
    {
      method: 'delete',
      path: 'api/accounts/:accountId/passkeys',
      params: accountParams,
      answer: nothing,
      privilege: 'account.manage',
      summary: 'Removes all passkeys of an account: of somebody whose device is lost.',
    },
    async ({ actor, params }) => {
      const account = await accounts.get(params.accountId)
      if (account === undefined) throw new Failure('not-found', 'remove passkeys: this account is there no more')
      const count = await passkeys.removeAllOf(account.id)
      note(options, actor, 'passkey-removed', `removed ${count} passkeys of ${account.username}`)
    },
  )
}

function note({ log }: PasskeyRoutesOptions, actor: Actor, name: string, what: string): void {
  log.record({ kind: 'setting', level: 'info', name, message: `${actor.username} ${what}`, by: actor })
}

/** Empty where the browser brings none, which no challenge was made for. */
function bindingOf(request: Request): string {
  const value = cookieOf(request, bindingCookie) ?? ''
  return /^[A-Za-z0-9_-]{32}$/.test(value) ? value : ''
}

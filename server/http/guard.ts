// Who asks, and whether they may. Everything but public routes needs a login; every change needs the session's token.
import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Request } from 'express'
import { Failure } from '../../shared/failure.ts'
import type { Privilege } from '../../shared/privilege.ts'

/** Somebody who is logged in. */
export interface Actor {
  accountId: string
  username: string
  isAdministrator: boolean
  /** May do nothing but change the password. */
  isPasswordExpired: boolean
  /** The login's session; ending it ends their sockets too. */
  sessionId: string
  /** Where the request came from, as far as trusted proxies tell. */
  address: string
}

/** Whether an actor has a privilege; for one camera, where the request is about one. Injected by app.ts. */
export type PrivilegeCheck = (actor: Actor, privilege: Privilege, cameraId?: string) => boolean | Promise<boolean>

/** The header in which a session's token comes back with every request that changes something. */
export const csrfHeader = 'x-csrf-token'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

declare module 'express-session' {
  interface SessionData {
    /** The synchroniser token: given in `Session`, asked back in `x-csrf-token`. */
    csrfToken: string
    /** When the session was last written: it is written again, and the cookie sent again, once an hour. */
    keptMs: number
    /** Of the page that logged in, as its browser named it; undefined for other clients. */
    origin: string | undefined
  }
}

declare global {
  namespace Express {
    /** What passport puts on the request, as far as the guard needs it. */
    interface User {
      id: string
      username: string
      isAdministrator: boolean
      isPasswordExpired: boolean
    }
  }
}

/** The actor of a request, or undefined where nobody is logged in. */
export function actorOf(request: Request): Actor | undefined {
  if (request.user === undefined || request.session === undefined) return undefined
  return {
    accountId: request.user.id,
    username: request.user.username,
    isAdministrator: request.user.isAdministrator,
    isPasswordExpired: request.user.isPasswordExpired,
    sessionId: request.sessionID,
    address: request.ip ?? '',
  }
}

/**
 * Lets a request through, or fails: `unauthenticated` without a login, `forbidden` without the session's token on a
 * change, or without the privilege.
 */
export async function guard(
  request: Request,
  privilege: Privilege,
  check: PrivilegeCheck,
  cameraId: string | undefined,
): Promise<Actor> {
  const actor = actorOf(request)
  if (actor === undefined) throw new Failure('unauthenticated', 'log in first')
  if (!safeMethods.has(request.method) && !isSameToken(request.get(csrfHeader), request.session.csrfToken)) {
    throw new Failure('forbidden', `the header ${csrfHeader} is missing, or is not this session's token`)
  }
  if (actor.isPasswordExpired && privilege !== 'account.self') {
    // The page asks for another one at once, by the field.
    throw new Failure('forbidden', 'change your password first', { field: 'password' })
  }
  if (!(await check(actor, privilege, cameraId))) throw new Failure('forbidden', `this needs ${privilege}`)
  return actor
}

function isSameToken(given: string | undefined, expected: string | undefined): boolean {
  if (given === undefined || expected === undefined) return false
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * Whether a WebSocket is asked for by a page of ours, as far as its `Origin` tells.
 *
 * A browser names the page's origin with every WebSocket; other clients need not, and hold no cookie of somebody else.
 * Ours is the origin that logged in, which holds behind a proxy that hides its name, or that of the host asked.
 */
export function isOwnOrigin(
  request: IncomingMessage,
  host: string | undefined,
  loginOrigin: string | undefined,
): boolean {
  const { origin } = request.headers
  if (origin === undefined || origin === loginOrigin) return true
  return URL.canParse(origin) && new URL(origin).host === host
}

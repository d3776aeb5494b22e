import type { AccountPolicy, PasswordPolicy, Session } from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
import type { LoginWays } from '../../shared/openid.ts'
import { getJson, request } from './client.ts'
import { session } from './session.ts'

/** The session this browser already has, or undefined where it must log in. Fails `unreachable`. */
export async function readSession(): Promise<Session | undefined> {
  try {
    const found = await getJson<Session>('api/session')
    session.start(found)
    return found
  } catch (caught) {
    if (caught instanceof Failure && caught.kind === 'unauthenticated') return undefined
    throw caught
  }
}

/**
 * The session of whoever is logged in at the desktop of the NAS in this browser; undefined where that is nobody, or the
 * server does not take it, such as right after a log-out. Fails `unreachable`.
 */
export async function signOnFromNas(): Promise<Session | undefined> {
  if (!/(?:^|; )NAS_USER=/.test(document.cookie)) return undefined
  try {
    const found = await request<Session>('POST', 'api/login/nas', { isAsked: false })
    session.start(found)
    return found
  } catch (caught) {
    if (caught instanceof Failure && caught.kind !== 'unreachable') return undefined
    throw caught
  }
}

/** `code` is the second step's. Fails `unauthenticated` at `code` where one is needed, or was wrong. */
export async function logIn(username: string, password: string, code?: string): Promise<Session> {
  const found = await request<Session>('POST', 'api/login', {
    ...{ username, password },
    ...(code === undefined ? {} : { code }),
  })
  session.start(found)
  return found
}

/** Ways to log in beside name and password. */
export function readLoginWays(): Promise<LoginWays> {
  return getJson<LoginWays>('api/login/ways')
}

/** Ends the session and loads the page anew: nothing of what was shown stays in memory. */
export async function logOut(): Promise<void> {
  await request('POST', 'api/logout')
  location.reload()
}

export async function changePassword(current: string, next: string): Promise<void> {
  await request('POST', 'api/account/password', { current, next })
  await readSession()
}

/** What a password must be. */
export async function readPasswordPolicy(): Promise<PasswordPolicy> {
  return (await getJson<AccountPolicy>('api/account-policy')).password
}

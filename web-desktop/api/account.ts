import type { Session } from '../../shared/account.ts'
import { Failure } from '../../shared/failure.ts'
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

export async function logIn(username: string, password: string): Promise<Session> {
  const found = await request<Session>('POST', 'api/login', { username, password })
  session.start(found)
  return found
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

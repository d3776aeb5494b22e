// Passkeys: what the browser makes and signs, between the server and the device.
import type { Session } from '../../shared/account.ts'
import type { Passkey, PasskeyCreation, PasskeyRequest } from '../../shared/passkey.ts'
import { getJson, request } from './client.ts'
import { session } from './session.ts'

/** Whether passkeys can work here; false too where the server does not answer. */
export async function arePasskeysOffered(): Promise<boolean> {
  // What the browser knows by itself is not asked: it has none on plain HTTP, nor under an IP address.
  if (!isSecureContext || !('PublicKeyCredential' in window) || /^[\d.]+$|^\[/.test(location.hostname)) return false
  return getJson<{ isOffered: boolean }>('api/login/passkey').then(
    ({ isOffered }) => isOffered,
    () => false,
  )
}

/** Logs in with a passkey that its owner chooses; undefined where the owner chose none. */
export async function logInByPasskey(): Promise<Session | undefined> {
  const { startAuthentication } = await import('@simplewebauthn/browser')
  const optionsJSON = await request<PasskeyRequest>('POST', 'api/login/passkey/options')
  const credential = await chosen(startAuthentication({ optionsJSON }))
  if (credential === undefined) return undefined
  const found = await request<Session>('POST', 'api/login/passkey', credential)
  session.start(found)
  return found
}

export function listPasskeys(): Promise<Passkey[]> {
  return getJson('api/account/passkeys')
}

/** Makes a passkey on a device; undefined where its owner broke off. Fails `invalid` at `password` where that is wrong. */
export async function addPasskey(name: string, password: string): Promise<Passkey | undefined> {
  const { startRegistration } = await import('@simplewebauthn/browser')
  const optionsJSON = await request<PasskeyCreation>('POST', 'api/account/passkeys/options', { password })
  const credential = await chosen(startRegistration({ optionsJSON }))
  return credential && (await request('POST', 'api/account/passkeys', { name, credential }))
}

export function renamePasskey(id: string, name: string): Promise<Passkey> {
  return request('PATCH', `api/account/passkeys/${id}`, { name })
}

export function removePasskey(id: string): Promise<void> {
  return request('DELETE', `api/account/passkeys/${id}`)
}

/** What came of asking a device; undefined where its owner broke off, or there was none. */
async function chosen<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking
  } catch (caught) {
    const { name } = caught as Error
    if (name === 'NotAllowedError' || name === 'AbortError') return undefined
    throw caught
  }
}

// Requests to the server: relative addresses, the CSRF token, and every answer that is no success as a Failure.
import type { Session } from '../../shared/account.ts'
import { Failure, type FailureBody, failureKinds } from '../../shared/failure.ts'
import { isAttended } from '../base/activity.ts'
import { addressOf } from '../base/address.ts'
import { session } from './session.ts'

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

function isFailureBody(body: unknown): body is FailureBody {
  const kind = (body as FailureBody | null)?.kind
  return failureKinds.includes(kind as FailureBody['kind'])
}

/** The Failure a response stands for. */
export async function failureOf(response: Response): Promise<Failure> {
  const body: unknown = await response.json().catch(() => undefined)
  if (isFailureBody(body)) return new Failure(body.kind, body.message, body.field ? { field: body.field } : {})
  if (response.status === 401) return new Failure('unauthenticated', 'log in first')
  if (response.status >= 502) return new Failure('unreachable', `the server does not answer (${response.status})`)
  return new Failure('internal', `the server answered ${response.status} ${response.statusText}`.trim())
}

/**
 * One request, answered in JSON.
 *
 * Fails `unreachable` where the server does not answer. A 401 also marks the session as ended, so that the shell asks
 * for the password over whatever is open; log-in itself answers 401 for a wrong password and is left alone. A 403 at
 * `password` says that the password has run out.
 */
export async function request<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (!isAttended()) headers['x-nightjar-unattended'] = '1'
  if (method !== 'GET' && session.value !== undefined) headers['x-csrf-token'] = session.value.csrfToken
  let response: Response
  try {
    response = await fetch(addressOf(path), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
      cache: 'no-store',
    })
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new Failure('unreachable', 'the server does not answer', { cause })
  }
  if (!response.ok) {
    const failure = await failureOf(response)
    if (response.status === 401 && !path.startsWith('api/login')) session.end()
    if (response.status === 403 && failure.field === 'password') void readAgain()
    throw failure
  }
  const text = await response.text()
  return (text === '' ? undefined : JSON.parse(text)) as T
}

let reading: Promise<void> | undefined

/** The password ran out while somebody was logged in: the session says so, and the page asks for another. */
function readAgain(): Promise<void> {
  reading ??= getJson<Session>('api/session')
    .then((found) => session.start(found))
    .catch(() => undefined)
    .finally(() => {
      reading = undefined
    })
  return reading
}

export function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return request<T>('GET', path, undefined, signal)
}

/** What to tell a person of something caught. */
export function messageOf(caught: unknown): string {
  const text = caught instanceof Error ? caught.message : String(caught)
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The field a Failure names, or undefined. */
export function fieldOf(caught: unknown): string | undefined {
  return caught instanceof Failure ? caught.field : undefined
}

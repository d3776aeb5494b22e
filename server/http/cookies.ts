// Cookies that a request brings, read by hand: the session's own are express-session's affair.
import type { IncomingMessage } from 'node:http'

/** A cookie's value, decoded where it can be; undefined where the browser brings none, or an empty one. */
export function cookieOf(request: Pick<IncomingMessage, 'headers'>, name: string): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
  if (value === undefined || value === '') return undefined
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

// Addresses of streams: taken apart for connecting, and written without secrets for people.
import { isIP } from 'node:net'
import { Failure } from '../../shared/failure.ts'

/** An RTSP address, taken apart. */
export interface RtspAddress {
  isTls: boolean
  /** A name or an IP address, without the brackets of an IPv6 one. */
  host: string
  port: number
  /** As it goes into a request line: no user part, no fragment. */
  url: string
}

/** The standard ports of `rtsp:` (RFC 2326 §3.2) and `rtsps:` (RFC 7826 §4.2). */
const defaultPort = { rtsp: 554, rtsps: 322 } as const

/**
 * Takes an RTSP address apart. Path and query stay byte for byte as they were given, since cameras compare them as text.
 * Fails `invalid` for what is no `rtsp://` or `rtsps://` address.
 */
export function parseRtspAddress(url: string): RtspAddress {
  const match =
    /^(rtsps?):\/\/(?:[^@/?#]*@)?(\[[0-9a-f:.%]+\]|[^:/?#@[\]\s]+)(?::(\d{1,5}))?([/?][^#]*)?(?:#.*)?$/i.exec(
      url.trim(),
    )
  const port = match?.[3] === undefined ? undefined : Number(match[3])
  if (match === null || (port !== undefined && (port < 1 || port > 65_535))) {
    throw new Failure('invalid', `read address ${displayUrl(url)}: no rtsp:// or rtsps:// address`)
  }
  const scheme = match[1]!.toLowerCase() as 'rtsp' | 'rtsps'
  const authority = match[3] === undefined ? match[2]! : `${match[2]}:${match[3]}`
  return {
    isTls: scheme === 'rtsps',
    host: match[2]!.replace(/^\[(.*)\]$/, '$1').toLowerCase(),
    port: port ?? defaultPort[scheme],
    // White space and controls would break the request line; all else is the camera's affair.
    url: `${scheme}://${authority}${(match[4] ?? '/').replace(/[\s\x00-\x1f\x7f]/g, encodeURIComponent)}`,
  }
}

/** Names of parameters that hold secrets, in the query or, as some cameras have it, in the path. */
const secretParameter =
  /((?:^|[^a-z])(?:user(?:name)?|usr|pass(?:word|wd)?|pwd|token|auth|key|secret)=)[^&;/?#\s]*?(?=_(?:password|channel|stream|user)=|[&;/?#\s]|$)/gi

/**
 * An address as it may be shown and logged: no user part, and `***` for parameters such as `password=`. Works on any
 * text, so that an address that cannot be parsed is safe too, and on a sentence with addresses in it.
 */
export function displayUrl(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/gi, '$1').replace(secretParameter, '$1***')
}

/**
 * A text from outside (a camera's reason phrase, ffmpeg's last words) made fit to show: one line of 200 characters at
 * most, addresses without secrets, the password itself struck out.
 */
export function displayText(text: string, password: string): string {
  let line = text.replace(/[\s\x00-\x1f\x7f]+/g, ' ').trim()
  // Shorter ones would strike out half the words of a sentence; they stand in addresses, which are cleared below.
  if (password.length >= 4) {
    for (const form of [password, encodeURIComponent(password), encodeURI(password)])
      line = line.replaceAll(form, '***')
  }
  line = displayUrl(line)
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}

/** Whether two addresses are the same host. Names are compared as text: what they resolve to may change at any time. */
export function isSameHost(a: RtspAddress, b: RtspAddress): boolean {
  return a.host === b.host
}

/** The name a TLS server is asked for: none for an IP address (RFC 6066 §3). */
export function tlsServerName(host: string): string {
  return isIP(host) === 0 ? host : ''
}

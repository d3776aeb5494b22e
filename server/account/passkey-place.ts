// Where passkeys can work: a secure page under a name that is this server's own (WebAuthn §5.1.2, "RP ID").
import { isIP } from 'node:net'
import type { Request } from 'express'
import { Failure } from '../../shared/failure.ts'

/** The page that asks, as its browser names it, and the host its passkeys belong to. */
export interface PasskeyPlace {
  /** Such as `https://nas.example:8443`. */
  origin: string
  /** The host name alone. */
  rpId: string
}

export interface PlaceOptions {
  /** Names this server is called by: its own, and those of its certificate; a `*` stands for one label. */
  ownNames: () => Promise<string[]>
  /** Whether an address is a trusted proxy's: what it tells of the host is believed. */
  isProxy: (address: string) => boolean
}

/** Undefined where passkeys cannot work. */
export async function placeOf(request: Request, options: PlaceOptions): Promise<PasskeyPlace | undefined> {
  const origin = request.get('origin') ?? originOf(request.get('referer'))
  if (origin === undefined || !URL.canParse(origin)) return undefined
  const { protocol, hostname, origin: plain } = new URL(origin)
  if (plain !== origin || isIP(hostname) !== 0 || hostname.startsWith('[')) return undefined
  const isHere = request.hostname?.toLowerCase() === hostname
  // Browsers hold it secure without TLS, for it never leaves the machine.
  if (hostname === 'localhost') return isHere ? { origin, rpId: hostname } : undefined
  if (protocol !== 'https:') return undefined
  if (isHere && options.isProxy(request.socket.remoteAddress ?? '')) return { origin, rpId: hostname }
  const names = await options.ownNames()
  return names.some((name) => isNameOf(name.toLowerCase(), hostname)) ? { origin, rpId: hostname } : undefined
}

/** Fails `forbidden` where passkeys cannot work. */
export async function mustBePlace(request: Request, options: PlaceOptions): Promise<PasskeyPlace> {
  const place = await placeOf(request, options)
  if (place !== undefined) return place
  throw new Failure(
    'forbidden',
    'passkeys need HTTPS under a name of this server, with a certificate for that name: an IP address will not do',
  )
}

function isNameOf(name: string, hostname: string): boolean {
  if (!name.startsWith('*.')) return name === hostname
  return hostname.slice(hostname.indexOf('.') + 1) === name.slice(2) && hostname.includes('.')
}

function originOf(referer: string | undefined): string | undefined {
  return referer !== undefined && URL.canParse(referer) ? new URL(referer).origin : undefined
}

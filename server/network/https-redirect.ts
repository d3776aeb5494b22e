// "Force HTTPS": plain HTTP from other machines is sent on to HTTPS.
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { RequestHandler } from 'express'
import { Failure } from '../../shared/failure.ts'
import { isLoopback, plainAddress } from './address-list.ts'

export interface RedirectOptions {
  /** The port to be sent to; undefined where HTTPS is not forced, or nobody listens there. */
  forcedPort: () => number | undefined
  /** Whether an address is a trusted proxy's: TLS is between it and the browser, and so is its own redirect. */
  isProxy: (address: string) => boolean
}

/**
 * Answers 308 with the same address under `https:`, which browsers keep the method through.
 *
 * No `Strict-Transport-Security` is sent: with it no browser lets anybody past a self-signed certificate.
 */
export function httpsRedirect(options: RedirectOptions): RequestHandler {
  return (request, response, next) => {
    const port = portFor(request, options)
    if (port === undefined) return next()
    const { hostname } = request
    if (!/^[\w.-]+$|^\[[\da-f:.]+\]$/i.test(hostname ?? '')) {
      throw new Failure('invalid', 'the header Host is missing, or is no host name')
    }
    // A whole address, as proxies are asked: behind a port it would be part of another host.
    if (!request.originalUrl.startsWith('/')) throw new Failure('invalid', 'the address must begin with a slash')
    response.setHeader('Cache-Control', 'no-store')
    response.redirect(308, `https://${hostname}${port === 443 ? '' : `:${port}`}${request.originalUrl}`)
  }
}

/** For a WebSocket, which no browser sends on: fails `forbidden` where HTTPS is forced. */
export function requireHttps(request: IncomingMessage, options: RedirectOptions): void {
  const port = portFor(request, options)
  if (port !== undefined) throw new Failure('forbidden', `HTTPS is needed here, on port ${port}`)
}

function portFor(request: IncomingMessage, { forcedPort, isProxy }: RedirectOptions): number | undefined {
  const port = forcedPort()
  if (port === undefined || (request.socket as TLSSocket).encrypted === true) return undefined
  const peer = plainAddress(request.socket.remoteAddress ?? '')
  return isLoopback(peer) || isProxy(peer) ? undefined : port
}

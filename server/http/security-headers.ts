// Headers that tell the browser what our pages may do.
import type { RequestHandler } from 'express'
import helmet from 'helmet'

/** Strict, but for what a page on plain HTTP under a LAN name needs: its WebSockets and media from memory. */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        // Styles of the desktop are constructed sheets, and positions are set by script: no page needs inline ones.
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        fontSrc: ["'self'", 'data:'],
        mediaSrc: ["'self'", 'blob:'],
        workerSrc: ["'self'", 'blob:'],
        // Older Safari does not count WebSockets of the same host as 'self'.
        connectSrc: ["'self'", 'ws:', 'wss:'],
        objectSrc: ["'none'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'self'"],
      },
    },
    // The page's own path is read from `Referer` at login, to set the cookie's path behind a proxy.
    referrerPolicy: { policy: 'same-origin' },
    // On plain HTTP browsers ignore these two and complain on each page; TLS is the proxy's, and so is HSTS.
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    strictTransportSecurity: false,
  })
}

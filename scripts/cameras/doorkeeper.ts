// Who may come in: Basic and Digest, for RTSP and for HTTP alike.
import { createHash, randomBytes } from 'node:crypto'

/** How a camera asks for its password. `digest-both` offers SHA-256 and MD5 and takes either. */
export type AuthScheme = 'none' | 'basic' | 'digest' | 'digest-sha256' | 'digest-both'

/** Checks the `Authorization` of requests (RFC 7617; RFC 7616, and RFC 2069 where the client sends no `qop`). */
export class Doorkeeper {
  readonly #scheme: AuthScheme
  readonly #realm: string
  readonly #user: string
  readonly #password: string
  readonly #nonce = randomBytes(16).toString('hex')

  constructor(scheme: AuthScheme, realm: string, user: string, password: string) {
    this.#scheme = scheme
    this.#realm = realm
    this.#user = user
    this.#password = password
  }

  /** A value for each `WWW-Authenticate` header of a 401. */
  challenges(): string[] {
    const sha256 = `Digest realm="${this.#realm}", nonce="${this.#nonce}", algorithm=SHA-256, qop="auth"`
    // MD5 without qop, as nearly every camera has it.
    const md5 = `Digest realm="${this.#realm}", nonce="${this.#nonce}"`
    switch (this.#scheme) {
      case 'none':
        return []
      case 'basic':
        return [`Basic realm="${this.#realm}"`]
      case 'digest':
        return [md5]
      case 'digest-sha256':
        return [sha256]
      case 'digest-both':
        return [sha256, md5]
    }
  }

  /** Whether a request with this `Authorization` may pass; `uri` is the one of its request line. */
  admits(method: string, uri: string, authorization: string | undefined): boolean {
    if (this.#scheme === 'none') return true
    if (!authorization) return false
    const [scheme = '', rest = ''] = splitOnce(authorization, ' ')
    if (this.#scheme === 'basic') {
      const expected = Buffer.from(`${this.#user}:${this.#password}`).toString('base64')
      return /^basic$/i.test(scheme) && rest.trim() === expected
    }
    return /^digest$/i.test(scheme) && this.#admitsDigest(method, uri, parseParameters(rest))
  }

  #admitsDigest(method: string, uri: string, given: Map<string, string>): boolean {
    const algorithm = (given.get('algorithm') ?? 'MD5').toUpperCase()
    const isOffered =
      (algorithm === 'MD5' && this.#scheme !== 'digest-sha256') ||
      (algorithm === 'SHA-256' && this.#scheme !== 'digest')
    if (!isOffered || given.get('nonce') !== this.#nonce || given.get('uri') !== uri) return false
    if (given.get('username') !== this.#user || given.get('realm') !== this.#realm) return false
    const hash = (text: string) =>
      createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex')
    const secret = hash(`${this.#user}:${this.#realm}:${this.#password}`)
    const request = hash(`${method}:${uri}`)
    const qop = given.get('qop')
    const middle = qop ? `${this.#nonce}:${given.get('nc')}:${given.get('cnonce')}:${qop}` : this.#nonce
    return given.get('response') === hash(`${secret}:${middle}:${request}`)
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

function parseParameters(text: string): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const [, name, quoted, bare] of text.matchAll(/(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))/g)) {
    parameters.set(name!.toLowerCase(), quoted ?? bare ?? '')
  }
  return parameters
}

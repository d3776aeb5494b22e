/** Proving a password to a camera: Basic (RFC 7617) and Digest (RFC 7616, and RFC 2617 for old cameras). */

import { createHash } from 'node:crypto'

/** One challenge of a `WWW-Authenticate` header. */
export interface Challenge {
  /** In lower case: `basic`, `digest`. */
  scheme: string
  /** By name in lower case. */
  params: Map<string, string>
}

export interface Credentials {
  username: string
  password: string
}

/** What a Digest answer is computed from, beside the challenge. */
export interface DigestRequest {
  method: string
  /** As it stands in the request line. */
  url: string
  /** A random text of the client's, used only with `qop`. */
  cnonce: string
  /** How many requests have been sent with this nonce, this one counted: from 1. */
  nonceCount: number
}

/**
 * Reads the challenges of one or several `WWW-Authenticate` values, in order. One value may hold several (RFC 7235 §4.1).
 * What cannot be read is passed over.
 */
export function parseChallenges(values: readonly string[]): Challenge[] {
  return values.flatMap(parseValue)
}

/** Characters of a header value that are looked at: one made to be slow to read is cut short. */
const maxValueLength = 4096

function parseValue(value: string): Challenge[] {
  const challenges: Challenge[] = []
  // Either name = "quoted" or name = token, or a lone word, which is a scheme and begins the next challenge.
  const parts = /([!#$%&'*+.^_`|~\w-]+)[ \t]*(?:=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/gs
  for (const [, name, quoted, token] of value.slice(0, maxValueLength).matchAll(parts)) {
    const text = quoted?.replace(/\\(.)/gs, '$1') ?? token
    if (text === undefined) challenges.push({ scheme: name!.toLowerCase(), params: new Map() })
    else challenges.at(-1)?.params.set(name!.toLowerCase(), text)
  }
  return challenges
}

const hashNames: Record<string, string> = { md5: 'md5', 'sha-256': 'sha256', sha256: 'sha256' }

/** How good a challenge is: 0 where it cannot be answered. */
function strength({ scheme, params }: Challenge): number {
  if (scheme === 'basic') return 1
  if (scheme !== 'digest' || !params.get('nonce')) return 0
  const qops = offeredQops(params)
  if (qops.length > 0 && !qops.includes('auth')) return 0 // auth-int alone: no camera is known to ask it
  const hash = hashNames[algorithm(params).hash]
  if (hash === 'sha256') return 3
  return hash === 'md5' ? 2 : 0
}

/**
 * The strongest challenge that can be answered, Digest SHA-256 before Digest MD5 before Basic; undefined where none can.
 */
export function strongestChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  let best: Challenge | undefined
  for (const challenge of challenges) {
    if (strength(challenge) > (best ? strength(best) : 0)) best = challenge
  }
  return best
}

/** The value of the `Authorization` header that answers a challenge `strongestChallenge` has chosen. */
export function authorization(challenge: Challenge, credentials: Credentials, request: DigestRequest): string {
  const { username, password } = credentials
  const { params } = challenge
  if (challenge.scheme === 'basic') return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const realm = params.get('realm') ?? ''
  const nonce = params.get('nonce') ?? ''
  const { hash, isSession } = algorithm(params)
  const digest = (text: string): string =>
    createHash(hashNames[hash] ?? 'md5')
      .update(text)
      .digest('hex')
  const hasQop = offeredQops(params).includes('auth')
  const nc = request.nonceCount.toString(16).padStart(8, '0')
  let ha1 = digest(`${username}:${realm}:${password}`)
  if (isSession) ha1 = digest(`${ha1}:${nonce}:${request.cnonce}`)
  const ha2 = digest(`${request.method}:${request.url}`)
  const response = hasQop
    ? digest(`${ha1}:${nonce}:${nc}:${request.cnonce}:auth:${ha2}`)
    : digest(`${ha1}:${nonce}:${ha2}`)
  const isHashed = params.get('userhash')?.toLowerCase() === 'true'
  const fields = [
    `username=${quote(isHashed ? digest(`${username}:${realm}`) : username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(request.url)}`,
    `response="${response}"`,
  ]
  const algorithmText = params.get('algorithm')
  if (algorithmText) fields.push(`algorithm=${algorithmText}`)
  const opaque = params.get('opaque')
  if (opaque !== undefined) fields.push(`opaque=${quote(opaque)}`)
  if (hasQop) fields.push('qop=auth', `nc=${nc}`)
  if (hasQop || isSession) fields.push(`cnonce=${quote(request.cnonce)}`)
  if (isHashed) fields.push('userhash=true')
  return `Digest ${fields.join(', ')}`
}

/** True where a refusal says only that the nonce has aged: the password may well be right (RFC 7616 §3.3). */
export function isStale(challenge: Challenge): boolean {
  return challenge.params.get('stale')?.toLowerCase() === 'true'
}

function algorithm(params: Map<string, string>): { hash: string; isSession: boolean } {
  const name = (params.get('algorithm') || 'MD5').toLowerCase()
  const isSession = name.endsWith('-sess')
  return { hash: isSession ? name.slice(0, -5) : name, isSession }
}

function offeredQops(params: Map<string, string>): string[] {
  return (params.get('qop') ?? '')
    .split(',')
    .map((qop) => qop.trim().toLowerCase())
    .filter((qop) => qop !== '')
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

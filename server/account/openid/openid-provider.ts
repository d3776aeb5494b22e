// What is said to a provider of OpenID Connect: discovery, the way there (code flow with PKCE, RFC 7636), the way back.
import { Failure } from '../../../shared/failure.ts'

/** What is kept in the browser between the way there and the way back. */
export interface OpenidTrip {
  state: string
  nonce: string
  verifier: string
  redirectUri: string
  /** Of our page, to come back to; ends with `/`. */
  path: string
  startedMs: number
}

export interface OpenidClient {
  issuer: string
  clientId: string
  clientSecret: string
  scopes: string
}

/** Who the provider says has logged in. */
export interface OpenidPerson {
  issuer: string
  subject: string
  claims: Record<string, unknown>
}

const timeoutSec = 10

type Library = typeof import('openid-client')

/** Loaded when it is first used: most servers never need it. */
const library = (): Promise<Library> => import('openid-client')

export class OpenidProvider {
  readonly #client: OpenidClient
  #discovered: ReturnType<Library['discovery']> | undefined

  constructor(client: OpenidClient) {
    this.#client = client
  }

  /** The address to send the browser to, and what it must bring back. Fails `unreachable` where the provider is. */
  async begin(redirectUri: string, path: string, nowMs: number): Promise<{ url: string; trip: OpenidTrip }> {
    const openid = await library()
    const configuration = await this.#configuration()
    const trip: OpenidTrip = {
      ...{ state: openid.randomState(), nonce: openid.randomNonce(), verifier: openid.randomPKCECodeVerifier() },
      ...{ redirectUri, path, startedMs: nowMs },
    }
    const url = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.#client.scopes,
      state: trip.state,
      nonce: trip.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(trip.verifier),
      code_challenge_method: 'S256',
    })
    return { url: url.href, trip }
  }

  /**
   * Who came back with `query`. State, nonce, signature, issuer and audience are checked by the library.
   *
   * Fails `unauthenticated` where any of it is wrong or the provider says no, `unreachable` where it does not answer.
   */
  async finish(query: string, trip: OpenidTrip): Promise<OpenidPerson> {
    const openid = await library()
    const configuration = await this.#configuration()
    const address = new URL(trip.redirectUri)
    address.search = query
    try {
      const tokens = await openid.authorizationCodeGrant(configuration, address, {
        ...{ pkceCodeVerifier: trip.verifier, expectedState: trip.state, expectedNonce: trip.nonce },
        idTokenExpected: true,
      })
      const claims = { ...tokens.claims() } as Record<string, unknown>
      const subject = String(claims['sub'])
      // Some providers tell names and groups only when they are asked for them.
      const more = configuration.serverMetadata().userinfo_endpoint
        ? await openid.fetchUserInfo(configuration, tokens.access_token, subject)
        : {}
      return { issuer: String(claims['iss']), subject, claims: { ...claims, ...more } }
    } catch (error) {
      if (isNoAnswer(error)) throw new Failure('unreachable', `${this.#client.issuer}: ${reasonOf(error)}`)
      throw new Failure('unauthenticated', `${this.#client.issuer}: ${reasonOf(error)}`)
    }
  }

  #configuration(): ReturnType<Library['discovery']> {
    this.#discovered ??= this.#discover().catch((error) => {
      // The next one asks again.
      this.#discovered = undefined
      throw new Failure('unreachable', `${this.#client.issuer}: ${reasonOf(error)}`)
    })
    return this.#discovered
  }

  async #discover(): ReturnType<Library['discovery']> {
    const openid = await library()
    const { issuer, clientId, clientSecret } = this.#client
    const authentication = clientSecret === '' ? openid.None() : openid.ClientSecretBasic(clientSecret)
    const url = new URL(issuer)
    // Plain HTTP only within this machine: what comes by it decides who logs in.
    const execute = isOwnMachine(url) ? [openid.allowInsecureRequests] : []
    return openid.discovery(url, clientId, undefined, authentication, { execute, timeout: timeoutSec })
  }
}

/** Whether an address is of this machine itself. */
export function isOwnMachine({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

/** The network failed, and not what came over it. */
function isNoAnswer(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string }
  return name === 'TimeoutError' || name === 'AbortError' || code === 'OAUTH_TIMEOUT' || error instanceof TypeError
}

/** What it says, and what lies behind it: libraries wrap the line that helps. Never an answer's body. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { error_description?: string }
  const deeper = cause instanceof Error ? cause.message : undefined
  return deeper === undefined || deeper === message ? message : `${message} (${deeper})`
}

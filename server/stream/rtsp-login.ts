// The login of one RTSP session: which challenge is answered, and when a refusal is final.
import { randomBytes } from 'node:crypto'
import type { LoginGate, LoginTry } from '../base/retry.ts'
import { authorization, type Challenge, isStale, parseChallenges, strongestChallenge } from '../media/rtsp/digest.ts'
import { SourceFailure } from './source-failure.ts'

/** How often in a row a server may say that the nonce has aged. */
const maxRenewals = 2

export interface RtspLoginOptions {
  gate: LoginGate
  /** See `loginKey`. */
  key: string
  /** Undefined where none may be sent, with the reason in `whyNone`. */
  credentials: { username: string; password: string } | undefined
  whyNone: string
  /** How the address is shown in failures. */
  label: string
}

/**
 * Answers challenges (RFC 2326 §14 by way of RFC 7616 and RFC 7617) with one nonce for as long as the server takes it.
 */
export class RtspLogin {
  readonly #options: RtspLoginOptions
  #challenge: Challenge | undefined
  #nonceCount = 0
  #renewals = 0
  /** Whether this session has proved the password: then another nonce is only another nonce. */
  #isProved = false
  #try: LoginTry | undefined
  #isOver = false

  constructor(options: RtspLoginOptions) {
    this.#options = options
  }

  /** The `Authorization` of a request, or undefined as long as the server has not asked for one. */
  header(method: string, url: string): string | undefined {
    const { credentials } = this.#options
    if (this.#challenge === undefined || credentials === undefined) return undefined
    this.#nonceCount++
    const cnonce = randomBytes(8).toString('hex')
    return authorization(this.#challenge, credentials, { method, url, cnonce, nonceCount: this.#nonceCount })
  }

  /** The server took a request that carried `header`. */
  accepted(): void {
    this.#isProved = true
    this.#renewals = 0
    this.#try?.accepted()
    this.#try = undefined
  }

  /**
   * The server answered 401 with these `WWW-Authenticate` values; `wasAnswered` where the request carried `header`.
   * Returns when the request may be sent again; throws `login` where it must not be.
   */
  async challenged(values: string[], wasAnswered: boolean): Promise<void> {
    const { gate, key, credentials, label, whyNone } = this.#options
    const challenge = strongestChallenge(parseChallenges(values))
    if (challenge === undefined) {
      const schemes = values.map((value) => value.split(/[\s,]/, 1)[0]).join(', ')
      throw new SourceFailure('login', `${label}: 401 Unauthorized, and asks for a login we do not know (${schemes})`)
    }
    const refusal = `${label}: 401 Unauthorized (${challenge.scheme === 'basic' ? 'Basic' : 'Digest'})`
    if (credentials === undefined) throw new SourceFailure('login', `${refusal}, ${whyNone}`)
    const previous = this.#challenge
    this.#challenge = challenge
    this.#nonceCount = 0
    if (wasAnswered) {
      const isNewNonce = challenge.params.get('nonce') !== previous?.params.get('nonce')
      // Cameras that change the nonce without `stale=true` are taken at their word once the password has been proved.
      const isRenewal = challenge.scheme === 'digest' && (isStale(challenge) || (this.#isProved && isNewNonce))
      if (isRenewal && this.#renewals++ < maxRenewals) return
      throw this.refused(refusal)
    }
    const leave = await gate.enter(key, credentials.password)
    if (!leave.isGiven) {
      throw new SourceFailure('login', `${refusal}: this login was refused a moment ago and is not tried again yet`, {
        notBeforeUs: leave.askAgainUs,
      })
    }
    if (this.#isOver) leave.login.left()
    else this.#try = leave.login
  }

  /** Notes that the server refused the login, by 401 or 403, and gives the failure that says so. */
  refused(detail: string): SourceFailure {
    const { gate, key, credentials } = this.#options
    if (this.#try !== undefined) this.#try.refused()
    else if (credentials !== undefined) gate.noteRefusal(key, credentials.password)
    this.#try = undefined
    // Whatever is asked from now on goes without a login, until the server asks and the gate gives leave.
    this.#challenge = undefined
    this.#isProved = false
    const notBeforeUs = credentials === undefined ? 0 : gate.closedUntilUs(key, credentials.password)
    return new SourceFailure('login', detail, { notBeforeUs })
  }

  /** The session ended. */
  left(): void {
    this.#isOver = true
    this.#try?.left()
    this.#try = undefined
  }
}

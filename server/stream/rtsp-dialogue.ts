// The dialogue of one RTSP session: connection, redirects, login, and requests that are answered.
import type { Resolver } from '../base/resolver.ts'
import { type LoginGate, loginKey } from '../base/retry.ts'
import type { ReadBuffer } from '../media/rtp/interleaved.ts'
import { presentationBase } from '../media/rtsp/control-url.ts'
import { type RtspResponse, rtspHeader } from '../media/rtsp/message.ts'
import { parseSdp, type Sdp } from '../media/rtsp/sdp.ts'
import { RtspConnection, type RtspConnectionEvents } from './rtsp-connection.ts'
import { RtspLogin } from './rtsp-login.ts'
import type { SourceAddress } from './source.ts'
import { displayText, displayUrl, isSameHost, parseRtspAddress, type RtspAddress } from './source-address.ts'
import { SourceFailure } from './source-failure.ts'

/** How long is waited, in milliseconds. */
export interface DialogueTimes {
  /** To make a connection, TLS included. */
  connectMs: number
  /** To answer a request. */
  requestMs: number
  /** To answer DESCRIBE: some cameras wake their encoder for it. */
  describeMs: number
}

export interface RtspDialogueOptions {
  address: SourceAddress
  /** Where to begin, where an earlier session was sent elsewhere by the server; else undefined. */
  redirectedTo: string | undefined
  readBuffer: ReadBuffer
  resolver: Resolver
  gate: LoginGate
  times: DialogueTimes
}

const maxRedirects = 5
const redirectStatuses = [301, 302, 303, 305, 307, 308]

/** Talks to a camera, and to whatever other server it sends us to. Holds one connection at a time. */
export class RtspDialogue {
  readonly #options: RtspDialogueOptions
  readonly #events: RtspConnectionEvents
  readonly #original: RtspAddress
  #address: RtspAddress
  #label: string
  #connection: RtspConnection
  #login: RtspLogin
  #isOver = false
  /** The session's identifier once SETUP gave one; goes into every request. */
  sessionId = ''
  /** What the server says it can do (`Public` of OPTIONS), in capitals. */
  methods: string[] = []

  /** Fails `invalid` where the address is none of RTSP. */
  constructor(options: RtspDialogueOptions, events: RtspConnectionEvents) {
    this.#options = options
    this.#events = events
    this.#original = parseRtspAddress(options.address.url)
    this.#address = options.redirectedTo === undefined ? this.#original : parseRtspAddress(options.redirectedTo)
    this.#label = displayUrl(this.#address.url)
    this.#connection = this.#newConnection()
    this.#login = this.#newLogin()
  }

  /** How the address is shown, without secrets. */
  get label(): string {
    return this.#label
  }

  /** The connection of the moment; another after a redirect, and never after `describe`. */
  get connection(): RtspConnection {
    return this.#connection
  }

  /** An address the server gave, made absolute. */
  absolute(location: string): string {
    return presentationBase(this.#address.url, location)
  }

  /** Connects, follows redirects, and gives the description. */
  async describe(): Promise<Sdp> {
    const { times } = this.#options
    for (let redirects = 0; ; redirects++) {
      await this.#connect()
      const { url } = this.#address
      const options = await this.request('OPTIONS', url, {}, times.requestMs)
      if (!this.#isRedirect(options)) {
        this.methods = (rtspHeader(options, 'public') ?? '').split(',').map((method) => method.trim().toUpperCase())
        const described = await this.request('DESCRIBE', url, { Accept: 'application/sdp' }, times.describeMs)
        if (!this.#isRedirect(described)) return this.#readDescription(described)
        this.#follow(described, redirects)
      } else {
        this.#follow(options, redirects)
      }
    }
  }

  async #connect(): Promise<void> {
    const { host, port, isTls } = this.#address
    let addresses: string[]
    try {
      addresses = await this.#options.resolver.resolve(host)
    } catch (error) {
      throw new SourceFailure('name-resolution', `${this.#label}: ${(error as Error).message}`)
    }
    await this.#connection.open({ addresses, host, port, isTls }, this.#options.times.connectMs)
  }

  #isRedirect(response: RtspResponse): boolean {
    return redirectStatuses.includes(response.status) && rtspHeader(response, 'location') !== undefined
  }

  /** Leaves this server for the one it names. */
  #follow(response: RtspResponse, redirects: number): void {
    const location = rtspHeader(response, 'location') ?? ''
    if (redirects >= maxRedirects) {
      throw new SourceFailure('path', `${this.#label}: redirected more than ${maxRedirects} times`)
    }
    this.#goTo(this.absolute(location))
  }

  #goTo(location: string): void {
    if (this.#isOver) throw new SourceFailure('closed-by-camera', `${this.#label}: closed`)
    let address: RtspAddress
    try {
      address = parseRtspAddress(location)
    } catch {
      throw new SourceFailure(
        'path',
        `${this.#label}: redirected to ${displayText(location, '')}, which is no RTSP address`,
      )
    }
    this.#connection.destroy()
    this.#login.left()
    this.#address = address
    this.#label = `${displayUrl(this.#original.url)}: redirected to ${displayUrl(address.url)}`
    this.#connection = this.#newConnection()
    this.#login = this.#newLogin()
  }

  #readDescription(response: RtspResponse): Sdp {
    this.mustSucceed('DESCRIBE', response)
    const contentBase = rtspHeader(response, 'content-base')
    const base = presentationBase(this.#address.url, contentBase, rtspHeader(response, 'content-location'))
    try {
      return parseSdp(new TextDecoder().decode(response.body), base)
    } catch (error) {
      throw new SourceFailure('protocol', `${this.#label}: ${(error as Error).message}`)
    }
  }

  /** Sends a request with the session and the login, answers challenges, and gives the answer whatever its status. */
  async request(
    method: string,
    url: string,
    headers: Record<string, string>,
    timeoutMs: number,
  ): Promise<RtspResponse> {
    for (;;) {
      const connection = this.#connection
      const all = { ...this.#headers(method, url), ...headers }
      const wasAnswered = 'Authorization' in all
      const response = await connection.request(method, url, all, timeoutMs)
      if (response.status === 401) {
        await this.#login.challenged(response.headers.get('www-authenticate') ?? [], wasAnswered)
        if (connection.isOver)
          throw new SourceFailure('closed-by-camera', `${this.#label}: the camera closed the connection`)
        continue
      }
      if (response.status === 403 && wasAnswered) {
        throw this.#login.refused(`${this.#label}: 403 ${this.reason(response)}`)
      }
      if (wasAnswered) this.#login.accepted()
      return response
    }
  }

  #headers(method: string, url: string): Record<string, string> {
    const headers: Record<string, string> = {}
    const authorization = this.#login.header(method, url)
    if (authorization !== undefined) headers['Authorization'] = authorization
    if (this.sessionId !== '') headers['Session'] = this.sessionId
    return headers
  }

  /** Throws for every status but 2xx, by what it means for the stream. */
  mustSucceed(method: string, response: RtspResponse): void {
    const { status } = response
    if (status >= 200 && status < 300) return
    const isLogin = status === 403 || status === 407
    // 404, 410, 400, 454 and the like: the server does not know what was asked for. 5xx: it does, and cannot.
    const isPath = status >= 400 && status < 500 && ![405, 406, 453].includes(status)
    const fault = isLogin ? 'login' : isPath ? 'path' : 'protocol'
    const detail = `${this.#label}: ${status} ${this.reason(response)}`
    throw new SourceFailure(fault, method === 'DESCRIBE' ? detail : `${detail} to ${method}`)
  }

  /** A response's reason phrase, fit to show. */
  reason(response: RtspResponse): string {
    return displayText(response.reason.slice(0, 80), this.#options.address.password)
  }

  #newConnection(): RtspConnection {
    return new RtspConnection(this.#options.readBuffer, this.#label, this.#events)
  }

  #newLogin(): RtspLogin {
    const { gate, address } = this.#options
    // A server must not be able to send a password wherever it likes: credentials go to the host that the user named, at
    // any of its ports, and never in the clear where the user asked for TLS.
    const isElsewhere = !isSameHost(this.#address, this.#original)
    const isInClear = this.#original.isTls && !this.#address.isTls
    const hasUser = address.username !== ''
    return new RtspLogin({
      gate,
      key: loginKey(this.#address.host, address.username),
      credentials:
        hasUser && !isElsewhere && !isInClear ? { username: address.username, password: address.password } : undefined,
      whyNone: !hasUser
        ? 'and no user name is set'
        : isElsewhere
          ? `and the login for ${this.#original.host} is not sent to the host it redirects to`
          : 'and the login is not sent without TLS to where it redirects to',
      label: this.#label,
    })
  }

  /** Lets go; with `teardownUrl`, says TEARDOWN to it and waits for nothing. */
  end(teardownUrl?: string): void {
    if (this.#isOver) return
    this.#isOver = true
    const isPolite = teardownUrl !== undefined && this.sessionId !== '' && !this.#connection.isOver
    this.#connection.destroy(
      isPolite ? this.#connection.farewell('TEARDOWN', teardownUrl, this.#headers('TEARDOWN', teardownUrl)) : undefined,
    )
    this.#login.left()
  }
}

// WebSocket upgrades: guarded like routes, and ended with their session.
import { type IncomingMessage, type Server, ServerResponse, STATUS_CODES } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { Failure, statusOfFailure } from '../../shared/failure.ts'
import type { Privilege } from '../../shared/privilege.ts'
import type { Logger } from '../base/logger.ts'
import { failureOf } from './failure-handler.ts'
import { type Actor, isOwnOrigin, type PrivilegeCheck } from './guard.ts'

export interface UpgradeOptions {
  basePath: string
  check: PrivilegeCheck
  /** Fails where the address that asks may not connect at all; asked before anything else. */
  admit: (request: IncomingMessage) => void
  /** The actor of an upgrade request, and what its page's origin is held against: the host asked, and the login's origin. */
  authenticate: (
    request: IncomingMessage,
    response: ServerResponse,
  ) => Promise<{ actor: Actor | undefined; host: string | undefined; loginOrigin: string | undefined }>
  /** Prolongs a session whose socket is open; false where the session is there no more. */
  keepSession: (sessionId: string) => Promise<boolean>
  logger: Logger
}

export type SocketHandler = (socket: WebSocket, actor: Actor, request: IncomingMessage) => void

/** Sent as the close code when a session ended under its socket: the page shows its login. */
export const sessionEndedCode = 4401

/** How often sockets are pinged; one that misses two pings is dropped. */
const pingMs = 30_000

/** How often the session of each socket is looked at and prolonged. */
const keepMs = 10 * 60_000

interface OpenSocket {
  socket: WebSocket
  actor: Actor
  missedPings: number
}

/** Gives upgrades on one HTTP server to the handlers of their paths. */
export class UpgradeDispatch {
  readonly #options: UpgradeOptions
  readonly #handlers = new Map<string, { handler: SocketHandler; privilege: Privilege; maxPayloadBytes: number }>()
  readonly #servers = new Map<string, WebSocketServer>()
  readonly #open = new Set<OpenSocket>()
  readonly #pinger: NodeJS.Timeout
  readonly #keeper: NodeJS.Timeout

  constructor(options: UpgradeOptions) {
    this.#options = options
    this.#pinger = setInterval(() => this.#ping(), pingMs)
    this.#keeper = setInterval(() => void this.#keep(), keepMs)
    this.#pinger.unref()
    this.#keeper.unref()
  }

  /** Mounts a handler on a path below the base path, without a leading `/`: `api/push`. Larger messages end the socket. */
  onUpgrade(path: string, privilege: Privilege, maxPayloadBytes: number, handler: SocketHandler): void {
    this.#handlers.set(path, { handler, privilege, maxPayloadBytes })
    this.#servers.set(
      path,
      new WebSocketServer({
        noServer: true,
        clientTracking: false,
        maxPayload: maxPayloadBytes,
        perMessageDeflate: false,
      }),
    )
  }

  /** Paths with a handler, for OpenAPI's description and for tests. */
  get paths(): string[] {
    return [...this.#handlers.keys()]
  }

  attach(server: Server | TlsServer): void {
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy())
      this.#upgrade(request, socket, head).catch((error) => {
        const failure = failureOf(error)
        if (failure.kind === 'internal') this.#options.logger.error({ err: error }, 'an upgrade failed')
        refuse(socket, failure)
      })
    })
  }

  /** Closes every socket of a session. */
  endSession(sessionId: string): void {
    for (const { socket, actor } of this.#open) {
      if (actor.sessionId === sessionId) socket.close(sessionEndedCode, 'session ended')
    }
  }

  /** Ends every socket from an address that `isOpenTo` does not have any more. */
  endRefused(isOpenTo: (address: string) => boolean): void {
    for (const { socket, actor } of this.#open) if (!isOpenTo(actor.address)) socket.terminate()
  }

  close(): void {
    clearInterval(this.#pinger)
    clearInterval(this.#keeper)
    for (const { socket } of this.#open) socket.terminate()
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { basePath, admit, check, authenticate } = this.#options
    admit(request)
    const pathname = (request.url ?? '').split('?')[0]!
    const path = pathname.startsWith(basePath) ? pathname.slice(basePath.length) : ''
    const entry = this.#handlers.get(path)
    if (entry === undefined) throw new Failure('not-found', 'no WebSocket is at this address')
    const { actor, host, loginOrigin } = await authenticate(request, new ServerResponse(request))
    // Pages of other ports of this host get our cookie sent along, for to a browser they are the same site.
    if (!isOwnOrigin(request, host, loginOrigin)) {
      throw new Failure('forbidden', `a page of ${request.headers.origin} may not open this WebSocket`)
    }
    if (actor === undefined) throw new Failure('unauthenticated', 'log in first')
    if (!(await check(actor, entry.privilege))) throw new Failure('forbidden', `this needs ${entry.privilege}`)
    if (socket.destroyed) return
    this.#servers.get(path)!.handleUpgrade(request, socket, head, (webSocket) => {
      this.#follow(webSocket, actor)
      entry.handler(webSocket, actor, request)
    })
  }

  #follow(socket: WebSocket, actor: Actor): void {
    const open: OpenSocket = { socket, actor, missedPings: 0 }
    this.#open.add(open)
    socket.on('pong', () => {
      open.missedPings = 0
    })
    socket.on('close', () => this.#open.delete(open))
    socket.on('error', (error) => this.#options.logger.debug({ err: error }, 'a WebSocket failed'))
  }

  #ping(): void {
    for (const open of this.#open) {
      if (open.missedPings++ >= 2) open.socket.terminate()
      else open.socket.ping()
    }
  }

  async #keep(): Promise<void> {
    for (const sessionId of new Set([...this.#open].map(({ actor }) => actor.sessionId))) {
      // A database that is away ends nobody's session.
      const isThere = await this.#options.keepSession(sessionId).catch(() => true)
      if (!isThere) this.endSession(sessionId)
    }
  }
}

function refuse(socket: Duplex, failure: Failure): void {
  if (socket.destroyed) return
  const status = statusOfFailure[failure.kind]
  const body = JSON.stringify(failure.toBody())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      // Helmet's step is for requests; a browser that is sent here by a link shows this as a page.
      `X-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'\r\nCache-Control: no-store\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

// The sockets that browsers come to: HTTP, and HTTPS beside it. Ports and certificate change while they are in use.
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import type { Logger } from '../base/logger.ts'

/** A client that has not ended its TLS handshake by then, in milliseconds, is dropped. */
const handshakeMs = 20_000

export interface ListenerOptions {
  /** The address listened on. */
  host: string
  logger: Logger
}

/** Answers requests; and is given each server before it listens, for its upgrades. */
export interface WebHandler {
  handle: RequestListener
  onServer: (server: Server | TlsServer) => void
}

/** A port that is listened on. One of the two is called, once. */
export interface OpenedPort {
  /** It takes the place of the former port, which is listened on no more; who is connected there stays so. */
  take(): void
  /** All is as it was before. */
  drop(): void
}

export class WebListeners {
  readonly #options: ListenerOptions
  #handler: WebHandler | undefined
  #http: Server | undefined
  #https: TlsServer | undefined
  /** Those that listen no more and still have connections. */
  readonly #leaving = new Map<Server | TlsServer, Promise<void>>()

  constructor(options: ListenerOptions) {
    this.#options = options
  }

  /** Says who answers; before anything is opened. */
  serve(handler: WebHandler): void {
    this.#handler = handler
  }

  get httpPort(): number | undefined {
    return portOf(this.#http)
  }

  get httpsPort(): number | undefined {
    return portOf(this.#https)
  }

  /** Listens for HTTP on another port. Fails with the system's error. */
  async openHttp(port: number): Promise<OpenedPort> {
    const server = createServer(this.#handler!.handle)
    await this.#listen(server, port)
    return this.#opened(server, () => {
      this.#leave(this.#http)
      this.#http = server
    })
  }

  /** The same for HTTPS. */
  async openHttps(port: number, tls: SecureContextOptions): Promise<OpenedPort> {
    const server = createTlsServer(
      { ...tls, minVersion: 'TLSv1.2', handshakeTimeout: handshakeMs },
      this.#handler!.handle,
    )
    server.on('tlsClientError', (error, socket) => {
      this.#options.logger.debug({ err: error }, 'a TLS handshake failed')
      socket.destroy()
    })
    await this.#listen(server, port)
    return this.#opened(server, () => {
      this.#leave(this.#https)
      this.#https = server
    })
  }

  /** Shows another certificate to who connects from now on; connections there are go on under the former. */
  setTls(tls: SecureContextOptions): void {
    this.#https?.setSecureContext({ ...tls, minVersion: 'TLSv1.2' })
  }

  closeHttps(): void {
    this.#leave(this.#https)
    this.#https = undefined
  }

  /** Stops listening, and cuts what still runs a second later. */
  async close(): Promise<void> {
    this.#leave(this.#http)
    this.#leave(this.#https)
    const leaving = new Map(this.#leaving)
    // Movies and live sockets last as long as somebody watches: they are cut.
    setTimeout(() => {
      for (const server of leaving.keys()) server.closeAllConnections()
    }, 1000).unref()
    await Promise.all(leaving.values())
  }

  #opened(server: Server | TlsServer, take: () => void): OpenedPort {
    return { take, drop: () => this.#leave(server) }
  }

  #listen(server: Server | TlsServer, port: number): Promise<void> {
    this.#handler!.onServer(server)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, this.#options.host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  }

  #leave(server: Server | TlsServer | undefined): void {
    if (server === undefined) return
    // A connection that is kept alive would otherwise hold the old port's server for as long as its page is open.
    const sweep = setInterval(() => server.closeIdleConnections(), 1000)
    sweep.unref()
    const left = new Promise<void>((resolve) => {
      server.close(() => {
        clearInterval(sweep)
        this.#leaving.delete(server)
        resolve()
      })
    })
    this.#leaving.set(server, left)
    server.closeIdleConnections()
  }
}

function portOf(server: Server | TlsServer | undefined): number | undefined {
  return (server?.address() as AddressInfo | null | undefined)?.port
}

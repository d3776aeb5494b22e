// Listens for RTSP, over TCP or TLS.
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { type FindStream, RtspConnection } from './rtsp-connection.ts'

/** A listening RTSP port. */
export class RtspServer {
  #server: Server
  #sockets = new Set<Socket>()
  #host: string
  #port: number

  /**
   * @param port 0 for any free one
   * @param certificate PEM key and certificate for RTSP over TLS
   */
  constructor(host: string, port: number, find: FindStream, certificate?: { key: string; cert: string }) {
    this.#host = host
    this.#port = port
    const onSocket = (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      new RtspConnection(socket, find)
    }
    this.#server = certificate
      ? createTlsServer(certificate, onSocket).on('tlsClientError', () => undefined)
      : createServer(onSocket)
  }

  /** The port it listens on, once it does. */
  get port(): number {
    return this.#port
  }

  /** Listens; again on the same port after `pause`. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#port, this.#host, () => {
        this.#server.off('error', reject)
        this.#port = (this.#server.address() as { port: number }).port
        resolve()
      })
    })
  }

  /** Ends every connection and refuses new ones. */
  pause(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve())
      else resolve()
    })
    for (const socket of this.#sockets) socket.destroy()
    return closed
  }
}

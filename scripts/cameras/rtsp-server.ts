// Listens for RTSP, over TCP or TLS.
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { type FindStream, RtspConnection } from './rtsp-connection.ts'
import { listenWithSmallBuffer } from './small-buffer-listener.ts'

/** What a server needs beside its address. */
export interface RtspServerOptions {
  /** What the kernel may hold of a connection's unsent bytes, where it can be told. */
  sendBufferBytes: number
  /** PEM key and certificate, for RTSP over TLS; the kernel's buffer is then its own choice. */
  certificate?: { key: string; cert: string }
}

/** A listening RTSP port. */
export class RtspServer {
  #server: Server | undefined
  #sockets = new Set<Socket>()
  #host: string
  #port: number
  #find: FindStream
  #options: RtspServerOptions

  /** @param port 0 for any free one */
  constructor(host: string, port: number, find: FindStream, options: RtspServerOptions) {
    this.#host = host
    this.#port = port
    this.#find = find
    this.#options = options
  }

  /** The port it listens on, once it does. */
  get port(): number {
    return this.#port
  }

  /** Listens; again on the same port after `pause`. */
  async listen(): Promise<void> {
    const { certificate, sendBufferBytes } = this.#options
    const small = certificate ? undefined : await listenWithSmallBuffer(this.#host, this.#port, sendBufferBytes)
    const server = small ?? (certificate ? createTlsServer(certificate) : createServer())
    server.on(certificate ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      new RtspConnection(socket, this.#find)
    })
    // A client that speaks no TLS is its own trouble.
    server.on('tlsClientError', () => undefined)
    if (!small) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(this.#port, this.#host, resolve)
      })
    }
    this.#server = server
    this.#port = (server.address() as { port: number }).port
  }

  /** Ends every connection and refuses new ones. */
  async pause(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}

// Listens for HTTP: all cameras by path and the remote control on a shared port, or one camera on a port of its own.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** Answers a request; `path` has no query. A failure becomes a 500. */
export type HttpAnswer = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>

/** A listening HTTP port. */
export class WebServer {
  #server: Server | undefined
  #host: string
  #port: number
  #answer: HttpAnswer

  /** @param port 0 for any free one */
  constructor(host: string, port: number, answer: HttpAnswer) {
    this.#host = host
    this.#port = port
    this.#answer = answer
  }

  /** The port it listens on, once it does. */
  get port(): number {
    return this.#port
  }

  /** Listens; again on the same port after `pause`. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      const path = request.url!.replace(/\?.*$/, '')
      this.#answer(request, response, path).catch((error: Error) => {
        if (response.headersSent) response.destroy()
        else response.writeHead(500, { 'Content-Type': 'text/plain' }).end(error.message)
      })
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, this.#host, resolve)
    })
    this.#server = server
    this.#port = (server.address() as { port: number }).port
  }

  /** Ends every connection and refuses new ones. */
  async pause(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
}

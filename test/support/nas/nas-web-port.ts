// The web port of a simulated NAS of which only the packages and the desktop page are looked at.
import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { answerDesktop, type NasDesktopOptions } from './nas-desktop.ts'
import { createWebPort, type NasCertificate, NasProxy } from './nas-proxy.ts'

export class NasWebPort {
  readonly proxy: NasProxy
  readonly #server: Server | TlsServer
  readonly #open = new Set<{ destroy(): void }>()
  url = ''

  private constructor(options: NasDesktopOptions, certificate: NasCertificate | undefined) {
    this.proxy = new NasProxy(options.readConf)
    this.#server = createWebPort(this.proxy, certificate, (request, response) => {
      if (answerDesktop(options, request, response)) return
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<html>Not found</html>')
    })
    this.#server.on('connection', (socket) => {
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    })
  }

  /** Listens on `host`, on a free port. */
  static async start(
    options: NasDesktopOptions,
    { host = '127.0.0.1', certificate }: { host?: string; certificate?: NasCertificate } = {},
  ): Promise<NasWebPort> {
    const made = new NasWebPort(options, certificate)
    await new Promise<void>((resolve) => made.#server.listen(0, host, resolve))
    const { port } = made.#server.address() as AddressInfo
    made.url = `${certificate === undefined ? 'http' : 'https'}://${host}:${port}/`
    return made
  }

  /** Connections there are now. */
  get connectionCount(): number {
    return this.#open.size
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

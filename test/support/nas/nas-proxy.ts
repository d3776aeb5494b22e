// The web port of a simulated NAS as packages see it: leads the Proxy_Path of each enabled package to its Web_Port.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type Section, sectionsOf } from './qpkg-conf.ts'

export interface ProxyMode {
  /** False: `Upgrade` is dropped, as Apache's mod_proxy_http drops it, and the request goes on as a plain one. */
  passesUpgrades: boolean
  /** True: an answer is passed on when it is whole. */
  holdsAnswers: boolean
  /**
   * How little may be counted on. Strict: only what Apache adds by itself (For, Host, Server) is added, and `Use_Proxy`
   * must be 1. Lenient: the scheme too, and keys are read whatever their case.
   */
  isStrict: boolean
}

/** Headers that are about one connection, and are not passed on (RFC 9110 §7.6.1). */
const ownHeaders = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']

/** Texts of PEM. */
export interface NasCertificate {
  key: string
  cert: string
}

/** A web port that leads to the packages, and answers the rest by `answer`. Speaks HTTPS where it has a certificate. */
export function createWebPort(
  proxy: NasProxy,
  certificate: NasCertificate | undefined,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Server | TlsServer {
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    if (!proxy.handle(request, response)) answer(request, response)
  }
  // Where upgrades do not pass, the server does not even see that one was asked for.
  const settings = { shouldUpgradeCallback: () => proxy.mode.passesUpgrades }
  const server =
    certificate === undefined
      ? createServer(settings, listener)
      : createTlsServer({ ...settings, ...certificate }, listener)
  server.on('upgrade', (request, socket, head) => proxy.upgrade(request, socket, head))
  return server
}

export class NasProxy {
  mode: ProxyMode = { passesUpgrades: true, holdsAnswers: false, isStrict: true }
  /** Requests passed on, in order: `GET /qvrpro/`, or `UPGRADE /qvrpro/api/push`. */
  readonly passed: string[] = []
  readonly #readConf: () => string

  /** `readConf` gives qpkg.conf as it is now. */
  constructor(readConf: () => string) {
    this.#readConf = readConf
  }

  /** Passes a request on; false where no package has its path. */
  handle(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const port = this.#portOf(incoming.url!)
    if (port === undefined) return false
    this.passed.push(`${incoming.method} ${incoming.url}`)
    const { method, url: path } = incoming
    const through = request({ host: '127.0.0.1', port, method, path, headers: this.#headersOf(incoming, ownHeaders) })
    through.on('response', (answer) => {
      const headers = without(answer.headers, ownHeaders)
      if (!this.mode.holdsAnswers) {
        outgoing.writeHead(answer.statusCode!, headers)
        outgoing.flushHeaders()
        answer.pipe(outgoing)
        answer.on('error', () => outgoing.destroy())
        return
      }
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('end', () => outgoing.writeHead(answer.statusCode!, headers).end(Buffer.concat(parts)))
      answer.on('error', () => outgoing.destroy())
    })
    through.on('error', () => {
      if (outgoing.headersSent) outgoing.destroy()
      else outgoing.writeHead(502, { 'Content-Type': 'text/html' }).end('<html>Proxy Error</html>')
    })
    outgoing.on('close', () => through.destroy())
    incoming.pipe(through)
    return true
  }

  /** Passes an upgrade on. To be called only in a mode that does, on the server's event `upgrade`. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const port = this.#portOf(incoming.url!)
    socket.on('error', () => socket.destroy())
    if (port === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
      return
    }
    this.passed.push(`UPGRADE ${incoming.url}`)
    const through = connect(port, '127.0.0.1', () => {
      const headers = { ...this.#headersOf(incoming, []), connection: 'Upgrade' }
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`)
      through.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('')}\r\n`)
      through.write(head)
      through.pipe(socket).pipe(through)
    })
    through.on('error', () => socket.destroy())
    through.on('close', () => socket.destroy())
    socket.on('close', () => through.destroy())
  }

  #portOf(url: string): number | undefined {
    const path = url.split('?')[0]!
    const found = sectionsOf(this.#readConf(), this.mode.isStrict).find((section) => {
      const proxyPath = section.get('Proxy_Path')?.replace(/\/$/, '') ?? ''
      return isLedTo(section) && proxyPath !== '' && (path === proxyPath || path.startsWith(`${proxyPath}/`))
    })
    return found === undefined ? undefined : Number(found.get('Web_Port'))
  }

  #headersOf(incoming: IncomingMessage, dropped: string[]): IncomingHttpHeaders {
    const { headers, socket } = incoming
    const chain = [headers['x-forwarded-for'], socket.remoteAddress].filter((one) => one !== undefined).join(', ')
    const scheme = (socket as TLSSocket).encrypted === true ? 'https' : 'http'
    return {
      ...without(headers, dropped),
      'x-forwarded-for': chain,
      'x-forwarded-host': headers.host,
      'x-forwarded-server': 'nas',
      ...(this.mode.isStrict ? {} : { 'x-forwarded-proto': scheme }),
    }
  }
}

function isLedTo(section: Section): boolean {
  return section.get('Enable') === 'TRUE' && section.get('Use_Proxy') === '1' && Number(section.get('Web_Port')) > 0
}

function without(headers: IncomingHttpHeaders, names: string[]): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)))
}

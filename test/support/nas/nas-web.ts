// The web server of a simulated NAS: its programs behind /cgi-bin, on a real socket, acting on the files of its root.
import { appendFileSync, mkdirSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { parse } from 'node:querystring'
import { answerOwnPassword, answerPrivilege } from './nas-accounts.ts'
import { answerDesktop } from './nas-desktop.ts'
import { answerLogin, answerLogout } from './nas-login.ts'
import { createWebPort, type NasCertificate, NasProxy } from './nas-proxy.ts'
import type { NasState } from './nas-state.ts'

export type Fields = Record<string, string>

export interface NasRequest {
  fields: Fields
  /** Of the socket's other end. */
  address: string
}

/** An element as QTS writes leaves: its text as CDATA. */
export function tag(name: string, text: string): string {
  return `<${name}><![CDATA[${text}]]></${name}>`
}

export function list(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, text]) => tag(name, text))
    .join('')
}

export class NasWeb {
  /** Leads to the packages' own ports. */
  readonly proxy: NasProxy
  readonly #state: NasState
  readonly #server: Server | TlsServer
  readonly #scheme: string

  /** Speaks HTTPS where it is given a certificate. */
  constructor(state: NasState, certificate?: NasCertificate) {
    this.#state = state
    this.#scheme = certificate === undefined ? 'http' : 'https'
    const readConf = () => state.read('/etc/config/qpkg.conf')
    const desktop = { readConf, userOf: (sid: string) => state.extra.sessions[sid]?.user }
    this.proxy = new NasProxy(readConf)
    this.#server = createWebPort(this.proxy, certificate, (request, response) => {
      if (answerDesktop(desktop, request, response)) return
      void this.#onRequest(request, response).catch((error: Error) => {
        if (!response.headersSent) response.writeHead(500)
        response.end(error.message)
      })
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://nas')
    let body = ''
    for await (const part of request) body += String(part)
    const fields = { ...Object.fromEntries(url.searchParams), ...(parse(body) as Fields) }
    const asked = { fields, address: request.socket.remoteAddress ?? '' }
    this.#note(request, fields)
    const { failures, banAfter, loginFault } = this.#state.extra
    if ((failures[fields['remote_ip'] ?? ''] ?? 0) >= banAfter) {
      response.writeHead(403, { 'Content-Type': 'text/html' }).end('<html><body>Forbidden</body></html>')
    } else if (url.pathname === '/cgi-bin/authLogin.cgi') {
      if (!fault(loginFault, response)) send(response, list(answerLogin(this.#state, asked)))
    } else if (url.pathname === '/cgi-bin/authLogout.cgi') send(response, list(answerLogout(this.#state, asked)))
    else this.#manage(url.pathname, fields, response)
  }

  /** What only administrators may ask. */
  #manage(path: string, fields: Fields, response: ServerResponse): void {
    const user = this.#state.extra.sessions[fields['sid'] ?? '']?.user
    const own = user === undefined ? undefined : answerOwnPassword(this.#state, path, user, fields)
    if (own !== undefined) {
      send(response, tag('authPassed', '1') + own)
      return
    }
    if (user === undefined || !this.#state.isAdministrator(user)) {
      send(response, tag('authPassed', '0'))
      return
    }
    const inside = this.#inside(path, fields)
    if (inside === undefined) response.writeHead(404, { 'Content-Type': 'text/html' }).end('<html>Not found</html>')
    else send(response, tag('authPassed', '1') + inside)
  }

  #inside(path: string, fields: Fields): string | undefined {
    switch (path) {
      case '/cgi-bin/management/manaRequest.cgi':
        return `<func><ownContent><root>${list({ server_name: 'nas', serial_number: 'Q204I09876' })}</root></ownContent></func>`
      case '/cgi-bin/disk/disk_manage.cgi':
        return `<Volume_Index>${this.#state.extra.volumeIndex
          .map(({ number, mappingName, label, isEncrypted }) => {
            const encryptfs_bool = isEncrypted ? '1' : '0'
            return `<row>${list({ vol_no: number, vol_label: label, mappingName, encryptfs_bool, vol_status: '0' })}</row>`
          })
          .join('')}</Volume_Index>`
      case '/cgi-bin/sys/sysRequest.cgi':
        this.#state.write('/tmp/power', `${fields['apply']} by request`)
        return ''
      default:
        return answerPrivilege(this.#state, path, fields)
    }
  }

  #note(request: IncomingMessage, fields: Fields): void {
    mkdirSync(this.#state.path('/tmp'), { recursive: true })
    appendFileSync(
      this.#state.path('/tmp/requests.trace'),
      `${JSON.stringify({ method: request.method, url: request.url, fields })}\n`,
    )
  }
}

/** Chunked, and without a charset, as QTS sends. */
function send(response: ServerResponse, inside: string): void {
  response.writeHead(200, { 'Content-Type': 'text/xml', 'X-Frame-Options': 'SAMEORIGIN' })
  response.write('<?xml version="1.0" encoding="UTF-8" ?>\n')
  response.end(`<QDocRoot version="1.0">${inside}</QDocRoot>`)
}

/** Plays a fault; false where there is none to play here. */
function fault(name: string | undefined, response: ServerResponse): boolean {
  switch (name) {
    case 'html':
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html><body><p>Starting up<br></body></html>')
      return true
    case 'status-500':
      response.writeHead(500, { 'Content-Type': 'text/html' }).end('<html>Internal error</html>')
      return true
    case 'hang':
      return true
    case 'cut':
      response.writeHead(200, { 'Content-Type': 'text/xml' })
      response.end('<?xml version="1.0"?><QDocRoot version="1.0"><authPassed><![CDATA[1]]></authPassed><authSid>abc')
      return true
    case 'empty':
      response.writeHead(200, { 'Content-Type': 'text/xml' }).end('')
      return true
    case 'close':
      response.destroy()
      return true
    case 'redirect':
      response.writeHead(302, { Location: 'https://127.0.0.1/' }).end()
      return true
    default:
      return false
  }
}

// HTTP over real TLS, with the certificate that was shown.
import { X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import { connect, type TLSSocket } from 'node:tls'

export interface TlsAnswer<T> {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: T
}

export interface TlsOptions {
  method?: string
  body?: unknown
  headers?: Record<string, string>
  /** PEM that the server's certificate must go back to; without it any is taken. */
  ca?: string
}

/** One request, its answer read as JSON where it is some. */
export function askTls<T = unknown>(url: string | URL, options: TlsOptions = {}): Promise<TlsAnswer<T>> {
  const { method = 'GET', body, headers = {}, ca } = options
  const trust = ca === undefined ? { rejectUnauthorized: false } : { ca }
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method,
      agent: false,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...trust,
    })
    asked.once('error', reject)
    asked.once('response', async (response) => {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      const isJson = response.headers['content-type']?.includes('json') === true
      resolve({ status: response.statusCode!, headers: response.headers, body: isJson ? JSON.parse(text) : text })
    })
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** The certificate that a server shows to `servername`. */
export async function shownCertificate(url: string, servername = 'localhost'): Promise<X509Certificate> {
  const socket = await openTls(url, servername)
  const { raw } = socket.getPeerCertificate()
  socket.destroy()
  return new X509Certificate(raw)
}

/** An open TLS connection; the caller ends it. */
export function openTls(url: string, servername = 'localhost', ca?: string): Promise<TLSSocket> {
  const { hostname, port } = new URL(url)
  const trust = ca === undefined ? { rejectUnauthorized: false } : { ca }
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), servername, ...trust }, () => resolve(socket))
    socket.once('error', reject)
  })
}

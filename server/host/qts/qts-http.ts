// Requests to QTS's own programs behind its web server (`/cgi-bin/…`).
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { stringify } from 'node:querystring'
import { asFinding, type Finding, found, lack } from '../finding.ts'
import type { HostSession } from '../host-session.ts'
import { parseXml, type XmlElement } from './xml.ts'

export interface QtsHttpOptions {
  /** Addresses to try in turn, such as `http://127.0.0.1:8080`; asked anew where none of the last ones answered. */
  baseUrls: () => Promise<string[]>
  /** Milliseconds a request may take; default 10,000: a busy NAS answers a login in seconds. */
  timeoutMs?: number
}

/** Milliseconds a request may take by default. */
const defaultTimeoutMs = 10_000
/** No answer used here is larger: 10,000 accounts are 4 MiB. */
const maxAnswerBytes = 8 * 1024 * 1024

/** What a request came to: the answer's element, or why there is none, with the HTTP status where there was one. */
export type QtsAnswer = Finding<XmlElement> & { status?: number }

export class QtsHttp {
  readonly #options: QtsHttpOptions
  #baseUrls: string[] | undefined

  constructor(options: QtsHttpOptions) {
    this.#options = options
  }

  /**
   * Sends `fields` in the body, never in the address, which web servers write to their logs.
   *
   * The next address is tried only where nobody listened at the last, or it sent us elsewhere (a NAS that has HTTPS forced).
   */
  async post(path: string, fields: Record<string, string>): Promise<QtsAnswer> {
    const attempt = `ask QTS ${path}`
    let last: QtsAnswer = lack('failed', `${attempt}: no address is known`)
    this.#baseUrls ??= await this.#options.baseUrls()
    for (const baseUrl of this.#baseUrls) {
      last = await this.#postTo(baseUrl, path, fields, attempt)
      if (!isElsewhere(last)) return last
    }
    this.#baseUrls = undefined
    return last
  }

  /** The same as an administrator. Denied without a session, and where QTS no longer knows it. */
  async postAs(
    session: HostSession | undefined,
    path: string,
    fields: Record<string, string>,
  ): Promise<Finding<XmlElement>> {
    if (session === undefined) return lack('denied', `ask QTS ${path}: only a QTS administrator who is logged in may`)
    const answer = await this.post(path, { ...fields, sid: session.reveal() })
    if (!answer.isFound) return answer
    const passed = answer.value.children.find(({ name }) => name === 'authPassed')?.text
    if (passed === '0') return lack('denied', `ask QTS ${path}: the login has ended or has too few rights`)
    return answer
  }

  async #postTo(baseUrl: string, path: string, fields: Record<string, string>, attempt: string): Promise<QtsAnswer> {
    const { timeoutMs = defaultTimeoutMs } = this.#options
    let status: number | undefined
    const answer = await asFinding(attempt, timeoutMs + 500, async () => {
      const response = await open(new URL(path, baseUrl), stringify(fields), timeoutMs)
      status = response.statusCode ?? 0
      const text = await readText(response)
      if (status !== 200) return lack('failed', `${attempt}: HTTP status ${status}`)
      const root = parseXml(text)
      if (root.name !== 'QDocRoot') return lack('failed', `${attempt}: <${root.name}> came instead of <QDocRoot>`)
      return found(root)
    })
    return status === undefined ? answer : { ...answer, status }
  }
}

function isElsewhere(answer: QtsAnswer): boolean {
  if (answer.isFound) return false
  if (answer.status === undefined) return answer.reason.includes('ECONNREFUSED')
  return answer.status >= 301 && answer.status <= 308
}

function open(url: URL, body: string, timeoutMs: number): Promise<IncomingMessage> {
  const options = {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(body) },
    signal: AbortSignal.timeout(timeoutMs),
    agent: false,
    // A NAS signs its own certificate. What goes over this connection stays within the machine.
    rejectUnauthorized: !['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname),
  } as const
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, resolve)
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isLate = error.name === 'AbortError' || error.name === 'TimeoutError'
      reject(isLate ? new Error(`no answer within ${timeoutMs} ms`) : error)
    })
    request.end(body)
  })
}

async function readText(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part)
    length += part.length
    if (length > maxAnswerBytes) throw new Error(`more than ${maxAnswerBytes} bytes came`)
  }
  return Buffer.concat(parts).toString('utf8')
}

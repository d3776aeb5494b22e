/** RTSP messages (RFC 2326 §4 to §7): requests built, responses and the server's own requests parsed as bytes arrive. */

import { Failure } from '../../../shared/failure.ts'

/** A header's values by its name in lower case; several where it was sent several times. */
export type RtspHeaders = Map<string, string[]>

export interface RtspResponse {
  kind: 'response'
  status: number
  reason: string
  headers: RtspHeaders
  body: Uint8Array
}

/** A request that the server makes of us, such as OPTIONS to see that we live. */
export interface RtspRequest {
  kind: 'request'
  method: string
  url: string
  headers: RtspHeaders
  body: Uint8Array
}

export type RtspMessage = RtspResponse | RtspRequest

/** A header's first value, or undefined. `name` in any case. */
export function rtspHeader(message: RtspMessage, name: string): string | undefined {
  return message.headers.get(name.toLowerCase())?.[0]
}

/** Most bytes of start line and headers. */
export const maxHeaderBytes = 64 * 1024
/** Most bytes of a body. */
export const maxBodyBytes = 1024 * 1024

/** Builds a request. `headers` come after CSeq, in their order; Content-Length is added for a body. */
export function rtspRequest(
  method: string,
  url: string,
  cseq: number,
  headers: Record<string, string> = {},
  body?: Uint8Array,
): Uint8Array {
  if (/[\s\x00-\x1f\x7f]/.test(url)) throw new Failure('invalid', `write RTSP ${method}: white space in the address`)
  return message(`${method} ${url} RTSP/1.0`, cseq, headers, body)
}

/** Builds the answer to a request of the server's. */
export function rtspResponse(
  status: number,
  reason: string,
  cseq: number,
  headers: Record<string, string> = {},
): Uint8Array {
  return message(`RTSP/1.0 ${status} ${reason}`, cseq, headers)
}

function message(startLine: string, cseq: number, headers: Record<string, string>, body?: Uint8Array): Uint8Array {
  const lines = [startLine, `CSeq: ${cseq}`]
  for (const [name, value] of Object.entries(headers)) {
    if (/[\r\n\0]/.test(name + value)) throw new Failure('invalid', `write RTSP header ${name}: a line break in it`)
    lines.push(`${name}: ${value}`)
  }
  if (body) lines.push(`Content-Length: ${body.length}`)
  const head = new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`)
  if (!body) return head
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}

/**
 * Parses messages from a connection's bytes, as they come.
 *
 * Give it bytes where a message begins or goes on, until `take` gives the message; what follows belongs to whoever reads
 * the connection. It keeps copies of its own, so that the bytes may be overwritten after each `push`. After a failure it
 * is of no more use, since the place of the next message is not known.
 */
export class RtspMessageParser {
  #header = new Uint8Array(1024)
  #headerLength = 0
  /** Characters in the line that is being read, without CR. */
  #lineLength = 0
  #message: RtspMessage | undefined
  #bodyLength = 0
  #isWhole = false

  /** True between messages, when nothing of the next has come. */
  get isIdle(): boolean {
    return this.#headerLength === 0 && !this.#message
  }

  /**
   * Reads on from `bytes[start, end)` and gives the offset after the last byte that belongs to the message: less than
   * `end` only where the message is whole. Throws `corrupt` where it is no RTSP message or larger than the limits.
   */
  push(bytes: Uint8Array, start = 0, end = bytes.length): number {
    let offset = start
    while (!this.#message && offset < end) offset = this.#pushHeader(bytes, offset, end)
    if (this.#message && !this.#isWhole) {
      const { body } = this.#message
      const size = Math.min(end - offset, body.length - this.#bodyLength)
      body.set(bytes.subarray(offset, offset + size), this.#bodyLength)
      this.#bodyLength += size
      offset += size
      this.#isWhole = this.#bodyLength === body.length
    }
    return offset
  }

  /** The message that is whole, once; undefined while it is not. The next `push` begins the next one. */
  take(): RtspMessage | undefined {
    if (!this.#isWhole) return undefined
    const whole = this.#message
    this.#message = undefined
    this.#isWhole = false
    this.#headerLength = 0
    this.#lineLength = 0
    this.#bodyLength = 0
    return whole
  }

  /** Takes the bytes up to the end of a line, or of `bytes`. */
  #pushHeader(bytes: Uint8Array, start: number, end: number): number {
    const lineFeed = bytes.subarray(start, end).indexOf(10)
    const stop = lineFeed === -1 ? end : start + lineFeed + 1
    this.#keep(bytes.subarray(start, stop))
    this.#lineLength += stop - start
    if (lineFeed === -1) return stop
    const hasCarriageReturn = this.#lineLength > 1 && this.#header[this.#headerLength - 2] === 13
    const isBlank = this.#lineLength === (hasCarriageReturn ? 2 : 1)
    const isFirst = this.#headerLength === this.#lineLength
    this.#lineLength = 0
    if (isBlank && isFirst) {
      this.#headerLength = 0 // Some cameras end a body with a line break that Content-Length does not count.
    } else if (isBlank) {
      this.#message = parseHeader(new TextDecoder().decode(this.#header.subarray(0, this.#headerLength)))
      this.#isWhole = this.#message.body.length === 0
    }
    return stop
  }

  #keep(bytes: Uint8Array): void {
    const length = this.#headerLength + bytes.length
    if (length > maxHeaderBytes) {
      throw new Failure('corrupt', `read RTSP message: more than ${maxHeaderBytes} bytes of headers`)
    }
    if (length > this.#header.length) {
      const larger = new Uint8Array(Math.min(maxHeaderBytes, Math.max(length, this.#header.length * 2)))
      larger.set(this.#header.subarray(0, this.#headerLength))
      this.#header = larger
    }
    this.#header.set(bytes, this.#headerLength)
    this.#headerLength = length
  }
}

function parseHeader(text: string): RtspMessage {
  const [startLine = '', ...lines] = text.split(/\r?\n/)
  const headers = parseHeaders(lines)
  const body = new Uint8Array(contentLength(headers))
  const response = /^RTSP\/\d\.\d +(\d{3})(?: +(.*))?$/i.exec(startLine.trim())
  if (response) return { kind: 'response', status: Number(response[1]), reason: response[2] ?? '', headers, body }
  const request = /^([A-Z_]+) +(\S+) +RTSP\/\d\.\d$/.exec(startLine.trim())
  if (request) return { kind: 'request', method: request[1]!, url: request[2]!, headers, body }
  throw new Failure('corrupt', `read RTSP message: begins with ${JSON.stringify(startLine.slice(0, 80))}`)
}

function parseHeaders(lines: string[]): RtspHeaders {
  const headers: RtspHeaders = new Map()
  let values: string[] | undefined
  for (const line of lines) {
    if (/^[ \t]/.test(line)) {
      // A line that begins with white space goes on with the one before (RFC 2326 §4.2, RFC 822 §3.1.1).
      if (values) values.push(`${values.pop()} ${line.trim()}`.trim())
      continue
    }
    const colon = line.indexOf(':')
    if (colon < 1) {
      values = undefined
      continue
    }
    const name = line.slice(0, colon).trim().toLowerCase()
    values = headers.get(name) ?? []
    values.push(line.slice(colon + 1).trim())
    headers.set(name, values)
  }
  return headers
}

function contentLength(headers: RtspHeaders): number {
  const text = headers.get('content-length')?.[0]
  if (text === undefined || text === '') return 0
  if (!/^\d{1,15}$/.test(text)) {
    throw new Failure('corrupt', `read RTSP message: Content-Length ${JSON.stringify(text.slice(0, 80))}`)
  }
  const length = Number(text)
  if (length > maxBodyBytes) {
    throw new Failure('corrupt', `read RTSP message: body of ${length} bytes, more than ${maxBodyBytes}`)
  }
  return length
}

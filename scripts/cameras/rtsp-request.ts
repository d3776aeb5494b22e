// Reads RTSP requests out of a byte stream, and writes answers (RFC 2326 4 to 7).

/** A request as it came. */
export interface RtspRequest {
  method: string
  uri: string
  /** Names in lower case. */
  headers: Map<string, string>
}

const MAX_REQUEST_BYTES = 64 * 1024

/** Gathers bytes into requests; interleaved packets of the client (its RTCP) are passed over. */
export class RtspRequestReader {
  #carry: Buffer = Buffer.alloc(0)

  /**
   * Adds what came in.
   *
   * @returns the whole requests in it, and whether anything else whole came, such as a receiver report
   * @throws Error where it cannot be RTSP, or a request exceeds 64 KB
   */
  add(bytes: Buffer): { requests: RtspRequest[]; hasPacket: boolean } {
    this.#carry = this.#carry.length > 0 ? Buffer.concat([this.#carry, bytes]) : bytes
    const requests: RtspRequest[] = []
    let hasPacket = false
    for (;;) {
      while (this.#carry[0] === 0x0d || this.#carry[0] === 0x0a) this.#carry = this.#carry.subarray(1)
      if (this.#carry[0] === 0x24) {
        if (this.#carry.length < 4) break
        const sizeBytes = 4 + this.#carry.readUInt16BE(2)
        if (this.#carry.length < sizeBytes) break
        this.#carry = this.#carry.subarray(sizeBytes)
        hasPacket = true
        continue
      }
      const headEnd = this.#carry.indexOf('\r\n\r\n')
      if (headEnd < 0) {
        if (this.#carry.length > MAX_REQUEST_BYTES) throw new Error('read RTSP request: no end within 64 KB')
        break
      }
      const request = parseHead(this.#carry.toString('latin1', 0, headEnd))
      const bodyBytes = Number(request.headers.get('content-length') ?? 0)
      if (!(bodyBytes >= 0 && bodyBytes <= MAX_REQUEST_BYTES)) throw new Error('read RTSP request: bad Content-Length')
      if (this.#carry.length < headEnd + 4 + bodyBytes) break
      this.#carry = this.#carry.subarray(headEnd + 4 + bodyBytes)
      requests.push(request)
    }
    return { requests, hasPacket }
  }
}

function parseHead(head: string): RtspRequest {
  const [requestLine = '', ...lines] = head.split('\r\n')
  const match = /^([A-Z_]+) (\S+) RTSP\/1\.0$/.exec(requestLine)
  if (!match) throw new Error(`read RTSP request: "${requestLine.slice(0, 80)}" is no request line`)
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return { method: match[1]!, uri: match[2]!, headers }
}

const REASONS: Record<number, string> = {
  200: 'OK',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  453: 'Not Enough Bandwidth',
  454: 'Session Not Found',
  455: 'Method Not Valid in This State',
  461: 'Unsupported Transport',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** An answer's bytes. A header given as a list is repeated. */
export function formatResponse(
  status: number,
  cseq: string | undefined,
  headers: Record<string, string | string[] | undefined> = {},
  body = '',
): Buffer {
  const lines = [`RTSP/1.0 ${status} ${REASONS[status] ?? 'Status'}`]
  if (cseq !== undefined) lines.push(`CSeq: ${cseq}`)
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) lines.push(`${name}: ${one}`)
  }
  if (body) lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

/** The interleaved channels a `Transport` header asks for, or undefined where it offers no TCP (RFC 2326 12.39). */
export function parseInterleaved(transport: string | undefined): { channels?: [number, number] } | undefined {
  for (const offer of transport?.split(',') ?? []) {
    const [protocol = '', ...parameters] = offer.trim().split(';')
    if (!/^RTP\/AVP\/TCP$/i.test(protocol.trim())) continue
    const match = parameters.map((one) => /^interleaved=(\d+)(?:-(\d+))?$/i.exec(one.trim())).find(Boolean)
    if (!match) return {}
    const first = Number(match[1])
    return { channels: [first, match[2] === undefined ? first + 1 : Number(match[2])] }
  }
  return undefined
}

// A small scripted RTSP server for what no decent camera does. Decent ones are the simulated cameras and GStreamer.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

export interface PeerRequest {
  method: string
  url: string
  headers: Map<string, string>
  /** Milliseconds, monotonic. */
  atMs: number
}

export interface PeerConnection {
  socket: Socket
  reply(request: PeerRequest, status?: string, headers?: Record<string, string>, body?: string): void
  /** Sends one RTP packet of payload type 96 with `bytes` of payload. */
  packet(channel: number, sequence: number, bytes?: number): void
}

/** What to do with a request; answers true where it has dealt with it, else the peer behaves. */
export type PeerScript = (request: PeerRequest, connection: PeerConnection) => boolean | undefined

const h264Sdp = [
  'v=0',
  'o=- 0 0 IN IP4 127.0.0.1',
  's=peer',
  't=0 0',
  'a=control:*',
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LADdoFB+wEQAAAAwBAAAAMg8UKqA==,aM4PyA==',
  'a=control:trackID=0',
  'm=audio 0 RTP/AVP 0',
  'a=control:trackID=1',
]

export const peerSdp = `${h264Sdp.join('\r\n')}\r\n`

export class RtspPeer {
  readonly requests: PeerRequest[] = []
  /** Bytes that came and were no requests: receiver reports, and how many of them. */
  reports = 0
  open = 0
  mostOpen = 0
  accepted = 0
  /** Called with the first bytes of a connection instead of reading them as requests. */
  onBytes: ((socket: Socket) => void) | undefined
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** Listens on a port of the system's choice; `port` to come back at the same one. */
  static async listen(
    script: PeerScript = () => false,
    options: { tls?: { key: string; cert: string }; port?: number } = {},
  ): Promise<RtspPeer> {
    const onSocket = (socket: Socket): void => peer.#serve(socket, script)
    const server = options.tls ? createTlsServer(options.tls, onSocket) : createServer(onSocket)
    const peer = new RtspPeer(server)
    await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
    return peer
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `rtsp://127.0.0.1:${this.port}/ch1`
  }

  /** Requests of a method that carried a login. */
  get loginTries(): PeerRequest[] {
    return this.requests.filter((request) => request.headers.has('authorization'))
  }

  methods(): string[] {
    return this.requests.map((request) => request.method)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (!this.#server.listening) return
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: Socket, script: PeerScript): void {
    this.accepted++
    this.open++
    this.mostOpen = Math.max(this.mostOpen, this.open)
    this.#sockets.add(socket)
    let timer: NodeJS.Timeout | undefined
    let sequence = 0
    let text = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.open--
      clearInterval(timer)
      this.#sockets.delete(socket)
    })
    const connection: PeerConnection = {
      socket,
      reply: (request, status = '200 OK', headers = {}, body = '') => {
        const lines = [`RTSP/1.0 ${status}`, `CSeq: ${request.headers.get('cseq')}`]
        for (const [name, value] of Object.entries(headers))
          lines.push(...value.split('\n').map((v) => `${name}: ${v}`))
        if (body !== '') lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
        socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
      },
      packet: (channel, number, bytes = 20) => {
        const packet = Buffer.alloc(16 + bytes, 0x41)
        packet.writeUInt8(0x24, 0)
        packet.writeUInt8(channel, 1)
        packet.writeUInt16BE(12 + bytes, 2)
        packet.writeUInt8(0x80, 4)
        packet.writeUInt8(96, 5)
        packet.writeUInt16BE(number & 0xffff, 6)
        packet.writeUInt32BE(number * 3600, 8)
        packet.writeUInt32BE(0xcafebabe, 12)
        socket.write(packet)
      },
    }
    const behave = (request: PeerRequest): void => {
      if (request.method === 'OPTIONS') {
        connection.reply(request, '200 OK', { Public: 'OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER' })
      } else if (request.method === 'DESCRIBE') {
        connection.reply(request, '200 OK', { 'Content-Type': 'application/sdp' }, peerSdp)
      } else if (request.method === 'SETUP') {
        const transport = request.headers.get('transport') ?? ''
        connection.reply(request, '200 OK', { Transport: transport, Session: '1234;timeout=60' })
      } else if (request.method === 'PLAY') {
        connection.reply(request)
        timer = setInterval(() => connection.packet(0, sequence++), 10)
      } else connection.reply(request)
    }
    socket.on('data', (chunk) => {
      if (this.onBytes !== undefined) {
        this.onBytes(socket)
        return
      }
      text = Buffer.concat([text, chunk])
      for (;;) {
        if (text[0] === 0x24 && text.length >= 4) {
          const size = 4 + text.readUInt16BE(2)
          if (text.length < size) return
          this.reports++
          text = text.subarray(size)
          continue
        }
        const end = text.indexOf('\r\n\r\n')
        if (end < 0) return
        const [first = '', ...lines] = text.subarray(0, end).toString('latin1').split('\r\n')
        text = text.subarray(end + 4)
        // An answer to a request that the script made.
        if (first.startsWith('RTSP/')) continue
        const [method = '', url = ''] = first.split(' ')
        const headers = new Map(
          lines.map((line): [string, string] => [
            line.slice(0, line.indexOf(':')).toLowerCase(),
            line.slice(line.indexOf(':') + 1).trim(),
          ]),
        )
        const request = { method, url, headers, atMs: performance.now() }
        this.requests.push(request)
        if (script(request, connection) !== true) behave(request)
      }
    })
  }
}

/** The challenge that doorkeepers give unless told otherwise. */
export const askedDigest = 'Digest realm="cam", nonce="n1", algorithm=MD5, qop="auth"'

/** Asks every request for a login, and takes what `isRight` says is right. */
export function doorkeeper(
  isRight: (authorization: string, request: PeerRequest) => boolean,
  challenge = askedDigest,
): PeerScript {
  return (request, connection) => {
    const given = request.headers.get('authorization')
    if (given !== undefined && isRight(given, request)) return false
    connection.reply(request, '401 Unauthorized', { 'WWW-Authenticate': challenge })
    return true
  }
}

// A strict RTSP client on a raw socket: anything but whole answers and whole RTP or RTCP packets is noted as litter.
import { connect, type Socket } from 'node:net'

/** An answer, header names in lower case. */
export interface Answer {
  status: number
  headers: Map<string, string>
  body: string
}

/** An interleaved packet. */
export interface Packet {
  channel: number
  /** RTP or RTCP, without the four bytes of framing. */
  bytes: Buffer
}

/** One connection. */
export class RtspPeer {
  readonly packets: Packet[] = []
  /** Bytes that were neither an answer nor a packet. */
  litterBytes = 0
  /** Set once the connection has ended. */
  isClosed = false
  /** Bytes of a packet or answer that never ended. */
  get restBytes(): number {
    return this.#carry.length
  }
  #socket: Socket
  #carry: Buffer = Buffer.alloc(0)
  #answers: Answer[] = []
  #wake: (() => void)[] = []
  #cseq = 0
  #session = ''

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('data', (bytes) => {
      this.#carry = Buffer.concat([this.#carry, bytes])
      this.#parse()
      this.#wakeAll()
    })
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => {
      this.isClosed = true
      this.#wakeAll()
    })
  }

  /** Sends a request and waits for its answer. */
  async request(method: string, uri: string, headers: Record<string, string> = {}): Promise<Answer> {
    this.send(method, uri, headers)
    await this.until(() => this.#answers.length > 0)
    return this.#answers.shift()!
  }

  send(method: string, uri: string, headers: Record<string, string> = {}): void {
    const given = { CSeq: String(++this.#cseq), ...(this.#session ? { Session: this.#session } : {}), ...headers }
    const lines = Object.entries(given).map(([name, value]) => `${name}: ${value}\r\n`)
    this.#socket.write(`${method} ${uri} RTSP/1.0\r\n${lines.join('')}\r\n`)
  }

  /** SETUP of the tracks on channels 0-1, 2-3, ..., then PLAY. */
  async play(uri: string, tracks = 1): Promise<Answer> {
    for (let track = 0; track < tracks; track++) {
      const transport = `RTP/AVP/TCP;unicast;interleaved=${2 * track}-${2 * track + 1}`
      const answer = await this.request('SETUP', `${uri}/trackID=${track}`, { Transport: transport })
      if (answer.status !== 200) throw new Error(`SETUP answered ${answer.status}`)
      this.#session = answer.headers.get('session')!.split(';')[0]!
    }
    return await this.request('PLAY', uri)
  }

  /** Waits until the condition holds after some arrival; fails after 10 s or when the connection ends before it. */
  async until(condition: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + 10_000
    while (!condition()) {
      if (this.isClosed) throw new Error('the connection ended')
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200)
        this.#wake.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
      if (performance.now() > deadlineMs) throw new Error('nothing came for 10 s')
    }
  }

  /** RTP packets of a channel. */
  rtp(channel: number): Buffer[] {
    return this.packets.filter((packet) => packet.channel === channel).map(({ bytes }) => bytes)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.destroy()
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  #parse(): void {
    for (;;) {
      const isPacket = this.#carry[0] === 0x24 && this.#carry[1]! < 16
      const isAnswer = this.#carry.toString('latin1', 0, 9) === 'RTSP/1.0 '
      if (isPacket) {
        if (this.#carry.length < 4) return
        const endsAt = 4 + this.#carry.readUInt16BE(2)
        if (this.#carry.length < endsAt) return
        this.packets.push({ channel: this.#carry[1]!, bytes: Buffer.from(this.#carry.subarray(4, endsAt)) })
        this.#carry = this.#carry.subarray(endsAt)
      } else if (isAnswer) {
        const headEnd = this.#carry.indexOf('\r\n\r\n')
        if (headEnd < 0) return
        const [first = '', ...lines] = this.#carry.toString('latin1', 0, headEnd).split('\r\n')
        const headers = new Map<string, string>()
        for (const line of lines) {
          const [name = '', ...value] = line.split(': ')
          headers.set(name.toLowerCase(), value.join(': '))
        }
        const bodyEnd = headEnd + 4 + Number(headers.get('content-length') ?? 0)
        if (this.#carry.length < bodyEnd) return
        this.#answers.push({
          status: Number(first.split(' ')[1]),
          headers,
          body: this.#carry.toString('utf8', headEnd + 4, bodyEnd),
        })
        this.#carry = this.#carry.subarray(bodyEnd)
      } else {
        if (this.#carry.length < 9) return
        this.litterBytes++
        this.#carry = this.#carry.subarray(1)
      }
    }
  }
}

/** Sequence number of an RTP packet. */
export function sequenceOf(packet: Buffer): number {
  return packet.readUInt16BE(2)
}

/** Timestamp of an RTP packet. */
export function timestampOf(packet: Buffer): number {
  return packet.readUInt32BE(4)
}

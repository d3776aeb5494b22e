// Ways to fetch a movie: all of it into a drain in another process, or as far as the first byte of its data.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { buildProgram } from '../c-program.ts'
import { ownChild } from '../own-processes.ts'

/** Starts a drain: of an address where one is given, else of its standard input. */
export function startDrain(address?: URL): ChildProcess {
  const program = buildProgram(path.join(import.meta.dirname, 'drain.c'))
  const place = address === undefined ? [] : [address.hostname, address.port]
  return ownChild(spawn(program, place, { stdio: ['pipe', 'pipe', 'inherit'] }))
}

/** How many bytes a drain got, once it is through. */
export async function drainedBytes(drain: ChildProcess): Promise<number> {
  const [said, [code]] = await Promise.all([text(drain.stdout!), once(drain, 'exit')])
  if (code !== 0) throw new Error(`the drain ended with ${code}`)
  return Number(said)
}

/** Downloads all of it and throws it away. Gives the bytes that came, the answer's head among them. */
export function downloadAll(address: URL, cookie: string): Promise<number> {
  const drain = startDrain(address)
  const lines = [`GET ${address.pathname}${address.search} HTTP/1.1`, `Host: ${address.host}`, `Cookie: ${cookie}`]
  drain.stdin!.end(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`)
  return drainedBytes(drain)
}

/** A movie whose beginning has come. */
export interface Beginning {
  /** From asking for it to the first byte of its data. */
  tookMs: number
  /** Where the data begins in the file. */
  dataAt: number
  sizeBytes: number
}

/** Asks for a whole movie, and lets it go once its data begins to come. */
export async function beginMovie(address: URL, cookie: string): Promise<Beginning> {
  const began = performance.now()
  const response = await ask(address, { cookie })
  const search = new DataSearch()
  for await (const piece of response) {
    const dataAt = search.push(piece as Buffer)
    if (dataAt === undefined) continue
    const tookMs = performance.now() - began
    response.destroy()
    return { tookMs, dataAt, sizeBytes: Number(response.headers['content-length']) }
  }
  throw new Error('the movie has no data')
}

/** Finds where the payload of `mdat` begins in a movie that comes in pieces (ISO/IEC 14496-12 §4.2). */
export class DataSearch {
  readonly #pieces: Buffer[] = []
  #bytes = 0
  /** Where the box begins that has not been looked at. */
  #boxAt = 0
  #dataAt: number | undefined

  /** Takes the next piece. Gives the place once a byte of the payload is there. */
  push(piece: Buffer): number | undefined {
    this.#pieces.push(piece)
    this.#bytes += piece.length
    while (this.#dataAt === undefined && this.#boxAt + 16 <= this.#bytes) this.#lookAtBox()
    return this.#dataAt !== undefined && this.#dataAt < this.#bytes ? this.#dataAt : undefined
  }

  #lookAtBox(): void {
    const head = Buffer.concat(this.#pieces).subarray(this.#boxAt, this.#boxAt + 16)
    const isLong = head.readUInt32BE(0) === 1
    if (head.toString('latin1', 4, 8) === 'mdat') this.#dataAt = this.#boxAt + (isLong ? 16 : 8)
    else this.#boxAt += isLong ? Number(head.readBigUInt64BE(8)) : head.readUInt32BE(0)
  }
}

/** Milliseconds from asking for a range of data, bytes `[first, last]`, to its first byte. */
export async function firstByteMs(address: URL, cookie: string, first: number, last: number): Promise<number> {
  const began = performance.now()
  const response = await ask(address, { cookie, range: `bytes=${first}-${last}` })
  for await (const _piece of response) {
    const tookMs = performance.now() - began
    response.destroy()
    return tookMs
  }
  throw new Error('the answer is empty')
}

async function ask(address: URL, headers: Record<string, string>): Promise<IncomingMessage> {
  const request = get(address, { headers, agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const { statusCode } = response
  if (statusCode !== 200 && statusCode !== 206) throw new Error(`GET ${address.pathname}: ${statusCode}`)
  return response
}

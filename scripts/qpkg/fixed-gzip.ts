// gzip whose bytes depend on the content alone, and its reading to the exact end of the stream.
import { Readable } from 'node:stream'
import { createGunzip, createGzip } from 'node:zlib'

/** RFC 1952 §2.3: no name, no time, no hint of the level, made on Unix. */
export const gzipHead = Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03])
const level = 9

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Compresses at a fixed level, with a fixed head. */
export async function* gzip(chunks: Chunks): AsyncGenerator<Uint8Array> {
  let headBytes = 0
  for await (const chunk of Readable.from(chunks).compose(createGzip({ level })) as AsyncIterable<Buffer>) {
    const part = Math.min(chunk.length, gzipHead.length - headBytes)
    if (part > 0) gzipHead.copy(chunk, 0, headBytes, headBytes + part)
    headBytes += Math.max(part, 0)
    yield chunk
  }
}

/** A stream being unpacked. */
export class Gunzip {
  readonly #source: Readable
  readonly #engine = createGunzip()

  constructor(chunks: Chunks) {
    this.#source = Readable.from(chunks)
  }

  /** The unpacked bytes. Throws what zlib finds: a wrong sum, an end too early, other than zeros behind. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    this.#source.once('error', (error) => this.#engine.destroy(error))
    this.#source.pipe(this.#engine)
    try {
      yield* this.#engine as AsyncIterable<Buffer>
    } finally {
      this.#source.destroy()
    }
  }

  /** How long the compressed stream is, once it has been read to its end. */
  get compressedBytes(): number {
    return this.#engine.bytesWritten
  }
}

export async function collect(chunks: Chunks): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

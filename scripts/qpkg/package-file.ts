// A package on disk, read by spans: it may be larger than memory.
import { type FileHandle, open } from 'node:fs/promises'
import { Failure } from '../../shared/failure.ts'

const chunkBytes = 1024 ** 2

export class PackageFile {
  readonly sizeBytes: number
  readonly #handle: FileHandle

  private constructor(handle: FileHandle, sizeBytes: number) {
    this.#handle = handle
    this.sizeBytes = sizeBytes
  }

  /** Fails `not-found` where no file can be opened there. Closed by the caller. */
  static async open(path: string): Promise<PackageFile> {
    const handle = await open(path, 'r').catch((cause: unknown) => {
      throw new Failure('not-found', `open ${path}: ${(cause as Error).message}`, { cause })
    })
    const found = await handle.stat()
    if (found.isFile()) return new PackageFile(handle, found.size)
    await handle.close()
    throw new Failure('not-found', `open ${path}: it is no file`)
  }

  /** The bytes from there on; fewer where the file ends. */
  async read(atByte: number, sizeBytes: number): Promise<Buffer> {
    const buffer = Buffer.alloc(Math.max(0, Math.min(sizeBytes, this.sizeBytes - atByte)))
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, atByte)
    return buffer.subarray(0, bytesRead)
  }

  async *chunks(atByte: number, sizeBytes: number): AsyncGenerator<Buffer> {
    const end = Math.min(atByte + sizeBytes, this.sizeBytes)
    for (let at = atByte; at < end; at += chunkBytes) yield await this.read(at, Math.min(chunkBytes, end - at))
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

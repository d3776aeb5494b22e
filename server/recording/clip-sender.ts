// Sends a clip, or a part of it, over HTTP: few large reads, two buffers, no faster than the client takes it.
import type { ServerResponse } from 'node:http'
import { Failure } from '../../shared/failure.ts'
import { readMovie } from '../media/mp4/progressive.ts'
import type { FileSlice } from '../media/mp4/slice-list.ts'
import type { Clip } from './clip.ts'
import type { FootageFile, FootageFiles } from './footage-file.ts'

/** What is read at once: each read and each write costs a turn of the loop, and a thread's. */
const bufferBytes = 1024 * 1024
/** Slices nearer than this are read together: what lies between is a fragment's head. */
const joinBytes = 64 * 1024

interface ReadBuffer {
  bytes: Buffer
  /** What was read into it has not all been handed to the kernel yet. */
  isBusy: boolean
}

/**
 * Writes bytes `[start, end)` of a clip to a response, and ends it.
 *
 * Memory is two buffers, whatever the length. Returns early where the client goes away. Fails where a file cannot be read:
 * the response is then cut off, for its length was promised.
 */
export async function sendClip(
  files: FootageFiles,
  clip: Clip,
  start: number,
  end: number,
  response: ServerResponse,
): Promise<void> {
  const sender = new ClipSender(files, clip, response)
  try {
    await sender.send(start, end)
  } finally {
    await sender.close()
  }
}

class ClipSender {
  readonly #files: FootageFiles
  readonly #clip: Clip
  readonly #response: ServerResponse
  readonly #buffers: ReadBuffer[] = []
  #turn = 0
  #file: FootageFile | undefined
  #source = -1
  /** Slices of one source that will be read together. */
  #batch: FileSlice[] = []
  #wake: () => void = () => undefined

  constructor(files: FootageFiles, clip: Clip, response: ServerResponse) {
    this.#files = files
    this.#clip = clip
    this.#response = response
    response.on('drain', this.#onChange).on('close', this.#onChange)
  }

  readonly #onChange = () => this.#wake()

  async send(start: number, end: number): Promise<void> {
    for (const part of readMovie(this.#clip.movie, start, end)) {
      if (this.#isGone) return
      if (part instanceof Uint8Array) {
        await this.#flush()
        if (!this.#response.write(part)) await this.#until(() => !this.#response.writableNeedDrain)
      } else {
        for (const slice of pieces(part)) {
          if (!this.#fits(slice)) await this.#flush()
          this.#batch.push(slice)
        }
      }
    }
    await this.#flush()
    if (!this.#isGone) this.#response.end()
  }

  async close(): Promise<void> {
    this.#response.off('drain', this.#onChange).off('close', this.#onChange)
    await this.#file?.close()
  }

  get #isGone(): boolean {
    return this.#response.destroyed || this.#response.writableEnded
  }

  #fits(slice: FileSlice): boolean {
    const first = this.#batch[0]
    const last = this.#batch.at(-1)
    if (first === undefined || last === undefined) return true
    const gap = slice.offset - (last.offset + last.sizeBytes)
    const span = slice.offset + slice.sizeBytes - first.offset
    return slice.source === first.source && gap >= 0 && gap <= joinBytes && span <= bufferBytes
  }

  /** Reads the batch in one go and writes its slices. */
  async #flush(): Promise<void> {
    const batch = this.#batch
    const first = batch[0]
    if (first === undefined) return
    this.#batch = []
    const last = batch.at(-1)!
    const length = last.offset + last.sizeBytes - first.offset
    const buffer = await this.#nextBuffer()
    if (this.#isGone) return
    const file = await this.#open(first.source)
    const got = await file.readInto(buffer.bytes, 0, length, first.offset)
    if (got < length)
      throw new Failure('corrupt', `read segment ${file.path}: it ends before byte ${first.offset + length}`)
    if (this.#isGone) return
    const response = this.#response
    buffer.isBusy = true
    response.cork()
    for (const slice of batch) {
      const at = slice.offset - first.offset
      const bytes = buffer.bytes.subarray(at, at + slice.sizeBytes)
      if (slice !== last) response.write(bytes)
      else response.write(bytes, () => this.#release(buffer))
    }
    response.uncork()
  }

  /** The buffer used longest ago, once it is free. While one is sent the other is read into. */
  async #nextBuffer(): Promise<ReadBuffer> {
    this.#turn = 1 - this.#turn
    let buffer = this.#buffers[this.#turn]
    if (buffer === undefined) {
      buffer = { bytes: Buffer.allocUnsafeSlow(bufferBytes), isBusy: false }
      this.#buffers[this.#turn] = buffer
    }
    await this.#until(() => !buffer.isBusy)
    return buffer
  }

  async #open(source: number): Promise<FootageFile> {
    if (this.#file === undefined || this.#source !== source) {
      await this.#file?.close()
      this.#file = undefined
      const { folder, path } = this.#clip.sources[source]!
      this.#file = await this.#files.open(folder, path)
      this.#source = source
    }
    return this.#file
  }

  #release(buffer: ReadBuffer): void {
    buffer.isBusy = false
    this.#wake()
  }

  /**
   * Waits until something is so or the client has gone away. One promise a wait, which nothing holds afterwards: a race
   * with the end of the response would add to that promise with every read, a day of footage long.
   */
  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.#isGone) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

/** A slice in parts that fit the buffer. */
function* pieces(slice: FileSlice): Generator<FileSlice> {
  for (let done = 0; done < slice.sizeBytes; done += bufferBytes) {
    const sizeBytes = Math.min(bufferBytes, slice.sizeBytes - done)
    yield { source: slice.source, offset: slice.offset + done, sizeBytes }
  }
}

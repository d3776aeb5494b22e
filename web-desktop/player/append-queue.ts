// A SourceBuffer does one thing at a time; here things wait for their turn.

/** Work on one SourceBuffer, in order. */
export class AppendQueue {
  readonly buffer: SourceBuffer
  readonly #source: MediaSource
  #tail: Promise<unknown> = Promise.resolve()
  #isClosed = false
  /** Called when the buffer is full: frees room, in seconds of media time. */
  #evict: () => [number, number] | undefined

  constructor(source: MediaSource, mimeType: string, evict: () => [number, number] | undefined) {
    this.#source = source
    this.#evict = evict
    this.buffer = source.addSourceBuffer(mimeType)
    this.buffer.mode = 'segments'
  }

  /** Appends, at `offsetSec` if given. Fails where the browser cannot take the bytes. */
  append(bytes: Uint8Array, offsetSec?: number): Promise<void> {
    return this.#next(async () => {
      if (offsetSec !== undefined) this.buffer.timestampOffset = offsetSec
      try {
        this.buffer.appendBuffer(bytes as Uint8Array<ArrayBuffer>)
      } catch (caught) {
        if (!(caught instanceof DOMException) || caught.name !== 'QuotaExceededError') throw caught
        const span = this.#evict()
        if (span === undefined) throw caught
        this.buffer.remove(...span)
        await this.#settled()
        this.buffer.appendBuffer(bytes as Uint8Array<ArrayBuffer>)
      }
      await this.#settled()
    })
  }

  remove(startSec: number, endSec: number): Promise<void> {
    return this.#next(async () => {
      if (endSec <= startSec || this.buffer.buffered.length === 0) return
      this.buffer.remove(startSec, endSec)
      await this.#settled()
    })
  }

  /** What follows is of another codec. */
  changeType(mimeType: string): Promise<void> {
    return this.#next(async () => this.buffer.changeType(mimeType))
  }

  /** Forgets half a segment that was appended, and waits until all that was asked is done. */
  reset(): Promise<void> {
    return this.#next(async () => {
      if (this.#source.readyState === 'open') this.buffer.abort()
    })
  }

  close(): void {
    this.#isClosed = true
  }

  #next(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(() => {
      if (this.#isClosed || this.#source.readyState === 'closed') return undefined
      return work()
    })
    this.#tail = done.catch(() => undefined)
    return done as Promise<void>
  }

  #settled(): Promise<void> {
    const { buffer } = this
    if (!buffer.updating) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const end = (): void => {
        buffer.removeEventListener('updateend', end)
        buffer.removeEventListener('error', fail)
        resolve()
      }
      const fail = (): void => {
        buffer.removeEventListener('updateend', end)
        buffer.removeEventListener('error', fail)
        reject(new Error('the browser cannot take this footage'))
      }
      buffer.addEventListener('updateend', end)
      buffer.addEventListener('error', fail)
    })
  }
}

// Live tiles without WebSocket: one answer that goes on brings all of them, and requests are posted.
import { type LiveNotice, type LiveRequest, liveHeaderBytes, liveSignMs } from '../../shared/live.ts'
import { attendanceHeaders } from '../base/activity.ts'
import { addressOf } from '../base/address.ts'
import { beginMs, way } from '../base/passage.ts'
import { FrameSplitter } from './frame-splitter.ts'
import type { LineListener, LiveLine } from './live-line.ts'

/** Posts requests for a stream, with the session's token. Fails where it did not arrive. */
export type PostRequests = (streamId: string, requests: LiveRequest[]) => Promise<void>

export class StreamLine implements LiveLine {
  readonly #listener: LineListener
  readonly #post: PostRequests
  readonly #stopped = new AbortController()
  readonly #sign: ReturnType<typeof setInterval>
  #streamId = ''
  #isOpen = false
  #queue: LiveRequest[] = []
  #isPosting = false

  constructor(listener: LineListener, post: PostRequests) {
    this.#listener = listener
    this.#post = post
    this.#sign = setInterval(() => void this.#postAll(true), liveSignMs)
    void this.#run()
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  send(request: LiveRequest): void {
    this.#queue.push(request)
    void this.#postAll(false)
  }

  close(): void {
    this.#isOpen = false
    clearInterval(this.#sign)
    this.#stopped.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    const opening = openStream(signal)
    try {
      const opened = await opening
      // What a proxy holds back, this page never sees begin.
      if (opened === 'held-back') {
        if (signal.aborted) return
        this.close()
        if (way.value === 'stream') way.set('pictures')
        else this.#listener.onClose()
        return
      }
      this.#streamId = opened.streamId
      const splitter = new FrameSplitter()
      this.#take(splitter, opened.first)
      this.#isOpen = true
      if (!signal.aborted) this.#listener.onOpen()
      for (;;) {
        const { done, value } = await opened.reader.read()
        if (done) break
        this.#take(splitter, value)
      }
    } catch {
      // Said below: however it ended, it has.
    }
    if (signal.aborted) return
    this.close()
    this.#listener.onClose()
  }

  #take(splitter: FrameSplitter, bytes: Uint8Array): void {
    for (const { opcode, payload } of splitter.push(bytes)) {
      if (this.#stopped.signal.aborted) return
      if (opcode === 1) this.#listener.onNotice(JSON.parse(new TextDecoder().decode(payload)) as LiveNotice)
      else if (opcode === 2 && payload.length >= liveHeaderBytes) this.#listener.onFrame(payload)
    }
  }

  /** One request under way at a time: two could overtake each other. */
  async #postAll(isSign: boolean): Promise<void> {
    if (!this.#isOpen || this.#isPosting || (this.#queue.length === 0 && !isSign)) return
    this.#isPosting = true
    const { signal } = this.#stopped
    try {
      do {
        // In the same turn others may follow: sixteen tiles are opened by one request.
        await Promise.resolve()
        await this.#post(this.#streamId, this.#queue.splice(0, 256))
      } while (this.#queue.length > 0 && !signal.aborted)
    } catch {
      if (signal.aborted) return
      this.close()
      this.#listener.onClose()
    } finally {
      this.#isPosting = false
    }
  }
}

interface OpenedStream {
  streamId: string
  reader: ReadableStreamDefaultReader<Uint8Array>
  first: Uint8Array
}

/** Asks for a stream and waits for its first bytes. Fails where the server refuses, or does not answer. */
async function openStream(signal: AbortSignal): Promise<OpenedStream | 'held-back'> {
  const own = new AbortController()
  const end = (): void => own.abort()
  signal.addEventListener('abort', end)
  let isHeldBack = false
  const patience = setTimeout(() => {
    isHeldBack = true
    end()
  }, beginMs)
  try {
    const response = await fetch(addressOf('api/live/stream'), {
      signal: own.signal,
      cache: 'no-store',
      headers: attendanceHeaders(),
    })
    const streamId = response.headers.get('x-live-stream')
    if (!response.ok || streamId === null || response.body === null) throw new Error(`status ${response.status}`)
    const reader = response.body.getReader()
    const { value } = await reader.read()
    if (value === undefined) throw new Error('the stream ended at once')
    return { streamId, reader, first: value }
  } catch (caught) {
    if (isHeldBack) return 'held-back'
    throw caught
  } finally {
    clearTimeout(patience)
  }
}

/** Whether a stream passes now. */
export async function canStream(): Promise<boolean> {
  const stopped = new AbortController()
  try {
    return (await openStream(stopped.signal)) !== 'held-back'
  } catch {
    return false
  } finally {
    stopped.abort()
  }
}

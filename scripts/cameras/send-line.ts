// What a camera's network jack does: bytes leave in order, at the line's rate, through a small send buffer.
import type { Socket } from 'node:net'
import type { Timed, TimeWheel } from './time-wheel.ts'

interface Piece {
  bytes: Buffer
  end: number
}

/**
 * The outgoing half of one connection.
 *
 * Everything goes through one queue, so that an RTSP reply never lands inside a packet. Frames leave `bytesPerMs` at a
 * time; whoever sends frames is to drop them while the line `isFull`.
 */
export class SendLine implements Timed {
  dueMs = 0
  nextTimed: Timed | null = null
  isScheduled = false
  /** Line rate; 12,500 is 100 Mbit/s. */
  bytesPerMs: number
  /** Bytes given to the socket since the line was made. */
  sentBytes = 0
  #socket: Socket
  #wheel: TimeWheel
  #queue: Piece[] = []
  #queuedBytes = 0
  /** How far the first of the queue is sent. */
  #offset = 0
  #burstStartMs = 0
  #burstBytes = 0
  #isBlocked = false
  #reusable = Buffer.alloc(0)

  constructor(socket: Socket, wheel: TimeWheel, bytesPerMs: number) {
    this.#socket = socket
    this.#wheel = wheel
    this.bytesPerMs = bytesPerMs
    socket.on('drain', () => {
      this.#isBlocked = false
      this.#startBurst(performance.now())
      this.#pump(performance.now())
    })
  }

  /** Bytes waiting on this side of the kernel. */
  get backlogBytes(): number {
    return this.#queuedBytes + this.#socket.writableLength
  }

  /**
   * Whether more than `limitBytes` wait because the reader or the line is too slow.
   *
   * A single frame on its way down the line is no backlog, however large: it takes the time it takes.
   */
  isFull(limitBytes: number): boolean {
    return this.backlogBytes > limitBytes && (this.#isBlocked || this.#queue.length > 1)
  }

  /**
   * A buffer of at least `sizeBytes` to be filled and given to `push` before anything else is asked of the line.
   *
   * The same memory serves frame after frame as long as the kernel takes everything at once, which is nearly always.
   */
  takeBuffer(sizeBytes: number): Buffer {
    if (this.#queue.length > 0 || this.#socket.writableLength > 0) return Buffer.allocUnsafe(sizeBytes)
    if (this.#reusable.length < sizeBytes) this.#reusable = Buffer.allocUnsafeSlow(Math.ceil(sizeBytes * 1.25))
    return this.#reusable
  }

  /** Queues the first `sizeBytes` of `bytes`, which then belong to the line. */
  push(bytes: Buffer, sizeBytes: number): void {
    const wasIdle = this.#queue.length === 0
    this.#queue.push({ bytes, end: sizeBytes })
    this.#queuedBytes += sizeBytes
    if (!wasIdle || this.#isBlocked) return
    const nowMs = performance.now()
    this.#startBurst(nowMs)
    this.#pump(nowMs)
  }

  onDue(nowMs: number): void {
    if (!this.#isBlocked) this.#pump(nowMs)
  }

  /** Gives the rest of the queue to the socket at once and ends the connection; no `push` may follow. */
  finish(): void {
    for (const piece of this.#queue) {
      this.#socket.write(piece.bytes.subarray(this.#offset, piece.end))
      this.#offset = 0
    }
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#socket.end()
  }

  #startBurst(nowMs: number): void {
    this.#burstStartMs = nowMs
    this.#burstBytes = 0
  }

  #pump(nowMs: number): void {
    if (this.#socket.destroyed) {
      this.#queue.length = 0
      this.#queuedBytes = 0
      return
    }
    // A burst begins with the millisecond that has just passed; a late call makes up for it.
    let allowedBytes = Math.floor((nowMs - this.#burstStartMs + 1) * this.bytesPerMs) - this.#burstBytes
    while (this.#queue.length > 0 && allowedBytes > 0) {
      const piece = this.#queue[0]!
      const end = Math.min(piece.end, this.#offset + allowedBytes)
      const sizeBytes = end - this.#offset
      const isTaken = this.#socket.write(piece.bytes.subarray(this.#offset, end))
      allowedBytes -= sizeBytes
      this.#burstBytes += sizeBytes
      this.#queuedBytes -= sizeBytes
      this.sentBytes += sizeBytes
      if (end === piece.end) {
        this.#queue.shift()
        this.#offset = 0
      } else {
        this.#offset = end
      }
      if (!isTaken && this.#socket.writableNeedDrain) {
        this.#isBlocked = true
        return
      }
    }
    if (this.#queue.length > 0) this.#wheel.schedule(this, nowMs + 1)
  }
}

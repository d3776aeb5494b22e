// Where a depacketizer under test puts its frames: one array for what comes in and what is built, as the recorder has it.
import type { Depacketizer, VideoFrameWriter } from '../../../../server/media/rtp/video-frame.ts'

/** Bytes from hexadecimal digits; white space between them is for the reader. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replace(/\s+/g, ''), 'hex'))
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export interface CollectedFrame {
  ticks: number
  isKey: boolean
  mayBeKey: boolean
  data: string
}

const packetAt = 1024 * 1024

/** Collects frames, what was abandoned and parameter sets; the frame under construction moves each time room is made. */
export class FrameCollector implements VideoFrameWriter {
  readonly bytes = new Uint8Array(packetAt + 65_536)
  at = 64
  frameStart = 64
  readonly frames: CollectedFrame[] = []
  readonly abandoned: string[] = []
  readonly sets: [string, string][] = []
  readonly #maxFrameBytes: number
  #ticks = 0
  #mayBeKey = false
  #isOpen = false

  constructor(maxFrameBytes = 256 * 1024) {
    this.#maxFrameBytes = maxFrameBytes
  }

  beginFrame(ticks: number, mayBeKey: boolean): void {
    if (this.#isOpen) throw new Error('a frame begins within another')
    this.#isOpen = true
    this.#ticks = ticks
    this.#mayBeKey = mayBeKey
    this.frameStart = 64
    this.at = 64
  }

  room(count: number): boolean {
    if (this.at - this.frameStart + count > this.#maxFrameBytes) return false
    const to = this.frameStart === 64 ? 300_000 : 64
    this.bytes.copyWithin(to, this.frameStart, this.at)
    this.bytes.fill(0xee, this.frameStart, this.at)
    this.at += to - this.frameStart
    this.frameStart = to
    return true
  }

  append(start: number, end: number): void {
    this.bytes.copyWithin(this.at, start, end)
    this.at += end - start
  }

  endFrame(isKey: boolean): void {
    this.#close()
    const data = text(this.bytes.subarray(this.frameStart, this.at))
    this.frames.push({ ticks: this.#ticks, isKey, mayBeKey: this.#mayBeKey, data })
  }

  abandonFrame(reason: string): void {
    this.#close()
    this.abandoned.push(reason)
  }

  parameterSet(kind: string, start: number, end: number): void {
    this.sets.push([kind, text(this.bytes.subarray(start, end))])
  }

  #close(): void {
    if (!this.#isOpen) throw new Error('a frame ends that never began')
    this.#isOpen = false
  }

  /** Gives the depacketizer a packet's payload as a read leaves it: in the same array, gone afterwards. */
  deliver(
    depacketizer: Depacketizer,
    payload: Uint8Array,
    packet: { ticks: number; marker?: boolean; loss?: boolean },
  ): void {
    this.bytes.set(payload, packetAt)
    const end = packetAt + payload.length
    depacketizer.payload(this.bytes, packetAt, end, packet.ticks, packet.marker ?? false, packet.loss ?? false)
    this.bytes.fill(0xdd, packetAt, end)
  }
}

/** A NAL unit as the sample format has it: after its length in 4 bytes (ISO/IEC 14496-15 §4.3.2). */
export function prefixed(...units: Uint8Array[]): string {
  return units.map((unit) => unit.length.toString(16).padStart(8, '0') + text(unit)).join('')
}

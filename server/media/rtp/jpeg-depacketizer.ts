// JPEG over RTP (RFC 2435): the scan comes in fragments, its headers are made anew.
import { jpegHeader } from '../jpeg.ts'
import type { Depacketizer, VideoFrameWriter } from './video-frame.ts'

const endOfImage = [0xff, 0xd9] as const

export class JpegDepacketizer implements Depacketizer {
  readonly #writer: VideoFrameWriter
  #isOpen = false
  #isDamaged = false
  #ticks = 0
  /** How much of the scan has come: the next fragment's offset must be this. */
  #scanBytes = 0
  /** Tables by Q, 128 to 254: sent once, they hold for all later pictures of that Q (RFC 2435 §4.2). */
  readonly #tables = new Map<number, { tables: Uint8Array; precision: number }>()
  /** Size of the picture being received, for the track's description. */
  widthPx = 0
  heightPx = 0

  constructor(writer: VideoFrameWriter) {
    this.#writer = writer
  }

  payload(
    bytes: Uint8Array,
    start: number,
    end: number,
    ticks: number,
    hasMarker: boolean,
    isLossBefore: boolean,
  ): void {
    if (end - start < 8) return
    if (this.#isOpen && ticks !== this.#ticks) this.#abandon()
    const offset = (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!
    const type = bytes[start + 4]!
    const q = bytes[start + 5]!
    let at = start + 8
    let restartInterval = 0
    if (type >= 64 && type < 128) {
      if (at + 4 > end) return
      restartInterval = (bytes[at]! << 8) | bytes[at + 1]!
      at += 4
    }
    if (!this.#isOpen) {
      if (offset !== 0) return
      let tables: Uint8Array | undefined
      let precision = 0
      if (q >= 128) {
        if (at + 4 > end) return
        precision = bytes[at + 1]!
        const length = (bytes[at + 2]! << 8) | bytes[at + 3]!
        if (at + 4 + length > end) return
        tables = bytes.slice(at + 4, at + 4 + length)
        at += 4 + length
        if (length > 0) {
          if (q < 255) this.#tables.set(q, { tables, precision })
        } else {
          const known = this.#tables.get(q)
          // Its tables were lost: nothing can be made of the picture.
          if (known === undefined) return
          ;({ tables, precision } = known)
        }
      }
      this.widthPx = bytes[start + 6]! * 8
      this.heightPx = bytes[start + 7]! * 8
      const head = jpegHeader({
        type,
        q,
        widthPx: this.widthPx,
        heightPx: this.heightPx,
        restartInterval,
        quantTables: tables,
        quantPrecision: precision,
      })
      this.#isOpen = true
      this.#isDamaged = false
      this.#ticks = ticks
      this.#scanBytes = 0
      this.#writer.beginFrame(ticks, true)
      if (this.#room(head.length)) {
        this.#writer.bytes.set(head, this.#writer.at)
        this.#writer.at += head.length
      }
    } else if (isLossBefore || offset !== this.#scanBytes) {
      this.#isDamaged = true
    }
    if (!this.#isDamaged && this.#room(end - at + 2)) {
      this.#writer.append(at, end)
      this.#scanBytes += end - at
    }
    if (!hasMarker) return
    if (this.#isDamaged) {
      this.#abandon()
      return
    }
    this.#isOpen = false
    const tail = this.#writer.at
    if (bytes[tail - 2] !== endOfImage[0] || bytes[tail - 1] !== endOfImage[1]) {
      this.#writer.bytes.set(endOfImage, tail)
      this.#writer.at += 2
    }
    this.#writer.endFrame(true)
  }

  #room(count: number): boolean {
    if (this.#writer.room(count)) return true
    this.#isDamaged = true
    return false
  }

  #abandon(): void {
    this.#isOpen = false
    this.#writer.abandonFrame('damaged')
  }
}

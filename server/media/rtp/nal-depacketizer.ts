// What H.264 and H.265 over RTP have in common: NAL units, whole or in fragments, make a frame of one timestamp.
import type { Depacketizer, VideoFrameWriter } from './video-frame.ts'

/** What a NAL unit is to a recorder. */
export const nalRole = { skip: 0, keep: 1, picture: 2, keyPicture: 3, sps: 4, pps: 5, vps: 6 } as const
export type NalRole = (typeof nalRole)[keyof typeof nalRole]

const parameterSetName: Partial<Record<NalRole, 'vps' | 'sps' | 'pps'>> = {
  [nalRole.sps]: 'sps',
  [nalRole.pps]: 'pps',
  [nalRole.vps]: 'vps',
}

/**
 * Builds frames of length-prefixed NAL units (ISO/IEC 14496-15 §4.3.2): parameter sets are taken out, access unit
 * delimiters and fillers dropped. A frame ends at the marker bit, or where the next timestamp begins.
 */
export abstract class NalDepacketizer implements Depacketizer {
  protected readonly writer: VideoFrameWriter
  #isOpen = false
  #ticks = 0
  #hasPicture = false
  #isKey = false
  #isDamaged = false
  #isTooLarge = false
  /** Packets were lost right before the frame: its first slices may have been among them. */
  #isHeadSuspect = false
  /** Where the NAL unit that comes in fragments began in the frame: its length field; −1 where none is open. */
  #unitAt = -1

  constructor(writer: VideoFrameWriter) {
    this.writer = writer
  }

  payload(
    bytes: Uint8Array,
    start: number,
    end: number,
    ticks: number,
    hasMarker: boolean,
    isLossBefore: boolean,
  ): void {
    if (start >= end) return
    if (this.#isOpen && ticks !== this.#ticks) this.#finish(isLossBefore)
    if (!this.#isOpen) {
      this.#isOpen = true
      this.#ticks = ticks
      this.#hasPicture = false
      this.#isKey = false
      this.#isDamaged = false
      this.#isTooLarge = false
      this.#isHeadSuspect = isLossBefore
      this.#unitAt = -1
      this.writer.beginFrame(ticks, this.mayStartKey(bytes, start, end))
    } else if (isLossBefore) {
      this.#isDamaged = true
    }
    this.unpack(bytes, start, end)
    // Some cameras mark the packets of parameter sets too: a frame without a picture is not over.
    if (hasMarker && this.#hasPicture) this.#finish(false)
  }

  /** Whether a payload that begins a frame looks like the beginning of a key picture. */
  protected abstract mayStartKey(bytes: Uint8Array, start: number, end: number): boolean
  /** Takes a payload apart: calls `unit` for whole NAL units, `beginUnit`, `continueUnit` and `endUnit` for fragments. */
  protected abstract unpack(bytes: Uint8Array, start: number, end: number): void
  /** What the NAL unit that begins with this byte is. */
  protected abstract roleOf(firstByte: number): NalRole
  /** Whether the slice whose NAL unit begins at `at` is the first of its picture. */
  protected abstract isFirstSlice(bytes: Uint8Array, at: number): boolean

  protected unit(bytes: Uint8Array, start: number, end: number): void {
    if (start >= end) return
    const role = this.roleOf(bytes[start]!)
    const writer = this.writer
    if (role >= nalRole.sps) {
      writer.parameterSet(parameterSetName[role]!, start, end)
      return
    }
    if (role === nalRole.skip) return
    const size = end - start
    if (!this.#makeRoom(size + 4)) return
    const at = writer.at
    this.#writeLength(at, size)
    writer.at = at + 4
    writer.append(start, end)
    this.#note(role, at + 4)
  }

  /** Begins a NAL unit that comes in pieces; `header` are its own first bytes, rebuilt from the fragment's. */
  protected beginUnit(header: readonly number[]): void {
    if (this.#unitAt >= 0) this.#isDamaged = true
    if (!this.#makeRoom(4 + header.length)) return
    const writer = this.writer
    this.#unitAt = writer.at - writer.frameStart
    let at = writer.at + 4
    for (const byte of header) writer.bytes[at++] = byte
    writer.at = at
  }

  protected continueUnit(start: number, end: number): void {
    if (this.#unitAt < 0) {
      this.#isDamaged = true
      return
    }
    if (!this.#makeRoom(end - start)) return
    this.writer.append(start, end)
  }

  protected endUnit(): void {
    if (this.#unitAt < 0) return
    const writer = this.writer
    const lengthAt = writer.frameStart + this.#unitAt
    this.#unitAt = -1
    const role = this.roleOf(writer.bytes[lengthAt + 4]!)
    if (role >= nalRole.sps) writer.parameterSet(parameterSetName[role]!, lengthAt + 4, writer.at)
    if (role >= nalRole.sps || role === nalRole.skip) {
      writer.at = lengthAt
      return
    }
    this.#writeLength(lengthAt, writer.at - lengthAt - 4)
    this.#note(role, lengthAt + 4)
  }

  #note(role: NalRole, at: number): void {
    if (role < nalRole.picture) return
    if (this.#isHeadSuspect && !this.#hasPicture && !this.isFirstSlice(this.writer.bytes, at)) this.#isDamaged = true
    this.#hasPicture = true
    if (role === nalRole.keyPicture) this.#isKey = true
  }

  #makeRoom(count: number): boolean {
    if (this.#isTooLarge) return false
    if (this.writer.room(count)) return true
    this.#isTooLarge = true
    this.#unitAt = -1
    return false
  }

  #writeLength(at: number, size: number): void {
    const bytes = this.writer.bytes
    bytes[at] = size >>> 24
    bytes[at + 1] = size >>> 16
    bytes[at + 2] = size >>> 8
    bytes[at + 3] = size
  }

  #finish(isTailLost: boolean): void {
    this.#isOpen = false
    const isTorn = this.#isDamaged || this.#unitAt >= 0 || isTailLost
    this.#unitAt = -1
    if (this.#isTooLarge) this.writer.abandonFrame('too-large')
    else if (isTorn) this.writer.abandonFrame('damaged')
    else if (!this.#hasPicture) this.writer.abandonFrame('empty')
    else this.writer.endFrame(this.#isKey)
  }
}

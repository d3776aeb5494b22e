// Framing of the recorder's socket: u32 length of what follows (big-endian), u8 type, payload.
import { copyBytes } from '../media/copy-bytes.ts'
import type { TrackConfig } from '../media/track.ts'
import { maxMessageBytes } from './recorder-protocol.ts'

export const messageTypes = { json: 1, liveSample: 2, keyframe: 3 } as const

/** A frame of JSON. Byte arrays (parameter sets) travel as `{"$bytes": base64}`. */
export function jsonFrame(message: unknown): Buffer {
  const text = Buffer.from(
    JSON.stringify(message, (_key, value: unknown) =>
      value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString('base64') } : value,
    ),
  )
  const frame = Buffer.allocUnsafe(5 + text.length)
  frame.writeUInt32BE(1 + text.length)
  frame[4] = messageTypes.json
  text.copy(frame, 5)
  return frame
}

export function parseJsonPayload(payload: Uint8Array): unknown {
  return JSON.parse(Buffer.from(payload).toString(), (_key, value: unknown) => {
    const bytes = (value as { $bytes?: unknown } | null)?.$bytes
    return typeof bytes === 'string' ? new Uint8Array(Buffer.from(bytes, 'base64')) : value
  })
}

/** Takes a byte stream apart into frames. Throws where a peer announces more than either side accepts. */
export class FrameReader {
  #parts: Buffer[] = []
  #bytes = 0

  /** `onFrame`'s payload is valid until the next push. */
  push(chunk: Buffer, onFrame: (type: number, payload: Buffer) => void): void {
    this.#parts.push(chunk)
    this.#bytes += chunk.length
    while (this.#bytes >= 5) {
      const head = this.#parts[0]!.length >= 5 ? this.#parts[0]! : this.#join()
      const length = head.readUInt32BE(0)
      if (length < 1 || length > maxMessageBytes) throw new RangeError(`a message of ${length} bytes`)
      if (this.#bytes < 4 + length) return
      const all = this.#join()
      onFrame(all[4]!, all.subarray(5, 4 + length))
      const rest = all.subarray(4 + length)
      this.#parts = rest.length === 0 ? [] : [rest]
      this.#bytes = rest.length
    }
  }

  #join(): Buffer {
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts)]
    return this.#parts[0]!
  }
}

export const trackNumbers = { video: 0, audio: 1, metadata: 2 } as const

const trackOfNumber: TrackConfig['kind'][] = ['video', 'audio', 'metadata']

export interface LiveSampleHead {
  watchNumber: number
  track: TrackConfig['kind']
  isKey: boolean
  isBurst: boolean
  dtsTicks: number
  ctsTicks: number
  utcUs: number
}

const headBytes = 24

/** A frame of one live sample, with a copy of its bytes. */
export function liveSampleFrame(head: LiveSampleHead, bytes: Uint8Array, start: number, end: number): Buffer {
  const frame = Buffer.allocUnsafe(5 + headBytes + end - start)
  frame.writeUInt32BE(1 + headBytes + end - start, 0)
  frame[4] = messageTypes.liveSample
  frame.writeUInt16BE(head.watchNumber, 5)
  frame[7] = trackNumbers[head.track]
  frame[8] = (head.isKey ? 1 : 0) | (head.isBurst ? 2 : 0)
  frame.writeInt32BE(head.ctsTicks, 9)
  frame.writeDoubleBE(head.dtsTicks, 13)
  frame.writeDoubleBE(head.utcUs, 21)
  copyBytes(bytes, start, end, frame, 5 + headBytes)
  return frame
}

export function parseLiveSample(payload: Buffer): { head: LiveSampleHead; data: Uint8Array } {
  const flags = payload[3]!
  return {
    head: {
      watchNumber: payload.readUInt16BE(0),
      track: trackOfNumber[payload[2]!] ?? 'metadata',
      isKey: (flags & 1) !== 0,
      isBurst: (flags & 2) !== 0,
      ctsTicks: payload.readInt32BE(4),
      dtsTicks: payload.readDoubleBE(8),
      utcUs: payload.readDoubleBE(16),
    },
    data: payload.subarray(headBytes),
  }
}

/** A frame of a keyframe that was asked for. */
export function keyframeFrame(requestId: number, data: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(9 + data.length)
  frame.writeUInt32BE(5 + data.length, 0)
  frame[4] = messageTypes.keyframe
  frame.writeUInt32BE(requestId, 5)
  frame.set(data, 9)
  return frame
}

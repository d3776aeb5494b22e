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
  /** Begins with a frame's head; holds `#bytes` of it. Grows as a frame needs. */
  #begun = Buffer.allocUnsafeSlow(64 * 1024)
  #bytes = 0

  /** `onFrame`'s payload is valid during the call, and so is `chunk` during this one: what is kept is copied. */
  push(chunk: Buffer, onFrame: (type: number, payload: Buffer) => void): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#bytes === 0) {
        const length = lengthOf(chunk.subarray(at))
        if (length !== undefined && chunk.length - at >= 4 + length) {
          onFrame(chunk[at + 4]!, chunk.subarray(at + 5, at + 4 + length))
          at += 4 + length
          continue
        }
      }
      const length = lengthOf(this.#begun.subarray(0, this.#bytes))
      // The head first: only then is it known how much belongs to the frame.
      const wanted = length === undefined ? 5 : 4 + length
      at += this.#keep(chunk.subarray(at, at + wanted - this.#bytes), wanted)
      if (length === undefined || this.#bytes < wanted) continue
      this.#bytes = 0
      onFrame(this.#begun[4]!, this.#begun.subarray(5, wanted))
    }
  }

  /** Adds bytes to the frame begun, of which there will be `wanted`. Gives how many. */
  #keep(bytes: Buffer, wanted: number): number {
    if (this.#begun.length < wanted) {
      const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#begun.length))
      this.#begun.copy(larger, 0, 0, this.#bytes)
      this.#begun = larger
    }
    this.#bytes += bytes.copy(this.#begun, this.#bytes)
    return bytes.length
  }
}

/** Length of what follows the four bytes of a frame's head and is announced there; undefined while they are not all there. */
function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < 5) return undefined
  const length = bytes.readUInt32BE(0)
  if (length < 1 || length > maxMessageBytes) throw new RangeError(`a message of ${length} bytes`)
  return length
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

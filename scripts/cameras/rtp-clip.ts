// A clip made ready to send: every frame as the interleaved RTP packets of RFC 2326 10.12, one after the other.

/** Largest RTP payload, so that a packet fits an Ethernet frame. */
export const RTP_PAYLOAD_BYTES = 1400
/** `$`, channel and length, then the RTP header (RFC 3550 5.1). */
export const PACKET_HEAD_BYTES = 4 + 12

/** One access unit, audio packet or document. Shared by all cameras that send the clip: never written to. */
export interface RtpFrame {
  /** Whole packets; channel, sequence number, timestamp and SSRC are zero until `stampPackets`. */
  bytes: Buffer
  /** Where each packet's `$` is. */
  packetOffsets: Uint32Array
  /** Whether decoding can begin here. */
  isKey: boolean
  /** Presentation minus decode time, in ticks: negative for a B-frame shown before what it was sent after. */
  ptsOffsetTicks: number
  /** Where the mark of `frame-sei.ts` is patched; -1 where the frame has none. */
  markOffset: number
}

/** A track's worth of frames, and what its SDP says. */
export interface RtpClip {
  media: 'video' | 'audio' | 'application'
  payloadType: number
  clockRate: number
  /** `a=rtpmap:` after the payload type. */
  rtpmap: string
  /** `a=fmtp:` after the payload type, or undefined. */
  fmtp: string | undefined
  /** From one frame to the next, in ticks. */
  frameTicks: number
  /** How far presentation runs ahead of sending at most, in ticks: what a sender report must add. */
  leadTicks: number
  /** The loop, in the order it is sent. */
  frames: RtpFrame[]
  /** Of the picture; 0 where there is none. */
  widthPx: number
  heightPx: number
}

/** Collects the packets of one frame. */
export class FramePacker {
  #payloadType: number
  #chunks: Buffer[] = []
  #offsets: number[] = []
  #sizeBytes = 0

  constructor(payloadType: number) {
    this.#payloadType = payloadType
  }

  /**
   * Adds a packet whose payload is `parts` end to end.
   *
   * @returns where its payload begins in the frame's bytes
   */
  add(parts: Uint8Array[], isLast: boolean): number {
    const payloadBytes = parts.reduce((sum, part) => sum + part.length, 0)
    const head = Buffer.alloc(PACKET_HEAD_BYTES)
    head[0] = 0x24 // '$'
    head.writeUInt16BE(payloadBytes + 12, 2)
    head[4] = 0x80 // version 2
    head[5] = (isLast ? 0x80 : 0) | this.#payloadType
    this.#offsets.push(this.#sizeBytes)
    this.#chunks.push(head, ...(parts as Buffer[]))
    this.#sizeBytes += PACKET_HEAD_BYTES + payloadBytes
    return this.#sizeBytes - payloadBytes
  }

  finish(isKey: boolean, ptsOffsetTicks = 0, markOffset = -1): RtpFrame {
    const packetOffsets = Uint32Array.from(this.#offsets)
    return { bytes: Buffer.concat(this.#chunks), packetOffsets, isKey, ptsOffsetTicks, markOffset }
  }
}

/** Fills in what differs from one session to the next; `bytes` is a copy of the frame's own. */
export function stampPackets(
  bytes: Uint8Array,
  packetOffsets: Uint32Array,
  channel: number,
  firstSequence: number,
  timestamp: number,
  ssrc: number,
): void {
  let sequence = firstSequence
  for (let i = 0; i < packetOffsets.length; i++) {
    const at = packetOffsets[i]!
    bytes[at + 1] = channel
    bytes[at + 6] = sequence >>> 8
    bytes[at + 7] = sequence
    bytes[at + 8] = timestamp >>> 24
    bytes[at + 9] = timestamp >>> 16
    bytes[at + 10] = timestamp >>> 8
    bytes[at + 11] = timestamp
    bytes[at + 12] = ssrc >>> 24
    bytes[at + 13] = ssrc >>> 16
    bytes[at + 14] = ssrc >>> 8
    bytes[at + 15] = ssrc
    sequence++
  }
}

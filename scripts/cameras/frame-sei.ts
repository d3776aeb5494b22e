// The message each video frame carries: which frame of its stream it is, and when it was sent.
//
// An SEI of type 5, user_data_unregistered (ITU-T H.264 D.1.7, H.265 D.2.7), with a UUID of our own, then 5 bytes of
// sequence number and 8 bytes of UTC microseconds, both big-endian in digits of 7 bits with the top bit set. No byte
// is ever zero, so the payload needs no emulation prevention (H.264 7.4.1) and can be patched in place.

/** 16 bytes that mark the message as ours; none of them is zero. */
export const FRAME_SEI_UUID = Buffer.from('6e6a2d63616d4d538c5e2f9d41b7a3f1', 'hex')

const SEQUENCE_BYTES = 5
const TIME_BYTES = 8
const PAYLOAD_BYTES = FRAME_SEI_UUID.length + SEQUENCE_BYTES + TIME_BYTES
const TYPE_USER_DATA_UNREGISTERED = 5

/** What a frame says of itself. */
export interface FrameMark {
  /** Frames of the stream before this one, since the camera started; goes on counting when the clip loops. */
  sequence: number
  /** When the first byte was handed to the socket, UTC in microseconds since 1970. */
  sentUs: number
}

/** A NAL unit (no start code) with zero for both numbers, and where its patchable part begins. */
export function buildFrameSei(codec: 'h264' | 'h265'): { nal: Buffer; markOffset: number } {
  // H.264: nal_ref_idc 0, nal_unit_type 6. H.265: nal_unit_type 39 (PREFIX_SEI_NUT), layer 0, temporal id plus 1 = 1.
  const header = codec === 'h264' ? [0x06] : [39 << 1, 0x01]
  const nal = Buffer.from([
    ...header,
    TYPE_USER_DATA_UNREGISTERED,
    PAYLOAD_BYTES,
    ...FRAME_SEI_UUID,
    ...Array<number>(SEQUENCE_BYTES + TIME_BYTES).fill(0x80),
    0x80, // rbsp_trailing_bits
  ])
  return { nal, markOffset: header.length + 2 + FRAME_SEI_UUID.length }
}

/** Writes the numbers at `offset`, where `buildFrameSei` said the patchable part begins. */
export function patchFrameMark(bytes: Uint8Array, offset: number, sequence: number, sentUs: number): void {
  writeDigits(bytes, offset, SEQUENCE_BYTES, sequence)
  writeDigits(bytes, offset + SEQUENCE_BYTES, TIME_BYTES, sentUs)
}

/** The mark found in a frame (any framing: Annex B, length-prefixed, a lone NAL unit), or undefined. */
export function readFrameMark(frame: Buffer): FrameMark | undefined {
  const at = frame.indexOf(FRAME_SEI_UUID)
  if (at < 0 || at + PAYLOAD_BYTES > frame.length) return undefined
  const sequenceAt = at + FRAME_SEI_UUID.length
  return {
    sequence: readDigits(frame, sequenceAt, SEQUENCE_BYTES),
    sentUs: readDigits(frame, sequenceAt + SEQUENCE_BYTES, TIME_BYTES),
  }
}

function writeDigits(bytes: Uint8Array, offset: number, count: number, value: number): void {
  let rest = value
  for (let i = offset + count - 1; i >= offset; i--) {
    const above = Math.floor(rest / 128)
    bytes[i] = 0x80 | (rest - above * 128)
    rest = above
  }
}

function readDigits(bytes: Uint8Array, offset: number, count: number): number {
  let value = 0
  for (let i = offset; i < offset + count; i++) value = value * 128 + (bytes[i]! & 0x7f)
  return value
}

// Where depacketizers of video put the frame they are building.

/**
 * Receives the frame being built. `bytes` is the process's arena; the frame under construction is
 * `bytes[frameStart, at)`, and may move when room is made: no depacketizer keeps a position of its own across `room`.
 */
export interface VideoFrameWriter {
  readonly bytes: Uint8Array
  /** Appends `bytes[start, end)` to the frame; room for it has been made. */
  append(start: number, end: number): void
  /** Where the next byte goes. The depacketizer moves it on as it writes. */
  at: number
  frameStart: number
  /** Begins a frame. `mayBeKey` is a guess by its first NAL unit: a right one saves moving the frame later. */
  beginFrame(ticks: number, mayBeKey: boolean): void
  /** Makes room for `count` more bytes at `at`. False where the frame is larger than is taken: it must be abandoned. */
  room(count: number): boolean
  endFrame(isKey: boolean): void
  /** Forgets the frame begun: it was damaged, held no picture, or is too large. */
  abandonFrame(reason: 'damaged' | 'empty' | 'too-large'): void
  /** A parameter set came in band: `bytes[start, end)`, a NAL unit with its header. */
  parameterSet(kind: 'vps' | 'sps' | 'pps', start: number, end: number): void
}

/** Turns RTP payloads of one track into frames or samples. */
export interface Depacketizer {
  /**
   * Takes the payload `bytes[start, end)` of the next packet.
   *
   * `ticks` is the packet's timestamp, extended; `isLossBefore` is true where packets before it never came.
   */
  payload(bytes: Uint8Array, start: number, end: number, ticks: number, hasMarker: boolean, isLossBefore: boolean): void
}

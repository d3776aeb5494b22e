// Takes the frames of a live stream apart, wherever the network cut it: frames of RFC 6455 §5.2 as a server sends them.

export interface SplitFrame {
  /** 1 text, 2 binary, 9 a ping: a sign that the stream goes on. */
  opcode: number
  /** Its own bytes, or none but its own. */
  payload: Uint8Array<ArrayBuffer>
}

/** No frame is longer: a keyframe of a large camera has a few megabytes. */
const mostBytes = 64 * 1024 * 1024

export class FrameSplitter {
  #chunks: Uint8Array[] = []
  #sizeBytes = 0
  #neededBytes = 2

  /** Whole frames so far. Fails where the bytes are no such frames. */
  push(chunk: Uint8Array): SplitFrame[] {
    this.#chunks.push(chunk)
    this.#sizeBytes += chunk.length
    // Joined once a frame, not once a chunk: a large frame comes in many.
    if (this.#sizeBytes < this.#neededBytes) return []
    let rest = this.#joined()
    const frames: SplitFrame[] = []
    for (;;) {
      const head = headOf(rest)
      this.#neededBytes = head.headBytes + head.payloadBytes
      if (rest.length < this.#neededBytes) break
      frames.push({ opcode: head.opcode, payload: rest.slice(head.headBytes, this.#neededBytes) })
      rest = rest.subarray(this.#neededBytes)
    }
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#sizeBytes = rest.length
    return frames
  }

  #joined(): Uint8Array {
    if (this.#chunks.length === 1) return this.#chunks[0]!
    const all = new Uint8Array(this.#sizeBytes)
    let at = 0
    for (const chunk of this.#chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    return all
  }
}

/** What is known of the frame that begins here; where too little is there, what its head needs at least. */
function headOf(bytes: Uint8Array): { opcode: number; headBytes: number; payloadBytes: number } {
  const [first = 0x80, length = 0] = bytes
  if ((first & 0xf0) !== 0x80 || length > 127) throw new Error('live stream: this is no frame')
  const opcode = first & 15
  const headBytes = length < 126 ? 2 : length === 126 ? 4 : 10
  if (bytes.length < headBytes) return { opcode, headBytes, payloadBytes: 0 }
  if (headBytes === 2) return { opcode, headBytes, payloadBytes: length }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const payloadBytes = headBytes === 4 ? view.getUint16(2) : Number(view.getBigUint64(2))
  if (payloadBytes > mostBytes) throw new Error(`live stream: a frame of ${payloadBytes} bytes`)
  return { opcode, headBytes, payloadBytes }
}

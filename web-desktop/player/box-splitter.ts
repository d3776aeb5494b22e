// Cuts a stream of bytes into what a SourceBuffer is fed: whole init segments and whole fragments.

export interface Cut {
  kind: 'init' | 'fragment'
  bytes: Uint8Array
}

const maxBoxBytes = 64 * 1024 * 1024

/**
 * Takes the bytes of a response as they come, in pieces of any size, and gives each init segment (`ftyp moov`) and each
 * fragment (`moof mdat`, with the boxes that stand before it) once it is whole.
 */
export class BoxSplitter {
  #pending = new Uint8Array(0)
  #open: Uint8Array[] = []
  #hasMoov = false

  /** Throws where a box's length cannot be true. */
  push(bytes: Uint8Array): Cut[] {
    let pending = bytes
    if (this.#pending.length > 0) {
      pending = new Uint8Array(this.#pending.length + bytes.length)
      pending.set(this.#pending)
      pending.set(bytes, this.#pending.length)
    }
    const view = new DataView(pending.buffer, pending.byteOffset, pending.byteLength)
    const cuts: Cut[] = []
    let at = 0
    while (at + 8 <= pending.length) {
      let sizeBytes = view.getUint32(at)
      if (sizeBytes === 1) {
        if (at + 16 > pending.length) break
        sizeBytes = Number(view.getBigUint64(at + 8))
      }
      if (sizeBytes < 8 || sizeBytes > maxBoxBytes) throw new Error(`read footage: a box of ${sizeBytes} bytes`)
      if (at + sizeBytes > pending.length) break
      const type = String.fromCharCode(...pending.subarray(at + 4, at + 8))
      this.#take(type, pending.slice(at, at + sizeBytes), cuts)
      at += sizeBytes
    }
    this.#pending = pending.slice(at)
    return cuts
  }

  #take(type: string, box: Uint8Array, cuts: Cut[]): void {
    if (type === 'ftyp') this.#open = []
    this.#open.push(box)
    if (type === 'moov') this.#hasMoov = true
    if (type === 'moov' || type === 'mdat') {
      if (this.#hasMoov) cuts.push({ kind: type === 'moov' ? 'init' : 'fragment', bytes: joined(this.#open) })
      this.#open = []
    }
  }
}

/** The arrays one after another in one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

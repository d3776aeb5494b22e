// The marker that proves a folder to be this space's, on the disk it was made on (FORMAT.md §6).
import { crc32 } from '../media/crc32.ts'

export const markerName = '.nightjar-space'
export const markerBytes = 512
const textBytes = 504

export interface Marker {
  format: 1
  space: string
  server: string
  boot: string
  heartbeatMs: number
  /** `new`: footage may be written, nothing deleted. `proved`: a segment of this space was made safe here. */
  state: 'new' | 'proved'
}

/** The marker as it lies on disk: one sector, so that a write of it is whole or not there. */
export function writeMarker(marker: Marker): Uint8Array {
  const bytes = new Uint8Array(markerBytes).fill(0x20)
  const text = new TextEncoder().encode(`${JSON.stringify(marker)}\n`)
  if (text.length > textBytes) throw new RangeError(`marker is ${text.length} bytes, at most ${textBytes} fit`)
  bytes.set(text)
  bytes.set(new TextEncoder().encode(crcText(bytes)), textBytes)
  return bytes
}

/** Undefined where the bytes are no whole, undamaged marker of this format. */
export function parseMarker(bytes: Uint8Array): Marker | undefined {
  if (bytes.length !== markerBytes) return undefined
  if (new TextDecoder('latin1').decode(bytes.subarray(textBytes)) !== crcText(bytes)) return undefined
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes.subarray(0, textBytes))) as Partial<Marker>
    const isWhole =
      value.format === 1 &&
      typeof value.space === 'string' &&
      typeof value.server === 'string' &&
      typeof value.boot === 'string' &&
      typeof value.heartbeatMs === 'number' &&
      (value.state === 'new' || value.state === 'proved')
    return isWhole ? (value as Marker) : undefined
  } catch {
    return undefined
  }
}

function crcText(bytes: Uint8Array): string {
  return crc32(bytes.subarray(0, textBytes)).toString(16).padStart(8, '0')
}

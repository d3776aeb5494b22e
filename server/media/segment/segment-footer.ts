// The `uuid` FTR box and `mfra` that close a segment (FORMAT.md §2.3): one read gives the whole index back.
import { crc32 } from '../crc32.ts'
import { readU64, writeU64 } from './fragment-head.ts'
import {
  crcSeed,
  footerUsertype,
  formatVersion,
  fragmentFlags,
  hasBytesAt,
  trackIds,
  uuidBytes,
  uuidText,
} from './segment-layout.ts'
import { SegmentTable, TrackTable } from './segment-table.ts'

const columnsAt = 64
const tailBytes = 16
const tailMark = 0x4e4a4654

const padded = (bytes: number) => (bytes + 7) & ~7

/** The footer of a segment, and its length, which the index row keeps so that one read finds it. */
export function segmentFooter(segmentId: string, table: SegmentTable, flags: number): Uint8Array {
  const n = table.fragments
  let size = columnsAt + 2 * n * 8 + 4 * padded(n * 4)
  for (const track of table.tracks) {
    const m = track.sizes.length
    size += 16 + n * 8 + padded(n * 4) + 2 * padded(m * 4) + (track.hasOffsets ? padded(m * 4) : 0)
  }
  size += tailBytes
  const box = new Uint8Array(size)
  const view = new DataView(box.buffer)
  view.setUint32(0, size)
  view.setUint32(4, 0x75756964)
  box.set(footerUsertype, 8)
  view.setUint32(24, (formatVersion << 24) | flags)
  box.set(uuidBytes(segmentId), 28)
  view.setUint32(44, n)
  view.setUint32(48, table.tracks.length)
  writeU64(view, 52, table.endUs)
  let at = columnsAt
  const column = (values: Uint32Array | Int32Array | Float64Array) => {
    box.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at)
    at += padded(values.byteLength)
  }
  column(table.fileOffsets.view())
  column(table.utcUs.view())
  column(table.headBytes.view())
  column(table.dataBytes.view())
  column(table.flags.view())
  column(table.headCrcs.view())
  for (const track of table.tracks) {
    column(Uint32Array.of(track.trackId, track.sizes.length, track.timescale, track.hasOffsets ? 1 : 0))
    column(track.tfdtTicks.view())
    column(track.counts.view())
    column(track.sizes.view())
    column(track.durations.view())
    if (track.hasOffsets) column(track.offsets.view())
  }
  view.setUint32(at + 4, crc32(box.subarray(0, at + 4), crcSeed(uuidBytes(segmentId))))
  view.setUint32(at + 8, size)
  view.setUint32(at + 12, tailMark)
  return box
}

export interface ParsedFooter {
  segmentId: string
  flags: number
  endUs: number
  table: SegmentTable
}

/**
 * Reads a footer that is exactly `box`. Undefined where it is none, or its CRC differs: the file must then be scanned.
 * Columns are views of `box` where it is aligned to 8 bytes, copies where not.
 */
export function parseSegmentFooter(box: Uint8Array): ParsedFooter | undefined {
  if (box.length < columnsAt + tailBytes || !hasBytesAt(box, 8, footerUsertype)) return undefined
  // Not `slice`: of a Buffer it is a view, as badly aligned as before.
  const aligned = box.byteOffset % 8 === 0 ? box : Uint8Array.from(box)
  const view = new DataView(aligned.buffer, aligned.byteOffset, aligned.byteLength)
  const size = aligned.length
  if (view.getUint32(0) !== size || view.getUint32(size - 8) !== size || view.getUint32(size - 4) !== tailMark)
    return undefined
  const segmentId = uuidText(aligned.subarray(28, 44))
  if (view.getUint32(size - 12) !== crc32(aligned.subarray(0, size - 12), crcSeed(aligned.subarray(28, 44))))
    return undefined
  const n = view.getUint32(44)
  let at = columnsAt
  const bytes = (length: number) => {
    const start = aligned.byteOffset + at
    at += padded(length)
    if (at > size - tailBytes) throw new RangeError('footer: a column reaches past the box')
    return start
  }
  const f64 = (count: number) => new Float64Array(aligned.buffer, bytes(count * 8), count)
  const u32 = (count: number) => new Uint32Array(aligned.buffer, bytes(count * 4), count)
  const i32 = (count: number) => new Int32Array(aligned.buffer, bytes(count * 4), count)
  try {
    const rows = [f64(n), f64(n), u32(n), u32(n), u32(n), u32(n)] as const
    const tracks: TrackTable[] = []
    for (let k = view.getUint32(48); k > 0; k--) {
      const [trackId, m, timescale, flags] = u32(4)
      const track = new TrackTable(trackId!, timescale!, (flags! & 1) !== 0)
      fill(track.tfdtTicks, f64(n))
      fill(track.counts, u32(n))
      fill(track.sizes, u32(m!))
      fill(track.durations, u32(m!))
      if (track.hasOffsets) fill(track.offsets, i32(m!))
      tracks.push(track)
    }
    const table = new SegmentTable(tracks)
    const columns = [table.fileOffsets, table.utcUs, table.headBytes, table.dataBytes, table.flags, table.headCrcs]
    for (let i = 0; i < columns.length; i++) fill(columns[i]!, rows[i]!)
    return { segmentId, flags: view.getUint32(24) & 0xffffff, endUs: readU64(view, 52), table }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function fill(
  column: { values: Uint32Array | Int32Array | Float64Array; length: number },
  values: typeof column.values,
): void {
  column.values = values
  column.length = values.length
}

/**
 * `mfra` (ISO/IEC 14496-12 §8.8.9) for other people's players: the picture's keyframes, or every fragment's first sound
 * sample where there is no picture.
 */
export function movieFragmentRandomAccess(table: SegmentTable): Uint8Array {
  const track = table.track(trackIds.video) ?? table.tracks[0]
  const entries: { timeTicks: number; moofOffset: number }[] = []
  for (let i = 0; track !== undefined && i < table.fragments; i++) {
    const isEntry =
      track.trackId === trackIds.video
        ? (table.flags.values[i]! & fragmentFlags.key) !== 0
        : track.counts.values[i]! > 0
    if (!isEntry || track.tfdtTicks.values[i]! < 0) continue
    entries.push({ timeTicks: track.tfdtTicks.values[i]!, moofOffset: table.fileOffsets.values[i]! + 64 })
  }
  const tfraBytes = 24 + entries.length * 19
  const size = 8 + tfraBytes + 16
  const box = new Uint8Array(size)
  const view = new DataView(box.buffer)
  view.setUint32(0, size)
  view.setUint32(4, 0x6d667261)
  view.setUint32(8, tfraBytes)
  view.setUint32(12, 0x74667261)
  view.setUint32(16, 0x01000000)
  view.setUint32(20, track?.trackId ?? trackIds.video)
  view.setUint32(24, 0)
  view.setUint32(28, entries.length)
  let at = 32
  for (const entry of entries) {
    writeU64(view, at, entry.timeTicks)
    writeU64(view, at + 8, entry.moofOffset)
    box[at + 16] = 1
    box[at + 17] = 1
    box[at + 18] = 1
    at += 19
  }
  view.setUint32(at, 16)
  view.setUint32(at + 4, 0x6d66726f)
  view.setUint32(at + 12, size)
  return box
}

/** The length of the `mfra` that ends a file, from the file's last 16 bytes (`mfro`); undefined where there is none. */
export function mfraBytesFromTail(tail: Uint8Array): number | undefined {
  if (tail.length < 16) return undefined
  const view = new DataView(tail.buffer, tail.byteOffset + tail.length - 16, 16)
  return view.getUint32(0) === 16 && view.getUint32(4) === 0x6d66726f ? view.getUint32(12) : undefined
}

/** The length of the footer that ends where `tail` ends; undefined where none does. */
export function footerBytesFromTail(tail: Uint8Array): number | undefined {
  if (tail.length < 8) return undefined
  const view = new DataView(tail.buffer, tail.byteOffset + tail.length - 8, 8)
  return view.getUint32(4) === tailMark ? view.getUint32(0) : undefined
}

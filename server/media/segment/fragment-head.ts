// A fragment's head: the `uuid` FRG box, `moof` and the header of `mdat`, written into the arena right before the data
// and read back from a file (FORMAT.md §2.2). The writer allocates nothing but the views its CRCs are taken over.
import { crc32 } from '../crc32.ts'
import {
  formatVersion,
  fragmentBoxBytes,
  fragmentFlags,
  fragmentUsertype,
  hasBytesAt,
  maxDataBytes,
  maxHeadBytes,
  syncSampleFlags,
  trackIds,
} from './segment-layout.ts'

/** The samples of one track in one fragment. Their data is one stretch of the fragment's. */
export interface TrackRun {
  trackId: number
  /** Decode time of the first sample from the segment's start, in the track's ticks. */
  tfdtTicks: number
  count: number
  sizes: Uint32Array
  durations: Uint32Array
  /** Composition offsets ≥ 0, or undefined where the track has none. */
  offsets: Int32Array | undefined
}

export interface FragmentHead {
  flags: number
  utcUs: number
  number: number
  syncedThrough: number
  /** From the box's first byte to the data's first. */
  headBytes: number
  dataBytes: number
  dataCrc: number
  headCrc: number
  tracks: TrackRun[]
}

const moofOverhead = 8 + 16
const trafOverhead = 8 + 16 + 20 + 20

/** How long the head of a fragment of these tracks is, in bytes. */
export function fragmentHeadBytes(tracks: readonly TrackRun[], isKey: boolean): number {
  let bytes = fragmentBoxBytes + moofOverhead + 8
  for (const track of tracks) {
    bytes += trafOverhead + track.count * (track.offsets === undefined ? 8 : 12)
    if (isKey && track.trackId === trackIds.video) bytes += 4
  }
  return bytes
}

export interface FragmentToWrite {
  tracks: readonly TrackRun[]
  flags: number
  utcUs: number
  number: number
  syncedThrough: number
  /** CRC seed of the segment. */
  seed: number
}

/**
 * Writes the head of the fragment whose data is `bytes[dataAt, dataEnd)` right before it.
 *
 * Returns where the head begins: `dataAt − fragmentHeadBytes(…)`, which the caller has kept free.
 */
export function writeFragmentHead(
  bytes: Uint8Array,
  view: DataView,
  dataAt: number,
  dataEnd: number,
  fragment: FragmentToWrite,
): number {
  const isKey = (fragment.flags & fragmentFlags.key) !== 0
  const headBytes = fragmentHeadBytes(fragment.tracks, isKey)
  const start = dataAt - headBytes
  view.setUint32(start, fragmentBoxBytes)
  view.setUint32(start + 4, 0x75756964)
  bytes.set(fragmentUsertype, start + 8)
  view.setUint32(start + 24, (formatVersion << 24) | fragment.flags)
  writeU64(view, start + 28, fragment.utcUs)
  view.setUint32(start + 36, fragment.number)
  view.setUint32(start + 40, headBytes)
  writeU64(view, start + 44, fragment.syncedThrough)
  view.setUint32(start + 52, dataEnd - dataAt)
  view.setUint32(start + 56, crc32(bytes.subarray(dataAt, dataEnd), fragment.seed))
  writeMoof(view, start + fragmentBoxBytes, dataAt, fragment, isKey)
  view.setUint32(dataAt - 8, 8 + dataEnd - dataAt)
  view.setUint32(dataAt - 4, 0x6d646174)
  const crc = crc32(bytes.subarray(start, start + 60), fragment.seed)
  view.setUint32(start + 60, crc32(bytes.subarray(start + fragmentBoxBytes, dataAt), crc))
  return start
}

function writeMoof(view: DataView, moofAt: number, dataAt: number, fragment: FragmentToWrite, isKey: boolean): void {
  view.setUint32(moofAt, dataAt - 8 - moofAt)
  view.setUint32(moofAt + 4, 0x6d6f6f66)
  view.setUint32(moofAt + 8, 16)
  view.setUint32(moofAt + 12, 0x6d666864)
  view.setUint32(moofAt + 16, 0)
  view.setUint32(moofAt + 20, fragment.number + 1)
  let at = moofAt + moofOverhead
  let dataOffset = dataAt - moofAt
  for (const track of fragment.tracks) {
    const hasFirstFlags = isKey && track.trackId === trackIds.video
    const sampleBytes = track.offsets === undefined ? 8 : 12
    const trunBytes = 20 + (hasFirstFlags ? 4 : 0) + track.count * sampleBytes
    view.setUint32(at, 8 + 16 + 20 + trunBytes)
    view.setUint32(at + 4, 0x74726166)
    view.setUint32(at + 8, 16)
    view.setUint32(at + 12, 0x74666864)
    view.setUint32(at + 16, 0x020000)
    view.setUint32(at + 20, track.trackId)
    view.setUint32(at + 24, 20)
    view.setUint32(at + 28, 0x74666474)
    view.setUint32(at + 32, 0x01000000)
    writeU64(view, at + 36, track.tfdtTicks)
    at += 44
    view.setUint32(at, trunBytes)
    view.setUint32(at + 4, 0x7472756e)
    view.setUint32(at + 8, 0x301 | (hasFirstFlags ? 0x4 : 0) | (track.offsets === undefined ? 0 : 0x800))
    view.setUint32(at + 12, track.count)
    view.setUint32(at + 16, dataOffset)
    at += 20
    if (hasFirstFlags) {
      view.setUint32(at, syncSampleFlags)
      at += 4
    }
    for (let i = 0; i < track.count; i++) {
      const size = track.sizes[i]!
      view.setUint32(at, track.durations[i]!)
      view.setUint32(at + 4, size)
      if (track.offsets !== undefined) view.setUint32(at + 8, track.offsets[i]!)
      at += sampleBytes
      dataOffset += size
    }
  }
}

/** The numbers of a FRG box, before its CRC is proved: enough to know how much more to read. */
export interface FragmentExtent {
  headBytes: number
  dataBytes: number
}

/** Looks at 64 bytes where a fragment may begin; undefined where it is none, or says lengths beyond all bounds. */
export function peekFragment(bytes: Uint8Array, at: number): FragmentExtent | undefined {
  if (at + fragmentBoxBytes > bytes.length || !hasBytesAt(bytes, at + 8, fragmentUsertype)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, fragmentBoxBytes)
  if (view.getUint32(0) !== fragmentBoxBytes || view.getUint32(4) !== 0x75756964) return undefined
  if (view.getUint8(24) !== formatVersion) return undefined
  const headBytes = view.getUint32(40)
  const dataBytes = view.getUint32(52)
  if (headBytes < fragmentBoxBytes + moofOverhead + 8 || headBytes > maxHeadBytes || dataBytes > maxDataBytes) {
    return undefined
  }
  return { headBytes, dataBytes }
}

/**
 * Reads and proves a fragment's head from `bytes[at, at + headBytes)`.
 *
 * Undefined where the head CRC differs, or a table does not fit its box: no length is trusted before it is checked.
 */
export function parseFragmentHead(bytes: Uint8Array, at: number, seed: number): FragmentHead | undefined {
  const extent = peekFragment(bytes, at)
  if (extent === undefined || at + extent.headBytes > bytes.length) return undefined
  const end = at + extent.headBytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const crc = crc32(bytes.subarray(at, at + 60), seed)
  if (view.getUint32(at + 60) !== crc32(bytes.subarray(at + fragmentBoxBytes, end), crc)) return undefined
  const tracks = parseMoof(view, at + fragmentBoxBytes, end - 8)
  if (tracks === undefined) return undefined
  return {
    flags: view.getUint32(at + 24) & 0xffffff,
    utcUs: readU64(view, at + 28),
    number: view.getUint32(at + 36),
    syncedThrough: readU64(view, at + 44),
    headBytes: extent.headBytes,
    dataBytes: extent.dataBytes,
    dataCrc: view.getUint32(at + 56),
    headCrc: view.getUint32(at + 60),
    tracks,
  }
}

function parseMoof(view: DataView, moofAt: number, moofEnd: number): TrackRun[] | undefined {
  if (view.getUint32(moofAt) !== moofEnd - moofAt || view.getUint32(moofAt + 4) !== 0x6d6f6f66) return undefined
  const tracks: TrackRun[] = []
  for (let at = moofAt + moofOverhead; at < moofEnd; ) {
    if (at + trafOverhead > moofEnd) return undefined
    const trafBytes = view.getUint32(at)
    if (view.getUint32(at + 4) !== 0x74726166 || trafBytes < trafOverhead || at + trafBytes > moofEnd) return undefined
    const trunAt = at + 44
    const flags = view.getUint32(trunAt + 8)
    const count = view.getUint32(trunAt + 12)
    const sampleBytes = (flags & 0x800) === 0 ? 8 : 12
    let entryAt = trunAt + 20 + ((flags & 0x4) === 0 ? 0 : 4)
    if (entryAt + count * sampleBytes !== at + trafBytes) return undefined
    const track: TrackRun = {
      trackId: view.getUint32(at + 20),
      tfdtTicks: readU64(view, at + 36),
      count,
      sizes: new Uint32Array(count),
      durations: new Uint32Array(count),
      offsets: sampleBytes === 12 ? new Int32Array(count) : undefined,
    }
    for (let i = 0; i < count; i++, entryAt += sampleBytes) {
      track.durations[i] = view.getUint32(entryAt)
      track.sizes[i] = view.getUint32(entryAt + 4)
      if (track.offsets !== undefined) track.offsets[i] = view.getInt32(entryAt + 8)
    }
    tracks.push(track)
    at += trafBytes
  }
  return tracks
}

/** Writes a whole number 0 ≤ n < 2^53 as 64 bits. */
export function writeU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 0x1_0000_0000))
  view.setUint32(at + 4, value >>> 0)
}

export function readU64(view: DataView, at: number): number {
  return view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4)
}

// The `uuid` SEG box: what a segment file is, told by the file itself (FORMAT.md §2.1).
import { crc32 } from '../crc32.ts'
import { formatVersion, hasBytesAt, segmentUsertype, uuidBytes, uuidText } from './segment-layout.ts'

export interface SegmentHead {
  /** UUIDs as lower-case text. */
  segmentId: string
  serverId: string
  spaceId: string
  channelId: string
  bootId: string
  channelName: string
  stream: number
  kind: 'normal' | 'event'
  /** 16 lower-case hexadecimal digits. */
  runId: string
  sequence: number
  runIndex: number
  /** UTC, microseconds. */
  startUs: number
  runStartUs: number
  /** 0 not trusted, 1 as the machine had it, 2 synchronised. */
  clockTrust: number
  /** From the run's start, 90 kHz ticks. */
  mediaTicks: number
}

const tags = {
  server: 1,
  space: 2,
  channel: 3,
  name: 4,
  stream: 5,
  kind: 6,
  run: 7,
  sequence: 8,
  runIndex: 9,
  start: 10,
  clockTrust: 11,
  boot: 12,
  runStart: 13,
  mediaTicks: 14,
  crc: 0xffff,
} as const

const fieldsAt = 44

/** The whole head of a segment file: `movie` (ftyp and moov) followed by the SEG box that describes and seals it. */
export function segmentFileHead(movie: Uint8Array, head: SegmentHead): Uint8Array {
  const fields: [number, Uint8Array][] = [
    [tags.server, uuidBytes(head.serverId)],
    [tags.space, uuidBytes(head.spaceId)],
    [tags.channel, uuidBytes(head.channelId)],
    [tags.name, new TextEncoder().encode(head.channelName)],
    [tags.stream, u8(head.stream)],
    [tags.kind, u8(head.kind === 'normal' ? 1 : 2)],
    [tags.run, u64(BigInt(`0x${head.runId}`))],
    [tags.sequence, u64(BigInt(head.sequence))],
    [tags.runIndex, u32(head.runIndex)],
    [tags.start, u64(BigInt(head.startUs))],
    [tags.clockTrust, u8(head.clockTrust)],
    [tags.boot, uuidBytes(head.bootId)],
    [tags.runStart, u64(BigInt(head.runStartUs))],
    [tags.mediaTicks, u64(BigInt(head.mediaTicks))],
  ]
  const boxBytes = fieldsAt + fields.reduce((sum, [, value]) => sum + 4 + value.length, 0) + 8
  const file = new Uint8Array(movie.length + boxBytes)
  const view = new DataView(file.buffer)
  file.set(movie)
  let at = movie.length
  view.setUint32(at, boxBytes)
  file.set([0x75, 0x75, 0x69, 0x64], at + 4)
  file.set(segmentUsertype, at + 8)
  view.setUint8(at + 24, formatVersion)
  file.set(uuidBytes(head.segmentId), at + 28)
  at += fieldsAt
  for (const [tag, value] of fields) {
    view.setUint16(at, tag)
    view.setUint16(at + 2, value.length)
    file.set(value, at + 4)
    at += 4 + value.length
  }
  view.setUint16(at, tags.crc)
  view.setUint16(at + 2, 4)
  view.setUint32(at + 4, crc32(file.subarray(0, at + 4)))
  return file
}

export interface ParsedSegmentHead {
  head: SegmentHead
  /** The `ftyp` and `moov` before it, a view. */
  movie: Uint8Array
  /** Where the first fragment begins. */
  headBytes: number
}

/**
 * Reads a segment file's head from the file's first bytes.
 *
 * Returns undefined where they are no whole, undamaged head of ours: too short, other boxes, or a CRC that differs.
 */
export function parseSegmentFileHead(bytes: Uint8Array): ParsedSegmentHead | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  for (let boxes = 0; boxes < 8; boxes++) {
    if (at + 28 > bytes.length) return undefined
    const size = view.getUint32(at)
    if (size < 8 || at + size > bytes.length) return undefined
    if (hasBytesAt(bytes, at + 8, segmentUsertype)) return parseBox(bytes, view, at, size)
    at += size
  }
  return undefined
}

function parseBox(bytes: Uint8Array, view: DataView, boxAt: number, size: number): ParsedSegmentHead | undefined {
  const end = boxAt + size
  if (size < fieldsAt + 8 || view.getUint8(boxAt + 24) !== formatVersion) return undefined
  if (view.getUint32(end - 4) !== crc32(bytes.subarray(0, end - 4))) return undefined
  const values = new Map<number, Uint8Array>()
  for (let at = boxAt + fieldsAt; at + 4 <= end - 8; ) {
    const length = view.getUint16(at + 2)
    if (at + 4 + length > end - 8) return undefined
    values.set(view.getUint16(at), bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  const uuid = (tag: number) => uuidText(sized(values.get(tag), 16))
  const number = (tag: number, length: number) =>
    sized(values.get(tag), length).reduce((sum, byte) => sum * 256 + byte, 0)
  const head: SegmentHead = {
    segmentId: uuidText(bytes.subarray(boxAt + 28, boxAt + 44)),
    serverId: uuid(tags.server),
    spaceId: uuid(tags.space),
    channelId: uuid(tags.channel),
    bootId: uuid(tags.boot),
    channelName: new TextDecoder().decode(values.get(tags.name) ?? new Uint8Array()),
    stream: number(tags.stream, 1),
    kind: number(tags.kind, 1) === 2 ? 'event' : 'normal',
    runId: Buffer.from(sized(values.get(tags.run), 8)).toString('hex'),
    sequence: number(tags.sequence, 8),
    runIndex: number(tags.runIndex, 4),
    startUs: number(tags.start, 8),
    runStartUs: number(tags.runStart, 8),
    clockTrust: number(tags.clockTrust, 1),
    mediaTicks: number(tags.mediaTicks, 8),
  }
  return { head, movie: bytes.subarray(0, boxAt), headBytes: end }
}

/** A field's value at the length the format gives it; one that an odd writer left out or cut counts as zeros. */
function sized(value: Uint8Array | undefined, length: number): Uint8Array {
  return value?.length === length ? value : new Uint8Array(length)
}

const u8 = (value: number) => Uint8Array.of(value)

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value))
  return bytes
}

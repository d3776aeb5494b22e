// What a segment file holds, read from the file: its head, its tracks and the table of its fragments and samples.

import { Failure } from '../../shared/failure.ts'
import { crc32 } from '../media/crc32.ts'
import { type MovieTrack, parseMoov } from '../media/mp4/movie.ts'
import { type FragmentHead, parseFragmentHead, peekFragment } from '../media/segment/fragment-head.ts'
import {
  footerBytesFromTail,
  mfraBytesFromTail,
  type ParsedFooter,
  parseSegmentFooter,
} from '../media/segment/segment-footer.ts'
import { parseSegmentFileHead, type SegmentHead } from '../media/segment/segment-head.ts'
import {
  crcSeed,
  footerFlags,
  footerUsertype,
  fragmentBoxBytes,
  hasBytesAt,
  trackIds,
  uuidBytes,
} from '../media/segment/segment-layout.ts'
import { SegmentTable, TrackTable } from '../media/segment/segment-table.ts'
import type { FootageFile, FootageFiles } from './footage-file.ts'
import type { SegmentRow } from './recorder-protocol.ts'

/** A segment's index. Its table is shared by all who read the segment, and is never written to by them. */
export interface SegmentContent {
  head: SegmentHead
  /** `ftyp` and `moov`: the file's init segment. */
  movie: Uint8Array
  tracks: MovieTrack[]
  /** All committed fragments. That of an open segment grows with every call of `open`. */
  table: SegmentTable
  /** False while the segment may still grow: it has no footer. */
  isClosed: boolean
  /** Of the footer; 0 without one. */
  footerFlags: number
  footerOffset: number
  footerBytes: number
  sizeBytes: number
}

/** Enough for a head with two long parameter sets and a channel's name; read again where it is not. */
const headReadBytes = 8 * 1024
const longestHeadBytes = 1024 * 1024
/** More than the footer and `mfra` of a segment of 5 minutes and 30 frames a second with AAC. */
const tailReadBytes = 384 * 1024
const longestFooterBytes = 256 * 1024 * 1024
const scanReadBytes = 4 * 1024

/** Memory that one reader reads one footer after the other into. */
export class FooterScratch {
  #bytes = new Uint8Array(0)

  /** So many bytes, aligned to 8; what was given before is overwritten. */
  take(length: number): Uint8Array {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(Math.ceil(length * 1.25))
    return this.#bytes.subarray(0, length)
  }
}

/** Where the scan of an open file stands. */
interface Scan {
  content: SegmentContent
  seed: number
  /** Where the next fragment will begin. */
  at: number
  /** The largest `syncedThrough` told so far: data below it was safe and needs no proof. */
  syncedThrough: number
}

/**
 * Reads indexes of segments, and keeps the tables last used.
 *
 * A closed segment costs one read of its head and one of its footer. An open one is scanned once, and then only as far as
 * it has grown: heads are proved by their CRC, data by its own where no later head says that it was safe already.
 */
export class SegmentIndex {
  readonly #files: FootageFiles
  readonly #maxBytes: number
  /** By segment UUID, least recently used first. */
  readonly #kept = new Map<string, { content: SegmentContent; scan: Scan | undefined; sizeBytes: number }>()
  readonly #reading = new Map<string, Promise<SegmentContent>>()
  #keptBytes = 0

  /** `maxBytes` bounds the memory of all tables kept; one in use stays in memory however large it is. */
  constructor(files: FootageFiles, maxBytes = 8 * 1024 * 1024) {
    this.#files = files
    this.#maxBytes = maxBytes
  }

  /**
   * The content of a segment as it is now. With `scratch`, that of a closed segment may be in it, is then good until the
   * next call with it, and is not kept: who goes through a day of segments once would only fill memory with their tables.
   *
   * Fails `not-found` where the file is gone or another stands in its place, `corrupt` where it has no whole head.
   */
  open(
    folder: string,
    row: Pick<SegmentRow, 'segmentId' | 'path' | 'footerOffset' | 'footerBytes'>,
    scratch?: FooterScratch,
  ): Promise<SegmentContent> {
    const kept = this.#kept.get(row.segmentId)
    if (kept !== undefined) {
      this.#kept.delete(row.segmentId)
      this.#kept.set(row.segmentId, kept)
      if (kept.content.isClosed) return Promise.resolve(kept.content)
    }
    if (scratch !== undefined && kept === undefined && row.footerOffset > 0) return this.#read(folder, row, scratch)
    let reading = this.#reading.get(row.segmentId)
    if (reading === undefined) {
      reading = this.#read(folder, row).finally(() => this.#reading.delete(row.segmentId))
      this.#reading.set(row.segmentId, reading)
    }
    return reading
  }

  /** Forgets what was kept of a segment: its file was removed. */
  forget(segmentId: string): void {
    const kept = this.#kept.get(segmentId)
    if (kept === undefined) return
    this.#kept.delete(segmentId)
    this.#keptBytes -= kept.sizeBytes
  }

  async #read(
    folder: string,
    row: Pick<SegmentRow, 'segmentId' | 'path' | 'footerOffset' | 'footerBytes'>,
    scratch?: FooterScratch,
  ): Promise<SegmentContent> {
    const file = await this.#files.open(folder, row.path)
    try {
      const kept = this.#kept.get(row.segmentId)
      const scan = kept?.scan ?? (await beginScan(file, row, scratch))
      if (!scan.content.isClosed) await continueScan(file, scan)
      if (scan.content.head.segmentId !== row.segmentId) {
        throw new Failure('not-found', `open segment ${row.path}: the file is segment ${scan.content.head.segmentId}`)
      }
      if (scratch === undefined || !scan.content.isClosed) this.#keep(scan)
      return scan.content
    } finally {
      await file.close()
    }
  }

  #keep(scan: Scan): void {
    const { content } = scan
    this.forget(content.head.segmentId)
    const sizeBytes = tableBytes(content.table) + content.movie.length + 2048
    this.#kept.set(content.head.segmentId, { content, scan: content.isClosed ? undefined : scan, sizeBytes })
    this.#keptBytes += sizeBytes
    for (const segmentId of this.#kept.keys()) {
      if (this.#keptBytes <= this.#maxBytes || segmentId === content.head.segmentId) break
      this.forget(segmentId)
    }
  }
}

/** Reads the index of one file, kept nowhere. Fails as `SegmentIndex.open` does. */
export async function readSegmentContent(files: FootageFiles, folder: string, path: string): Promise<SegmentContent> {
  const file = await files.open(folder, path)
  try {
    const scan = await beginScan(file, { footerOffset: 0, footerBytes: 0, path })
    if (!scan.content.isClosed) await continueScan(file, scan)
    return scan.content
  } finally {
    await file.close()
  }
}

/**
 * The index row that a segment file deserves, from the file alone.
 *
 * Undefined where it is no segment of ours or holds no footage. A file without a footer gives a row without one: how far
 * it reaches is what can be proved now. Fails `not-found` or `unreachable` where it cannot be read.
 */
export async function readSegmentSummary(
  files: FootageFiles,
  folder: string,
  path: string,
): Promise<SegmentRow | undefined> {
  let content: SegmentContent
  try {
    content = await readSegmentContent(files, folder, path)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'corrupt') return undefined
    throw error
  }
  return content.table.fragments === 0 ? undefined : rowFromContent(content, path)
}

/** The index row of a segment with at least one fragment. */
export function rowFromContent(content: SegmentContent, path: string): SegmentRow {
  const { head, table, tracks } = content
  const video = tracks.find((track) => track.id === trackIds.video)?.config
  const audio = tracks.find((track) => track.id === trackIds.audio)?.config
  return {
    spaceId: head.spaceId,
    sequence: head.sequence,
    segmentId: head.segmentId,
    cameraId: head.channelId,
    stream: head.stream,
    kind: head.kind,
    runId: head.runId,
    runIndex: head.runIndex,
    path,
    startUs: table.startUs,
    endUs: table.endUs,
    sizeBytes: content.sizeBytes,
    footerOffset: content.footerOffset,
    footerBytes: content.footerBytes,
    videoSamples: table.samples(trackIds.video),
    audioSamples: table.samples(trackIds.audio),
    flags:
      ((content.footerFlags & footerFlags.recovered) === 0 ? 0 : 1) |
      (head.clockTrust === 0 ? 2 : 0) |
      ((content.footerFlags & footerFlags.damaged) === 0 ? 0 : 4),
    videoCodec: video?.codec ?? '',
    audioCodec: audio?.codec ?? '',
    widthPx: video?.kind === 'video' ? video.widthPx : 0,
    heightPx: video?.kind === 'video' ? video.heightPx : 0,
  }
}

/** Reads the head, and the footer where there is one; else prepares for scanning. */
async function beginScan(
  file: FootageFile,
  row: Pick<SegmentRow, 'footerOffset' | 'footerBytes' | 'path'>,
  scratch?: FooterScratch,
): Promise<Scan> {
  const sizeBytes = await file.sizeBytes()
  let parsed = parseSegmentFileHead(await file.read(headReadBytes, 0))
  if (parsed === undefined && sizeBytes > headReadBytes) {
    parsed = parseSegmentFileHead(await file.read(Math.min(sizeBytes, longestHeadBytes), 0))
  }
  if (parsed === undefined) throw new Failure('corrupt', `open segment ${row.path}: it has no whole head`)
  const movie = parsed.movie.slice()
  const tracks = parseMoov(movie)
  const footer = await readFooter(file, parsed.head.segmentId, row, sizeBytes, scratch)
  const content: SegmentContent = {
    head: parsed.head,
    movie,
    tracks,
    table: new SegmentTable([]),
    isClosed: false,
    footerFlags: 0,
    footerOffset: 0,
    footerBytes: 0,
    sizeBytes,
  }
  if (footer === undefined) {
    // Whether there are composition offsets is seen in the fragments only: room is kept for the picture's.
    content.table = new SegmentTable(
      tracks.map((track) => new TrackTable(track.id, track.timescale, track.id === trackIds.video)),
    )
  } else {
    closeContent(content, footer.parsed, footer.offset, footer.bytes)
  }
  return { content, seed: crcSeed(uuidBytes(parsed.head.segmentId)), at: parsed.headBytes, syncedThrough: 0 }
}

function closeContent(content: SegmentContent, footer: ParsedFooter, offset: number, bytes: number): void {
  content.table = footer.table
  content.isClosed = true
  content.footerFlags = footer.flags
  content.footerOffset = offset
  content.footerBytes = bytes
}

/** The footer: where the row says, or where the file's tail leads; undefined where there is none that holds. */
async function readFooter(
  file: FootageFile,
  segmentId: string,
  row: Pick<SegmentRow, 'footerOffset' | 'footerBytes'>,
  sizeBytes: number,
  scratch?: FooterScratch,
): Promise<{ parsed: ParsedFooter; offset: number; bytes: number } | undefined> {
  if (row.footerOffset > 0 && row.footerBytes > 0 && row.footerBytes <= longestFooterBytes) {
    const box = scratch?.take(row.footerBytes) ?? new Uint8Array(row.footerBytes)
    const got = await file.readInto(box, 0, row.footerBytes, row.footerOffset)
    const parsed = got === box.length ? parseSegmentFooter(box) : undefined
    if (parsed?.segmentId === segmentId) return { parsed, offset: row.footerOffset, bytes: row.footerBytes }
  }
  const tailAt = Math.max(0, sizeBytes - tailReadBytes)
  const tail = await file.read(sizeBytes - tailAt, tailAt)
  const mfraBytes = mfraBytesFromTail(tail)
  if (mfraBytes === undefined || mfraBytes > tail.length) return undefined
  const end = sizeBytes - mfraBytes
  const bytes = footerBytesFromTail(tail.subarray(0, tail.length - mfraBytes))
  if (bytes === undefined || bytes > end || bytes > longestFooterBytes) return undefined
  const offset = end - bytes
  const box = offset >= tailAt ? tail.slice(offset - tailAt, end - tailAt) : await file.read(bytes, offset)
  const parsed = parseSegmentFooter(box)
  return parsed?.segmentId === segmentId ? { parsed, offset, bytes } : undefined
}

interface Found {
  at: number
  head: FragmentHead
}

/** Takes in what an open file has grown by: whole fragments, and its footer once that is there. */
async function continueScan(file: FootageFile, scan: Scan): Promise<void> {
  const { content } = scan
  const sizeBytes = await file.sizeBytes()
  content.sizeBytes = sizeBytes
  const found: Found[] = []
  let at = scan.at
  let lastUtcUs =
    content.table.fragments === 0 ? Number.NEGATIVE_INFINITY : content.table.utcUs.values[content.table.fragments - 1]!
  let footerAt = -1
  while (at + fragmentBoxBytes <= sizeBytes) {
    let bytes = await file.read(Math.min(scanReadBytes, sizeBytes - at), at)
    const extent = peekFragment(bytes, 0)
    if (extent === undefined) {
      const skipped = freeBoxBytes(bytes, sizeBytes - at)
      if (skipped > 0) {
        at += skipped
        continue
      }
      if (hasBytesAt(bytes, 8, footerUsertype)) footerAt = at
      break
    }
    if (at + extent.headBytes + extent.dataBytes > sizeBytes) break
    if (extent.headBytes > bytes.length) bytes = await file.read(extent.headBytes, at)
    const head = parseFragmentHead(bytes, 0, scan.seed)
    if (head === undefined || head.utcUs < lastUtcUs) break
    found.push({ at, head })
    scan.syncedThrough = Math.max(scan.syncedThrough, head.syncedThrough)
    lastUtcUs = head.utcUs
    at += head.headBytes + head.dataBytes
  }
  for (const one of found) {
    const dataAt = one.at + one.head.headBytes
    const end = dataAt + one.head.dataBytes
    if (end > scan.syncedThrough && !(await isDataWhole(file, dataAt, one.head, scan.seed))) return
    content.table.push(one.at, one.head)
    scan.at = end
  }
  if (footerAt >= 0) await takeFooter(file, scan, footerAt, sizeBytes)
}

async function takeFooter(file: FootageFile, scan: Scan, footerAt: number, sizeBytes: number): Promise<void> {
  const bytes = new DataView((await file.read(4, footerAt)).buffer).getUint32(0)
  if (footerAt + bytes > sizeBytes) return
  const parsed = parseSegmentFooter(await file.read(bytes, footerAt))
  if (parsed?.segmentId !== scan.content.head.segmentId) return
  closeContent(scan.content, parsed, footerAt, bytes)
}

async function isDataWhole(file: FootageFile, dataAt: number, head: FragmentHead, seed: number): Promise<boolean> {
  const bytes = await file.read(head.dataBytes, dataAt)
  return bytes.length === head.dataBytes && crc32(bytes, seed) === head.dataCrc
}

/** The length of a `free` box that recovery laid over damage, 0 where there is none. */
function freeBoxBytes(bytes: Uint8Array, left: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = view.getUint32(0)
  return view.getUint32(4) === 0x66726565 && size >= 8 && size <= left ? size : 0
}

function tableBytes(table: SegmentTable): number {
  const { fileOffsets, utcUs, headBytes, dataBytes, flags, headCrcs } = table
  const columns: { values: ArrayBufferView }[] = [fileOffsets, utcUs, headBytes, dataBytes, flags, headCrcs]
  for (const track of table.tracks) {
    columns.push(track.tfdtTicks, track.counts, track.sizes, track.durations, track.offsets)
  }
  return columns.reduce((sum, { values }) => sum + values.byteLength, 0)
}

// What a crash left of a segment is made a whole file again (FORMAT.md §5, *Recover*).
import { parseMoov } from '../media/mp4/movie.ts'
import {
  mfraBytesFromTail,
  movieFragmentRandomAccess,
  parseSegmentFooter,
  segmentFooter,
} from '../media/segment/segment-footer.ts'
import { parseSegmentFileHead, type SegmentHead } from '../media/segment/segment-head.ts'
import { crcSeed, footerFlags, trackIds, uuidBytes } from '../media/segment/segment-layout.ts'
import { scanFragmentsLater } from '../media/segment/segment-scan.ts'
import { SegmentTable, TrackTable } from '../media/segment/segment-table.ts'
import type { TrackConfig } from '../media/track.ts'
import type { Disk } from './disk.ts'
import type { SegmentRow } from './recorder-protocol.ts'
import { parseSegmentPath } from './segment-path.ts'

/** The longest head a segment file has: `moov` with parameter sets, and the box that describes it. */
export const maxFileHeadBytes = 256 * 1024

/** The longest footer and `mfra` that are looked at as they are; longer ones are written anew. */
const maxTailBytes = 16 * 1024 * 1024

export type Recovery =
  | { kind: 'recovered'; row: SegmentRow }
  /** It holds no footage: the file may go. */
  | { kind: 'empty' }
  /** There is no such file. */
  | { kind: 'missing' }

/**
 * Scans a segment that was left open, cuts its torn tail off, covers damaged stretches, writes its footer and syncs it.
 *
 * Only writes where nothing committed lies, and may itself be stopped anywhere: the next recovery finds the same. A file
 * that was closed already stays as it is. What was not known to be safe is written once more, byte for byte: where a sync
 * had failed before, the kernel takes those pages for clean and would never write them.
 */
export async function recoverSegment(disk: Disk, folder: string, path: string, spaceId: string): Promise<Recovery> {
  const size = (await disk.stat(`${folder}/${path}`))?.sizeBytes
  if (size === undefined) return { kind: 'missing' }
  const file = await disk.open(`${folder}/${path}`, 'update')
  try {
    const parsed = parseSegmentFileHead(await disk.read(file, 0, Math.min(size, maxFileHeadBytes)))
    // Where the head never reached the disk, old bytes of another segment may stand in its place.
    const name = parseSegmentPath(path)
    const isOurs = parsed?.head.spaceId === spaceId && parsed.head.sequence === name?.sequence
    if (parsed === undefined || !isOurs || parsed.head.runId !== name?.runId) return { kind: 'empty' }
    const tracks = parseMoov(parsed.movie)
    const table = new SegmentTable(
      tracks.map((track) => new TrackTable(track.id, track.timescale, track.startOffsetTicks > 0)),
    )
    const read = readAhead(disk, file, size)
    const seed = crcSeed(uuidBytes(parsed.head.segmentId))
    const options = { from: parsed.headBytes, to: size, seed, resynchronise: true }
    // First by heads alone, to learn how far the file was once known safe; then the data beyond that is proved.
    const probe = new SegmentTable(table.tracks.map((track) => new TrackTable(track.trackId, track.timescale, false)))
    const { syncedThrough } = await scanFragmentsLater(read, probe, { ...options, proveDataFrom: size })
    const scan = await scanFragmentsLater(read, table, { ...options, proveDataFrom: syncedThrough })
    if (table.fragments === 0) return { kind: 'empty' }
    const config = tracks.map((track) => track.config).filter((config) => config !== undefined)
    const row = segmentRow(parsed.head, config, table, path)
    const closed = await readTail(disk, file, scan.endOffset, size, parsed.head.segmentId)
    // With a hole it was not closed well: the footer may have reached the disk before what it speaks of.
    if (closed !== undefined && closed.fragments === table.fragments && scan.holes.length === 0) {
      await rewrite(disk, file, syncedThrough, size)
      await disk.sync(file)
      const footerBytes = closed.footerBytes
      const flags = row.flags | (closed.flags & footerFlags.recovered) | ((closed.flags & footerFlags.damaged) << 1)
      return { kind: 'recovered', row: { ...row, sizeBytes: size, footerOffset: scan.endOffset, footerBytes, flags } }
    }
    for (const [start, end] of scan.holes) await coverHole(disk, file, start, end)
    await rewrite(disk, file, syncedThrough, scan.endOffset)
    const flags = footerFlags.recovered | (scan.holes.length > 0 ? footerFlags.damaged : 0)
    const footer = segmentFooter(parsed.head.segmentId, table, flags)
    const tail = Buffer.concat([footer, movieFragmentRandomAccess(table)])
    await disk.truncate(file, scan.endOffset)
    await disk.write(file, tail, 0, tail.length, scan.endOffset)
    await disk.sync(file)
    return {
      kind: 'recovered',
      row: {
        ...row,
        sizeBytes: scan.endOffset + tail.length,
        footerOffset: scan.endOffset,
        footerBytes: footer.length,
        flags: row.flags | 1 | (scan.holes.length > 0 ? 4 : 0),
      },
    }
  } finally {
    await disk.close(file)
  }
}

/** Length and flags of the footer, where from `at` on the file has a whole one and `mfra`, and nothing else. */
async function readTail(
  disk: Disk,
  file: number,
  at: number,
  size: number,
  segmentId: string,
): Promise<{ footerBytes: number; flags: number; fragments: number } | undefined> {
  if (size <= at || size - at > maxTailBytes) return undefined
  const tail = await disk.read(file, at, size - at)
  const mfraBytes = mfraBytesFromTail(tail)
  if (mfraBytes === undefined || mfraBytes >= tail.length) return undefined
  const footer = parseSegmentFooter(tail.subarray(0, tail.length - mfraBytes))
  if (footer?.segmentId !== segmentId || footer.table.endOffset !== at) return undefined
  const isWhole = Buffer.compare(movieFragmentRandomAccess(footer.table), tail.subarray(-mfraBytes)) === 0
  const { flags, table } = footer
  return isWhole ? { footerBytes: tail.length - mfraBytes, flags, fragments: table.fragments } : undefined
}

async function rewrite(disk: Disk, file: number, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += aheadBytes) {
    const bytes = await disk.read(file, at, Math.min(aheadBytes, to - at))
    await disk.write(file, bytes, 0, bytes.length, at)
  }
}

/** Lays a `free` box over bytes that are no fragment, so that a player steps over them. */
async function coverHole(disk: Disk, file: number, start: number, end: number): Promise<void> {
  if (end - start < 8 || end - start > 0xffffffff) return
  const box = new Uint8Array(8)
  new DataView(box.buffer).setUint32(0, end - start)
  box.set([0x66, 0x72, 0x65, 0x65], 4)
  await disk.write(file, box, 0, 8, start)
}

const aheadBytes = 256 * 1024

/** Reads in larger pieces, and serves what lies within the last one from memory. */
function readAhead(disk: Disk, file: number, size: number): (offset: number, length: number) => Promise<Uint8Array> {
  let piece: Uint8Array = new Uint8Array(0)
  let pieceAt = 0
  return async (offset, length) => {
    const end = Math.min(offset + length, size)
    if (offset < pieceAt || end > pieceAt + piece.length) {
      // A head is small and the next one lies a whole fragment further on: only data is worth reading ahead for.
      const wanted = length > 4096 ? Math.max(length, aheadBytes) : 4096
      piece = await disk.read(file, offset, Math.min(wanted, Math.max(0, size - offset)))
      pieceAt = offset
    }
    return piece.subarray(offset - pieceAt, Math.max(offset - pieceAt, end - pieceAt))
  }
}

/** The index row of a segment, from its head and its table. Lengths of file and footer are the caller's. */
export function segmentRow(
  head: SegmentHead,
  tracks: readonly TrackConfig[],
  table: SegmentTable,
  path: string,
): SegmentRow {
  const video = tracks.find((track) => track.kind === 'video')
  const audio = tracks.find((track) => track.kind === 'audio')
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
    startUs: table.fragments === 0 ? head.startUs : table.startUs,
    endUs: table.fragments === 0 ? head.startUs : table.endUs,
    sizeBytes: 0,
    footerOffset: 0,
    footerBytes: 0,
    videoSamples: table.samples(trackIds.video),
    audioSamples: table.samples(trackIds.audio),
    flags: head.clockTrust === 0 ? 2 : 0,
    videoCodec: video?.codec ?? '',
    audioCodec: audio?.codec ?? '',
    widthPx: video?.kind === 'video' ? video.widthPx : 0,
    heightPx: video?.kind === 'video' ? video.heightPx : 0,
  }
}

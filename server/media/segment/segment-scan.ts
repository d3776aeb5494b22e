// Finds the fragments of a file that has no footer: one being written, or one a crash left (FORMAT.md §3, §5).
import { crc32 } from '../crc32.ts'
import { type FragmentHead, parseFragmentHead, peekFragment } from './fragment-head.ts'
import { fragmentBoxBytes, fragmentUsertype, trackIds } from './segment-layout.ts'
import type { SegmentTable } from './segment-table.ts'

/** Reads `length` bytes of a file from `offset`, fewer at its end. The bytes are valid until the next call. */
export type ReadAt = (offset: number, length: number) => Uint8Array

/** The same for a file that must not be waited for. */
export type ReadAtLater = (offset: number, length: number) => Promise<Uint8Array>

/** A step of the scan: which bytes it needs next; it is given them and goes on. */
interface Wanted {
  offset: number
  length: number
}
type Steps<T> = Generator<Wanted, T, Uint8Array>

export interface ScanOptions {
  /** Where to begin: the end of the file's head, or of the last fragment found before. */
  from: number
  /** The file's length: nothing past it is asked for. */
  to: number
  /** CRC seed of the segment. */
  seed: number
  /** Data is proved by its CRC from here on; below it, the head is enough, since the bytes are known safe. */
  proveDataFrom: number
  /** Where true, a damaged stretch is stepped over and the search goes on; where false, the scan stops at it. */
  resynchronise: boolean
}

export interface ScanResult {
  /** One past the last whole fragment found; `from` where none was. */
  endOffset: number
  /** Stretches between whole fragments that are not fragments: `[start, end)`. */
  holes: [number, number][]
  /** The largest `syncedThrough` a proved head told. */
  syncedThrough: number
}

const windowBytes = 256 * 1024

/**
 * Scans for fragments and adds those found to `table`.
 *
 * A fragment's head must pass its CRC, and its data too from `proveDataFrom` on. A lie in a length costs nothing: the
 * search for the next box goes on one byte past the damaged one's mark, in the same window.
 */
export function scanFragments(read: ReadAt, table: SegmentTable, options: ScanOptions): ScanResult {
  const steps = scan(table, options)
  let step = steps.next()
  while (!step.done) step = steps.next(read(step.value.offset, step.value.length))
  return step.value
}

/** The same, without ever blocking on the disk. */
export async function scanFragmentsLater(
  read: ReadAtLater,
  table: SegmentTable,
  options: ScanOptions,
): Promise<ScanResult> {
  const steps = scan(table, options)
  let step = steps.next()
  while (!step.done) step = steps.next(await read(step.value.offset, step.value.length))
  return step.value
}

function* bytesAt(offset: number, length: number): Steps<Uint8Array> {
  return yield { offset, length }
}

function* scan(table: SegmentTable, options: ScanOptions): Steps<ScanResult> {
  const result: ScanResult = { endOffset: options.from, holes: [], syncedThrough: 0 }
  let at = options.from
  let afterLast = options.from
  let lastUtcUs = table.fragments === 0 ? 0 : table.utcUs.values[table.fragments - 1]!
  while (at + fragmentBoxBytes <= options.to) {
    const head = yield* readHead(at, options)
    if (head !== undefined && head.utcUs >= lastUtcUs && (yield* isDataWhole(at, head, options))) {
      if (at > afterLast) result.holes.push([afterLast, at])
      table.push(at, head)
      result.syncedThrough = Math.max(result.syncedThrough, head.syncedThrough)
      lastUtcUs = head.utcUs
      at += head.headBytes + head.dataBytes
      afterLast = at
      continue
    }
    if (options.resynchronise) {
      // A `free` box is not believed here: stale bytes of another file may hold one, over fragments that are whole.
      const next = yield* findMark(at + 1, options.to)
      if (next === undefined) break
      at = next
      continue
    }
    const freeBytes = yield* freeBoxAt(at, options.to)
    if (freeBytes === 0) break
    at += freeBytes
  }
  result.endOffset = afterLast
  return result
}

function* readHead(at: number, options: ScanOptions): Steps<FragmentHead | undefined> {
  const extent = peekFragment(yield* bytesAt(at, fragmentBoxBytes), 0)
  if (extent === undefined || at + extent.headBytes + extent.dataBytes > options.to) return undefined
  return parseFragmentHead(yield* bytesAt(at, extent.headBytes), 0, options.seed)
}

function* isDataWhole(at: number, head: FragmentHead, options: ScanOptions): Steps<boolean> {
  const end = at + head.headBytes + head.dataBytes
  if (end <= options.proveDataFrom) return true
  let crc = options.seed
  for (let offset = at + head.headBytes; offset < end; ) {
    const bytes = yield* bytesAt(offset, Math.min(windowBytes, end - offset))
    if (bytes.length === 0) return false
    crc = crc32(bytes, crc)
    offset += bytes.length
  }
  return crc === head.dataCrc
}

/** The length of a `free` box that an earlier recovery laid over damage, 0 where there is none here. */
function* freeBoxAt(at: number, to: number): Steps<number> {
  const bytes = yield* bytesAt(at, 8)
  if (bytes.length < 8) return 0
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
  const size = view.getUint32(0)
  return view.getUint32(4) === 0x66726565 && size >= 8 && at + size <= to ? size : 0
}

/** Where the next box with a fragment's mark begins, at or after `from`. */
function* findMark(from: number, to: number): Steps<number | undefined> {
  const mark = Buffer.from(fragmentUsertype)
  for (let offset = from; offset < to; ) {
    const bytes = yield* bytesAt(offset, Math.min(windowBytes, to - offset))
    if (bytes.length < 24) return undefined
    const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(mark, 8)
    if (found >= 0) return offset + found - 8
    offset += Math.max(1, bytes.length - 23)
  }
  return undefined
}

/** Whether a fragment of the table begins with a keyframe, or the segment has no picture. */
export function isEntryFragment(table: SegmentTable, fragment: number): boolean {
  return (table.flags.values[fragment]! & 1) !== 0 || table.track(trackIds.video) === undefined
}

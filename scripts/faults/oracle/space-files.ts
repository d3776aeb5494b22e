// Reads what a space's folder holds on a volume: marker, journal, segment files (FORMAT.md sections 1, 6 and 7).
import { crc32 } from 'node:zlib'
import { type FileTree, filesBelow } from './file-tree.ts'
import { type FoundSegment, readSegmentFile } from './segment-file.ts'

export interface FoundMarker {
  space: string
  server: string
  boot: string
  heartbeatMs: number
  state: string
}

/** The CRC-32 that ends a marker and begins a line of the journal. */
const crcText = (bytes: Uint8Array | string) => crc32(bytes).toString(16).padStart(8, '0')

/** A line of the journal, for a rig that makes a space by itself. */
export function journalLine(record: object): string {
  const json = JSON.stringify(record)
  return `${crcText(json)} ${json}\n`
}

/** A marker, likewise. */
export function markerFile(marker: FoundMarker): Uint8Array {
  const text = Buffer.from(`${JSON.stringify({ format: 1, ...marker })}\n`.padEnd(504, ' '))
  return Buffer.concat([text, Buffer.from(crcText(text))])
}

/** Reads a marker; the finding as text where it is none. */
export function readMarker(bytes: Uint8Array | undefined): FoundMarker | string {
  if (bytes === undefined) return 'missing'
  if (bytes.length !== 512) return `${bytes.length} bytes`
  const text = Buffer.from(bytes).toString('latin1')
  if (text.slice(504) !== crcText(bytes.subarray(0, 504))) return 'CRC differs'
  try {
    const fields = JSON.parse(Buffer.from(bytes.subarray(0, 504)).toString('utf8'))
    if (fields.format !== 1) return `format ${fields.format}`
    return fields
  } catch {
    return 'no JSON'
  }
}

/** What all lines of a space's journal say together, in the order of the files' numbers. */
export interface FoundJournal {
  files: string[]
  /** Sequence numbers below this may have been used. */
  reserved: number
  /** Path to sequence number of every file said to be open. */
  open: Map<string, number>
  /** Path to sequence number of every tombstone without `forget`. */
  tombstones: Map<string, number>
  gone: Set<string>
  locks: Map<string, { channel: string; fromUs: number; toUs: number }>
  channels: Map<string, string>
  /** Lines whose CRC did not match. */
  skipped: number
}

/** Reads the journal below the space's folder as FORMAT.md section 7 says. */
export function readJournal(tree: FileTree, folder: string): FoundJournal {
  const journal: FoundJournal = {
    files: [],
    reserved: 0,
    open: new Map(),
    tombstones: new Map(),
    gone: new Set(),
    locks: new Map(),
    channels: new Map(),
    skipped: 0,
  }
  const numbered = (tree.list(`${folder}/journal`) ?? [])
    .filter((entry) => !entry.isFolder && /^\d+\.log$/.test(entry.name))
    .map((entry) => ({ name: entry.name, number: Number.parseInt(entry.name, 10) }))
    .sort((a, b) => a.number - b.number)
  for (const { name } of numbered) {
    journal.files.push(name)
    const bytes = tree.read(`${folder}/journal/${name}`) ?? new Uint8Array(0)
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    // After the last record there are spaces.
    const text = whole.toString('utf8', 0, whole.lastIndexOf(10) + 1)
    for (const line of text.split('\n')) if (line !== '') apply(journal, line)
  }
  return journal
}

function apply(journal: FoundJournal, line: string): void {
  const json = line.slice(9)
  if (line[8] !== ' ' || crcText(json) !== line.slice(0, 8)) {
    journal.skipped++
    return
  }
  const record = JSON.parse(json)
  if ('reserve' in record) journal.reserved = Math.max(journal.reserved, record.reserve)
  else if ('open' in record) journal.open.set(record.open, record.seq)
  else if ('closed' in record) journal.open.delete(record.closed)
  else if ('tombstone' in record) journal.tombstones.set(record.tombstone, record.seq)
  else if ('gone' in record) journal.gone.add(record.gone)
  else if ('forget' in record) {
    journal.tombstones.delete(record.forget)
    journal.gone.delete(record.forget)
  } else if ('lock' in record) journal.locks.set(record.lock, record)
  else if ('unlock' in record) journal.locks.delete(record.unlock)
  else if ('channel' in record) journal.channels.set(record.channel, record.name)
}

/** What a segment's path says. */
export interface PathParts {
  channelId: string
  stream: number
  kind: number
  startUs: number
  runId: string
  sequence: number
}

const pathPattern =
  /^([0-9a-f-]{36})\/([123])-(normal|event)\/(\d{8})\/(\d\d)\/(\d{8})T(\d\d)(\d\d)(\d\d)(\d{3})Z-([0-9a-f]{16})-(0|[1-9]\d*)\.mp4$/

/** Reads a segment's path below the space's folder; undefined where it is no segment's. */
export function parsePath(path: string): PathParts | undefined {
  const match = pathPattern.exec(path)
  if (match === null) return undefined
  const [, channelId, stream, kind, day, hour, date, h, m, s, ms, runId, sequence] = match
  if (day !== date || hour !== h) return undefined
  const iso = `${date!.slice(0, 4)}-${date!.slice(4, 6)}-${date!.slice(6)}T${h}:${m}:${s}.${ms}Z`
  return {
    channelId: channelId!,
    stream: Number(stream),
    kind: kind === 'normal' ? 1 : 2,
    startUs: Date.parse(iso) * 1000,
    runId: runId!,
    sequence: Number(sequence),
  }
}

export interface SpaceFiles {
  marker: FoundMarker | string
  journal: FoundJournal
  /** Path below the space's folder to what its file holds. */
  segments: Map<string, FoundSegment>
  /** Paths of files that are no segment, marker or journal. */
  strangers: string[]
}

/** Reads all that a space's folder holds. */
export function readSpace(tree: FileTree, folder: string): SpaceFiles {
  const space: SpaceFiles = {
    marker: readMarker(tree.read(`${folder}/.nightjar-space`)),
    journal: readJournal(tree, folder),
    segments: new Map(),
    strangers: [],
  }
  for (const path of filesBelow(tree, folder)) {
    if (path === '.nightjar-space' || /^journal\/\d+\.log$/.test(path)) continue
    if (parsePath(path) === undefined) space.strangers.push(path)
    else space.segments.set(path, readSegmentFile(tree.read(`${folder}/${path}`)!))
  }
  return space
}

// Holds what is found in a space against what the fault rig knows was written there (FORMAT.md section 4).
import { endOf, type FoundSegment } from './segment-file.ts'
import { parsePath, type SpaceFiles } from './space-files.ts'

/** A fragment whose write returned, as the rig saw it. */
export interface KnownFragment {
  number: number
  utcUs: number
  flags: number
  data: Uint8Array
}

/** A segment file as the rig saw it being written. */
export interface KnownSegment {
  /** Below the space's folder. */
  path: string
  sequence: number
  channelId: string
  channelName: string
  stream: number
  kind: number
  runId: string
  runIndex: number
  /** Fragments that must be found again, byte for byte. */
  mustHave: KnownFragment[]
  /** Fragments that may be found, but whole or not at all. */
  mayHave: KnownFragment[]
  /** True where it was deleted by the rules, or may be about to be: the file may be missing. */
  mayBeGone: boolean
}

/** A row of the index, as far as files must agree with it. */
export interface IndexRow {
  path: string
  sequence: number
  segmentId: string
  cameraId: string
  stream: number
  kind: 'normal' | 'event'
  runId: string
  runIndex: number
  startUs: number
  endUs: number
  sizeBytes: number
  footerOffset: number
  footerBytes: number
  videoSamples: number
  audioSamples: number
  flags: number
}

export type ProblemKind = 'lost-committed' | 'unreadable' | 'wrong-deletion' | 'invariant'

export interface Problem {
  kind: ProblemKind
  /** The number of the invariant in FORMAT.md. */
  invariant: number
  what: string
}

export interface SpaceExpectation {
  serverId: string
  spaceId: string
  /** Undefined where the rig did not see the files being written. */
  known: KnownSegment[] | undefined
  /** Every segment must be closed, as after an orderly stop or a finished recovery. */
  isClosed: boolean
  /** The index as the events left it; undefined where it is not looked at. */
  rows: IndexRow[] | undefined
  /** Events were lost on their way to the index: files may have no row, or an old one, until the next reconciling. */
  hasLostEvents: boolean
  /** Files and their content that were there before and are none of the recorder's business. */
  strangers: ReadonlyMap<string, Uint8Array>
  readStranger: (path: string) => Uint8Array | undefined
}

/** All that is wrong with a space; empty where every invariant holds. */
export function checkSpace(space: SpaceFiles, expected: SpaceExpectation): Problem[] {
  const problems: Problem[] = []
  const add = (kind: ProblemKind, invariant: number, what: string) => problems.push({ kind, invariant, what })
  const known = new Map(expected.known?.map((segment) => [segment.path, segment]))
  for (const segment of known.values()) {
    const found = space.segments.get(segment.path)
    if (found === undefined) {
      if (!segment.mayBeGone && segment.mustHave.length > 0) {
        add('lost-committed', 1, `${segment.path}: the file with ${segment.mustHave.length} fragments is gone`)
      }
      continue
    }
    checkFragments(segment, found, add)
  }
  for (const [path, found] of space.segments) {
    checkSegment(path, found, expected, space, add)
    if (expected.known !== undefined && !known.has(path)) add('invariant', 3, `${path}: nobody made this file`)
  }
  for (const path of space.journal.tombstones.keys()) {
    if (expected.isClosed && space.segments.has(path))
      add('invariant', 3, `${path}: has a tombstone, and is still there`)
  }
  checkSequences(space, add)
  if (expected.rows !== undefined) checkRows(space, expected, add)
  const foreign = [...expected.strangers.keys()]
  for (const path of space.strangers) {
    if (!foreign.some((other) => other.endsWith(`/${path}`))) add('invariant', 3, `${path}: no file of a space`)
  }
  for (const [path, content] of expected.strangers) {
    const found = expected.readStranger(path)
    if (found === undefined) add('wrong-deletion', 6, `${path}: not ours, and gone`)
    else if (Buffer.compare(found, content) !== 0) add('wrong-deletion', 6, `${path}: not ours, and changed`)
  }
  return problems
}

type Add = (kind: ProblemKind, invariant: number, what: string) => void

function checkFragments(segment: KnownSegment, found: FoundSegment, add: Add): void {
  const written = new Map([...segment.mayHave, ...segment.mustHave].map((fragment) => [fragment.number, fragment]))
  const seen = new Set<number>()
  for (const fragment of found.fragments) {
    const where = `${segment.path}: fragment ${fragment.number}`
    const truth = written.get(fragment.number)
    if (truth === undefined) {
      add('invariant', 7, `${where} was never written here`)
      continue
    }
    const isSame =
      fragment.utcUs === truth.utcUs &&
      fragment.flags === truth.flags &&
      Buffer.compare(fragment.data, truth.data) === 0
    if (isSame) seen.add(fragment.number)
    else add('unreadable', 2, `${where} is not what was written`)
  }
  const lost = segment.mustHave.filter((fragment) => !seen.has(fragment.number)).map((fragment) => fragment.number)
  if (lost.length > 0) add('lost-committed', 1, `${segment.path}: fragments ${lost.join(', ')} are lost`)
}

function checkSegment(
  path: string,
  found: FoundSegment,
  expected: SpaceExpectation,
  space: SpaceFiles,
  add: Add,
): void {
  for (const problem of found.problems) {
    add(
      problem.includes('UTC runs back') ? 'invariant' : 'unreadable',
      problem.includes('UTC runs') ? 9 : 8,
      `${path}: ${problem}`,
    )
  }
  if (expected.isClosed) {
    if (found.head === undefined) add('unreadable', 8, `${path}: no whole head`)
    else if (found.fragments.length === 0) add('invariant', 7, `${path}: kept without a fragment`)
    else if (found.footer === undefined) add('unreadable', 8, `${path}: no footer`)
    if (found.head !== undefined && found.endOffset !== found.sizeBytes) {
      add('unreadable', 7, `${path}: ${found.sizeBytes - found.endOffset} bytes after the last box`)
    }
    if (space.journal.open.has(path)) add('invariant', 3, `${path}: closed, and still in the open list`)
    const torn = found.fragments.filter((fragment) => !fragment.isDataWhole)
    for (const fragment of torn) add('unreadable', 7, `${path}: data of fragment ${fragment.number} is damaged`)
    const hasHoles = found.freeBoxes.length > 0
    if (found.footer !== undefined && hasHoles && (found.footer.flags & 2) === 0) {
      add('invariant', 7, `${path}: has a free box, and its footer does not say so`)
    }
  }
  const head = found.head
  if (head === undefined) return
  const parts = parsePath(path)!
  const named: [string, unknown, unknown][] = [
    ['channel', parts.channelId, head.channelId],
    ['stream', parts.stream, head.stream],
    ['kind', parts.kind, head.kind],
    ['run', parts.runId, head.runId],
    ['sequence number', parts.sequence, head.sequence],
    ['start', parts.startUs, Math.floor(head.startUs / 1000) * 1000],
    ['space', expected.spaceId, head.spaceId],
    ['server', expected.serverId, head.serverId],
  ]
  for (const [what, name, field] of named) {
    if (name !== field) add('invariant', 10, `${path}: ${what} ${field} in its head`)
  }
  const known = expected.known?.find((segment) => segment.path === path)
  if (known === undefined) return
  if (known.runIndex !== head.runIndex) add('invariant', 10, `${path}: place ${head.runIndex} in its run`)
  if (known.channelName !== head.channelName) add('invariant', 10, `${path}: named ${head.channelName}`)
}

function checkSequences(space: SpaceFiles, add: Add): void {
  const paths = new Map<number, string>()
  for (const path of space.segments.keys()) {
    const { sequence } = parsePath(path)!
    const other = paths.get(sequence)
    if (other !== undefined) add('invariant', 4, `${path} and ${other} share a sequence number`)
    paths.set(sequence, path)
    if (sequence >= space.journal.reserved) {
      add('invariant', 4, `${path}: number not below the reserved ${space.journal.reserved}`)
    }
  }
}

/** Invariants 3 and 10: every row its file, every file its row, and both say the same. */
function checkRows(space: SpaceFiles, expected: SpaceExpectation, add: Add): void {
  const rows = new Map(expected.rows!.map((row) => [row.path, row]))
  for (const row of rows.values()) {
    if (space.segments.has(row.path) || space.journal.tombstones.has(row.path)) continue
    add('invariant', 3, `${row.path}: a row without a file or a tombstone`)
  }
  for (const [path, found] of space.segments) {
    const row = rows.get(path)
    if (row === undefined) {
      if (!expected.hasLostEvents && !space.journal.open.has(path) && !space.journal.tombstones.has(path)) {
        add('invariant', 3, `${path}: neither a row nor an entry of the journal`)
      }
      continue
    }
    if (!expected.isClosed || expected.hasLostEvents || found.head === undefined || found.footer === undefined) continue
    const differing = differingFields(row, rowFrom(path, found))
    if (differing.length > 0) add('invariant', 10, `${path}: row and file differ in ${differing.join(', ')}`)
  }
}

/** The index row that a closed file tells by itself. */
export function rowFrom(path: string, found: FoundSegment): IndexRow {
  const head = found.head!
  const samples = (id: number) =>
    found.fragments.reduce(
      (sum, fragment) => sum + (fragment.tracks.find((track) => track.trackId === id)?.sizes.length ?? 0),
      0,
    )
  return {
    path,
    sequence: head.sequence,
    segmentId: head.segmentId,
    cameraId: head.channelId,
    stream: head.stream,
    kind: head.kind === 2 ? 'event' : 'normal',
    runId: head.runId,
    runIndex: head.runIndex,
    startUs: found.fragments[0]?.utcUs ?? head.startUs,
    endUs: endOf(found),
    sizeBytes: found.sizeBytes,
    footerOffset: found.footer?.offset ?? 0,
    footerBytes: found.footer?.sizeBytes ?? 0,
    videoSamples: samples(1),
    audioSamples: samples(2),
    flags:
      ((found.footer?.flags ?? 0) & 1) |
      (head.clockTrust === 0 ? 2 : 0) |
      (((found.footer?.flags ?? 0) & 2) === 0 ? 0 : 4),
  }
}

/** Names of the fields in which two rows differ; times may by 1 ms. */
export function differingFields(row: IndexRow, truth: IndexRow): string[] {
  return (Object.keys(truth) as (keyof IndexRow)[])
    .filter((key) =>
      key === 'startUs' || key === 'endUs' ? Math.abs(row[key] - truth[key]) > 1000 : row[key] !== truth[key],
    )
    .map((key) => `${key} (${row[key]}, file ${truth[key]})`)
}

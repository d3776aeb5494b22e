// Reads a segment file as FORMAT.md section 2 lays it out. Written from that text alone; nothing is shared with the
// recorder, so that a mistake in the one is seen by the other.
import { crc32 } from 'node:zlib'
import { type FoundTrack, parseMovie } from './movie-box.ts'

export interface FoundHead {
  segmentId: string
  serverId: string
  spaceId: string
  channelId: string
  channelName: string
  stream: number
  kind: number
  runId: string
  sequence: number
  runIndex: number
  startUs: number
  clockTrust: number
  bootId: string
  runStartUs: number
  mediaTicks: number
}

export interface FoundSamples {
  trackId: number
  tfdtTicks: number
  sizes: number[]
  durations: number[]
  /** Undefined where the `trun` has no composition offsets. */
  offsets: number[] | undefined
}

export interface FoundFragment {
  /** Where its FRG box begins in the file. */
  offset: number
  flags: number
  utcUs: number
  number: number
  headBytes: number
  syncedThrough: number
  dataBytes: number
  headCrc: number
  isDataWhole: boolean
  tracks: FoundSamples[]
  /** A view of the file. */
  data: Uint8Array
}

export interface FoundFooter {
  offset: number
  sizeBytes: number
  flags: number
  endUs: number
}

export interface FoundSegment {
  sizeBytes: number
  /** Undefined where the file does not begin with a whole head whose CRC matches: then nothing else is read. */
  head: FoundHead | undefined
  headBytes: number
  tracks: FoundTrack[]
  fragments: FoundFragment[]
  freeBoxes: { offset: number; sizeBytes: number }[]
  footer: FoundFooter | undefined
  /** Where the boxes that make sense end. Less than `sizeBytes` in a file being written or torn. */
  endOffset: number
  /** What differs from FORMAT.md in the part that was read. */
  problems: string[]
}

const usertypes = new Map([
  ['a3f1c0de4e4a53454701000000000001', 'segment'],
  ['a3f1c0de4e4a46524701000000000002', 'fragment'],
  ['a3f1c0de4e4a46544701000000000003', 'footer'],
])
const usertypeAt = (view: DataView, at: number) =>
  usertypes.get(Buffer.from(view.buffer, view.byteOffset + at, 16).toString('hex'))

const fourcc = (view: DataView, at: number) => Buffer.from(view.buffer, view.byteOffset + at, 4).toString('latin1')
const u64 = (view: DataView, at: number) => Number(view.getBigUint64(at))
const i64 = (view: DataView, at: number) => Number(view.getBigInt64(at))
const uuid = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** Reads what it can of a segment file. Never throws. */
export function readSegmentFile(bytes: Uint8Array): FoundSegment {
  const found: FoundSegment = {
    sizeBytes: bytes.length,
    head: undefined,
    headBytes: 0,
    tracks: [],
    fragments: [],
    freeBoxes: [],
    footer: undefined,
    endOffset: 0,
    problems: [],
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!readFileHead(bytes, view, found)) return found
  const seed = seedOf(found.head!.segmentId)
  let at = found.headBytes
  while (at + 8 <= bytes.length) {
    const size = view.getUint32(at)
    if (size < 8 || at + size > bytes.length) break
    const type = fourcc(view, at + 4)
    if (type === 'free') {
      found.freeBoxes.push({ offset: at, sizeBytes: size })
      at += size
      continue
    }
    const usertype = type === 'uuid' && size >= 24 ? usertypeAt(view, at + 8) : undefined
    if (usertype === 'fragment') {
      const fragment = readFragment(bytes, view, at, seed, found.problems)
      if (fragment === undefined) break
      found.fragments.push(fragment)
      at += fragment.headBytes + fragment.dataBytes
      continue
    }
    if (usertype === 'footer' && readFooter(bytes, view, at, seed, found)) at = checkMfra(view, at + size, found)
    break
  }
  found.endOffset = at
  checkOrder(found)
  return found
}

function readFileHead(bytes: Uint8Array, view: DataView, found: FoundSegment): boolean {
  const starts: number[] = []
  let at = 0
  for (const wanted of ['ftyp', 'moov', 'uuid']) {
    if (at + 24 > bytes.length) return false
    const size = view.getUint32(at)
    if (size < 16 || at + size > bytes.length || fourcc(view, at + 4) !== wanted) return false
    starts.push(at)
    at += size
  }
  const [, moovAt, boxAt] = starts as [number, number, number]
  if (at - boxAt < 52 || usertypeAt(view, boxAt + 8) !== 'segment') return false
  if (view.getUint32(at - 4) !== crc32(bytes.subarray(0, at - 4))) return false
  if (view.getUint32(boxAt + 24) !== 0x01000000) found.problems.push('SEG: version and flags are not 1 and 0')
  if (view.getUint32(at - 8) !== 0xffff0004) found.problems.push('SEG: does not end in tag 0xFFFF of 4 bytes')
  if (Buffer.from(bytes.subarray(8, 24)).toString('latin1') !== 'iso6\0\0\0\0iso6mp41') {
    found.problems.push('ftyp: brands are not iso6, 0, iso6, mp41')
  }
  const fields = new Map<number, Uint8Array>()
  let fieldAt = boxAt + 44
  while (fieldAt + 4 <= at - 8) {
    const length = view.getUint16(fieldAt + 2)
    fields.set(view.getUint16(fieldAt), bytes.subarray(fieldAt + 4, fieldAt + 4 + length))
    fieldAt += 4 + length
  }
  if (fieldAt !== at - 8) found.problems.push('SEG: fields do not fill the box')
  const lengths = { 1: 16, 2: 16, 3: 16, 5: 1, 6: 1, 7: 8, 8: 8, 9: 4, 10: 8, 11: 1, 12: 16, 13: 8, 14: 8 }
  for (const [tag, length] of Object.entries(lengths)) {
    if (fields.get(Number(tag))?.length !== length) {
      found.problems.push(`SEG: field ${tag} has not ${length} bytes`)
      fields.set(Number(tag), new Uint8Array(length))
    }
  }
  const field = (tag: number) => {
    const value = fields.get(tag)!
    return new DataView(value.buffer, value.byteOffset, value.length)
  }
  found.head = {
    segmentId: uuid(bytes.subarray(boxAt + 28, boxAt + 44)),
    serverId: uuid(fields.get(1)!),
    spaceId: uuid(fields.get(2)!),
    channelId: uuid(fields.get(3)!),
    channelName: Buffer.from(fields.get(4) ?? []).toString('utf8'),
    stream: field(5).getUint8(0),
    kind: field(6).getUint8(0),
    runId: Buffer.from(fields.get(7)!).toString('hex'),
    sequence: u64(field(8), 0),
    runIndex: field(9).getUint32(0),
    startUs: i64(field(10), 0),
    clockTrust: field(11).getUint8(0),
    bootId: uuid(fields.get(12)!),
    runStartUs: i64(field(13), 0),
    mediaTicks: u64(field(14), 0),
  }
  found.headBytes = at
  found.tracks = parseMovie(bytes.subarray(moovAt, boxAt), found.problems)
  return true
}

function readFragment(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  seed: number,
  problems: string[],
): FoundFragment | undefined {
  if (at + 64 + 8 + 8 > bytes.length || view.getUint32(at) !== 64 || view.getUint8(at + 24) !== 1) return undefined
  const headBytes = view.getUint32(at + 40)
  const dataBytes = view.getUint32(at + 52)
  const moofAt = at + 64
  const dataAt = at + headBytes
  if (headBytes < 64 + 24 + 8 || dataAt + dataBytes > bytes.length) return undefined
  const crcOfBox = crc32(bytes.subarray(at, at + 60), seed)
  if (view.getUint32(at + 60) !== crc32(bytes.subarray(moofAt, dataAt), crcOfBox)) return undefined
  const fragment: FoundFragment = {
    offset: at,
    flags: view.getUint32(at + 24) & 0xffffff,
    utcUs: i64(view, at + 28),
    number: view.getUint32(at + 36),
    headBytes,
    syncedThrough: u64(view, at + 44),
    dataBytes,
    headCrc: view.getUint32(at + 60),
    isDataWhole: view.getUint32(at + 56) === crc32(bytes.subarray(dataAt, dataAt + dataBytes), seed),
    tracks: [],
    data: bytes.subarray(dataAt, dataAt + dataBytes),
  }
  // From here on the CRC has vouched for the bytes: what does not fit is the writer's mistake, not damage.
  const wrong = (what: string) => problems.push(`fragment at ${at}: ${what}`)
  if (view.getUint32(moofAt) !== headBytes - 72 || fourcc(view, moofAt + 4) !== 'moof') wrong('moof does not fit')
  if (view.getUint32(dataAt - 8) !== 8 + dataBytes || fourcc(view, dataAt - 4) !== 'mdat') wrong('mdat does not fit')
  if (view.getUint32(moofAt + 8) !== 16 || fourcc(view, moofAt + 12) !== 'mfhd') wrong('no mfhd first')
  if (view.getUint32(moofAt + 20) !== fragment.number + 1) wrong('mfhd is not the fragment number plus 1')
  if ((fragment.flags & ~7) !== 0) wrong(`unknown flags ${fragment.flags}`)
  if (fragment.syncedThrough > at) wrong('syncedThrough lies beyond its own start')
  let dataOffset = dataAt - moofAt
  let lastTrack = 0
  for (let box = moofAt + 24; box < dataAt - 8; box += view.getUint32(box)) {
    const track = readTraf(view, box, dataOffset, fragment, wrong)
    if (track === undefined) break
    if (track.trackId <= lastTrack) wrong('trafs are not in the order picture, sound, metadata')
    lastTrack = track.trackId
    dataOffset += track.sizes.reduce((sum, size) => sum + size, 0)
    fragment.tracks.push(track)
  }
  if (dataOffset !== dataAt - moofAt + dataBytes) wrong('samples do not fill mdat')
  if (fragment.tracks.length === 0) wrong('has no samples')
  return fragment
}

function readTraf(
  view: DataView,
  at: number,
  dataOffset: number,
  fragment: FoundFragment,
  wrong: (what: string) => void,
): FoundSamples | undefined {
  const end = at + view.getUint32(at)
  const layout = `${fourcc(view, at + 4)} ${fourcc(view, at + 12)} ${fourcc(view, at + 28)} ${fourcc(view, at + 48)}`
  if (layout !== 'traf tfhd tfdt trun') {
    wrong(`traf holds ${layout}`)
    return undefined
  }
  const trackId = view.getUint32(at + 20)
  if (view.getUint32(at + 8) !== 16 || view.getUint32(at + 16) !== 0x020000) wrong('tfhd differs')
  if (view.getUint32(at + 24) !== 20 || view.getUint32(at + 32) !== 0x01000000) wrong('tfdt differs')
  const flags = view.getUint32(at + 52)
  const hasFirstFlags = (flags & 4) !== 0
  const hasOffsets = (flags & 0x800) !== 0
  if ((flags & ~0x804) !== 0x301 || flags > 0xffffff) wrong(`trun has version and flags ${flags.toString(16)}`)
  if (hasFirstFlags !== (trackId === 1 && (fragment.flags & 1) !== 0)) wrong('first-sample flags and key flag differ')
  const count = view.getUint32(at + 56)
  if (count === 0) wrong('a traf without samples')
  if (view.getInt32(at + 60) !== dataOffset) wrong(`track ${trackId}: data offset is not ${dataOffset}`)
  let entry = at + 64
  if (hasFirstFlags) {
    if (view.getUint32(entry) !== 0x02000000) wrong('first sample is not marked as a sync sample')
    entry += 4
  }
  if (entry + count * (hasOffsets ? 12 : 8) !== end || view.getUint32(at + 44) !== end - at - 44) {
    wrong(`track ${trackId}: the table does not fill its boxes`)
    return undefined
  }
  const track: FoundSamples = {
    trackId,
    tfdtTicks: u64(view, at + 36),
    sizes: [],
    durations: [],
    offsets: hasOffsets ? [] : undefined,
  }
  for (let i = 0; i < count; i++) {
    track.durations.push(view.getUint32(entry))
    track.sizes.push(view.getUint32(entry + 4))
    if (hasOffsets) {
      if (view.getInt32(entry + 8) < 0) wrong('a composition offset is negative')
      track.offsets!.push(view.getInt32(entry + 8))
    }
    entry += hasOffsets ? 12 : 8
  }
  return track
}

/**
 * Reads the fragment at `at` of a file whose head is known; undefined where none is, or not the whole of it.
 * `problems` takes what is wrong with a fragment whose head CRC matches.
 */
export function readFragmentAt(
  bytes: Uint8Array,
  at: number,
  segmentId: string,
  problems: string[],
): FoundFragment | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (at + 24 > bytes.length || usertypeAt(view, at + 8) !== 'fragment') return undefined
  return readFragment(bytes, view, at, seedOf(segmentId), problems)
}

const seedOf = (segmentId: string) => crc32(Buffer.from(segmentId.replaceAll('-', ''), 'hex'))

/** Invariant 9, and what follows from fragments being numbered as they are written. */
function checkOrder(found: FoundSegment): void {
  let last: FoundFragment | undefined
  const tfdt = new Map<number, number>()
  for (const fragment of found.fragments) {
    const wrong = (what: string) => found.problems.push(`fragment at ${fragment.offset}: ${what}`)
    if (last !== undefined && fragment.utcUs < last.utcUs) wrong('UTC runs back')
    if (last !== undefined && fragment.number <= last.number) wrong('number does not grow')
    const isAfterHole = found.freeBoxes.some((box) => box.offset > (last?.offset ?? 0) && box.offset < fragment.offset)
    if (!isAfterHole && fragment.number !== (last?.number ?? -1) + 1) wrong('number is not one more than the last')
    for (const track of fragment.tracks) {
      if (!found.tracks.some(({ id }) => id === track.trackId)) wrong(`track ${track.trackId} is not in moov`)
      const before = tfdt.get(track.trackId)
      if (before !== undefined && track.tfdtTicks < before) wrong(`track ${track.trackId}: tfdt runs back`)
      tfdt.set(track.trackId, track.tfdtTicks)
    }
    last = fragment
  }
}

/** Compares the footer at `at` with the fragments found before it. False where it is none. */
function readFooter(bytes: Uint8Array, view: DataView, at: number, seed: number, found: FoundSegment): boolean {
  const size = view.getUint32(at)
  const end = at + size
  if (size < 80 || view.getUint8(at + 24) !== 1) return false
  if (view.getUint32(end - 12) !== crc32(bytes.subarray(at, end - 12), seed)) return false
  const wrong = (what: string) => found.problems.push(`footer: ${what}`)
  if (uuid(bytes.subarray(at + 28, at + 44)) !== found.head!.segmentId) wrong("not this segment's UUID")
  if (view.getUint32(end - 16) !== 0 || view.getUint32(end - 8) !== size || fourcc(view, end - 4) !== 'NJFT') {
    wrong('tail differs')
  }
  const { fragments, tracks } = found
  if (view.getUint32(at + 44) !== fragments.length) {
    wrong(`says ${view.getUint32(at + 44)} fragments, the file has ${fragments.length}`)
    return true
  }
  if (view.getUint32(at + 48) !== tracks.length) wrong('number of tracks differs from moov')
  const endUs = i64(view, at + 52)
  found.footer = { offset: at, sizeBytes: size, flags: view.getUint32(at + 24) & 0xffffff, endUs }
  let cursor = at + 64
  const column = (name: string, width: 4 | 8, wanted: number[]) => {
    for (let i = 0; i < wanted.length; i++) {
      const value =
        cursor + (i + 1) * width > end - 16
          ? Number.NaN
          : width === 8
            ? view.getFloat64(cursor + i * 8, true)
            : view.getInt32(cursor + i * 4, true)
      const want = width === 8 ? wanted[i]! : wanted[i]! | 0
      if (value !== want) {
        wrong(`${name}[${i}] is ${value}, the file says ${want}`)
        break
      }
    }
    cursor += Math.ceil((wanted.length * width) / 8) * 8
  }
  column(
    'offset',
    8,
    fragments.map((fragment) => fragment.offset),
  )
  column(
    'UTC',
    8,
    fragments.map((fragment) => fragment.utcUs),
  )
  column(
    'head bytes',
    4,
    fragments.map((fragment) => fragment.headBytes),
  )
  column(
    'data bytes',
    4,
    fragments.map((fragment) => fragment.dataBytes),
  )
  column(
    'flags',
    4,
    fragments.map((fragment) => fragment.flags),
  )
  column(
    'header CRC',
    4,
    fragments.map((fragment) => fragment.headCrc),
  )
  for (const { id, timescale } of tracks) {
    const runs = fragments.map((fragment) => fragment.tracks.find((track) => track.trackId === id))
    const hasOffsets = cursor + 16 <= end && (view.getUint32(cursor + 12, true) & 1) !== 0
    const samples = runs.flatMap((run) => run?.sizes ?? [])
    if (!hasOffsets && runs.some((run) => run?.offsets?.some((offset) => offset !== 0))) {
      wrong(`track ${id}: composition offsets left out`)
    }
    column(`track ${id}`, 4, [id, samples.length, timescale, hasOffsets ? 1 : 0])
    column(
      `track ${id} tfdt`,
      8,
      runs.map((run) => run?.tfdtTicks ?? -1),
    )
    column(
      `track ${id} counts`,
      4,
      runs.map((run) => run?.sizes.length ?? 0),
    )
    column(`track ${id} sizes`, 4, samples)
    column(
      `track ${id} durations`,
      4,
      runs.flatMap((run) => run?.durations ?? []),
    )
    if (hasOffsets)
      column(
        `track ${id} offsets`,
        4,
        runs.flatMap((run) => run?.offsets ?? run?.sizes.map(() => 0) ?? []),
      )
  }
  if (cursor !== end - 16) wrong('columns do not fill the box')
  if (endUs !== endOf(found)) wrong(`end is ${endUs}, the last fragment ends at ${endOf(found)}`)
  return true
}

/** When the last fragment ends: its UTC and the durations of the first of its tracks, UTC µs. */
export function endOf(found: FoundSegment): number {
  const last = found.fragments.at(-1)
  if (last === undefined) return 0
  const track = last.tracks[0]
  const timescale = found.tracks.find(({ id }) => id === track?.trackId)?.timescale
  if (track === undefined || timescale === undefined) return last.utcUs
  return last.utcUs + Math.round((track.durations.reduce((sum, ticks) => sum + ticks, 0) * 1e6) / timescale)
}

/** Checks `mfra` at `at`, where the footer ends, and gives where it ends itself. */
function checkMfra(view: DataView, at: number, found: FoundSegment): number {
  const wrong = (what: string) => found.problems.push(`mfra: ${what}`)
  if (at + 8 > view.byteLength || fourcc(view, at + 4) !== 'mfra') {
    wrong('missing after the footer')
    found.footer = undefined
    return at
  }
  const size = view.getUint32(at)
  if (at + size !== view.byteLength) {
    wrong('does not end the file')
    found.footer = undefined
    return at
  }
  const picture = found.tracks.find(({ id }) => id === 1)
  const track = picture ?? found.tracks[0]
  const wanted: [number, number][] = []
  for (const fragment of found.fragments) {
    const run = fragment.tracks.find(({ trackId }) => trackId === track?.id)
    if (run === undefined || (picture !== undefined && (fragment.flags & 1) === 0)) continue
    wanted.push([run.tfdtTicks, fragment.offset + 64])
  }
  const end = at + size
  if (view.getUint32(at + 8) !== 24 + wanted.length * 19 || size !== 8 + 24 + wanted.length * 19 + 16) {
    wrong(`has not room for ${wanted.length} entries`)
    return end
  }
  if (fourcc(view, at + 12) !== 'tfra' || view.getUint32(at + 16) !== 0x01000000) wrong('no tfra of version 1')
  if (view.getUint32(at + 20) !== track?.id || view.getUint32(at + 24) !== 0) wrong('tfra: other track or widths')
  if (view.getUint32(at + 28) !== wanted.length) wrong('tfra: other count')
  for (const [i, [timeTicks, moofOffset]] of wanted.entries()) {
    const entry = at + 32 + i * 19
    if (u64(view, entry) !== timeTicks || u64(view, entry + 8) !== moofOffset) wrong(`entry ${i} differs`)
    if (view.getUint16(entry + 16) !== 0x0101 || view.getUint8(entry + 18) !== 1) wrong(`entry ${i}: not numbers 1`)
  }
  if (fourcc(view, end - 12) !== 'mfro' || view.getUint32(end - 4) !== size) wrong('mfro does not lead back')
  return end
}

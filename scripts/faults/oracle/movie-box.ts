// Reads what the oracle needs of a `moov`, and checks it against FORMAT.md section 2.

export interface FoundTrack {
  id: number
  timescale: number
  /** `vide`, `soun` or `meta`. */
  handler: string
  /** `media_time` of the edit list; 0 without one. */
  editTicks: number
  /** The sample entry's four letters. */
  sampleEntry: string
}

/** Reads `moov`, which is all of `bytes`. Says in `problems` what is missing or differs. */
export function parseMovie(bytes: Uint8Array, problems: string[]): FoundTrack[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tracks: FoundTrack[] = []
  const defaults = new Map<number, number>()
  try {
    for (const box of boxesIn(view, 8, bytes.length)) {
      if (box.type === 'trak') tracks.push(parseTrack(view, box))
      if (box.type !== 'mvex') continue
      for (const trex of boxesIn(view, box.start + 8, box.end)) {
        if (trex.type === 'trex') defaults.set(view.getUint32(trex.start + 12), view.getUint32(trex.start + 28))
      }
    }
  } catch (error) {
    problems.push(`moov: ${(error as Error).message}`)
    return tracks
  }
  const handlers = ['vide', 'soun', 'meta']
  for (const track of tracks) {
    if (handlers[track.id - 1] !== track.handler) problems.push(`moov: track ${track.id} is ${track.handler}`)
    const flags = track.id === 1 ? 0x01010000 : 0x02000000
    if (defaults.get(track.id) !== flags) problems.push(`moov: trex of track ${track.id} has other sample flags`)
  }
  if (tracks.length === 0) problems.push('moov: no track')
  if (tracks.some((track, i) => i > 0 && track.id <= tracks[i - 1]!.id)) problems.push('moov: tracks out of order')
  return tracks
}

interface FoundBox {
  type: string
  start: number
  end: number
}

function* boxesIn(view: DataView, start: number, end: number): Generator<FoundBox> {
  for (let at = start; at < end; ) {
    const size = view.getUint32(at)
    if (size < 8 || at + size > end) throw new Error(`a box of ${size} bytes at ${at} does not fit`)
    const type = Buffer.from(view.buffer, view.byteOffset + at + 4, 4).toString('latin1')
    yield { type, start: at, end: at + size }
    at += size
  }
}

function find(view: DataView, box: FoundBox, path: string[]): FoundBox | undefined {
  let here: FoundBox | undefined = box
  for (const type of path) {
    if (here === undefined) return undefined
    here = [...boxesIn(view, here.start + 8, here.end)].find((child) => child.type === type)
  }
  return here
}

function parseTrack(view: DataView, trak: FoundBox): FoundTrack {
  const tkhd = find(view, trak, ['tkhd'])
  const mdhd = find(view, trak, ['mdia', 'mdhd'])
  const hdlr = find(view, trak, ['mdia', 'hdlr'])
  const stsd = find(view, trak, ['mdia', 'minf', 'stbl', 'stsd'])
  const elst = find(view, trak, ['edts', 'elst'])
  if (!tkhd || !mdhd || !hdlr || !stsd) throw new Error('a trak without tkhd, mdhd, hdlr or stsd')
  const isLong = (box: FoundBox) => view.getUint8(box.start + 8) === 1
  const name = (at: number) => Buffer.from(view.buffer, view.byteOffset + at, 4).toString('latin1')
  return {
    id: view.getUint32(tkhd.start + (isLong(tkhd) ? 28 : 20)),
    timescale: view.getUint32(mdhd.start + (isLong(mdhd) ? 28 : 20)),
    handler: name(hdlr.start + 16),
    editTicks:
      elst === undefined
        ? 0
        : isLong(elst)
          ? Number(view.getBigInt64(elst.start + 24))
          : view.getInt32(elst.start + 20),
    sampleEntry: name(stsd.start + 20),
  }
}

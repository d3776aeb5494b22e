// What the player needs to know of fragmented MP4 (ISO/IEC 14496-12): tracks and their clocks, and when each sample is
// shown. Reads only; never fails on what it does not know, throws on lengths that lie.

export interface Mp4Track {
  id: number
  kind: 'video' | 'audio' | 'other'
  /** Ticks a second. */
  timescale: number
  /** The sample entry's type: `avc1`, `hvc1`, `mp4a`, `mett`. */
  entry: string
  /** From `trex`: what a fragment says nothing of. */
  defaultDurationTicks: number
  defaultFlags: number
  /** Where the edit list starts, in the track's ticks: what browsers take off every presentation time. */
  editStartTicks: number
}

/** One sample of a fragment. */
export interface Mp4Sample {
  trackId: number
  /** When it is shown, in seconds of media time; the edit list is taken off. */
  startSec: number
  durationSec: number
  isKey: boolean
}

interface Box {
  type: string
  /** Of the content, after size and type. */
  start: number
  end: number
}

function typeAt(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3))
}

/** The boxes that lie in `[start, end)`. Throws where one reaches past the end. */
export function boxesIn(view: DataView, start: number, end: number): Box[] {
  const boxes: Box[] = []
  for (let at = start; at + 8 <= end; ) {
    let sizeBytes = view.getUint32(at)
    let headBytes = 8
    if (sizeBytes === 1 && at + 16 <= end) {
      sizeBytes = Number(view.getBigUint64(at + 8))
      headBytes = 16
    } else if (sizeBytes === 0) sizeBytes = end - at
    if (sizeBytes < headBytes || at + sizeBytes > end) {
      throw new Error(`read MP4 box ${typeAt(view, at + 4)} at ${at}: its length ${sizeBytes} passes the end at ${end}`)
    }
    boxes.push({ type: typeAt(view, at + 4), start: at + headBytes, end: at + sizeBytes })
    at += sizeBytes
  }
  return boxes
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function childOf(view: DataView, box: Box | undefined, type: string): Box | undefined {
  return box && boxesIn(view, box.start, box.end).find((one) => one.type === type)
}

/** The tracks an init segment (`ftyp moov`) announces. */
export function parseInit(bytes: Uint8Array): Mp4Track[] {
  const view = viewOf(bytes)
  const moov = boxesIn(view, 0, bytes.length).find((box) => box.type === 'moov')
  if (moov === undefined) throw new Error('read init segment: it has no moov box')
  const children = boxesIn(view, moov.start, moov.end)
  const defaults = new Map<number, { durationTicks: number; flags: number }>()
  const mvex = children.find((box) => box.type === 'mvex')
  for (const trex of mvex ? boxesIn(view, mvex.start, mvex.end).filter((box) => box.type === 'trex') : []) {
    defaults.set(view.getUint32(trex.start + 4), {
      durationTicks: view.getUint32(trex.start + 12),
      flags: view.getUint32(trex.start + 20),
    })
  }
  return children.filter((box) => box.type === 'trak').map((trak) => parseTrack(view, trak, defaults))
}

function parseTrack(
  view: DataView,
  trak: Box,
  defaults: Map<number, { durationTicks: number; flags: number }>,
): Mp4Track {
  const tkhd = childOf(view, trak, 'tkhd')!
  const mdia = childOf(view, trak, 'mdia')!
  const mdhd = childOf(view, mdia, 'mdhd')!
  const hdlr = childOf(view, mdia, 'hdlr')!
  const stsd = childOf(view, childOf(view, childOf(view, mdia, 'minf'), 'stbl'), 'stsd')
  const elst = childOf(view, childOf(view, trak, 'edts'), 'elst')
  const id = view.getUint32(tkhd.start + (view.getUint8(tkhd.start) === 1 ? 20 : 12))
  const handler = typeAt(view, hdlr.start + 8)
  return {
    id,
    kind: handler === 'vide' ? 'video' : handler === 'soun' ? 'audio' : 'other',
    timescale: view.getUint32(mdhd.start + (view.getUint8(mdhd.start) === 1 ? 20 : 12)),
    entry: stsd !== undefined && stsd.start + 16 <= stsd.end ? typeAt(view, stsd.start + 12) : '',
    defaultDurationTicks: defaults.get(id)?.durationTicks ?? 0,
    defaultFlags: defaults.get(id)?.flags ?? 0,
    editStartTicks: elst === undefined ? 0 : editStart(view, elst),
  }
}

/** `media_time` of the first entry that is not an empty edit (-1); 0 where there is none. */
function editStart(view: DataView, elst: Box): number {
  const isLong = view.getUint8(elst.start) === 1
  const count = view.getUint32(elst.start + 4)
  const entryBytes = isLong ? 20 : 12
  for (let i = 0; i < count; i++) {
    const at = elst.start + 8 + i * entryBytes
    if (at + entryBytes > elst.end) break
    const mediaTime = isLong ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4)
    if (mediaTime >= 0) return mediaTime
  }
  return 0
}

/**
 * The samples of a fragment (`moof`, and whatever stands before or after it), in the order they stand.
 *
 * Samples of tracks that `tracks` does not name are left out.
 */
export function parseFragment(bytes: Uint8Array, tracks: readonly Mp4Track[]): Mp4Sample[] {
  const view = viewOf(bytes)
  const samples: Mp4Sample[] = []
  for (const moof of boxesIn(view, 0, bytes.length).filter((box) => box.type === 'moof')) {
    for (const traf of boxesIn(view, moof.start, moof.end).filter((box) => box.type === 'traf')) {
      readTraf(view, traf, tracks, samples)
    }
  }
  return samples
}

const nonSyncFlag = 0x0001_0000

function readTraf(view: DataView, traf: Box, tracks: readonly Mp4Track[], out: Mp4Sample[]): void {
  const boxes = boxesIn(view, traf.start, traf.end)
  const tfhd = boxes.find((box) => box.type === 'tfhd')
  const tfdt = boxes.find((box) => box.type === 'tfdt')
  if (tfhd === undefined) return
  const track = tracks.find((one) => one.id === view.getUint32(tfhd.start + 4))
  if (track === undefined) return
  const flags = view.getUint32(tfhd.start) & 0xffffff
  let at = tfhd.start + 8
  if (flags & 0x01) at += 8
  if (flags & 0x02) at += 4
  let durationTicks = track.defaultDurationTicks
  let sampleFlags = track.defaultFlags
  if (flags & 0x08) {
    durationTicks = view.getUint32(at)
    at += 4
  }
  if (flags & 0x10) at += 4
  if (flags & 0x20) sampleFlags = view.getUint32(at)
  let ticks =
    tfdt === undefined
      ? 0
      : view.getUint8(tfdt.start) === 1
        ? Number(view.getBigUint64(tfdt.start + 4))
        : view.getUint32(tfdt.start + 4)
  for (const trun of boxes.filter((box) => box.type === 'trun')) {
    ticks = readTrun(view, trun, track, ticks, durationTicks, sampleFlags, out)
  }
}

function readTrun(
  view: DataView,
  trun: Box,
  track: Mp4Track,
  startTicks: number,
  defaultDuration: number,
  defaultFlags: number,
  out: Mp4Sample[],
): number {
  const version = view.getUint8(trun.start)
  const flags = view.getUint32(trun.start) & 0xffffff
  const count = view.getUint32(trun.start + 4)
  let at = trun.start + 8
  if (flags & 0x01) at += 4
  let firstFlags: number | undefined
  if (flags & 0x04) {
    firstFlags = view.getUint32(at)
    at += 4
  }
  let ticks = startTicks
  for (let i = 0; i < count; i++) {
    let duration = defaultDuration
    let sampleFlags = i === 0 && firstFlags !== undefined ? firstFlags : defaultFlags
    let offset = 0
    if (flags & 0x100) {
      duration = view.getUint32(at)
      at += 4
    }
    if (flags & 0x200) at += 4
    if (flags & 0x400) {
      sampleFlags = view.getUint32(at)
      at += 4
    }
    if (flags & 0x800) {
      offset = version === 0 ? view.getUint32(at) : view.getInt32(at)
      at += 4
    }
    if (at > trun.end) throw new Error(`read trun of track ${track.id}: ${count} samples do not fit in it`)
    out.push({
      trackId: track.id,
      startSec: (ticks + offset - track.editStartTicks) / track.timescale,
      durationSec: duration / track.timescale,
      isKey: (sampleFlags & nonSyncFlag) === 0,
    })
    ticks += duration
  }
  return ticks
}

/**
 * A copy of an init segment in which only tracks of `kind` are left to play: the others keep their ids but are called
 * metadata (`meta`, `mett`), for a fragment of a track that is missing from `moov` makes an append fail.
 */
export function onlyTracksOf(kind: 'video' | 'audio', bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes)
  const view = viewOf(copy)
  const handlerOfKind = kind === 'video' ? 'vide' : 'soun'
  const write = (at: number, type: string): void => {
    for (let i = 0; i < 4; i++) view.setUint8(at + i, type.charCodeAt(i))
  }
  const moov = boxesIn(view, 0, copy.length).find((box) => box.type === 'moov')
  for (const trak of moov ? boxesIn(view, moov.start, moov.end).filter((box) => box.type === 'trak') : []) {
    const mdia = childOf(view, trak, 'mdia')
    const hdlr = childOf(view, mdia, 'hdlr')
    const stsd = childOf(view, childOf(view, childOf(view, mdia, 'minf'), 'stbl'), 'stsd')
    if (hdlr === undefined || stsd === undefined || typeAt(view, hdlr.start + 8) === handlerOfKind) continue
    write(hdlr.start + 8, 'meta')
    if (stsd.start + 16 <= stsd.end) write(stsd.start + 12, 'mett')
  }
  return copy
}

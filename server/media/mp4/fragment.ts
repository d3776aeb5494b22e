/** Movie fragments (ISO/IEC 14496-12 §8.8): `moof` and `mdat` written, anyone's `moof` read, decode times moved. */

import { Failure } from '../../../shared/failure.ts'
import { type BoxRange, findBox, needBox, needBytes, readI32, readU32, readU64, scanBoxes } from './box-scanner.ts'
import { deltaSampleFlags, keySampleFlags } from './boxes.ts'
import type { SampleDefaults } from './movie.ts'

/** A sample to be written. */
export interface FragmentSample {
  durationTicks: number
  /** Composition time minus decode time. */
  ctsTicks: number
  isKey: boolean
  data: Uint8Array
}

/** The samples of one track in a fragment: one after the other, each beginning where the one before ends. */
export interface FragmentTrack {
  trackId: number
  /** Decode time of the first, in the track's ticks, 0 to 2⁵³. */
  decodeTicks: number
  samples: readonly FragmentSample[]
}

const moofHeadBytes = 8 + 16 // moof, mfhd
const trafHeadBytes = 8 + 16 + 20 + 20 // traf, tfhd, tfdt, trun without its samples
const trunSampleBytes = 16

/** Where the 64-bit decode time of the first track lies, from the start of a `moof` that `fragment` wrote. */
export const firstDecodeTimeOffset = moofHeadBytes + 8 + 16 + 12

/**
 * Builds a fragment in one new array: `moof`, then an `mdat` with the samples of each track in turn.
 *
 * Every field has a fixed place, `tfdt` in 64 bits; every sample has its own duration, size, flags and offset.
 */
export function fragment(sequenceNumber: number, tracks: readonly FragmentTrack[]): Uint8Array {
  let moofBytes = moofHeadBytes
  let dataBytes = 0
  for (const { samples } of tracks) {
    moofBytes += trafHeadBytes + samples.length * trunSampleBytes
    for (const { data } of samples) dataBytes += data.length
  }
  const bytes = new Uint8Array(moofBytes + 8 + dataBytes)
  const view = new DataView(bytes.buffer)
  writeBoxHead(view, 0, moofBytes, 'moof')
  writeBoxHead(view, 8, 16, 'mfhd')
  view.setUint32(20, sequenceNumber)
  let at = moofHeadBytes
  let dataAt = moofBytes + 8
  for (const { trackId, decodeTicks, samples } of tracks) {
    writeBoxHead(view, at, trafHeadBytes + samples.length * trunSampleBytes, 'traf')
    writeBoxHead(view, at + 8, 16, 'tfhd')
    view.setUint32(at + 16, 0x02_0000) // default-base-is-moof
    view.setUint32(at + 20, trackId)
    writeBoxHead(view, at + 24, 20, 'tfdt')
    view.setUint32(at + 32, 0x0100_0000) // version 1
    view.setBigUint64(at + 36, BigInt(decodeTicks))
    writeBoxHead(view, at + 44, 20 + samples.length * trunSampleBytes, 'trun')
    view.setUint32(at + 52, 0x0100_0f01) // version 1: data offset; duration, size, flags, composition offset
    view.setUint32(at + 56, samples.length)
    view.setUint32(at + 60, dataAt)
    at += trafHeadBytes
    for (const { durationTicks, ctsTicks, isKey, data } of samples) {
      view.setUint32(at, durationTicks)
      view.setUint32(at + 4, data.length)
      view.setUint32(at + 8, isKey ? keySampleFlags : deltaSampleFlags)
      view.setInt32(at + 12, ctsTicks)
      at += trunSampleBytes
      bytes.set(data, dataAt)
      dataAt += data.length
    }
  }
  writeBoxHead(view, moofBytes, 8 + dataBytes, 'mdat')
  return bytes
}

function writeBoxHead(view: DataView, at: number, size: number, type: string): void {
  view.setUint32(at, size)
  for (let i = 0; i < 4; i++) view.setUint8(at + 4 + i, type.charCodeAt(i))
}

/** A sample as a `moof` describes it. */
export interface FragmentSampleRange {
  /** From the track's time 0; from the end of the track's samples before, where `hasDecodeTime` is false. */
  dtsTicks: number
  ctsTicks: number
  durationTicks: number
  isKey: boolean
  /** Where its bytes begin, counted as `parseMoof` was told. */
  offset: number
  sizeBytes: number
}

/** One `traf`. */
export interface TrackFragment {
  trackId: number
  /** False where there is no `tfdt`. */
  hasDecodeTime: boolean
  samples: FragmentSampleRange[]
}

/** More samples than any fragment has: what a damaged count must not make us allocate. */
const maxSamples = 100_000

/**
 * Reads a `moof`, the whole box, that lies `moofOffset` bytes into its file; sample offsets count from the file's start.
 *
 * `defaultsOf` gives a track's `trex`, undefined for tracks the movie does not have, which are left out. Throws `corrupt`
 * where a box does not fit.
 */
export function parseMoof(
  moof: Uint8Array,
  moofOffset: number,
  defaultsOf: (trackId: number) => SampleDefaults | undefined,
): TrackFragment[] {
  const range = needBox(moof, ['moof'])
  const fragments: TrackFragment[] = []
  // §8.8.7.1: without a base of its own, a track's data begins where that of the track before ends.
  let end = moofOffset
  for (const traf of scanBoxes(moof, range.bodyStart, range.end)) {
    if (traf.type !== 'traf') continue
    const read = parseTraf(moof, traf, moofOffset, end, defaultsOf)
    end = read.end
    if (read.fragment) fragments.push(read.fragment)
  }
  return fragments
}

function parseTraf(
  bytes: Uint8Array,
  traf: BoxRange,
  moofOffset: number,
  previousEnd: number,
  defaultsOf: (trackId: number) => SampleDefaults | undefined,
): { end: number; fragment: TrackFragment | undefined } {
  const tfhd = needBox(bytes, ['tfhd'], traf.bodyStart, traf.end)
  const reader = new FieldReader(bytes, tfhd)
  const flags = reader.u32() & 0xff_ffff
  const trackId = reader.u32()
  let base = flags & 0x02_0000 ? moofOffset : previousEnd
  if (flags & 0x01) base = reader.u64()
  if (flags & 0x02) reader.u32() // sample_description_index
  const movieDefaults = defaultsOf(trackId)
  const defaults: SampleDefaults = {
    durationTicks: flags & 0x08 ? reader.u32() : (movieDefaults?.durationTicks ?? 0),
    sizeBytes: flags & 0x10 ? reader.u32() : (movieDefaults?.sizeBytes ?? 0),
    flags: flags & 0x20 ? reader.u32() : (movieDefaults?.flags ?? 0),
  }
  const tfdt = findBox(bytes, ['tfdt'], traf.bodyStart, traf.end)
  const samples: FragmentSampleRange[] = []
  const run: RunState = { dtsTicks: tfdt ? readDecodeTime(bytes, tfdt) : 0, base, end: base }
  for (const trun of scanBoxes(bytes, traf.bodyStart, traf.end)) {
    if (trun.type === 'trun') readRun(new FieldReader(bytes, trun), run, defaults, samples)
  }
  return {
    end: run.end,
    fragment: movieDefaults && { trackId, hasDecodeTime: tfdt !== undefined, samples },
  }
}

interface RunState {
  dtsTicks: number
  /** What data offsets count from. */
  base: number
  /** Where the data read so far ends, and the next run begins unless it says otherwise. */
  end: number
}

/** One `trun` (§8.8.8). */
function readRun(reader: FieldReader, run: RunState, defaults: SampleDefaults, samples: FragmentSampleRange[]): void {
  const head = reader.u32()
  const isSigned = head >>> 24 !== 0
  const count = reader.u32()
  if (count + samples.length > maxSamples) throw new Failure('corrupt', `read trun: ${count} samples`)
  if (head & 0x01) run.end = run.base + reader.i32()
  const firstFlags = head & 0x04 ? reader.u32() : undefined
  for (let i = 0; i < count; i++) {
    const durationTicks = head & 0x100 ? reader.u32() : defaults.durationTicks
    const sizeBytes = head & 0x200 ? reader.u32() : defaults.sizeBytes
    const ownFlags = head & 0x400 ? reader.u32() : defaults.flags
    const ctsTicks = head & 0x800 ? (isSigned ? reader.i32() : reader.u32()) : 0
    const flags = i === 0 && firstFlags !== undefined ? firstFlags : ownFlags
    samples.push({
      dtsTicks: run.dtsTicks,
      ctsTicks,
      durationTicks,
      isKey: (flags & 0x1_0000) === 0, // sample_is_non_sync_sample
      offset: run.end,
      sizeBytes,
    })
    run.dtsTicks += durationTicks
    run.end += sizeBytes
  }
}

/** Reads the fields of a box one after another. */
class FieldReader {
  readonly #bytes: Uint8Array
  readonly #range: BoxRange
  #at: number

  constructor(bytes: Uint8Array, range: BoxRange) {
    this.#bytes = bytes
    this.#range = range
    this.#at = range.bodyStart
  }

  u32(): number {
    return readU32(this.#bytes, this.#advance(4))
  }

  i32(): number {
    return readI32(this.#bytes, this.#advance(4))
  }

  u64(): number {
    return readU64(this.#bytes, this.#advance(8))
  }

  #advance(sizeBytes: number): number {
    needBytes(this.#range, this.#at, sizeBytes)
    this.#at += sizeBytes
    return this.#at - sizeBytes
  }
}

function readDecodeTime(bytes: Uint8Array, tfdt: BoxRange): number {
  const isLong = isLongDecodeTime(bytes, tfdt)
  return isLong ? readU64(bytes, tfdt.bodyStart + 4) : readU32(bytes, tfdt.bodyStart + 4)
}

function isLongDecodeTime(bytes: Uint8Array, tfdt: BoxRange): boolean {
  needBytes(tfdt, tfdt.bodyStart, 8)
  const isLong = bytes[tfdt.bodyStart] === 1
  if (isLong) needBytes(tfdt, tfdt.bodyStart, 12)
  return isLong
}

/**
 * Adds `shiftTicks(trackId)` to every decode time of the fragments in `bytes`, in place: what makes segments that each
 * begin at 0 follow one another in one movie.
 *
 * Throws `corrupt` where a box does not fit, or a time leaves the range of its field.
 */
export function shiftDecodeTimes(bytes: Uint8Array, shiftTicks: (trackId: number) => number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (const moof of scanBoxes(bytes)) {
    if (moof.type !== 'moof') continue
    for (const traf of scanBoxes(bytes, moof.bodyStart, moof.end)) {
      if (traf.type !== 'traf') continue
      const tfhd = needBox(bytes, ['tfhd'], traf.bodyStart, traf.end)
      needBytes(tfhd, tfhd.bodyStart, 8)
      const tfdt = needBox(bytes, ['tfdt'], traf.bodyStart, traf.end)
      const isLong = isLongDecodeTime(bytes, tfdt)
      const ticks = readDecodeTime(bytes, tfdt) + shiftTicks(readU32(bytes, tfhd.bodyStart + 4))
      if (ticks < 0 || ticks > (isLong ? Number.MAX_SAFE_INTEGER : 0xffff_ffff)) {
        throw new Failure('corrupt', `move fragment: its decode time would be ${ticks}`)
      }
      if (isLong) view.setBigUint64(tfdt.bodyStart + 4, BigInt(ticks))
      else view.setUint32(tfdt.bodyStart + 4, ticks)
    }
  }
}

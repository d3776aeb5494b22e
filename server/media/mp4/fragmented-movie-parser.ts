/** Taking a fragmented movie apart while it is still being written, as from the output of an ffmpeg. */

import { Failure } from '../../../shared/failure.ts'
import type { Sample } from '../track.ts'
import { readFourcc, readU32, readU64 } from './box-scanner.ts'
import { parseMoof, type TrackFragment } from './fragment.ts'
import { type MovieTrack, parseMoov } from './movie.ts'

/** A sample, with the track it belongs to and how long it lasts. `dtsTicks` counts from the movie's start. */
export interface MovieSample extends Sample {
  trackId: number
  durationTicks: number
}

/** What the parser tells; both are called while `push` runs. */
export interface MovieListener {
  /** Once for each `moov`, before any of its samples. */
  onInit(tracks: MovieTrack[]): void
  /** In the order of their bytes. `data` belongs to the listener: it is never written again. */
  onSample(sample: MovieSample): void
}

/** Most bytes of a `moov` or `moof`. */
const maxHeadBytes = 4 * 1024 * 1024

/**
 * Parses a fragmented movie (ISO/IEC 14496-12 §8.8) from chunks of any size.
 *
 * It holds one box at a time: `moov`, `moof` and the `mdat` after it, whose samples are given when it is whole; all others
 * are passed over without being kept. After a failure it is of no more use.
 */
export class FragmentedMovieParser {
  readonly #listener: MovieListener
  readonly #maxDataBytes: number
  /** Size and type of the box that begins, as far as they have come. */
  readonly #head = new Uint8Array(16)
  #headLength = 0
  #boxType = ''
  /** Where the box begins in the stream, and the one after it. */
  #boxStart = 0
  #nextStart = 0
  /** How much of the box has come, of what size; its bytes, where it is kept. */
  #boxLength = 0
  #boxSize = 0
  #box: Uint8Array | undefined
  #tracks = new Map<number, MovieTrack>()
  /** Where each track's samples have come to, for fragments that do not say. */
  readonly #endTicks = new Map<number, number>()
  /** Of the last `moof`, until its `mdat`. */
  #fragments: TrackFragment[] | undefined

  /** `maxDataBytes` bounds an `mdat`, and so the memory this takes. */
  constructor(listener: MovieListener, maxDataBytes = 64 * 1024 * 1024) {
    this.#listener = listener
    this.#maxDataBytes = maxDataBytes
  }

  /** Reads on. Throws `corrupt` where a box is damaged or too large, or a sample lies outside its `mdat`. */
  push(bytes: Uint8Array): void {
    let offset = 0
    while (offset < bytes.length) {
      offset = this.#boxSize === 0 ? this.#readHead(bytes, offset) : this.#readBody(bytes, offset)
      if (this.#boxSize > 0 && this.#boxLength === this.#boxSize) this.#endBox()
    }
  }

  #readHead(bytes: Uint8Array, offset: number): number {
    const wanted = this.#isLongHead() ? 16 : 8
    const size = Math.min(wanted - this.#headLength, bytes.length - offset)
    this.#head.set(bytes.subarray(offset, offset + size), this.#headLength)
    this.#headLength += size
    if (this.#headLength === (this.#isLongHead() ? 16 : 8)) this.#beginBox()
    return offset + size
  }

  /** True where the size is in 64 bits, after the type (§4.2). */
  #isLongHead(): boolean {
    return this.#headLength >= 8 && readU32(this.#head, 0) === 1
  }

  #beginBox(): void {
    const size = this.#isLongHead() ? readU64(this.#head, 8) : readU32(this.#head, 0)
    this.#boxType = readFourcc(this.#head, 4)
    const name = JSON.stringify(this.#boxType)
    if (size < this.#headLength) throw new Failure('corrupt', `read movie: box ${name} of ${size} bytes`)
    this.#boxStart = this.#nextStart
    this.#nextStart += size
    this.#boxSize = size
    this.#boxLength = this.#headLength
    const isHead = this.#boxType === 'moov' || this.#boxType === 'moof'
    if (!isHead && !(this.#boxType === 'mdat' && this.#fragments)) return
    const max = isHead ? maxHeadBytes : this.#maxDataBytes
    if (size > max) throw new Failure('corrupt', `read movie: box ${name} of ${size} bytes, more than ${max}`)
    this.#box = new Uint8Array(size)
    this.#box.set(this.#head.subarray(0, this.#headLength))
  }

  #readBody(bytes: Uint8Array, offset: number): number {
    const size = Math.min(this.#boxSize - this.#boxLength, bytes.length - offset)
    this.#box?.set(bytes.subarray(offset, offset + size), this.#boxLength)
    this.#boxLength += size
    return offset + size
  }

  #endBox(): void {
    const box = this.#box
    this.#box = undefined
    this.#boxSize = 0
    this.#headLength = 0
    if (!box) return
    if (this.#boxType === 'moov') {
      const tracks = parseMoov(box)
      this.#tracks = new Map(tracks.map((track) => [track.id, track]))
      this.#listener.onInit(tracks)
    } else if (this.#boxType === 'moof') {
      this.#fragments = parseMoof(box, this.#boxStart, (trackId) => this.#tracks.get(trackId)?.defaults)
    } else {
      const fragments = this.#fragments ?? []
      this.#fragments = undefined
      for (const fragment of fragments) this.#emit(fragment, box)
    }
  }

  #emit({ trackId, hasDecodeTime, samples }: TrackFragment, mdat: Uint8Array): void {
    const baseTicks = hasDecodeTime ? 0 : (this.#endTicks.get(trackId) ?? 0)
    for (const { dtsTicks, ctsTicks, durationTicks, isKey, offset, sizeBytes } of samples) {
      const start = offset - this.#boxStart
      if (start < 8 || start + sizeBytes > mdat.length) {
        throw new Failure('corrupt', `read movie: sample of ${sizeBytes} bytes at byte ${offset} is not in its mdat`)
      }
      const dts = baseTicks + dtsTicks
      this.#endTicks.set(trackId, dts + durationTicks)
      const data = mdat.subarray(start, start + sizeBytes)
      this.#listener.onSample({ trackId, dtsTicks: dts, ctsTicks, durationTicks, isKey, data })
    }
  }
}

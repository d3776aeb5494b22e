// What tests of progressive movies share: how they are built, read back and counted.
import {
  type MovieSegment,
  ProgressiveBuilder,
  type ProgressiveMovie,
  type ProgressiveOptions,
  readMovie,
} from '../../../../server/media/mp4/progressive.ts'
import type { SegmentTrack } from '../../../../server/media/mp4/progressive-track.ts'
import type { TrackConfig } from '../../../../server/media/track.ts'
import type { ClipFile } from './clip.ts'
import type { FlatSample, FlatTrack } from './flat-movie.ts'

/** A movie of files, each with its start on the movie's clock in seconds, or undefined where it follows at once. */
export function build(
  options: ProgressiveOptions,
  ...parts: [ClipFile, startSec: number | undefined][]
): ProgressiveMovie {
  const builder = new ProgressiveBuilder(options)
  for (const [source, [file, startSec]] of parts.entries()) {
    const startUs = startSec === undefined ? undefined : Math.round(startSec * 1e6)
    builder.add({ source, startUs, tracks: file.tracks })
  }
  return builder.finish()
}

/** The bytes `[start, end)` of a movie, its slices read from the files. */
export function bytesOf(movie: ProgressiveMovie, files: ClipFile[], start = 0, end = movie.sizeBytes): Buffer {
  const parts: Uint8Array[] = []
  for (const part of readMovie(movie, start, end)) {
    if (part instanceof Uint8Array) parts.push(part)
    else parts.push(files[part.source]!.bytes.subarray(part.offset, part.offset + part.sizeBytes))
  }
  return Buffer.concat(parts)
}

/** When each sample is shown, in seconds of the movie. */
export function shownSamples(track: FlatTrack | undefined): (FlatSample & { sec: number })[] {
  if (!track) return []
  const waitTicks = track.edits.length > 1 ? track.edits[0]!.durationTicks : 0
  const { mediaTimeTicks } = track.edits.at(-1)!
  return track.samples.map((sample) => ({
    ...sample,
    sec: waitTicks / 90_000 + (sample.dtsTicks + sample.ctsTicks - mediaTimeTicks) / track.timescale,
  }))
}

export function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** An hour of samples that all are alike, in fragments of ten. */
export function hourOf(
  config: TrackConfig,
  hour: number,
  { fps, bytes }: { fps: number; bytes: number },
): MovieSegment {
  const count = 3600 * fps
  const ticks = config.timescale / fps
  const perChunk = 10
  const chunks = count / perChunk
  const track: SegmentTrack = {
    trackId: 1,
    config,
    startOffsetTicks: 0,
    sizes: new Uint32Array(count).fill(bytes),
    durations: new Uint32Array(count).fill(ticks),
    offsets: undefined,
    keys: config.codec === 'h264' ? Uint32Array.from({ length: count / 50 }, (_, i) => i * 50) : undefined,
    chunks: {
      offsets: Float64Array.from({ length: chunks }, (_, i) => i * 1_000_000_000),
      counts: new Uint32Array(chunks).fill(perChunk),
      ticks: Float64Array.from({ length: chunks }, (_, i) => i * perChunk * ticks),
    },
  }
  return { source: hour, startUs: hour * 3600e6, tracks: [track] }
}

export function u64(value: number): number[] {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return [...bytes]
}

/** The versions of the boxes that hold durations. */
export function versions(header: Buffer): Record<string, number> {
  return Object.fromEntries(['mvhd', 'mdhd', 'tkhd', 'elst'].map((type) => [type, header[header.indexOf(type) + 4]!]))
}

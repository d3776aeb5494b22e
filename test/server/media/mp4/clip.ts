/** Samples of real clips, and files and tables of them as the recorder would have them. */
import { fragment } from '../../../../server/media/mp4/fragment.ts'
import { FragmentedMovieParser, type MovieSample } from '../../../../server/media/mp4/fragmented-movie-parser.ts'
import { initSegment } from '../../../../server/media/mp4/movie.ts'
import type { SegmentTrack } from '../../../../server/media/mp4/progressive-track.ts'
import type { TrackConfig } from '../../../../server/media/track.ts'
import { ffmpeg } from '../ffmpeg.ts'

export interface ClipTrack {
  id: number
  config: TrackConfig
  startOffsetTicks: number
  samples: Omit<MovieSample, 'trackId'>[]
}

/** The tracks of a fragmented movie. */
export function readClip(bytes: Uint8Array): ClipTrack[] {
  const tracks: ClipTrack[] = []
  const parser = new FragmentedMovieParser({
    onInit(found) {
      for (const { id, config } of found) tracks.push({ id, config: config!, startOffsetTicks: 0, samples: [] })
    },
    onSample({ trackId, ...sample }) {
      tracks.find((track) => track.id === trackId)!.samples.push(sample)
    },
  })
  parser.push(bytes)
  for (const track of tracks) track.startOffsetTicks = track.samples[0]?.ctsTicks ?? 0
  return tracks
}

/** Four seconds of picture at 25 frames a second with GOPs of a second, from ffmpeg. */
export function pictureTrack(id: number, ...codec: string[]): ClipTrack {
  const bytes = ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=4', '-pix_fmt', 'yuv420p', ...codec, '-g', '25'],
    ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof', '-video_track_timescale', '90000', '-f', 'mp4', '-'],
  )
  return { ...readClip(bytes)[0]!, id }
}

export const x264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '0', '-sc_threshold', '0']
export const x264WithBFrames = ['-c:v', 'libx264', '-bf', '2', '-b_strategy', '0', '-sc_threshold', '0']
export const x265 = ['-c:v', 'libx265', '-preset', 'veryfast', '-x265-params', 'log-level=error:bframes=0:scenecut=0']

/** A tone of AAC as long. */
export function aacTrack(id: number): ClipTrack {
  const bytes = ffmpeg(
    ...['-f', 'lavfi', '-i', 'sine=sample_rate=16000:duration=4', '-c:a', 'aac'],
    ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof', '-f', 'mp4', '-'],
  )
  return { ...readClip(bytes)[0]!, id }
}

/** A tone of G.711 as long, in packets of 20 ms; its bytes too. */
export function g711Track(id: number, codec: 'pcmu' | 'pcma'): ClipTrack {
  const bytes = ffmpeg(
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=8000:duration=4'],
    ...['-f', codec === 'pcmu' ? 'mulaw' : 'alaw', '-'],
  )
  const samples = Array.from({ length: bytes.length / 160 }, (_, i) => ({
    dtsTicks: i * 160,
    ctsTicks: 0,
    durationTicks: 160,
    isKey: true,
    data: bytes.subarray(i * 160, (i + 1) * 160),
  }))
  return {
    id,
    config: { kind: 'audio', codec, timescale: 8000, sampleRateHz: 8000, channels: 1 },
    startOffsetTicks: 0,
    samples,
  }
}

/** A document of metadata each second. */
export function metadataTrack(id: number): ClipTrack {
  const samples = Array.from({ length: 4 }, (_, i) => ({
    dtsTicks: i * 90_000,
    ctsTicks: 0,
    durationTicks: 90_000,
    isKey: true,
    data: new TextEncoder().encode(`<tt:MetadataStream n="${i}"/>`),
  }))
  return {
    id,
    config: { kind: 'metadata', codec: 'onvif-metadata', timescale: 90_000 },
    startOffsetTicks: 0,
    samples,
  }
}

/** One file as the recorder writes it, `ftyp moov { moof mdat }`, and where its samples lie. */
export interface ClipFile {
  bytes: Uint8Array
  tracks: SegmentTrack[]
}

/** Writes tracks into one file, in fragments of about half a second. */
export function writeFile(tracks: ClipTrack[], fragmentSec = 0.5): ClipFile {
  const parts: Uint8Array[] = [initSegment({ tracks })]
  let size = parts[0]!.length
  const chunks = tracks.map(() => ({ offsets: [] as number[], counts: [] as number[], ticks: [] as number[] }))
  const lengthSec = Math.max(...tracks.map(({ config, samples }) => (samples.at(-1)?.dtsTicks ?? 0) / config.timescale))
  for (let number = 0; number * fragmentSec <= lengthSec; number++) {
    const within = tracks.map(({ config, samples }) =>
      samples.filter(({ dtsTicks }) => Math.floor(dtsTicks / config.timescale / fragmentSec) === number),
    )
    const present = tracks.flatMap(({ id }, i) =>
      within[i]!.length === 0 ? [] : [{ trackId: id, decodeTicks: within[i]![0]!.dtsTicks, samples: within[i]! }],
    )
    if (present.length === 0) continue
    const bytes = fragment(number + 1, present)
    const dataBytes = within.flat().reduce((sum, { data }) => sum + data.length, 0)
    let at = size + bytes.length - dataBytes
    for (const [i, samples] of within.entries()) {
      chunks[i]!.offsets.push(at)
      chunks[i]!.counts.push(samples.length)
      chunks[i]!.ticks.push(samples[0]?.dtsTicks ?? -1)
      for (const { data } of samples) at += data.length
    }
    parts.push(bytes)
    size += bytes.length
  }
  const segmentTracks = tracks.map(({ id, config, startOffsetTicks, samples }, i): SegmentTrack => {
    const keys = samples.flatMap(({ isKey }, index) => (isKey ? [index] : []))
    return {
      trackId: id,
      config,
      startOffsetTicks,
      sizes: Uint32Array.from(samples, ({ data }) => data.length),
      durations: Uint32Array.from(samples, ({ durationTicks }) => durationTicks),
      offsets: samples.some(({ ctsTicks }) => ctsTicks !== 0) ? Int32Array.from(samples, (s) => s.ctsTicks) : undefined,
      keys: keys.length === samples.length ? undefined : Uint32Array.from(keys),
      chunks: {
        offsets: Float64Array.from(chunks[i]!.offsets),
        counts: Uint32Array.from(chunks[i]!.counts),
        ticks: Float64Array.from(chunks[i]!.ticks),
      },
    }
  })
  return { bytes: Buffer.concat(parts), tracks: segmentTracks }
}

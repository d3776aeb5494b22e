// The samples since the last keyframe, read back from the segment that is being written: what starts a viewer at once,
// and costs nothing while nobody looks.
import { trackIds } from '../media/segment/segment-layout.ts'
import type { SegmentTable } from '../media/segment/segment-table.ts'
import type { TrackConfig } from '../media/track.ts'
import type { GopMemory } from '../stream/gop-memory.ts'
import type { Disk } from './disk.ts'

/** A group of pictures in the open segment; later fragments may follow it there. */
export interface WrittenGop {
  file: number
  table: SegmentTable
  fromFragment: number
  throughFragment: number
  /** Run ticks of the picture at the segment's start, and presentation time of the same, microseconds. */
  baseTicks: number
  baseUs: number
}

/** A sample that came before now. Times are the run's, in the track's ticks. */
export interface BurstSample {
  track: 'video' | 'audio' | 'metadata'
  isKey: boolean
  dtsTicks: number
  ctsTicks: number
  data: Uint8Array
}

/** A group of pictures larger than this is not read back: the viewer starts at the next keyframe. */
const maxBytes = 32 * 1024 * 1024

const nameOfTrack = { [trackIds.video]: 'video', [trackIds.audio]: 'audio', [trackIds.metadata]: 'metadata' } as const

/** Reads the samples of a group of pictures from the open segment, in the order they were written. */
export async function readBackGop(disk: Disk, gop: WrittenGop): Promise<BurstSample[]> {
  const { table, fromFragment, throughFragment: last, file, baseTicks, baseUs } = gop
  const from = table.fileOffsets.values[fromFragment]!
  const to = table.fileOffsets.values[last]! + table.headBytes.values[last]! + table.dataBytes.values[last]!
  if (to - from > maxBytes) return []
  const places: { track: (typeof table.tracks)[number]; sampleAt: number }[] = table.tracks.map((track) => {
    let sampleAt = 0
    for (let fragment = 0; fragment < fromFragment; fragment++) sampleAt += track.counts.values[fragment]!
    return { track, sampleAt }
  })
  const bytes = await disk.read(file, from, to - from)
  const samples: BurstSample[] = []
  for (let fragment = fromFragment; fragment <= last; fragment++) {
    let at = table.fileOffsets.values[fragment]! + table.headBytes.values[fragment]! - from
    for (const place of places) {
      const { track } = place
      const name = nameOfTrack[track.trackId as keyof typeof nameOfTrack]
      const isVideo = track.trackId === trackIds.video
      let ticks = track.tfdtTicks.values[fragment]!
      ticks += isVideo ? baseTicks : Math.round((baseUs * track.timescale) / 1e6)
      const count = track.counts.values[fragment]!
      for (let i = 0; i < count; i++) {
        const index = place.sampleAt + i
        const size = track.sizes.values[index]!
        if (at + size > bytes.length) return samples
        const isKey = !isVideo || (i === 0 && (table.flags.values[fragment]! & 1) !== 0)
        const ctsTicks = track.hasOffsets ? track.offsets.values[index]! : 0
        samples.push({ track: name, isKey, dtsTicks: ticks, ctsTicks, data: bytes.subarray(at, at + size) })
        ticks += track.durations.values[index]!
        at += size
      }
      place.sampleAt += count
    }
  }
  return samples
}

/** The same from memory, for a stream that is not recorded. */
export function gopFromMemory(memory: GopMemory): BurstSample[] {
  const samples: BurstSample[] = []
  for (const { fragment } of memory.fragments) {
    let at = 0
    for (const run of fragment.tracks) {
      const name = nameOfTrack[run.trackId as keyof typeof nameOfTrack]
      let ticks = run.tfdtTicks
      for (let i = 0; i < run.count; i++) {
        const data = fragment.bytes.subarray(at, at + run.sizes[i]!)
        const isKey = name !== 'video' || (i === 0 && fragment.isKey)
        samples.push({ track: name, isKey, dtsTicks: ticks, ctsTicks: run.offsets?.[i] ?? 0, data })
        ticks += run.durations[i]!
        at += data.length
      }
    }
  }
  return samples
}

/** Ticks a second of a track of the stream. */
export function timescaleOf(tracks: readonly TrackConfig[], kind: TrackConfig['kind']): number {
  return tracks.find((track) => track.kind === kind)?.timescale ?? 90_000
}

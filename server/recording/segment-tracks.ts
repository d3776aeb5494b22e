// What a segment's tracks are on disk, and where their time begins (FORMAT.md §2).
import { initSegment } from '../media/mp4/movie.ts'
import { trackIds } from '../media/segment/segment-layout.ts'
import { SegmentTable, TrackTable } from '../media/segment/segment-table.ts'
import type { TrackConfig } from '../media/track.ts'

/** `ftyp` and `moov` of a segment. `startOffsetTicks` is the picture's first composition offset. */
export function movieFor(tracks: readonly TrackConfig[], startOffsetTicks: number): Uint8Array {
  return initSegment({
    tracks: tracks.map((config) => ({
      id: trackIds[config.kind],
      config,
      ...(config.kind === 'video' ? { startOffsetTicks } : {}),
    })),
  })
}

/** An empty table. `hasOffsets`: the picture has composition offsets. */
export function tableFor(tracks: readonly TrackConfig[], hasOffsets: boolean): SegmentTable {
  return new SegmentTable(
    tracks.map((config) => {
      return new TrackTable(trackIds[config.kind], config.timescale, hasOffsets && config.kind === 'video')
    }),
  )
}

/** A track's times from the segment's start: the picture's by its decode times, the others' by presentation. */
export function rebased(
  run: { trackId: number; tfdtTicks: number },
  current: { tracks: readonly TrackConfig[]; baseTicks: number; baseUs: number },
): number {
  if (run.trackId === trackIds.video) return Math.max(0, run.tfdtTicks - current.baseTicks)
  const config = current.tracks.find((track) => trackIds[track.kind] === run.trackId)
  const baseTicks = Math.round((current.baseUs * (config?.timescale ?? 90_000)) / 1e6)
  return Math.max(0, run.tfdtTicks - baseTicks)
}

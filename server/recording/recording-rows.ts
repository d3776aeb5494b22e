// Columns of the index, and what they are outside it.
import type { Gap, GapCause, RecordingKind } from '../../shared/recording.ts'
import type { SegmentRow } from './recorder-protocol.ts'

export interface SegmentColumns {
  space_id: string
  sequence: number
  segment_id: string
  camera_id: string
  stream: number
  kind: RecordingKind
  run_id: string
  run_index: number
  path: string
  start_us: number
  end_us: number
  size_bytes: number
  footer_offset: number
  footer_bytes: number
  video_samples: number
  audio_samples: number
  flags: number
  video_codec: string
  audio_codec: string
  width_px: number
  height_px: number
}

export interface RunColumns {
  camera_id: string
  stream: number
  kind: RecordingKind
  run_id: string
  first_index: number
  last_index: number
  start_us: number
  end_us: number
}

export interface GapColumns {
  camera_id: string
  stream: number
  start_us: number
  end_us: number | null
  cause: GapCause
  detail: string
}

export function rowFromSegment(segment: SegmentRow): SegmentColumns {
  return {
    space_id: segment.spaceId,
    sequence: segment.sequence,
    segment_id: segment.segmentId,
    camera_id: segment.cameraId,
    stream: segment.stream,
    kind: segment.kind,
    run_id: segment.runId,
    run_index: segment.runIndex,
    path: segment.path,
    start_us: segment.startUs,
    end_us: segment.endUs,
    size_bytes: segment.sizeBytes,
    footer_offset: segment.footerOffset,
    footer_bytes: segment.footerBytes,
    video_samples: segment.videoSamples,
    audio_samples: segment.audioSamples,
    flags: segment.flags,
    video_codec: segment.videoCodec,
    audio_codec: segment.audioCodec,
    width_px: segment.widthPx,
    height_px: segment.heightPx,
  }
}

export function segmentFromRow(row: SegmentColumns): SegmentRow {
  return {
    spaceId: row.space_id,
    sequence: row.sequence,
    segmentId: row.segment_id,
    cameraId: row.camera_id,
    stream: row.stream,
    kind: row.kind,
    runId: row.run_id,
    runIndex: row.run_index,
    path: row.path,
    startUs: row.start_us,
    endUs: row.end_us,
    sizeBytes: row.size_bytes,
    footerOffset: row.footer_offset,
    footerBytes: row.footer_bytes,
    videoSamples: row.video_samples,
    audioSamples: row.audio_samples,
    flags: row.flags,
    videoCodec: row.video_codec,
    audioCodec: row.audio_codec,
    widthPx: row.width_px,
    heightPx: row.height_px,
  }
}

/** Milliseconds of a gap: its start is rounded down and its end up, so that none vanishes. */
export function gapFromColumns(row: GapColumns): Gap {
  return {
    cameraId: row.camera_id,
    stream: row.stream,
    startMs: Math.floor(row.start_us / 1000),
    ...(row.end_us === null ? {} : { endMs: Math.ceil(row.end_us / 1000) }),
    cause: row.cause,
    detail: row.detail,
  }
}

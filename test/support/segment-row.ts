// Rows of the index for tests that need no file.
import type { SegmentRow } from '../../server/recording/recorder-protocol.ts'

/** A closed segment of 10 s, with what is given changed. */
export function segmentRow(change: Partial<SegmentRow>): SegmentRow {
  const sequence = change.sequence ?? 1
  const startUs = change.startUs ?? sequence * 10_000_000
  return {
    spaceId: 'space',
    sequence,
    segmentId: `segment-${sequence}`,
    cameraId: 'gate',
    stream: 1,
    kind: 'normal',
    runId: '0123456789abcdef',
    runIndex: sequence,
    path: `gate/1-normal/20261122/10/${sequence}.mp4`,
    startUs,
    endUs: startUs + 10_000_000,
    sizeBytes: 5_000_000,
    footerOffset: 4_900_000,
    footerBytes: 90_000,
    videoSamples: 250,
    audioSamples: 0,
    flags: 0,
    videoCodec: 'h264',
    audioCodec: '',
    widthPx: 1920,
    heightPx: 1080,
    ...change,
  }
}

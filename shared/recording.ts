// What was recorded: runs for the timeline, gaps with their cause, and what may be asked of footage.
import { z } from 'zod'
import { notRecordingReasons, streamFaults } from './stream.ts'
import { instantMs } from './time.ts'

export const recordingKinds = ['normal', 'event'] as const
export type RecordingKind = (typeof recordingKinds)[number]

/** The longest span a timeline is answered for, in milliseconds: 400 days. */
export const maxTimelineMs = 400 * 86_400_000

/** The longest span of one exported movie, in milliseconds: 24 h. */
export const maxClipMs = 86_400_000

/**
 * The unbroken stretches of one camera's stream, oldest first. Kept flat, for 32 cameras × 30 days go in one answer:
 * `spans` is `[start, end, start, end, …]` in milliseconds since `fromMs` of the timeline.
 */
export const timelineTrack = z.object({
  cameraId: z.string(),
  stream: z.int(),
  kind: z.enum(recordingKinds),
  spans: z.array(z.int()),
})
export type TimelineTrack = z.infer<typeof timelineTrack>

export const timeline = z.object({
  fromMs: instantMs,
  toMs: instantMs,
  /** The server's clock when it answered: how far the footage of an unended run reaches is known up to here. */
  nowMs: instantMs,
  tracks: z.array(timelineTrack),
})
export type Timeline = z.infer<typeof timeline>

/** Why a stretch that should have been recorded was not. */
export const gapCauses = [
  ...streamFaults,
  ...notRecordingReasons,
  'stopped',
  'power-cut-or-crash',
  'clock-step',
  'damaged',
  'unknown',
] as const
export type GapCause = (typeof gapCauses)[number]

/** A line of the gap ledger. `endMs` is left out while the gap lasts. */
export const gap = z.object({
  cameraId: z.string(),
  stream: z.int(),
  startMs: instantMs,
  endMs: instantMs.optional(),
  cause: z.enum(gapCauses),
  detail: z.string(),
})
export type Gap = z.infer<typeof gap>

/** How the sound of an exported movie is made. */
export const clipSounds = ['as-recorded', 'aac', 'none'] as const
export type ClipSound = (typeof clipSounds)[number]

/** How a playback's picture is made: as recorded, or decoded and made anew for a browser that cannot play it. */
export const pictureForms = ['as-recorded', 'h264', 'jpeg'] as const
export type PictureForm = (typeof pictureForms)[number]

/** From when to when there is footage of a camera, over all its streams; both absent where there is none. */
export const footageBounds = z.object({ startMs: instantMs.optional(), endMs: instantMs.optional() })
export type FootageBounds = z.infer<typeof footageBounds>

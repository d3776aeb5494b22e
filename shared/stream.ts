// A stream: one encoding of a channel, and what can be said of its health.
import { z } from 'zod'
import { instantMs } from './time.ts'

/** Which of a channel's encodings: Stream1 is the main one, as the user guide numbers them. */
export const streamNumber = z.int().min(1).max(3)

/**
 * Why a stream is not live. Each names the step that failed, so that a person knows what to mend.
 *
 * `udp-only` is a camera that offers no TCP transport; `no-keyframe`, one that sends but never a frame where decoding
 * can begin; `silent`, one that answered PLAY and sent nothing, or stopped sending.
 */
export const streamFaults = [
  'name-resolution',
  'connection',
  'tls',
  'login',
  'path',
  'protocol',
  'udp-only',
  'no-tracks',
  'codec',
  'no-keyframe',
  'silent',
  'closed-by-camera',
  'source-failed',
] as const
export type StreamFault = (typeof streamFaults)[number]

export const streamStates = ['off', 'connecting', 'live', 'lost'] as const
export type StreamState = (typeof streamStates)[number]

/** Why a stream that should be recorded is not. */
export const notRecordingReasons = [
  'camera-lost',
  'no-space-set',
  'space-error',
  'space-full',
  'disk-stalled',
  'recorder-down',
] as const
export type NotRecordingReason = (typeof notRecordingReasons)[number]

/** The state of one stream at an instant, as pushed once a second while someone looks and on every change. */
export const streamHealth = z.object({
  cameraId: z.string(),
  stream: streamNumber,
  state: z.enum(streamStates),
  /** Since when it has been in that state. */
  sinceMs: instantMs,
  fault: z.enum(streamFaults).optional(),
  /** What exactly was found, for people: `rtsp://10.0.0.5/ch1: 401 Unauthorized (Digest)`. Never a secret. */
  faultDetail: z.string().optional(),
  /** When the next try is made, while lost. */
  retryMs: instantMs.optional(),
  videoCodec: z.enum(['h264', 'h265', 'mjpeg']).optional(),
  audioCodec: z.enum(['aac', 'pcmu', 'pcma']).optional(),
  widthPx: z.int().optional(),
  heightPx: z.int().optional(),
  /** Frames a second and kilobits a second over the last few seconds. */
  fps: z.number().optional(),
  bitrateKbps: z.number().optional(),
  /** Seconds from a keyframe to the next, last seen. */
  gopSec: z.number().optional(),
  lastKeyframeMs: instantMs.optional(),
  /** Packets the camera numbered and we never saw, and frames given up for damage, since the run began. */
  lostPackets: z.int(),
  droppedFrames: z.int(),
  /** The camera's clock less the server's, in milliseconds, by its RTCP sender reports. */
  clockOffsetMs: z.number().optional(),
  /** How far behind the newest frame the disk is, in seconds of footage held in memory. */
  spillSec: z.number().optional(),
  isRecordWanted: z.boolean(),
  isRecording: z.boolean(),
  notRecordingReason: z.enum(notRecordingReasons).optional(),
  viewers: z.int(),
})

export type StreamHealth = z.infer<typeof streamHealth>

/** One point of a stream's 24 h graph: a minute's means, and what was lost in it. */
export const healthPoint = z.object({
  atMs: instantMs,
  fps: z.number(),
  bitrateKbps: z.number(),
  lostPackets: z.int(),
  droppedFrames: z.int(),
  /** Seconds of this minute in which the stream was live. */
  liveSec: z.number(),
})
export type HealthPoint = z.infer<typeof healthPoint>

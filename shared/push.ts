// Every message the server may push, as one discriminated union.
import { z } from 'zod'
import { camera } from './camera.ts'
import { logEntry } from './log.ts'
import { gap } from './recording.ts'
import { space } from './space.ts'
import { streamHealth } from './stream.ts'
import { instantMs } from './time.ts'

/** A channel that should record and does not: what the red banner says. */
export const alarm = z.object({
  cameraId: z.string(),
  cameraName: z.string(),
  stream: z.int(),
  sinceMs: instantMs,
  reason: z.string(),
})
export type Alarm = z.infer<typeof alarm>

export const pushMessage = z.discriminatedUnion('type', [
  /** First message on every connection. */
  z.object({ type: z.literal('hello'), nowMs: instantMs, version: z.string() }),
  z.object({ type: z.literal('camera-changed'), camera }),
  z.object({ type: z.literal('camera-removed'), cameraId: z.string() }),
  z.object({ type: z.literal('health'), streams: z.array(streamHealth) }),
  z.object({ type: z.literal('space-changed'), space }),
  z.object({ type: z.literal('space-removed'), spaceId: z.string() }),
  /** All channels that should record and do not; empty when all is well. */
  z.object({ type: z.literal('alarms'), alarms: z.array(alarm) }),
  /** Footage of a camera grew, or some of it went: what a timeline holds of it is out of date. */
  z.object({ type: z.literal('recording-changed'), cameraIds: z.array(z.string()) }),
  z.object({ type: z.literal('gap'), gap }),
  z.object({ type: z.literal('logged'), entry: logEntry }),
  /** The session ended: logged out elsewhere, or expired. The connection closes after it. */
  z.object({ type: z.literal('session-ended') }),
])
export type PushMessage = z.infer<typeof pushMessage>

/** What a long poll brings where no WebSocket passes: the messages of a page's box since the last one it has. */
export const pushMail = z.object({
  /** The box, to be named at the next poll. Another than was asked for begins with `hello`, as a new connection does. */
  box: z.string(),
  /** Counts the box's messages: the newest of these, to be named as `after` at the next poll. */
  last: z.int(),
  messages: z.array(pushMessage),
})
export type PushMail = z.infer<typeof pushMail>

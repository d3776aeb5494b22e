// The durable log: what happened, who logged in, what was changed and what was deleted.
import { z } from 'zod'
import { instantMs } from './time.ts'

export const logKinds = ['system', 'connection', 'surveillance', 'setting', 'deletion'] as const
export type LogKind = (typeof logKinds)[number]

export const logLevels = ['info', 'warning', 'error'] as const

export const logEntry = z.object({
  id: z.int(),
  atMs: instantMs,
  kind: z.enum(logKinds),
  level: z.enum(logLevels),
  /** What happened, a stable name such as `camera-lost`, `login-failed`, `camera-updated`. */
  name: z.string(),
  /** The same for people. Never a secret. */
  message: z.string(),
  username: z.string().optional(),
  address: z.string().optional(),
  cameraId: z.string().optional(),
  /** Old and new value of a changed setting, secrets shown as `(secret)`. */
  detail: z.record(z.string(), z.unknown()).optional(),
})
export type LogEntry = z.infer<typeof logEntry>

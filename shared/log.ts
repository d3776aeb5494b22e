// The durable log: what happened, who logged in, what was changed and what was deleted.
import { z } from 'zod'
import { instantMs, instantMsParam } from './time.ts'

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

/** What of the log is asked for; newest first. All that is given must hold. */
export const logQuery = z.object({
  kind: z.enum(logKinds).optional(),
  level: z.enum(logLevels).optional(),
  fromMs: instantMsParam.optional(),
  toMs: instantMsParam.optional(),
  /** Found anywhere in the message, the user's name or the address; case does not matter. */
  text: z.string().trim().max(100).optional(),
  cameraId: z.string().max(36).optional(),
  /** Entries older than this one: the last `id` of the page before. */
  before: z
    .string()
    .regex(/^\d{1,15}$/, 'must be the id of an entry')
    .transform(Number)
    .optional(),
  /** 1–500 entries, 100 where not given. */
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number from 1 to 500')
    .transform(Number)
    .refine((value) => value >= 1 && value <= 500, 'must be a number from 1 to 500')
    .optional(),
})
export type LogQuery = z.infer<typeof logQuery>

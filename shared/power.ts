// Restarting and ending, the machine or this service alone.
import { z } from 'zod'

export const powerActions = ['restart-machine', 'shut-down-machine', 'restart-service', 'stop-service'] as const
export type PowerAction = (typeof powerActions)[number]

export const powerRequest = z.object({
  action: z.enum(powerActions),
  /** One's own, asked for again. */
  password: z.string().min(1, 'is required').max(128),
  /** Why, for the log. */
  reason: z.string().trim().max(200, 'must be 200 characters or fewer').default(''),
})

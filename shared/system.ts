// What the server says of itself.
import { z } from 'zod'
import { instantMs } from './time.ts'

export const systemStatus = z.object({
  version: z.string(),
  serverId: z.string(),
  startedMs: instantMs,
  nowMs: instantMs,
  database: z.enum(['sqlite', 'mysql']),
  recorder: z.object({
    isConnected: z.boolean(),
    pid: z.int().optional(),
    startedMs: instantMs.optional(),
    /** CPU-milliseconds a second and resident megabytes, over the last seconds. */
    cpuMsPerSec: z.number().optional(),
    rssMb: z.number().optional(),
  }),
  /** The 99th percentile of the server's event-loop delay, over the last minute. */
  loopDelayP99Ms: z.number(),
})
export type SystemStatus = z.infer<typeof systemStatus>

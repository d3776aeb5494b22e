// What the server says of itself.
import { z } from 'zod'
import { instantMs } from './time.ts'

export const systemStatus = z.object({
  version: z.string(),
  serverId: z.string(),
  startedMs: instantMs,
  nowMs: instantMs,
  /** The name people gave the server. */
  serverName: z.string(),
  /** What is printed on the machine, and its system with its version; absent where it does not tell. */
  model: z.string().optional(),
  system: z.string().optional(),
  hostKind: z.enum(['qts', 'linux']),
  /** The zone the server's time is shown in, by its IANA name. */
  timeZone: z.string(),
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

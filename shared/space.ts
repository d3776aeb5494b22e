// A recording space: where footage goes. Here one folder on one volume; the shape has room for more.
import { z } from 'zod'
import { instantMs } from './time.ts'

export const spaceStates = ['normal', 'idle', 'warning', 'error'] as const

/** Why a space takes no footage, or warns. */
export const spaceFaults = [
  'missing',
  'not-mounted',
  'marker-missing',
  'marker-foreign',
  'marker-unreadable',
  'owned-by-another-server',
  'read-only',
  'full',
  'write-failed',
  'stalled',
  'not-writable',
] as const
export type SpaceFault = (typeof spaceFaults)[number]

/** 1–30 characters: letters, digits, space, `-`, `_`, `.`. */
export const spaceName = z
  .string()
  .trim()
  .min(1, 'is required')
  .max(30, 'must be 30 characters or fewer')
  .regex(/^[\p{L}\p{N} _.-]+$/u, 'may hold letters, digits, space, - _ and . only')

export const minAllocatedBytes = 256 * 1024 * 1024

export const spaceDraft = z.object({
  name: spaceName,
  /** Absolute path of the volume on the server; the space makes its own folder in it. */
  volumePath: z
    .string()
    .trim()
    .min(1, 'is required')
    .max(1024)
    .regex(/^\//, 'must be an absolute path')
    .refine((path) => !path.split('/').includes('..'), 'must not hold ..'),
  allocatedBytes: z.int().min(minAllocatedBytes, 'must be at least 256 MiB'),
  /** Overwriting begins when this much of the allocated size is used. */
  overwriteThresholdPct: z.int().min(50).max(99).default(95),
})
export type SpaceDraft = z.infer<typeof spaceDraft>

export const spaceChange = z
  .object({
    name: spaceName,
    allocatedBytes: z.int().min(minAllocatedBytes, 'must be at least 256 MiB'),
    overwriteThresholdPct: z.int().min(50).max(99),
  })
  .partial()
export type SpaceChange = z.infer<typeof spaceChange>

export const space = z.object({
  id: z.string(),
  name: z.string(),
  volumePath: z.string(),
  /** The folder the space made, inside the volume. */
  folder: z.string(),
  allocatedBytes: z.int(),
  overwriteThresholdPct: z.int(),
  isDefault: z.boolean(),
  state: z.enum(spaceStates),
  fault: z.enum(spaceFaults).optional(),
  faultDetail: z.string().optional(),
  usedBytes: z.int(),
  /** What the file system still has for a process without privileges. */
  freeBytes: z.int(),
  /** Milliseconds that recent writes took, 95th percentile. */
  writeLatencyMs: z.number(),
  oldestMs: instantMs.optional(),
})
export type Space = z.infer<typeof space>

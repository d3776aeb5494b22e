// A volume of the machine, as a place for a recording space.
import { z } from 'zod'

export const volume = z.object({
  /** What a new space names it by. */
  mountPath: z.string(),
  label: z.string(),
  kind: z.enum(['internal', 'external', 'remote']),
  fileSystem: z.string(),
  /** Absent while it is locked or does not answer. */
  totalBytes: z.int().optional(),
  freeBytes: z.int().optional(),
  isReadOnly: z.boolean(),
  isEncrypted: z.boolean(),
  /** Encrypted, and nobody has given its key. */
  isLocked: z.boolean(),
  /** Such as `raid5`, where the machine tells. */
  raid: z.string().optional(),
  state: z.enum(['good', 'rebuilding', 'degraded', 'failed', 'unknown']),
  /** The machine's own words for the state. */
  stateDetail: z.string(),
  /** The recording space that stands on it. */
  spaceId: z.string().optional(),
})
export type VolumeView = z.infer<typeof volume>

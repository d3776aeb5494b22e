// Removing all that the server keeps: settings, accounts, index and footage.
import { z } from 'zod'

export const removalRequest = z.object({
  /** One's own, asked for again. */
  password: z.string().min(1, 'is required').max(128),
  /** The server's name, typed by whoever means it. */
  serverName: z.string().max(63, 'must be 63 characters or fewer'),
})

/** What became of a recording space's folder. */
export const removedSpace = z.object({
  name: z.string(),
  folder: z.string(),
  isRemoved: z.boolean(),
  /** Why it was left alone, where it was. */
  finding: z.string().optional(),
})
export type RemovedSpace = z.infer<typeof removedSpace>

/** Settings, accounts and index go once this is answered, and the service ends. */
export const removalReport = z.object({ spaces: z.array(removedSpace) })

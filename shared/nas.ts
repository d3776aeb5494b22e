// What a NAS shares with the server that runs on it: accounts, and the log-in at its own desktop.
import { z } from 'zod'
import { instantMs } from './time.ts'

/** What the last reading of the NAS's accounts came to. */
export const accountMirror = z.object({
  /** False where this server runs on no NAS: accounts are kept here, and the rest is absent. */
  isOn: z.boolean(),
  lastRunMs: instantMs.optional(),
  /** Accounts of the NAS that are known here. */
  accountCount: z.int().optional(),
  /** Names that were new, changed and gone at that reading. */
  created: z.array(z.string()),
  changed: z.array(z.string()),
  removed: z.array(z.string()),
  /** False where the NAS did not tell which accounts are disabled: it does while one of its administrators is logged in. */
  isStateKnown: z.boolean(),
  /** What is not the same here and there, and why. */
  differences: z.array(z.object({ username: z.string(), finding: z.string() })),
  /** Why the NAS could not be read; then the accounts are as they were. */
  error: z.string().optional(),
})
export type AccountMirror = z.infer<typeof accountMirror>

export const nasSignOn = z.object({
  /** Whether who is logged in at the NAS's desktop is logged in here too. */
  isOn: z.boolean(),
})
export type NasSignOn = z.infer<typeof nasSignOn>

/** `isAsked` where a person pressed a button for it; else it is the page's own wish, refused soon after a log-out. */
export const nasLogin = z.object({ isAsked: z.boolean().default(false) })

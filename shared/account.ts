// Who is logged in. One local administrator here; accounts proper build on these shapes.
import { z } from 'zod'

export const password = z.string().min(8, 'must be 8 characters or more').max(64, 'must be 64 characters or fewer')

export const loginRequest = z.object({
  username: z.string().min(1, 'is required').max(64),
  password: z.string().min(1, 'is required').max(128),
})

export const passwordChange = z.object({ current: z.string().max(128), next: password })

export const session = z.object({
  username: z.string(),
  /** Sent back in the header `x-csrf-token` with every request that changes something. */
  csrfToken: z.string(),
  /** True while the one-time password of the first start is still in use. */
  mustChangePassword: z.boolean(),
  lastLoginMs: z.int().optional(),
})
export type Session = z.infer<typeof session>

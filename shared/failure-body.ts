// The schema of a failure on the wire.
import { z } from 'zod'
import { failureKinds } from './failure.ts'

export const failureBody = z.object({
  kind: z.enum(failureKinds),
  message: z.string(),
  field: z.string().optional(),
})

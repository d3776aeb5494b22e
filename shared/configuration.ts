// What people have set up, as a text that can be read, kept and compared: no secrets, nothing that a server has measured.
import { z } from 'zod'
import { cameraDraft } from './camera.ts'
import { spaceDraft } from './space.ts'

export const configurationVersion = 1

const describedSpace = spaceDraft.extend({
  /** Cameras that name no space record to this one. */
  isDefault: z.boolean(),
})

const describedCamera = cameraDraft.omit({ password: true, spaceId: true }).extend({
  /** The channel's GUID, by which its footage is found. */
  id: z.string(),
  channel: z.int().min(1),
  /** A password is kept for it, and not told. */
  hasPassword: z.boolean(),
  /** The name of its recording space. */
  space: z.string(),
})

export const configuration = z.object({
  /** Version of this document's shape. */
  nightjarConfiguration: z.literal(configurationVersion),
  spaces: z.array(describedSpace),
  cameras: z.array(describedCamera),
})
export type Configuration = z.infer<typeof configuration>

// Turning a camera: what its head can do, at what speed it moves, and the positions it knows by name.
import { z } from 'zod'
import { ptzNameLength } from './ptz-limits.ts'

/** A share of the fastest the camera does: -1 to 1, 0 for none. */
const speed = z.number().min(-1, 'must be from -1 to 1').max(1, 'must be from -1 to 1').default(0)

export const ptzSpeeds = z
  .object({
    /** Above 0 to the right. */
    pan: speed,
    /** Above 0 upwards. */
    tilt: speed,
    /** Above 0 closer. */
    zoom: speed,
  })
  .refine(({ pan, tilt, zoom }) => pan !== 0 || tilt !== 0 || zoom !== 0, {
    message: 'one of pan, tilt and zoom must not be 0: to end a move there is stop',
    path: ['pan'],
  })
export type PtzSpeeds = z.infer<typeof ptzSpeeds>

/** Why a camera cannot be turned. */
export const ptzLacks = ['disabled', 'no-onvif', 'no-ptz', 'unreachable'] as const

export const ptzAbilities = z.discriminatedUnion('hasPtz', [
  z.object({
    hasPtz: z.literal(true),
    canPan: z.boolean(),
    canTilt: z.boolean(),
    canZoom: z.boolean(),
    hasHome: z.boolean(),
    /** How many positions it can keep, 0 for none. */
    maxPresets: z.int().min(0),
  }),
  z.object({ hasPtz: z.literal(false), reason: z.enum(ptzLacks), detail: z.string() }),
])
export type PtzAbilities = z.infer<typeof ptzAbilities>

/** The camera's own name for a preset: ONVIF's `ReferenceToken`. */
export const ptzPresetToken = z.string().min(1).max(64, 'must be 64 characters or fewer')

/** 1–32 characters, no control characters. */
export const ptzPresetName = z
  .string()
  .trim()
  .min(1, 'is required')
  .max(ptzNameLength, `must be ${ptzNameLength} characters or fewer`)
  .regex(/^[^\p{Cc}]*$/u, 'must not hold control characters')

/** A position the camera keeps. Its name is the camera's, and may be empty. */
export const ptzPreset = z.object({ token: z.string(), name: z.string() })
export type PtzPreset = z.infer<typeof ptzPreset>

export const ptzPresetDraft = z.object({ name: ptzPresetName })

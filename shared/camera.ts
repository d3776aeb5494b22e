// A camera and the channel it is seen under. Here a channel has one camera and a camera one channel, so they share a row.
import { z } from 'zod'
import { sourceKindOf } from './source-kind.ts'
import { healthPoint, streamFaults, streamNumber } from './stream.ts'
import { instantMs } from './time.ts'

const addressMessage = 'must be an rtsp://, rtsps://, rtmp://, http://, https://, udp:// or file:// address'

/** Where a stream is fetched. Without a user name or password: those stand in fields of their own, and are sealed. */
export const streamUrl = z
  .string()
  .trim()
  .min(1, 'is required')
  .max(2048)
  .refine((url) => sourceKindOf(url) !== undefined, addressMessage)
  .refine((url) => URL.canParse(url), 'is not a valid address')
  .refine((url) => {
    const parsed = URL.canParse(url) ? new URL(url) : undefined
    return parsed === undefined || (parsed.username === '' && parsed.password === '')
  }, 'must not hold a user name or password: use the fields for them')

export const streamSettings = z.object({
  stream: streamNumber,
  url: streamUrl,
  /** Whether this stream is recorded around the clock. */
  isRecorded: z.boolean().default(true),
  /** Whether its sound is recorded and heard. */
  hasAudio: z.boolean().default(true),
})
export type StreamSettings = z.infer<typeof streamSettings>

/** 1–50 characters, no control characters. */
export const cameraName = z
  .string()
  .trim()
  .min(1, 'is required')
  .max(50, 'must be 50 characters or fewer')
  .regex(/^[^\p{Cc}]*$/u, 'must not hold control characters')

const streams = z
  .array(streamSettings)
  .min(1, 'at least one stream is required')
  .max(3, 'at most three streams')
  .refine((list) => new Set(list.map((s) => s.stream)).size === list.length, 'two streams have the same number')

/** What a person gives to add a camera. */
export const cameraDraft = z.object({
  name: cameraName,
  brand: z.string().trim().max(64).default(''),
  model: z.string().trim().max(64).default(''),
  /** The camera's ONVIF service, where it has one; used to turn it, for keyframe requests and device information. */
  onvifHost: z.string().trim().max(253).default(''),
  onvifPort: z.int().min(1).max(65_535).default(80),
  username: z.string().max(64).default(''),
  /** Write-only: sealed at rest and never returned. */
  password: z.string().max(128).default(''),
  streams,
  isEnabled: z.boolean().default(true),
  /** The recording space its footage goes to; the default space where not given. */
  spaceId: z.string().optional(),
})
export type CameraDraft = z.infer<typeof cameraDraft>

/** A change to a camera: what is left out stays as it is. `password: ''` removes the password. */
export const cameraChange = z
  .object({
    name: cameraName,
    brand: z.string().trim().max(64),
    model: z.string().trim().max(64),
    onvifHost: z.string().trim().max(253),
    onvifPort: z.int().min(1).max(65_535),
    username: z.string().max(64),
    password: z.string().max(128),
    streams,
    isEnabled: z.boolean(),
    spaceId: z.string(),
  })
  .partial()
export type CameraChange = z.infer<typeof cameraChange>

export const camera = z.object({
  /** The channel's GUID: lower-case UUID. Names its folder in every recording space. */
  id: z.string(),
  /** The channel's number, from 1, as users see it. */
  channel: z.int().min(1),
  name: cameraName,
  brand: z.string(),
  model: z.string(),
  onvifHost: z.string(),
  onvifPort: z.int(),
  username: z.string(),
  hasPassword: z.boolean(),
  streams: z.array(streamSettings),
  isEnabled: z.boolean(),
  spaceId: z.string(),
  /** True for a channel that was found in a recording space and is not known here: its footage can be seen, no more. */
  isRecovered: z.boolean(),
  createdMs: instantMs,
})
export type Camera = z.infer<typeof camera>

/** What to try: an address as it would be saved. `cameraId` lets a test use that camera's saved password. */
export const connectionTestRequest = z.object({
  url: streamUrl,
  username: z.string().max(64).default(''),
  password: z.string().max(128).optional(),
  cameraId: z.string().optional(),
})
export type ConnectionTestRequest = z.infer<typeof connectionTestRequest>

/** What a test of one address found. A camera that does not answer is a finding, not a failure. */
export const connectionTest = z.discriminatedUnion('isReachable', [
  z.object({
    isReachable: z.literal(true),
    videoCodec: z.string().optional(),
    audioCodec: z.string().optional(),
    widthPx: z.int().optional(),
    heightPx: z.int().optional(),
    fps: z.number().optional(),
    /** From connecting to the first keyframe, in milliseconds. */
    firstKeyframeMs: z.int(),
    /** What will not work although the picture does: `sound codec G.726 is not supported`. */
    warnings: z.array(z.string()),
    /** The first picture, where one could be made: `data:image/jpeg;base64,…`. */
    picture: z.string().optional(),
  }),
  z.object({
    isReachable: z.literal(false),
    fault: z.enum(streamFaults),
    detail: z.string(),
  }),
])
export type ConnectionTest = z.infer<typeof connectionTest>

export const onvifProbeRequest = z.object({
  host: z.string().trim().min(1, 'is required').max(253),
  port: z.int().min(1).max(65_535).default(80),
  username: z.string().max(64).default(''),
  password: z.string().max(128).default(''),
})
export type OnvifProbeRequest = z.infer<typeof onvifProbeRequest>

/** What an ONVIF device says of itself. */
export const onvifProbe = z.discriminatedUnion('isReachable', [
  z.object({
    isReachable: z.literal(true),
    brand: z.string(),
    model: z.string(),
    firmware: z.string(),
    serial: z.string(),
    profiles: z.array(
      z.object({
        token: z.string(),
        name: z.string(),
        videoCodec: z.string().optional(),
        widthPx: z.int().optional(),
        heightPx: z.int().optional(),
        fps: z.number().optional(),
        streamUrl: z.string().optional(),
        snapshotUrl: z.string().optional(),
      }),
    ),
  }),
  z.object({
    isReachable: z.literal(false),
    fault: z.enum(['name-resolution', 'connection', 'login', 'protocol']),
    detail: z.string(),
  }),
])
export type OnvifProbe = z.infer<typeof onvifProbe>

/** What becomes of a removed camera's footage: kept under a read-only channel, or removed with it. */
export const footageChoice = z.enum(['keep', 'remove'])

/** The 24 h graph of one of a camera's streams: a point a minute, oldest first, none while nothing was known. */
export const healthHistory = z.object({
  history: z.array(z.object({ stream: streamNumber, points: z.array(healthPoint) })),
})
export type HealthHistory = z.infer<typeof healthHistory>

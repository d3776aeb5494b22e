// The live WebSocket: one socket carries every tile. Text frames are JSON; binary frames carry pictures and sound. Where no
// WebSocket passes, one HTTP answer a viewer carries the same frames (RFC 6455 §5.2, unmasked), and requests are posted.
import { z } from 'zod'

/** What a viewer asks for. `auto` lets the server choose by tile size and by what the browser plays. */
export const liveWants = ['auto', 'main', 'sub', 'h264', 'jpeg'] as const
export type LiveWant = (typeof liveWants)[number]

/** What is being sent: a stream as it is, H.264 made by the decoder, or JPEG pictures. */
export const liveModes = ['main', 'sub', 'h264', 'jpeg'] as const
export type LiveMode = (typeof liveModes)[number]

/** A tile's number on its socket, chosen by the client. */
export const tileNumber = z.int().min(1).max(255)

/** Codec families a browser may play through Media Source Extensions. */
export const playableCodecs = ['h264', 'h265', 'aac'] as const

export const liveRequest = z.discriminatedUnion('type', [
  /** First message: what the browser can play. Asked of `MediaSource.isTypeSupported`. */
  z.object({ type: z.literal('hello'), canPlay: z.array(z.enum(playableCodecs)) }),
  /** Shows a camera on a tile, or changes how. `widthPx` is the tile's width in device pixels. */
  z.object({
    type: z.literal('open'),
    tile: tileNumber,
    cameraId: z.string(),
    want: z.enum(liveWants),
    widthPx: z.int().min(1).max(16_384),
    hasSound: z.boolean(),
  }),
  z.object({ type: z.literal('close'), tile: tileNumber }),
  /** How far tiles have received, sent once a second for all that got something: the `sequence` of the newest picture. */
  z.object({
    type: z.literal('received'),
    newest: z
      .array(z.object({ tile: tileNumber, sequence: z.int().min(0) }))
      .min(1)
      .max(255),
  }),
])
export type LiveRequest = z.infer<typeof liveRequest>

/** Requests posted for a live stream, taken in their order; none says only that the viewer is still there. */
export const liveRequests = z.object({ requests: z.array(liveRequest).max(256) })

/** A viewer says at least this often, in milliseconds, that it is there, and is taken for gone after three times so long. */
export const liveSignMs = 20_000

export const liveNotice = z.discriminatedUnion('type', [
  /** A tile now shows this. `mimeType` is for `addSourceBuffer`; absent in mode `jpeg`. Binary frames follow. */
  z.object({
    type: z.literal('tile'),
    tile: tileNumber,
    cameraId: z.string(),
    stream: z.int(),
    mode: z.enum(liveModes),
    mimeType: z.string().optional(),
    widthPx: z.int().optional(),
    heightPx: z.int().optional(),
    sound: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('none') }),
      z.object({ kind: z.literal('aac'), mimeType: z.string() }),
      z.object({ kind: z.literal('g711'), law: z.enum(['mu', 'a']), sampleRateHz: z.int(), channels: z.int() }),
    ]),
    /** Why not what was wanted: `H.265 cannot be played by this browser`. */
    note: z.string().optional(),
  }),
  /** A tile has no picture now, and why. It stays open: a `tile` notice follows when there is one. */
  z.object({ type: z.literal('no-picture'), tile: tileNumber, reason: z.string(), sinceMs: z.int() }),
  /** Whole GOPs were left out for this viewer, who was more than a second behind. */
  z.object({ type: z.literal('dropped'), tile: tileNumber, frames: z.int() }),
  /** The tile cannot be shown at all: no such camera, or not allowed. */
  z.object({ type: z.literal('refused'), tile: tileNumber, reason: z.string() }),
])
export type LiveNotice = z.infer<typeof liveNotice>

/** What a binary frame carries, in its second byte. */
export const liveFrameKinds = { init: 1, video: 2, jpeg: 3, soundInit: 4, aac: 5, g711: 6 } as const

/** Bytes before a binary frame's payload. */
export const liveHeaderBytes = 16

/**
 * A binary frame's head, big-endian: tile (u8), kind (u8), flags (u8: 1 = keyframe), 0 (u8), sequence (u32, per tile,
 * counts pictures), UTC microseconds of the frame (f64).
 */
export interface LiveFrameHead {
  tile: number
  kind: number
  isKey: boolean
  sequence: number
  utcUs: number
}

export function writeLiveHead(view: DataView, offset: number, head: LiveFrameHead): void {
  view.setUint8(offset, head.tile)
  view.setUint8(offset + 1, head.kind)
  view.setUint8(offset + 2, head.isKey ? 1 : 0)
  view.setUint8(offset + 3, 0)
  view.setUint32(offset + 4, head.sequence >>> 0)
  view.setFloat64(offset + 8, head.utcUs)
}

export function readLiveHead(view: DataView): LiveFrameHead {
  return {
    tile: view.getUint8(0),
    kind: view.getUint8(1),
    isKey: (view.getUint8(2) & 1) === 1,
    sequence: view.getUint32(4),
    utcUs: view.getFloat64(8),
  }
}

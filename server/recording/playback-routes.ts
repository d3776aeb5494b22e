// Pictures out over HTTP: footage for the player, single pictures, sound, and movies to keep.
import type { Response } from 'express'
import { z } from 'zod'
import { Failure } from '../../shared/failure.ts'
import { clipSounds, maxClipMs, pictureForms } from '../../shared/recording.ts'
import { streamNumber } from '../../shared/stream.ts'
import { instantMsParam } from '../../shared/time.ts'
import type { Clock } from '../base/clock.ts'
import { parseByteRange } from '../http/byte-range.ts'
import { mediaRoute, type Route } from '../http/router.ts'
import type { Decoder } from '../stream/decoder.ts'
import type { H264Transcoder } from '../stream/h264-transcoder.ts'
import type { Snapshots } from '../stream/snapshot.ts'
import { type ClipWish, type FrozenEnd, frozenEndOf } from './clip.ts'
import { sendClip } from './clip-sender.ts'
import type { ClipShelf } from './clip-shelf.ts'
import type { FootageFiles } from './footage-file.ts'
import { readFrame } from './frame.ts'
import { longestSoundUs, readPcmSound } from './pcm-sound.ts'
import { type PlaybackPiece, planPlayback } from './playback.ts'
import { sendConverted, sendPiece } from './playback-sender.ts'
import type { FootageReader } from './segment-reader.ts'

export interface PictureRoutesOptions {
  reader: FootageReader
  files: FootageFiles
  decoder: Decoder
  transcoder: H264Transcoder
  snapshots: Snapshots
  clips: ClipShelf
  clock: Clock
  /** A camera's name, for the names of files; undefined where it is not known any more. */
  cameraName: (cameraId: string) => Promise<string | undefined>
}

const cameraParams = z.object({ cameraId: z.string().max(36) })
const streamParams = cameraParams.extend({ stream: z.string().transform(Number).pipe(streamNumber) })

const flag = z
  .enum(['0', '1'])
  .default('0')
  .transform((value) => value === '1')

const widthPx = z
  .string()
  .regex(/^\d{1,4}$/, 'must be a number of pixels')
  .transform(Number)
  .pipe(z.int().min(16).max(7680))
  .default(3840)

const frozenEnd = z
  .string()
  .regex(/^[0-9a-f-]{36}\.\d{1,7}$/, 'must be as the server gave it')
  .transform((text): FrozenEnd => {
    const [segmentId, fragments] = text.split('.') as [string, string]
    return { segmentId, fragments: Number(fragments) }
  })
  .optional()

/** All routes that give pictures. The live WebSocket stands apart, in stream/live-socket.ts. */
export function pictureRoutes(options: PictureRoutesOptions): Route[] {
  const { reader, decoder, snapshots, clock } = options
  return [
    mediaRoute(
      {
        method: 'get',
        path: 'api/cameras/:cameraId/streams/:stream/fragments',
        params: streamParams,
        query: z.object({
          fromMs: instantMsParam,
          toMs: instantMsParam,
          /** The instant of media time 0; at least a minute before `fromMs`, since media time is never negative. */
          epochMs: instantMsParam,
          keys: flag,
          sound: flag,
          form: z.enum(pictureForms).default('as-recorded'),
        }),
        answer: { contentTypes: ['video/mp4'] },
        privilege: 'playback.view',
        summary: 'Footage of a span for Media Source Extensions: an init segment and fragments on one clock.',
        description:
          'Begins with the last keyframe at or before `fromMs`. `X-Mime-Type` names the tracks a browser plays, ' +
          '`X-Next-Ms` is where to ask next, `X-Form` tells whether it is as recorded or converted, `X-Epoch-Ms` the ' +
          'epoch used. 204 where the span holds nothing; with `Retry-After` where more is being recorded. With ' +
          '`keys=1` only keyframes, each lasting until the next. Fails `limit` where too much is converted already.',
      },
      async ({ params, query, response }) => {
        const { fromMs, toMs, epochMs, keys, sound, form } = query
        needSpan(fromMs, toMs)
        if (form === 'jpeg')
          throw new Failure('invalid', 'form: pictures come one by one from frame.jpg', { field: 'form' })
        const wish = {
          ...{ cameraId: params.cameraId, stream: params.stream, isKeysOnly: keys, hasSound: sound },
          ...{ fromUs: fromMs * 1000, toUs: toMs * 1000, epochUs: epochMs * 1000, nowUs: clock.utcUs() },
        }
        // A segment may be removed between the plan and its first byte: the next plan knows.
        for (let tries = 0; ; tries++) {
          const found = await planPlayback(reader, wish)
          response.setHeader('X-Next-Ms', Math.ceil(found.nextUs / 1000))
          if (found.isGrowing) response.setHeader('Retry-After', '1')
          if (!('init' in found) || found.videoCodec === undefined) {
            response.status(204).end()
            return
          }
          try {
            await sendFootage(options, found, form, wish, response)
            return
          } catch (error) {
            const isGone = error instanceof Failure && error.kind === 'not-found'
            if (!isGone || response.headersSent || tries > 0) throw error
          }
        }
      },
    ),
    mediaRoute(
      {
        method: 'get',
        path: 'api/cameras/:cameraId/streams/:stream/frame.jpg',
        params: streamParams,
        query: z.object({ atMs: instantMsParam, widthPx }),
        answer: { contentTypes: ['image/jpeg'] },
        privilege: 'playback.view',
        summary: 'The recorded picture that was shown at an instant. `X-Frame-Us` is when it was taken.',
        description: 'Fails `not-found` where nothing was recorded then or in the ten seconds before.',
      },
      async ({ params, query, response }) => {
        const frame = await readFrame(reader, decoder, params, query.atMs * 1000, query.widthPx)
        response.setHeader('X-Frame-Us', frame.utcUs)
        sendBytes(response, 'image/jpeg', frame.jpeg)
      },
    ),
    mediaRoute(
      {
        method: 'get',
        path: 'api/cameras/:cameraId/streams/:stream/sound',
        params: streamParams,
        query: z.object({ fromMs: instantMsParam, toMs: instantMsParam }),
        answer: { contentTypes: ['audio/wav'] },
        privilege: 'playback.view',
        summary: 'G.711 sound of a span as PCM, ten minutes at most. `X-Start-Us` is when it begins.',
        description: '204 where there is none; AAC comes with the fragments.',
      },
      async ({ params, query: { fromMs, toMs }, response }) => {
        needSpan(fromMs, toMs)
        if ((toMs - fromMs) * 1000 > longestSoundUs) {
          throw new Failure('invalid', 'toMs: must be within ten minutes of fromMs', { field: 'toMs' })
        }
        const sound = await readPcmSound(reader, params, fromMs * 1000, toMs * 1000)
        if (sound === undefined) {
          response.status(204).end()
          return
        }
        response.setHeader('X-Start-Us', sound.startUs)
        sendBytes(response, 'audio/wav', sound.wav)
      },
    ),
    mediaRoute(
      {
        method: 'get',
        path: 'api/cameras/:cameraId/live.jpg',
        params: cameraParams,
        query: z.object({ widthPx }),
        answer: { contentTypes: ['image/jpeg'] },
        privilege: 'live.view',
        summary: 'The newest picture of a camera, at most a second and a group of pictures old.',
        description: 'Fails `unreachable` where the camera has no picture now, and says why.',
      },
      async ({ params, query, response }) => {
        const snapshot = await snapshots.newest(params.cameraId, query.widthPx)
        response.setHeader('X-Frame-Us', snapshot.utcUs)
        response.setHeader('X-Stream', snapshot.stream)
        sendBytes(response, 'image/jpeg', snapshot.jpeg)
      },
    ),
    clipRoute(options),
  ]
}

async function sendFootage(
  { transcoder }: PictureRoutesOptions,
  piece: PlaybackPiece,
  form: 'as-recorded' | 'h264',
  wish: { isKeysOnly: boolean; hasSound: boolean },
  response: Response,
): Promise<void> {
  const setHeaders = (shownForm: string, mimeType: string) => {
    response.setHeader('Content-Type', 'video/mp4')
    response.setHeader('X-Mime-Type', mimeType)
    response.setHeader('X-Form', shownForm)
    response.setHeader('X-Epoch-Ms', Math.floor(piece.epochUs / 1000))
  }
  // No browser plays MJPEG in a movie.
  const isConverted = piece.videoCodec === 'mjpeg' || (form === 'h264' && piece.videoCodec !== 'h264')
  if (isConverted) {
    const hasSound = wish.hasSound && !wish.isKeysOnly
    await sendConverted(piece, transcoder, { hasSound, isKeysOnly: wish.isKeysOnly }, response, setHeaders)
  } else {
    await sendPiece(piece, response, setHeaders)
  }
}

function clipRoute({ reader, files, clips, clock, cameraName }: PictureRoutesOptions): Route {
  return mediaRoute(
    {
      method: 'get',
      path: 'api/cameras/:cameraId/streams/:stream/clip.mp4',
      params: streamParams,
      query: z.object({
        fromMs: instantMsParam,
        toMs: instantMsParam,
        sound: z.enum(clipSounds).default('as-recorded'),
        until: frozenEnd,
      }),
      answer: { contentTypes: ['video/mp4'] },
      privilege: 'playback.view',
      summary: 'A span of one stream as a movie for any player, 24 hours at most, of known length, with byte ranges.',
      description:
        'Shown exactly from `fromMs` to `toMs`. Where the span is still being recorded the answer is a redirect (307) to ' +
        'an address that names its end. Fails `not-found` where nothing was recorded, `conflict` where the codec changes.',
    },
    async ({ params, query, request, response }) => {
      const { fromMs, toMs, sound, until } = query
      needSpan(fromMs, toMs)
      if (toMs - fromMs > maxClipMs) {
        throw new Failure('invalid', 'toMs: must be within 24 hours of fromMs', { field: 'toMs' })
      }
      const { cameraId, stream } = params
      const wish: ClipWish = { cameraId, stream, fromUs: fromMs * 1000, toUs: toMs * 1000, sound, until }
      if (until === undefined) {
        const end = await frozenEndOf(reader, wish, clock.utcUs())
        if (end !== undefined) {
          const address = new URLSearchParams({ fromMs: String(fromMs), toMs: String(toMs), sound })
          address.set('until', `${end.segmentId}.${end.fragments}`)
          response.redirect(307, `clip.mp4?${address}`)
          return
        }
      }
      const { clip, release } = await clips.borrow(wish)
      try {
        const name = (await cameraName(cameraId)) ?? 'camera'
        const { sizeBytes } = clip.movie
        response.setHeader('Content-Type', 'video/mp4')
        response.setHeader('Accept-Ranges', 'bytes')
        response.setHeader('Cache-Control', 'private, no-cache')
        response.setHeader('ETag', clip.etag)
        response.setHeader('Content-Disposition', contentDisposition(name, clip.startUs))
        if (namesTag(request.get('if-none-match'), clip.etag)) {
          response.status(304).end()
          return
        }
        const ifRange = request.get('if-range')
        const mayRange = ifRange === undefined || ifRange === clip.etag
        const range = mayRange ? parseByteRange(request.get('range'), sizeBytes) : undefined
        if (range === 'unsatisfiable') {
          response.setHeader('Content-Range', `bytes */${sizeBytes}`)
          response.removeHeader('Content-Disposition')
          response.status(416).end()
          return
        }
        const { start, end } = range ?? { start: 0, end: sizeBytes }
        if (range !== undefined) {
          response.status(206)
          response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${sizeBytes}`)
        }
        response.setHeader('Content-Length', end - start)
        if (request.method === 'HEAD') response.end()
        else await sendClip(files, clip, start, end, response)
      } finally {
        release()
      }
    },
  )
}

function needSpan(fromMs: number, toMs: number): void {
  if (toMs <= fromMs) throw new Failure('invalid', 'toMs: must be later than fromMs', { field: 'toMs' })
}

function sendBytes(response: Response, contentType: string, bytes: Uint8Array): void {
  response.setHeader('Content-Type', contentType)
  response.setHeader('Content-Length', bytes.length)
  response.end(bytes)
}

/** Whether an `If-None-Match` names this entity (RFC 9110 §13.1.2). */
function namesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}

/** A file name of the camera and the local time it begins, in both forms of RFC 6266 §4.3. */
function contentDisposition(cameraName: string, startUs: number): string {
  const at = new Date(startUs / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}`
  const name = `${cameraName.replace(/[\p{Cc}/\\:*?"<>|]/gu, '_')} ${day} ${time}.mp4`
  const plain = name.replace(/[^\x20-\x7e]/g, '_')
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name).replace(/['()]/g, escape)}`
}

// Which stream a tile is shown, and in what form: by its width, by what the browser plays, by what is live.
import type { LiveMode, LiveWant, playableCodecs } from '../../shared/live.ts'
import type { LiveStreamInfo } from './live-reader.ts'

export interface LiveChoiceInput {
  want: LiveWant
  widthPx: number
  canPlay: ReadonlySet<(typeof playableCodecs)[number]>
  /** The camera's streams, by number. */
  streams: readonly LiveStreamInfo[]
  /** Whether a stream may be converted to H.264 now: one more child is allowed, or it is being converted already. */
  canConvert: (stream: number) => boolean
}

export interface LiveChoice {
  stream: number
  mode: LiveMode
  /** How the pictures are made: as they come, or by a decoder. */
  form: 'as-is' | 'h264' | 'jpeg'
  /** Why it is not what was wanted; undefined where it is. */
  note: string | undefined
}

/** A tile no wider than this, in pixels, is shown the sub stream. */
export const subStreamWidthPx = 640

const codecNames = { h264: 'H.264', h265: 'H.265', mjpeg: 'MJPEG' } as const

/** Chooses; undefined where the camera has no stream at all. */
export function chooseLive(input: LiveChoiceInput): LiveChoice | undefined {
  const wanted = preferred(input)
  const first = wanted[0]
  if (first === undefined) return undefined
  if (input.want === 'jpeg') return jpegOf(first, undefined)
  if (plays(first, input)) return asIs(first, noteOfOther(first, input))
  const reason = `${codecNames[first.videoCodec!]} cannot be played by this browser`
  if (input.want === 'auto') {
    const other = wanted.slice(1).find((stream) => stream.isLive && plays(stream, input))
    if (other !== undefined) return asIs(other, reason)
  }
  if (!input.canPlay.has('h264')) return jpegOf(first, 'this browser plays no video from us')
  if (input.canConvert(first.stream)) return { stream: first.stream, mode: 'h264', form: 'h264', note: reason }
  return jpegOf(first, `${reason}, and no more streams can be converted now`)
}

/** The camera's streams, the one that fits best first. */
function preferred({ want, widthPx, streams }: LiveChoiceInput): LiveStreamInfo[] {
  const byNumber = [...streams].sort((a, b) => a.stream - b.stream)
  const main = byNumber.slice(0, 1)
  const subs = byNumber.slice(1)
  const isSmall = widthPx <= subStreamWidthPx
  if (want === 'main') return main
  if (want === 'sub') return subs.length > 0 ? subs : main
  const ordered = isSmall ? [...subs, ...main] : [...main, ...subs]
  // One that is not live may come back, but one that is has a picture now.
  return [...ordered.filter((stream) => stream.isLive), ...ordered.filter((stream) => !stream.isLive)]
}

/** Whether a browser shows this stream as it is; one whose codec is not known yet is tried. */
function plays({ videoCodec }: LiveStreamInfo, { canPlay }: LiveChoiceInput): boolean {
  return videoCodec === 'mjpeg' || canPlay.has(videoCodec ?? 'h264')
}

function asIs({ stream, videoCodec }: LiveStreamInfo, note: string | undefined): LiveChoice {
  if (videoCodec === 'mjpeg')
    return { stream, mode: 'jpeg', form: 'as-is', note: note ?? 'the camera sends JPEG pictures' }
  return { stream, mode: stream === 1 ? 'main' : 'sub', form: 'as-is', note }
}

function jpegOf({ stream, videoCodec }: LiveStreamInfo, note: string | undefined): LiveChoice {
  return { stream, mode: 'jpeg', form: videoCodec === 'mjpeg' ? 'as-is' : 'jpeg', note }
}

/** Says so where a stream of the wanted size is there but not live, or was never set up. */
function noteOfOther(chosen: LiveStreamInfo, { want, widthPx, streams }: LiveChoiceInput): string | undefined {
  const isMain = chosen.stream === Math.min(...streams.map(({ stream }) => stream))
  if (want === 'sub' && isMain) return 'this camera has no sub stream'
  if (want !== 'auto' || !chosen.isLive) return undefined
  if (isMain && widthPx <= subStreamWidthPx && streams.length > 1) return 'the sub stream is not live'
  return !isMain && widthPx > subStreamWidthPx ? 'the main stream is not live' : undefined
}

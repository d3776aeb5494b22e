// Sends a piece of footage to a player as it is read, or as a transcoder makes it anew.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { Failure } from '../../shared/failure.ts'
import { parseMoov } from '../media/mp4/movie.ts'
import type { H264Transcoder } from '../stream/h264-transcoder.ts'
import type { PlaybackPiece } from './playback.ts'

/** Sets the headers once it is sure that there is something to send. */
export type SetHeaders = (form: 'as-recorded' | 'h264', mimeType: string) => void

/** Writes a piece as it was recorded, and ends the response. Fails before anything is written, or cuts the answer off. */
export async function sendPiece(piece: PlaybackPiece, response: ServerResponse, setHeaders: SetHeaders): Promise<void> {
  const fragments = piece.fragments()
  try {
    const first = await fragments.next()
    setHeaders('as-recorded', piece.mimeType!)
    await write(response, piece.init)
    for (let next = first; !next.done && !response.destroyed; next = await fragments.next()) {
      await write(response, next.value)
    }
    if (!response.destroyed) response.end()
  } finally {
    await fragments.return(undefined)
  }
}

/** Writes a piece converted to H.264. Fails `limit` where no more may be converted now, `corrupt` where none comes out. */
export async function sendConverted(
  piece: PlaybackPiece,
  transcoder: H264Transcoder,
  options: { hasSound: boolean; isKeysOnly: boolean },
  response: ServerResponse,
  setHeaders: SetHeaders,
): Promise<void> {
  let failure: string | undefined
  let isEnded = false
  let wake = () => {}
  const output: Uint8Array[] = []
  let init: Uint8Array | undefined
  const child = transcoder.start(options, {
    init: (bytes) => {
      init = bytes
      wake()
    },
    fragment: (bytes) => {
      output.push(bytes)
      // What the client does not take is not made.
      if (output.length > maxWaitingFrames) child.hold(true)
      wake()
    },
    ended: (reason) => {
      failure = reason
      isEnded = true
      wake()
    },
  })
  const onClose = () => child.close()
  response.once('close', onClose)
  const feeding = feed(piece, child)
  feeding.catch(() => child.close())
  try {
    while (!response.destroyed) {
      if (init !== undefined && !response.headersSent) {
        setHeaders('h264', mimeTypeOf(init))
        await write(response, init)
      }
      const bytes = init === undefined ? undefined : output.shift()
      if (bytes !== undefined) {
        await write(response, bytes)
        if (output.length === 0) child.hold(false)
      } else if (isEnded) {
        break
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    if (response.destroyed) return
    await feeding
    if (failure !== undefined || init === undefined) {
      throw new Failure('corrupt', `convert footage to H.264: ${failure ?? 'nothing came out'}`)
    }
    response.end()
  } finally {
    response.off('close', onClose)
    child.close()
    await feeding.catch(() => undefined)
  }
}

const maxWaitingFrames = 64

async function feed(piece: PlaybackPiece, child: ReturnType<H264Transcoder['start']>): Promise<void> {
  child.write(piece.decoderInit)
  for await (const fragments of piece.fragments()) {
    if (!child.write(fragments)) await child.drained()
    if (child.isEnded) return
  }
  child.finish()
}

function mimeTypeOf(init: Uint8Array): string {
  const codecs = parseMoov(init).flatMap((track) => track.codecString ?? [])
  return `video/mp4; codecs="${codecs.join(', ')}"`
}

async function write(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (response.destroyed || response.write(bytes)) return
  const closed = new AbortController()
  const onClose = () => closed.abort()
  response.once('close', onClose)
  await once(response, 'drain', { signal: closed.signal }).catch(() => undefined)
  response.off('close', onClose)
}

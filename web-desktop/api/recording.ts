// Footage: what there is, what is missing and why, and the addresses its pictures and movies are fetched from.
import type { ClipSound, Gap, PictureForm, Timeline } from '../../shared/recording.ts'
import { addressOf, withQuery } from '../base/address.ts'
import { getJson } from './client.ts'

export function readTimeline(
  cameraIds: string[],
  fromMs: number,
  toMs: number,
  signal?: AbortSignal,
): Promise<Timeline> {
  return getJson(withQuery('api/timeline', { cameras: cameraIds.join(','), ...whole(fromMs, toMs) }), signal)
}

export function readGaps(cameraId: string, fromMs: number, toMs: number, signal?: AbortSignal): Promise<Gap[]> {
  return getJson(withQuery('api/gaps', { cameraId, ...whole(fromMs, toMs) }), signal)
}

function whole(fromMs: number, toMs: number): { fromMs: number; toMs: number } {
  return { fromMs: Math.max(0, Math.floor(fromMs)), toMs: Math.max(1, Math.ceil(toMs)) }
}

function streamPath(cameraId: string, stream: number): string {
  return `api/cameras/${cameraId}/streams/${stream}`
}

export interface PieceWish {
  cameraId: string
  stream: number
  fromMs: number
  toMs: number
  /** The instant of media time 0. */
  epochMs: number
  keysOnly: boolean
  sound: boolean
  form: PictureForm
}

/** Address of a stretch of footage as fragments, for Media Source Extensions. */
export function piecePath(wish: PieceWish): string {
  return addressOf(
    withQuery(`${streamPath(wish.cameraId, wish.stream)}/fragments`, {
      ...whole(wish.fromMs, wish.toMs),
      epochMs: wish.epochMs,
      keys: wish.keysOnly ? 1 : 0,
      sound: wish.sound ? 1 : 0,
      form: wish.form,
    }),
  )
}

/** Address of a stretch of telephone-codec sound as samples. */
export function soundPath(cameraId: string, stream: number, fromMs: number, toMs: number): string {
  return addressOf(withQuery(`${streamPath(cameraId, stream)}/sound`, whole(fromMs, toMs)))
}

/** Address of the picture at or before an instant. */
export function framePath(cameraId: string, stream: number, atMs: number, widthPx?: number): string {
  return addressOf(withQuery(`${streamPath(cameraId, stream)}/frame.jpg`, { atMs: Math.floor(atMs), widthPx }))
}

/** Address of a camera's newest picture. */
export function liveFramePath(cameraId: string, widthPx?: number): string {
  return addressOf(withQuery(`api/cameras/${cameraId}/live.jpg`, { widthPx }))
}

/** Address of a stretch as one movie. */
export function clipPath(cameraId: string, stream: number, fromMs: number, toMs: number, sound: ClipSound): string {
  return addressOf(withQuery(`${streamPath(cameraId, stream)}/clip.mp4`, { ...whole(fromMs, toMs), sound }))
}

// Builds a camera from its specification.
import { Camera } from './camera.ts'
import type { ClipLibrary, VideoClip } from './clip-library.ts'
import type { FarmOptions } from './farm.ts'
import type { CameraSpec } from './preset.ts'
import { PtzHead } from './ptz-head.ts'
import type { RtpClip } from './rtp-clip.ts'
import type { Stream } from './stream.ts'
import type { TimeWheel } from './time-wheel.ts'
import { TrackSource } from './track-source.ts'

const HOUR_SEC = 3600
// Successive multiples of it fall evenly apart, whatever their number.
const GOLDEN = 0.6180339887

/**
 * Makes or loads the camera's clips and sets up its tracks.
 *
 * @param number which camera of the farm it is, from 0: gives it its own phase
 */
export async function makeCamera(
  spec: CameraSpec,
  number: number,
  library: ClipLibrary,
  wheel: TimeWheel,
  options: FarmOptions,
): Promise<Camera> {
  const clips = new Map<string, RtpClip>()
  const streams: Stream[] = []
  const phase = (number * GOLDEN) % 1
  for (const wanted of spec.streams) {
    const video = await library.video(wanted.clip, spec)
    clips.set(wanted.clip, video.rtp)
    const tracks = [makeVideoSource(video, wheel, phase)]
    if (wanted.audio) tracks.push(makeSource(await library.audio(wanted.audio), wheel, phase))
    if (wanted.metadata) tracks.push(makeSource(library.metadata(), wheel, phase))
    streams.push({ name: wanted.name, tracks, recipe: video.raw.recipe, raw: video.raw, audio: wanted.audio })
  }
  for (const name of options.spareClips ?? []) clips.set(name, (await library.video(name, spec)).rtp)
  const password = spec.password ?? options.password ?? ''
  return new Camera({
    name: spec.name,
    title: spec.title ?? spec.name,
    auth: spec.auth ?? options.auth ?? (password === '' ? 'none' : 'digest'),
    user: spec.user ?? options.user ?? 'admin',
    password,
    lineMbit: options.lineMbit ?? 100,
    sendBufferBytes: options.sendBufferBytes ?? 128 * 1024,
    sessionTimeoutSec: options.sessionTimeoutSec ?? 60,
    streams,
    clips,
    wheel,
    ...(spec.hasPtz ? { head: new PtzHead() } : {}),
  })
}

/** A source whose place in the frame slot and in the loop is the camera's own. */
function makeSource(clip: RtpClip, wheel: TimeWheel, phase: number): TrackSource {
  const frameMs = (clip.frameTicks / clip.clockRate) * 1000
  return new TrackSource(wheel, clip, Math.floor(phase * clip.frames.length), performance.now() + phase * frameMs)
}

/** The same; but a clip of an hour shows the minute of the UTC hour. */
function makeVideoSource(video: VideoClip, wheel: TimeWheel, phase: number): TrackSource {
  const { recipe } = video.raw
  if (recipe.seconds !== HOUR_SEC) return makeSource(video.rtp, wheel, phase)
  const frameMs = 1000 / recipe.fps
  const intoHourMs = Date.now() % (HOUR_SEC * 1000)
  const index = Math.ceil(intoHourMs / frameMs)
  return new TrackSource(wheel, video.rtp, index, performance.now() + index * frameMs - intoHourMs)
}

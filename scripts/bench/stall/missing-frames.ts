// What is missing of a camera's picture, also where its recording never went on.
import type { CameraStats } from '../../cameras/camera.ts'
import type { Presence } from '../record/lost-frames.ts'

/** Picture of all connections that a camera has had. */
function pictures({ connections, closed }: CameraStats) {
  const tracks = [...closed, ...connections].flatMap((connection) => connection.tracks)
  return tracks.filter((track) => track.kind === 'video' && track.firstSequence >= 0)
}

/** Frames from the first that a camera sent to the last so far, those between that it gave up among them. */
export function framesDue(stats: CameraStats): number {
  const tracks = pictures(stats)
  if (tracks.length === 0) return 0
  const first = Math.min(...tracks.map((track) => track.firstSequence))
  return Math.max(...tracks.map((track) => track.lastSequence)) - first + 1
}

/** Frames that a camera did not send because its connection was full. */
export function framesGivenUp(stats: CameraStats): number {
  return pictures(stats).reduce((sum, track) => sum + track.dropped, 0)
}

/**
 * Frames missing in a camera's files, where `due` were sent a moment before recording ended. What was sent after that
 * hides as many at the end, but none between two that are there.
 */
export function framesMissing(due: number, found: Presence): number {
  return Math.max(found.lost, due - found.frames)
}

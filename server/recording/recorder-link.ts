// What the server needs of the recorder; `RecorderClient` is it.
import type { TrackConfig } from '../media/track.ts'
import type { LiveReader } from '../stream/live-reader.ts'
import type { FromRecorder, RecorderEvent, RecorderSettings } from './recorder-protocol.ts'

export type RecorderStatus = Extract<FromRecorder, { type: 'status' }>
export type RecorderHello = Extract<FromRecorder, { type: 'hello' }>

export interface RecorderLink {
  /** Finds the recorder, or starts one. Resolves when it is connected. */
  start(): Promise<void>
  configure(settings: RecorderSettings): void
  /** `listener` is given events in order; an event is acknowledged when it resolves, and never before. */
  onEvent(listener: (event: RecorderEvent) => Promise<void>): void
  onStatus(listener: (status: RecorderStatus) => void): void
  onEventsLost(listener: () => void): void
  onConnected(listener: (hello: RecorderHello) => void): void
  onDisconnected(listener: () => void): void
  removeFootage(cameraId: string): void
  /** All segments that must stay for now, replacing what was said before. */
  setPins(pins: { spaceId: string; sequence: number }[]): void
  /** Gives `reader` a stream's live samples, from its last keyframe on. Returns what ends it. */
  watch(cameraId: string, stream: number, reader: LiveReader): () => void
  /** Whether the sound of a stream is wanted with its pictures; it is not until this says so. */
  wantSound(cameraId: string, stream: number, isWanted: boolean): void
  /** The newest keyframe of a stream; undefined where there is none at hand. */
  keyframe(
    cameraId: string,
    stream: number,
  ): Promise<{ data: Uint8Array; utcUs: number; config: TrackConfig } | undefined>
  /** Ends the recorder too: every segment is closed first. */
  shutdownRecorder(): Promise<void>
  /** Leaves the recorder running. */
  close(): Promise<void>
}

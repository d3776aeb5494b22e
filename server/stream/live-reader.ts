// How live samples reach the server: what it asks for, and what it is told.
import type { TrackConfig } from '../media/track.ts'

/** Which track a live sample is of. */
export const liveTracks = { picture: 0, sound: 1, metadata: 2 } as const

/** Reads a stream's live samples. */
export interface LiveReader {
  /** Samples of these tracks follow: the first time, and whenever a run begins or its parameters change. */
  config(tracks: TrackConfig[]): void
  /**
   * One whole sample. Times are the run's, in the track's ticks; `utcUs` is when it happened. `isBurst` samples are older
   * than now: they start a viewer. `data` is valid during the call.
   */
  sample(
    track: 0 | 1 | 2,
    isKey: boolean,
    isBurst: boolean,
    dtsTicks: number,
    ctsTicks: number,
    utcUs: number,
    data: Uint8Array,
  ): void
  /** No samples for now, and why; they come again after the next `config`. */
  ended(reason: string): void
}

export interface LiveSource {
  /** Gives `reader` a stream's samples, from its last keyframe on. Returns what ends it. */
  watch(cameraId: string, stream: number, reader: LiveReader): () => void
  /** Whether the sound of a stream is wanted with its pictures; it is not until this says so. */
  wantSound(cameraId: string, stream: number, isWanted: boolean): void
}

/** What is known of a camera's stream now. */
export interface LiveStreamInfo {
  stream: number
  isLive: boolean
  /** Known once it was live. */
  videoCodec: 'h264' | 'h265' | 'mjpeg' | undefined
  /** Why it is not live: `rtsp://10.0.0.5/ch1: no answer`. Empty where it is. */
  reason: string
  /** Since when it is not. */
  sinceMs: number
}

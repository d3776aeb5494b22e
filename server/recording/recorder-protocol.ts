// What server and recorder say to each other over the recorder's Unix socket.
//
// Frames: u32 length of what follows (big-endian), u8 type, payload. Types: 1, one message as JSON in UTF-8; 2, a live
// sample (see `liveSampleHeadBytes`); 3, the bytes of a keyframe asked for: request number (u32), then the sample.

import type { GapCause, RecordingKind } from '../../shared/recording.ts'
import type { SpaceFault } from '../../shared/space.ts'
import type { StreamHealth } from '../../shared/stream.ts'
import type { TrackConfig } from '../media/track.ts'

/** Grows when a message changes so that an older peer would misread it. */
export const recorderProtocolVersion = 1

/** The longest message either side accepts, in bytes; a keyframe of an 8K camera fits. */
export const maxMessageBytes = 32 * 1024 * 1024

export interface StreamSettings {
  cameraId: string
  cameraName: string
  stream: number
  url: string
  username: string
  password: string
  hasAudio: boolean
  isRecorded: boolean
  spaceId: string
}

export interface SpaceSettings {
  id: string
  name: string
  /** Absolute path of the volume; the space's own folder is made in it. */
  volumePath: string
  /** The mount point the volume path stood on when the space was made: must be the same, or the space is in error. */
  mountPoint: string
  /** Name of the space's folder in the volume. */
  folder: string
  /** True until the space's folder and marker were made once: then a missing marker is an error, before it is not. */
  isFresh: boolean
  allocatedBytes: number
  overwriteThresholdPct: number
}

/** All that the recorder needs to work alone. Kept by it, sealed, as its last settings. */
export interface RecorderSettings {
  /** Grows with every change; the recorder says which one it works by. */
  revision: number
  serverId: string
  flushSec: number
  segmentSec: number
  spaces: SpaceSettings[]
  streams: StreamSettings[]
}

/** A segment as the index knows it. Open while `endUs` still moves and `footerOffset` is 0. */
export interface SegmentRow {
  spaceId: string
  /** Sequence number in the space: grows with every segment made there, and is never used twice. */
  sequence: number
  segmentId: string
  cameraId: string
  stream: number
  kind: RecordingKind
  /** Identity of the run: 16 hexadecimal digits. */
  runId: string
  /** Place in its run, from 0. */
  runIndex: number
  /** Path below the space's folder. */
  path: string
  startUs: number
  endUs: number
  sizeBytes: number
  /** Where the footer box begins and its length; 0 while the segment is open. */
  footerOffset: number
  footerBytes: number
  videoSamples: number
  audioSamples: number
  /** Bit 0: recovered after a crash. Bit 1: clock untrusted when written. Bit 2: damaged stretches were left out. */
  flags: number
  /** Codec of the picture, and its size, so that a query need not open the file. */
  videoCodec: string
  audioCodec: string
  widthPx: number
  heightPx: number
}

/** What the recorder reports and the server must not miss: numbered, kept until acknowledged. */
export type RecorderEvent =
  | { type: 'segment-opened'; row: SegmentRow }
  | { type: 'segment-closed'; row: SegmentRow }
  /** The folder and the marker of a fresh space were made: it is fresh no more. */
  | { type: 'space-made'; spaceId: string }
  | { type: 'segments-removed'; spaceId: string; sequences: number[]; reason: string }
  | { type: 'gap-began'; cameraId: string; stream: number; startUs: number; cause: GapCause; detail: string }
  | {
      type: 'gap-ended'
      cameraId: string
      stream: number
      startUs: number
      endUs: number
      cause: GapCause
      detail: string
    }
  | {
      type: 'occurrence'
      name:
        | 'camera-lost'
        | 'camera-back'
        | 'space-error'
        | 'space-restored'
        | 'clock-stepped'
        | 'promise-broken'
        | 'keyframe-wanted'
        | 'recorder-started'
      level: 'info' | 'warning' | 'error'
      atUs: number
      cameraId?: string
      stream?: number
      spaceId?: string
      message: string
    }

export interface SpaceStatus {
  id: string
  state: 'normal' | 'idle' | 'warning' | 'error'
  fault?: SpaceFault
  faultDetail?: string
  folder: string
  usedBytes: number
  freeBytes: number
  writeLatencyMs: number
  oldestMs?: number
}

export type ToRecorder =
  | { type: 'hello'; protocol: number; serverVersion: string }
  | { type: 'configure'; settings: RecorderSettings }
  /** Every event up to this number is safe with the server. */
  | { type: 'acknowledge'; eventNumber: number }
  /** Live frames of a stream are wanted (from its last keyframe on), or no longer. */
  | { type: 'watch'; cameraId: string; stream: number; isWanted: boolean }
  /** Whether the sound of a watched stream is wanted too; it is not until this says so. */
  | { type: 'watch-sound'; cameraId: string; stream: number; isWanted: boolean }
  /** The newest keyframe of a stream, once: answered by `keyframe`. */
  | { type: 'get-keyframe'; requestId: number; cameraId: string; stream: number }
  /** Segments that must not be removed now, all of them, replacing what was said before. Forgotten when the server goes. */
  | { type: 'pin'; pins: { spaceId: string; sequence: number }[] }
  /** Removes all footage of a camera (its channel was deleted with its recordings). */
  | { type: 'remove-footage'; cameraId: string }
  /** Closes every segment and ends the process. */
  | { type: 'shutdown' }
  | { type: 'ping'; id: number }

export type FromRecorder =
  | {
      type: 'hello'
      protocol: number
      version: string
      pid: number
      startedUs: number
      settingsRevision: number
      bootId: string
      isFirstEventKnown: boolean
    }
  | { type: 'event'; eventNumber: number; event: RecorderEvent }
  /** Events were lost for want of room while the server was away: reconcile with the files. */
  | { type: 'events-lost' }
  /** Once a second. `open` tells how far each open segment has grown. */
  | {
      type: 'status'
      streams: StreamHealth[]
      spaces: SpaceStatus[]
      open: {
        spaceId: string
        sequence: number
        endUs: number
        sizeBytes: number
        videoSamples: number
        audioSamples: number
      }[]
      cpuMsPerSec: number
      rssMb: number
    }
  /** How a watched stream's frames are to be read; sent first, and again when it changes. */
  | { type: 'watch-config'; watchNumber: number; cameraId: string; stream: number; tracks: TrackConfig[] }
  /** The run of a watched stream ended: no frame comes until the next `watch-config`. */
  | { type: 'watch-ended'; cameraId: string; stream: number; reason: string }
  | { type: 'keyframe'; requestId: number; isFound: boolean; utcUs: number; config?: TrackConfig }
  | { type: 'pong'; id: number }

/**
 * A live frame (message type 2), big-endian: camera number (u16: `watchNumber` of the `watch-config`), track (u8: 0
 * picture, 1 sound), flags (u8: 1 keyframe, 2 burst: older than now, sent to start a viewer), composition offset in
 * ticks (i32), decode time in ticks of the track (f64), UTC microseconds (f64), then the sample's bytes.
 */
export const liveSampleHeadBytes = 24

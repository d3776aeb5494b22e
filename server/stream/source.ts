// What a stream is fetched by. Every kind of source looks the same from here on.
import type { StreamFault } from '../../shared/stream.ts'
import type { SdpAac } from '../media/rtsp/sdp.ts'
import type { TrackConfig } from '../media/track.ts'

/** One try at a stream failed, or a session ended. */
export interface SourceEnd {
  fault: StreamFault
  /** For people: `rtsp://10.0.0.5/ch1: 401 Unauthorized`. Never a secret, so no user part of an address. */
  detail: string
}

/** A track the source offers, in the order of its description. */
export interface SourceTrack {
  /** What is known of it before the first packet: parameter sets may be missing and come in band. */
  config: TrackConfig
  /** Ticks a second of the timestamps that come with its packets or samples. */
  clockHz: number
  /** What only RTP needs: absent where samples come whole. */
  rtp?: { payloadType: number; aac: SdpAac | undefined; frameRateHz: number | undefined }
}

/**
 * Receives what one session brings, from a source that unpacks RTP itself.
 *
 * `bytes` is the process's shared arena: valid during the call only. A call that throws ends that session and no other.
 */
export interface PacketSink {
  /** One RTP packet (RFC 3550 §5.1) of a track: `bytes[start, end)`. */
  rtp(track: number, bytes: Uint8Array, start: number, end: number): void
  /** One compound RTCP packet (RFC 3550 §6.1) of a track. */
  rtcp(track: number, bytes: Uint8Array, start: number, end: number): void
}

/** Receives what one session brings, from a source whose samples are whole already (ffmpeg's output). */
export interface SampleSink {
  /** One sample in the track's order of decoding. `dtsTicks` may begin anywhere and never decreases. */
  sample(track: number, dtsTicks: number, ctsTicks: number, isKey: boolean, data: Uint8Array): void
}

/** What the owner of a source is told, in this order: `opened` once a session, then `ended` once. */
export interface SourceEvents {
  /**
   * The session stands and media follows. Packets are given to the sink returned here until the session ends.
   * `sampleSink` instead of `packetSink` is called by sources whose samples are whole.
   */
  packetSession(tracks: SourceTrack[]): PacketSink
  sampleSession(tracks: SourceTrack[]): SampleSink
  /** The session ended, or could not be made. The source tries again by itself at `retryAtUs` (monotonic). */
  ended(end: SourceEnd, retryAtUs: number): void
  /** A try begins. */
  connecting(): void
}

/** Fetches one stream from one address, for ever, with reconnects. Holds one connection to the camera at most. */
export interface Source {
  start(): void
  /** Says goodbye (RTSP TEARDOWN) and lets go. No event comes after it resolves. */
  close(): Promise<void>
  /**
   * The owner has judged the session bad (no packet, no keyframe, or garbage): it is ended with that fault, and tried
   * again.
   */
  abandon(end: SourceEnd): void
  /** Stops (true) or resumes (false) reading, so that the camera is held back while the disk is behind. */
  hold(isHeld: boolean): void
}

export interface SourceAddress {
  url: string
  username: string
  password: string
  /** Sound tracks are left out of the session where false. */
  hasAudio: boolean
}

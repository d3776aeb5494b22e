// The right source for an address.
import { Failure } from '../../shared/failure.ts'
import { sourceKindOf } from '../../shared/source-kind.ts'
import type { Clock } from '../base/clock.ts'
import type { Resolver } from '../base/resolver.ts'
import type { LoginGate } from '../base/retry.ts'
import type { ReadBuffer } from '../media/rtp/interleaved.ts'
import type { SdpTrack } from '../media/rtsp/sdp.ts'
import { FfmpegSource } from './ffmpeg-source.ts'
import { RtspSource } from './rtsp-source.ts'
import type { Source, SourceAddress, SourceEvents } from './source.ts'
import { displayUrl } from './source-address.ts'

export interface SourceParts {
  address: SourceAddress
  /** The process's one arena; sources that ffmpeg fetches do without. */
  readBuffer: ReadBuffer
  clock: Clock
  resolver: Resolver
  events: SourceEvents
  options?: {
    /** Shared by all sources of a process where not given. */
    loginGate?: LoginGate
    /** Told of errors of the owner's own code that ended a session: bugs, to be logged. */
    onBug?: (error: unknown) => void
    /** Told of all tracks that a camera describes, also those that cannot be taken; RTSP alone knows them. */
    described?: (tracks: readonly SdpTrack[]) => void
  }
}

/** Makes the source of an address; it does nothing until it is started. Fails `invalid` for an unknown scheme. */
export function createSource(parts: SourceParts): Source {
  const kind = sourceKindOf(parts.address.url)
  if (kind === undefined) {
    throw new Failure('invalid', `make source: ${displayUrl(parts.address.url)} has no scheme that is known`)
  }
  return kind === 'rtsp' ? new RtspSource(parts) : new FfmpegSource(parts)
}

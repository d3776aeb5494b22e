// A camera's stream: one URL, its tracks, and what all of them share.
import type { RawVideo } from './clip-cache.ts'
import type { AudioCodec, VideoRecipe } from './clip-recipe.ts'
import type { Faults } from './fault.ts'
import type { TimeWheel } from './time-wheel.ts'
import type { TrackSource } from './track-source.ts'

/** What a reader must know of its camera. */
export interface StreamContext {
  wheel: TimeWheel
  /** The camera's standing faults; changed in place. */
  faults: Faults
  /** Backlog at which frames are dropped. */
  sendBufferBytes: number
}

/** Tracks of one URL, in the order of the SDP. */
export interface Stream {
  name: string
  tracks: TrackSource[]
  /** What the picture was made by, and the pictures themselves. */
  recipe: VideoRecipe
  raw: RawVideo
  audio: AudioCodec | undefined
}

// What can go wrong with a camera, on demand.

/** Standing faults: they last until they are cleared or set otherwise. */
export interface Faults {
  /** Takes connections and requests, answers nothing (RTSP and HTTP). */
  mute: boolean
  /** Keeps connections open, sends no more media. */
  stall: boolean
  /** Breaks off every connection at once; with a port of its own, the camera stops listening. */
  refuse: boolean
  /** Answers 401 whatever the password. */
  denyLogin: boolean
  /** Answers PLAY with 200, sends nothing. */
  silentPlay: boolean
  /** Sends no sound; the track stays in the SDP. */
  dropAudio: boolean
  /** Sends no picture; the track stays in the SDP. */
  dropVideo: boolean
  /** Each keyframe is replaced by the frame after it: after the first one a reader got, it gets no other. */
  endlessGop: boolean
  /** Like `endlessGop`, and readers are started without a keyframe. */
  noKeyframe: boolean
  /** Answers DESCRIBE with 302 and this address. */
  redirectTo: string | null
  /** 301 or 302. */
  redirectStatus: number
  /** Answers every RTSP request with this status, e.g. 404 or 503. */
  refuseStatus: number | null
  /** Line rate; null for the camera's own. */
  rateMbit: number | null
  /** Packets left out, in percent; their sequence numbers are missing. */
  lossPct: number
  /** Bytes overwritten in the payload of one packet a frame. */
  corruptBytesPerFrame: number
  /** What DESCRIBE tells: as it is; no track; eight tracks, six of them unheard of; a codec nobody knows; no SDP. */
  sdp: 'good' | 'none' | 'many' | 'unknown-codec' | 'nonsense'
  /** Name of the clip shown instead of the stream's own, switched to at its first keyframe; null for its own. */
  clip: string | null
  /** Added to RTP timestamps; setting it makes them jump. */
  rtpJumpSec: number
  /** Added to the NTP time of sender reports. */
  ntpJumpSec: number
  /** Sends no sender reports. */
  dropReports: boolean
}

/** Faults that happen once, to each connection that is playing, at the next frame. */
export interface OneShotFaults {
  /** Closes the connection: `packet` after half a packet, `reset` the same by RST. */
  cut?: 'packet' | 'reset'
  /** Random bytes put between two packets. */
  garbageBytes?: number
  /** Random bytes put inside a packet, which grows by as much while its length does not. */
  garbageInsideBytes?: number
  /** Added to the length field of one interleaved packet. */
  lieBytes?: number
}

/** What a caller may set: only the named faults change. */
export type FaultWish = Partial<Faults> & OneShotFaults

export const NO_FAULTS: Readonly<Faults> = Object.freeze({
  mute: false,
  stall: false,
  refuse: false,
  denyLogin: false,
  silentPlay: false,
  dropAudio: false,
  dropVideo: false,
  endlessGop: false,
  noKeyframe: false,
  redirectTo: null,
  redirectStatus: 302,
  refuseStatus: null,
  rateMbit: null,
  lossPct: 0,
  corruptBytesPerFrame: 0,
  sdp: 'good',
  clip: null,
  rtpJumpSec: 0,
  ntpJumpSec: 0,
  dropReports: false,
})

const ONE_SHOT: Record<keyof OneShotFaults, 'string' | 'number'> = {
  cut: 'string',
  garbageBytes: 'number',
  garbageInsideBytes: 'number',
  lieBytes: 'number',
}

/** Checks a wish that came from outside. Throws a `TypeError` that names the field. */
export function parseFaultWish(value: unknown): FaultWish {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('fault: not an object')
  for (const [name, given] of Object.entries(value)) {
    const known = name in NO_FAULTS ? NO_FAULTS[name as keyof Faults] : undefined
    const isNullable = ['redirectTo', 'refuseStatus', 'rateMbit', 'clip'].includes(name)
    const type =
      name in ONE_SHOT
        ? ONE_SHOT[name as keyof OneShotFaults]
        : name === 'redirectTo' || name === 'clip'
          ? 'string'
          : isNullable
            ? 'number'
            : typeof known
    if (type === 'undefined') throw new TypeError(`fault: ${name} is not one`)
    if (!(isNullable && given === null) && typeof given !== type) throw new TypeError(`fault: ${name} wants a ${type}`)
  }
  return value as FaultWish
}

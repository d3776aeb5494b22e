// What describes a stream's picture, kept up to date with the parameter sets that come in band.
import { parseH264Sps } from '../media/h264.ts'
import { parseH265Sps } from '../media/h265.ts'
import type { VideoTrack } from '../media/track.ts'

/** The picture track as last described, and whether that is enough to decode. */
export class VideoDescription {
  #track: VideoTrack
  #pending = new Map<'vps' | 'sps' | 'pps', Uint8Array[]>()

  constructor(track: VideoTrack) {
    this.#track = track
  }

  get track(): VideoTrack {
    return this.#track
  }

  get isComplete(): boolean {
    const track = this.#track
    if (track.codec === 'mjpeg') return true
    const hasSets = track.sps.length > 0 && track.pps.length > 0
    return track.codec === 'h264' ? hasSets : hasSets && track.vps.length > 0
  }

  /** How many frames are reordered; 0 where the description does not say. */
  get reorderDepth(): number {
    const track = this.#track
    if (track.codec === 'mjpeg' || track.sps.length === 0) return 0
    try {
      return (track.codec === 'h264' ? parseH264Sps(track.sps) : parseH265Sps(track.sps)).maxReorderFrames ?? 0
    } catch {
      return 0
    }
  }

  /** A set came in band; it counts from the next keyframe on. */
  add(kind: 'vps' | 'sps' | 'pps', set: Uint8Array): void {
    const sets = this.#pending.get(kind) ?? []
    if (sets.length < 32 && !sets.some((other) => isSame(other, set))) this.#pending.set(kind, [...sets, set])
  }

  /** Takes in what came since the last keyframe. True where the description is another now. */
  settle(): boolean {
    const track = this.#track
    if (this.#pending.size === 0 || track.codec === 'mjpeg') return false
    const sps = this.#pending.get('sps')?.at(-1) ?? track.sps
    const pps = this.#pending.get('pps') ?? track.pps
    const vps = this.#pending.get('vps')?.at(-1)
    this.#pending.clear()
    const isUnchanged =
      isSame(sps, track.sps) &&
      pps.every((set) => track.pps.some((known) => isSame(known, set))) &&
      (track.codec === 'h264' || vps === undefined || isSame(vps, track.vps))
    if (isUnchanged) return false
    const size = sizeOf(track.codec, sps) ?? { widthPx: track.widthPx, heightPx: track.heightPx }
    this.#track =
      track.codec === 'h264' ? { ...track, ...size, sps, pps } : { ...track, ...size, sps, pps, vps: vps ?? track.vps }
    return true
  }

  /** The size of a JPEG picture, which no parameter set tells. True where it changed. */
  setSize(widthPx: number, heightPx: number): boolean {
    if (this.#track.widthPx === widthPx && this.#track.heightPx === heightPx) return false
    this.#track = { ...this.#track, widthPx, heightPx }
    return true
  }
}

function sizeOf(codec: 'h264' | 'h265', sps: Uint8Array): { widthPx: number; heightPx: number } | undefined {
  try {
    const { widthPx, heightPx } = codec === 'h264' ? parseH264Sps(sps) : parseH265Sps(sps)
    return { widthPx, heightPx }
  } catch {
    return undefined
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

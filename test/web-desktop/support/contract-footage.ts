// The footage of a contract server: the test clip played round and round, minute after minute of UTC.
import type { TestCamera } from './contract-data.ts'
import {
  type ClipTrack,
  clipFps,
  clipFrames,
  clipGop,
  clipMs,
  movedFragment,
  type TestClip,
  trackIdOf,
} from './test-clip.ts'

export interface Piece {
  status: 200 | 204
  nextMs: number
  mimeType: string
  body: Buffer
}

/** Frame numbers are counted from 1970: frame `n` begins at `n / 15` seconds. */
export function frameAt(ms: number): number {
  return Math.floor((ms * clipFps) / 1000 + 1e-6)
}

export function msOfFrame(n: number): number {
  return (n * 1000) / clipFps
}

/** The number burned into the picture shown at an instant. */
export function codeAt(ms: number): number {
  return frameAt(ms) % clipFrames
}

export interface PieceQuery {
  fromMs: number
  toMs: number
  epochMs: number
  keys: boolean
  sound: boolean
  form: string
}

/** What `…/fragments` answers for a camera at `nowMs`. */
export function pieceOf(clip: TestClip, one: TestCamera, query: PieceQuery, nowMs: number): Piece {
  const { fromMs, toMs, epochMs } = query
  const span = one.spans.find(({ startMs, endMs }) => startMs <= fromMs && fromMs < Math.min(endMs, nowMs))
  if (span === undefined) {
    const next = one.spans.find(({ startMs }) => startMs > fromMs)?.startMs ?? toMs
    return { status: 204, nextMs: Math.min(next, toMs), mimeType: '', body: Buffer.alloc(0) }
  }
  const endMs = Math.min(toMs, span.endMs, nowMs)
  const hasSound = query.sound && one.sort === 'aac'
  const track = hasSound ? clip.both : clip.sub
  const isHevc = one.sort === 'h265' && query.form === 'as-recorded'
  const mimeType = isHevc ? 'video/mp4; codecs="hvc1.1.6.L93.B0"' : track.mimeType
  const first = Math.max(Math.floor(frameAt(fromMs) / clipGop) * clipGop, frameAt(span.startMs))
  const last = Math.ceil((endMs * clipFps) / 1000 - 1e-6)
  const parts = [track.init]
  const ticks = (n: number) => BigInt(Math.round((msOfFrame(n) - epochMs) * (track.timescale / 1000)))
  const video = (n: number) => videoFragments(track)[n % clipFrames]!
  for (let n = first; n < last; n += query.keys ? clipGop : 1) {
    parts.push(movedFragment(video(n), ticks(n), query.keys ? (track.timescale * clipGop) / clipFps : undefined))
  }
  if (hasSound && !query.keys) parts.push(...soundFragments(clip.both, msOfFrame(first), endMs, epochMs))
  return { status: 200, nextMs: endMs, mimeType, body: Buffer.concat(parts) }
}

const videoOf = new WeakMap<ClipTrack, Buffer[]>()

function videoFragments(track: ClipTrack): Buffer[] {
  const found = videoOf.get(track) ?? track.fragments.filter((fragment) => trackIdOf(fragment) === 1)
  videoOf.set(track, found)
  return found
}

function soundFragments(both: ClipTrack, fromMs: number, toMs: number, epochMs: number): Buffer[] {
  const sound = both.fragments.filter((fragment) => trackIdOf(fragment) === 2)
  const frameMs = (1024 / 48_000) * 1000
  const made: Buffer[] = []
  for (let atMs = fromMs; atMs < toMs; atMs += frameMs) {
    const n = Math.floor((atMs % clipMs) / frameMs) % sound.length
    made.push(movedFragment(sound[n]!, BigInt(Math.round((atMs - epochMs) * 48))))
  }
  return made
}

/** A 440 Hz tone as a WAV of 16-bit samples at 8 kHz. */
export function toneWav(fromMs: number, toMs: number): Buffer {
  const samples = Math.floor(((toMs - fromMs) * 8000) / 1000)
  const wav = Buffer.alloc(44 + samples * 2)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + samples * 2, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(8000, 24)
  wav.writeUInt32LE(16_000, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(samples * 2, 40)
  for (let i = 0; i < samples; i++)
    wav.writeInt16LE(Math.round(8000 * Math.sin((i * 2 * Math.PI * 440) / 8000)), 44 + i * 2)
  return wav
}

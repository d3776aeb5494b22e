// What tests of the live socket share: a source that plays clips, and a viewer.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { WebSocket } from 'ws'
import type { TrackConfig } from '../../../server/media/track.ts'
import type { LiveReader, LiveSource } from '../../../server/stream/live-reader.ts'
import { type LiveNotice, type LiveRequest, liveFrameKinds, readLiveHead } from '../../../shared/live.ts'
import type { TestClip } from '../../support/footage.ts'

/** Plays clips to whoever watches, as the recorder does: first what there was since the last keyframe. */
export class ScriptedSource implements LiveSource {
  readonly readers = new Map<string, LiveReader>()
  /** Streams whose sound is wanted: of others none is sent. */
  readonly heard = new Set<string>()
  watched = 0

  watch(cameraId: string, stream: number, reader: LiveReader): () => void {
    this.readers.set(`${cameraId}/${stream}`, reader)
    this.watched++
    return () => this.readers.delete(`${cameraId}/${stream}`)
  }

  wantSound(cameraId: string, stream: number, isWanted: boolean): void {
    if (isWanted) this.heard.add(`${cameraId}/${stream}`)
    else this.heard.delete(`${cameraId}/${stream}`)
  }

  reader(key: string): LiveReader {
    const reader = this.readers.get(key)
    assert.ok(reader, `${key} is watched`)
    return reader
  }

  config(key: string, clip: TestClip): void {
    const tracks: TrackConfig[] = [clip.video.config]
    if (clip.audio !== undefined) tracks.push(clip.audio.config)
    this.reader(key).config(tracks)
  }

  /** Frames `[from, to)` and the sound of their time. */
  play(key: string, clip: TestClip, from: number, to: number, startUs = 1_790_000_000_000_000): void {
    const reader = this.reader(key)
    const { timescale } = clip.video.config
    const send = (track: 0 | 1, sample: TestClip['video']['samples'][number], scale: number) =>
      reader.sample(
        track,
        sample.isKey,
        false,
        sample.dtsTicks,
        sample.ctsTicks,
        startUs + Math.round((sample.dtsTicks * 1e6) / scale),
        // Valid during the call only: spoilt after it, below.
        sample.data,
      )
    for (const sample of clip.video.samples.slice(from, to)) {
      const data = sample.data.slice()
      send(0, { ...sample, data }, timescale)
      data.fill(0xee)
      const audio = clip.audio
      if (audio === undefined || !this.heard.has(key)) continue
      const startSec = sample.dtsTicks / timescale
      for (const packet of audio.samples) {
        const sec = packet.dtsTicks / audio.config.timescale + 1e-6
        if (sec >= startSec && sec < startSec + 0.04) send(1, packet, audio.config.timescale)
      }
    }
  }
}

export interface Received {
  kind: number
  isKey: boolean
  sequence: number
  utcUs: number
  payload: Uint8Array
}

/** A page that watches: keeps what it is sent. */
export class Viewer {
  readonly notices: LiveNotice[] = []
  readonly frames: Received[] = []
  readonly socket: WebSocket
  closeCode = 0
  #wake: (() => void)[] = []

  constructor(port: number) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}`)
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) {
        const bytes = new Uint8Array(data)
        this.frames.push({ ...readLiveHead(new DataView(bytes.buffer)), payload: bytes.subarray(16) })
      } else {
        this.notices.push(JSON.parse(data.toString()))
      }
      for (const wake of this.#wake.splice(0)) wake()
    })
    this.socket.on('close', (code) => {
      this.closeCode = code
      for (const wake of this.#wake.splice(0)) wake()
    })
  }

  send(request: LiveRequest): void {
    this.socket.send(JSON.stringify(request))
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  ofKind(kind: keyof typeof liveFrameKinds): Received[] {
    return this.frames.filter((frame) => frame.kind === liveFrameKinds[kind])
  }

  tiles(): Extract<LiveNotice, { type: 'tile' }>[] {
    return this.notices.filter((notice) => notice.type === 'tile')
  }
}

/** How many frames ffmpeg finds in an init segment and fragments; it decodes them, unless told to copy. */
export function countFrames(parts: Uint8Array[], coding: string[] = []): number {
  const input = Buffer.concat(parts)
  const args = [
    '-v',
    'error',
    '-xerror',
    '-f',
    'mp4',
    '-i',
    '-',
    '-map',
    '0',
    ...coding,
    '-fps_mode',
    'passthrough',
    '-f',
    'framecrc',
    '-',
  ]
  const listed = execFileSync('ffmpeg', args, { input })
  return listed
    .toString()
    .split('\n')
    .filter((line) => /^\d/.test(line)).length
}

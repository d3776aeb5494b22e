// One live tile: picture and sound of a camera, whatever the server sends them as.
import { type LiveFrameHead, type LiveMode, type LiveNotice, liveFrameKinds } from '../../shared/live.ts'
import { decodeG711 } from './g711.ts'
import { JpegCanvas } from './jpeg-canvas.ts'
import { LiveMedia } from './live-media.ts'
import type { LiveSocket, LiveWish } from './live-socket.ts'
import { PcmSound } from './pcm-sound.ts'

export interface LiveTileState {
  /** `waiting` until the first picture; `stale` while the socket is lost and the last picture stands. */
  kind: 'off' | 'waiting' | 'showing' | 'no-picture' | 'refused' | 'stale'
  reason?: string | undefined
  sinceMs?: number | undefined
  mode?: LiveMode | undefined
  stream?: number | undefined
  widthPx?: number | undefined
  heightPx?: number | undefined
  note?: string | undefined
  sound: 'none' | 'aac' | 'g711'
  mimeType?: string | undefined
}

/** Figures of a tile over the last second. */
export interface LiveTileStats {
  fps: number
  kbps: number
  /** From the frame's time to now, by the server's clock. */
  latencyMs: number | undefined
  bufferedMs: number
  /** Frames the server left out, and frames the browser did not draw. */
  skippedFrames: number
  droppedFrames: number
}

const retryAfterMs = 3000

/**
 * Shows a camera on a video element, or on a canvas where pictures come as JPEG. Elements are never replaced: the last
 * picture stands until the next one is there.
 */
export class LiveTile {
  readonly #socket: LiveSocket
  readonly #tile: number
  readonly #video: HTMLVideoElement
  readonly #audio: HTMLAudioElement
  readonly #onState: (state: LiveTileState) => void
  readonly #jpeg: JpegCanvas
  #wish: LiveWish | undefined
  #state: LiveTileState = { kind: 'off', sound: 'none' }
  #picture: LiveMedia | undefined
  #sound: LiveMedia | PcmSound | undefined
  #g711: { law: 'mu' | 'a'; sampleRateHz: number; channels: number } | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #arrivals: { atMs: number; sizeBytes: number }[] = []
  #skipped = 0
  #newestJpegUtcUs = 0

  constructor(
    socket: LiveSocket,
    tile: number,
    elements: { video: HTMLVideoElement; audio: HTMLAudioElement; canvas: HTMLCanvasElement },
    onState: (state: LiveTileState) => void,
  ) {
    this.#socket = socket
    this.#tile = tile
    this.#video = elements.video
    this.#audio = elements.audio
    this.#onState = onState
    this.#jpeg = new JpegCanvas(elements.canvas, () => this.#onPicture())
  }

  get state(): LiveTileState {
    return this.#state
  }

  /** Shows `wish`; the same wish again changes nothing. */
  open(wish: LiveWish): void {
    const before = this.#wish
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(wish)) return
    this.#wish = wish
    if (before?.cameraId !== wish.cameraId) {
      this.#closePicture()
      this.#skipped = 0
      this.#set({ kind: 'waiting', sound: 'none' })
    }
    if (!wish.hasSound) this.#closeSound()
    this.#send()
  }

  /** Stops; the last picture is let go. */
  close(): void {
    if (this.#wish === undefined) return
    this.#wish = undefined
    clearTimeout(this.#retry)
    this.#socket.close(this.#tile)
    this.#closePicture()
    this.#closeSound()
    this.#set({ kind: 'off', sound: 'none' })
  }

  /** Stops what comes, keeps the picture that stands. `open` goes on. */
  pause(): void {
    if (this.#wish === undefined) return
    this.#wish = undefined
    clearTimeout(this.#retry)
    this.#socket.close(this.#tile)
    this.#video.pause()
    this.#closeSound()
  }

  stats(serverNowMs: number): LiveTileStats {
    const nowMs = performance.now()
    this.#arrivals = this.#arrivals.filter((one) => nowMs - one.atMs < 1000)
    const shownUs = this.#state.mode === 'jpeg' ? this.#newestJpegUtcUs || undefined : this.#picture?.shownUtcUs
    return {
      fps: this.#arrivals.length,
      kbps: (this.#arrivals.reduce((sum, one) => sum + one.sizeBytes, 0) * 8) / 1000,
      latencyMs: shownUs === undefined ? undefined : Math.max(0, serverNowMs - shownUs / 1000),
      bufferedMs: (this.#picture?.behindSec ?? 0) * 1000,
      skippedFrames: this.#skipped,
      droppedFrames: this.#video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0,
    }
  }

  #send(): void {
    if (this.#wish === undefined) return
    this.#socket.open(this.#tile, this.#wish, {
      onNotice: (notice) => this.#onNotice(notice),
      onFrame: (head, payload) => this.#onFrame(head, payload),
      onLost: () => {
        if (this.#state.kind !== 'off') this.#set({ ...this.#state, kind: 'stale', sinceMs: Date.now() })
      },
    })
  }

  #onNotice(notice: LiveNotice): void {
    switch (notice.type) {
      case 'tile': {
        const { mode, stream, widthPx, heightPx, note, mimeType, sound } = notice
        const kind = this.#state.kind === 'showing' ? 'showing' : 'waiting'
        if (mode === 'jpeg') this.#closePicture()
        else this.#openPicture(mimeType ?? '')
        this.#setSound(sound)
        this.#set({ kind, mode, stream, widthPx, heightPx, note, mimeType, sound: sound.kind })
        break
      }
      case 'no-picture':
        this.#set({ ...this.#state, kind: 'no-picture', reason: notice.reason, sinceMs: notice.sinceMs })
        break
      case 'dropped':
        this.#skipped += notice.frames
        break
      case 'refused':
        this.#set({ kind: 'refused', reason: notice.reason, sound: 'none' })
    }
  }

  #onFrame(head: LiveFrameHead, payload: Uint8Array): void {
    if (head.kind === liveFrameKinds.video || head.kind === liveFrameKinds.jpeg) {
      this.#arrivals.push({ atMs: performance.now(), sizeBytes: payload.length })
      if (this.#arrivals.length > 400) this.#arrivals.splice(0, 200)
    }
    switch (head.kind) {
      case liveFrameKinds.init:
        this.#picture?.addInit(payload)
        break
      case liveFrameKinds.video:
        this.#picture?.addFrame(payload, head.utcUs)
        if (this.#state.kind === 'no-picture' || this.#state.kind === 'stale') this.#onPicture()
        break
      case liveFrameKinds.jpeg:
        this.#newestJpegUtcUs = head.utcUs
        this.#jpeg.show(payload)
        break
      case liveFrameKinds.soundInit:
        if (this.#sound instanceof LiveMedia) this.#sound.addInit(payload)
        break
      case liveFrameKinds.aac:
        if (this.#sound instanceof LiveMedia) this.#sound.addFrame(payload, head.utcUs)
        break
      case liveFrameKinds.g711:
        if (this.#sound instanceof PcmSound && this.#g711 !== undefined) {
          const { law, sampleRateHz, channels } = this.#g711
          this.#sound.play(decodeG711(payload, law), sampleRateHz, channels)
        }
    }
  }

  #openPicture(mimeType: string): void {
    this.#picture ??= new LiveMedia({
      media: this.#video,
      onPicture: () => this.#onPicture(),
      onFailure: (reason) => this.#onFailure(reason),
    })
    this.#picture.setType(mimeType)
  }

  #onPicture(): void {
    if (this.#state.kind !== 'showing' && this.#wish !== undefined) {
      this.#set({ ...this.#state, kind: 'showing', reason: undefined, sinceMs: undefined })
    }
  }

  /** The browser gave up on what it was fed: say so, and begin anew from the next keyframe. */
  #onFailure(reason: string): void {
    this.#picture = undefined
    this.#set({ ...this.#state, kind: 'no-picture', reason, sinceMs: Date.now() })
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#send(), retryAfterMs)
  }

  #setSound(sound: Extract<LiveNotice, { type: 'tile' }>['sound']): void {
    this.#closeSound()
    if (this.#wish?.hasSound !== true) return
    if (sound.kind === 'aac') {
      this.#sound = new LiveMedia({ media: this.#audio, onFailure: () => this.#closeSound() })
      this.#sound.setType(sound.mimeType)
    } else if (sound.kind === 'g711') {
      this.#g711 = sound
      this.#sound = new PcmSound()
    }
  }

  #closeSound(): void {
    this.#sound?.close()
    this.#sound = undefined
  }

  #closePicture(): void {
    this.#picture?.close()
    this.#picture = undefined
  }

  #set(state: LiveTileState): void {
    this.#state = state
    this.#onState(state)
  }
}

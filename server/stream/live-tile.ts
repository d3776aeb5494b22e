// One viewer's tile: what it shows, what it is sent, and what is left out for it while it is behind.
import { type LiveMode, type LiveNotice, type LiveRequest, liveFrameKinds } from '../../shared/live.ts'
import { chooseLive, type LiveChoice } from './live-choice.ts'
import type { LiveFeed } from './live-feed.ts'
import type { LiveHub } from './live-hub.ts'
import type { LiveFrame, LivePictures } from './live-pictures.ts'
import type { LiveStreamInfo } from './live-reader.ts'

/** The socket a tile stands on. */
export interface LiveViewer {
  readonly canPlay: ReadonlySet<'h264' | 'h265' | 'aac'>
  /** True where the socket has not taken what it was given for a second, or far too much waits for it. */
  readonly isStuck: boolean
  /** True where little enough waits that a viewer who was behind may go on. */
  readonly isFree: boolean
  /** Monotonic, milliseconds. */
  nowMs(): number
  /** Wall clock, milliseconds UTC. */
  utcMs(): number
  /** The camera's streams as they are now; undefined where there is no such camera. */
  streams(cameraId: string): LiveStreamInfo[] | undefined
  send(tile: number, kind: number, isKey: boolean, sequence: number, utcUs: number, payload: Uint8Array): void
  notify(notice: LiveNotice): void
}

export type OpenRequest = Extract<LiveRequest, { type: 'open' }>

/** A viewer whose oldest frame not yet received was sent so long ago is behind. Reports come every second. */
const behindMs = 2000
/** A tile without a picture is told so after this long. */
const patienceMs = 2500
/** A conversion that failed is not tried again for this long. */
const failedConversionMs = 30_000

/** Times of the frames sent last, by sequence. */
const sentRing = 1024

/** Pictures a tile listens to. */
interface Attachment {
  choice: LiveChoice
  feed: LiveFeed
  pictures: LivePictures
  undo: () => void
}

export class LiveTile {
  readonly #viewer: LiveViewer
  readonly #hub: LiveHub
  readonly #number: number
  #request: OpenRequest | undefined
  #showing: Attachment | undefined
  /** What will be shown once it has a keyframe; until then the old picture goes on. */
  #pending: Attachment | undefined
  #undoSound: (() => void) | undefined
  #sequence = 0
  readonly #sentMs = new Float64Array(sentRing)
  /** The newest picture the viewer says it has; undefined until its first report. */
  #received: number | undefined
  /** Frames left out since the viewer fell behind; −1 while it is not. */
  #dropped = -1
  #waitingSinceMs = 0
  #isToldOfNone = false
  #conversionFailedMs = Number.NEGATIVE_INFINITY

  constructor(viewer: LiveViewer, hub: LiveHub, number: number) {
    this.#viewer = viewer
    this.#hub = hub
    this.#number = number
  }

  /** Shows what the request says. The same request again starts the picture anew. */
  open(request: OpenRequest): void {
    const before = this.#request
    this.#request = request
    if (before !== undefined && before.cameraId !== request.cameraId) this.#leave()
    const isAgain = before !== undefined && JSON.stringify(before) === JSON.stringify(request)
    const hadSound = this.#undoSound !== undefined
    this.#waitingSinceMs = this.#viewer.nowMs()
    this.#isToldOfNone = false
    this.#choose(isAgain)
    const showing = this.#showing
    if (showing === undefined || isAgain || this.#pending !== undefined) return
    // The picture goes on as it is; only the sound may have changed.
    if (request.hasSound !== hadSound && showing.pictures.start !== undefined) {
      this.#notify(showing)
      this.#followSound(showing)
    }
  }

  /** The viewer has received pictures up to this one. */
  received(sequence: number): void {
    if (sequence > this.#sequence) return
    this.#received = Math.max(this.#received ?? 0, sequence)
  }

  /** Whether a picture it was sent is known to have arrived. */
  get hasArrived(): boolean {
    return this.#received !== undefined && this.#received > 0
  }

  /** Looks again whether something better can be shown: a stream came back, or went. Called every few seconds. */
  reconsider(): void {
    if (this.#request === undefined) return
    this.#choose(false)
    const isWaiting = this.#showing === undefined && !this.#isToldOfNone
    if (isWaiting && this.#viewer.nowMs() - this.#waitingSinceMs > patienceMs) this.#tellNone()
  }

  close(): void {
    this.#leave()
    this.#request = undefined
  }

  #leave(): void {
    this.#undoSound?.()
    this.#undoSound = undefined
    this.#showing?.undo()
    this.#pending?.undo()
    this.#showing = undefined
    this.#pending = undefined
    this.#dropped = -1
  }

  /** Takes up the best choice, where it is not what is shown or awaited already. */
  #choose(isAgain: boolean): void {
    const { cameraId, want, widthPx } = this.#request!
    const known = this.#viewer.streams(cameraId)
    if (known === undefined) {
      this.#refuse('there is no such camera')
      return
    }
    const streams = known.map((info) => {
      const videoCodec = this.#hub.codecOf(cameraId, info.stream) ?? info.videoCodec
      return { ...info, videoCodec }
    })
    const mayConvert = this.#viewer.nowMs() - this.#conversionFailedMs > failedConversionMs
    const choice = chooseLive({
      want,
      widthPx,
      canPlay: this.#viewer.canPlay,
      streams,
      canConvert: (stream) => mayConvert && this.#hub.canConvert(cameraId, stream),
    })
    if (choice === undefined) {
      this.#refuse('this camera has no streams')
      return
    }
    if (!isAgain && this.#pending !== undefined && isSame(this.#pending.choice, choice)) return
    if (!isAgain && this.#pending === undefined && this.#showing !== undefined && isSame(this.#showing.choice, choice))
      return
    this.#pending?.undo()
    this.#pending = undefined
    // What is shown is the best again, and what was awaited is not.
    if (!isAgain && this.#showing !== undefined && isSame(this.#showing.choice, choice)) return
    this.#attach(choice)
  }

  #attach(choice: LiveChoice): void {
    const { cameraId, widthPx } = this.#request!
    const feed = this.#hub.feed(cameraId, choice.stream)
    let pictures: LivePictures
    try {
      pictures = this.#hub.pictures(feed, choice.form, widthPx)
    } catch {
      // The last child that was free went to somebody else just now.
      this.#conversionFailedMs = this.#viewer.nowMs()
      this.#choose(false)
      return
    }
    const attachment: Attachment = { choice, feed, pictures, undo: () => undefined }
    attachment.undo = pictures.listen({
      started: () => this.#onStarted(attachment),
      frame: (frame) => this.#onFrame(attachment, frame),
      ended: (reason) => this.#onEnded(attachment, reason),
    })
    this.#pending = attachment
    if (pictures.frames.length > 0) this.#show(attachment)
    else if (pictures.endReason !== undefined && this.#showing === undefined) this.#tellNone(pictures.endReason)
  }

  #onStarted(attachment: Attachment): void {
    // Only now is it known how this stream is coded: another may suit the browser better.
    this.#choose(false)
    if (attachment !== this.#showing) return
    const codec = attachment.feed.video?.codec
    const isAsIs = attachment.choice.form === 'as-is' && (codec === 'h264' || codec === 'h265')
    if (isAsIs && !this.#viewer.canPlay.has(codec)) {
      // The last picture stands until what was chosen instead has one.
      attachment.undo()
      this.#showing = undefined
      return
    }
    this.#isToldOfNone = false
    this.#notify(attachment)
    this.#sendInit(attachment)
    this.#followSound(attachment)
    // Frames of the run before need not be received any more.
    this.#dropped = -1
  }

  #onEnded(attachment: Attachment, reason: string): void {
    if (attachment.choice.form === 'h264') this.#conversionFailedMs = this.#viewer.nowMs()
    if (attachment === this.#showing || this.#showing === undefined) this.#tellNone(reason)
    if (this.#request !== undefined) this.#choose(false)
  }

  #onFrame(attachment: Attachment, frame: LiveFrame): void {
    if (attachment === this.#showing) this.#offer(frame)
    else if (attachment === this.#pending && frame.isKey) this.#show(attachment)
  }

  /** Makes what was awaited the picture of the tile, from its last keyframe on. */
  #show(attachment: Attachment): void {
    this.#pending = undefined
    const old = this.#showing
    this.#showing = attachment
    if (old !== undefined) old.undo()
    this.#dropped = -1
    this.#isToldOfNone = false
    this.#notify(attachment)
    this.#sendInit(attachment)
    this.#followSound(attachment)
    for (const frame of attachment.pictures.frames) this.#send(frame)
  }

  /** Sends a frame, unless the viewer is behind: then all is left out until a keyframe finds it caught up. */
  #offer(frame: LiveFrame): void {
    if (this.#dropped < 0 && !this.#isBehind()) {
      this.#send(frame)
      return
    }
    if (this.#dropped >= 0 && frame.isKey && this.#hasCaughtUp()) {
      this.#viewer.notify({ type: 'dropped', tile: this.#number, frames: this.#dropped })
      this.#dropped = -1
      this.#send(frame)
      return
    }
    this.#dropped = Math.max(0, this.#dropped) + 1
  }

  #isBehind(): boolean {
    if (this.#viewer.isStuck) return true
    // Who never reports is judged by the socket alone.
    if (this.#received === undefined || this.#received >= this.#sequence) return false
    const oldest = Math.max(this.#received + 1, this.#sequence - sentRing + 1)
    return this.#viewer.nowMs() - this.#sentMs[oldest % sentRing]! > behindMs
  }

  #hasCaughtUp(): boolean {
    return this.#viewer.isFree && (this.#received === undefined || this.#received >= this.#sequence)
  }

  #send(frame: LiveFrame): void {
    this.#sequence++
    this.#sentMs[this.#sequence % sentRing] = this.#viewer.nowMs()
    const kind = frame.kind === 'jpeg' ? liveFrameKinds.jpeg : liveFrameKinds.video
    this.#viewer.send(this.#number, kind, frame.isKey, this.#sequence, frame.utcUs, frame.payload)
  }

  #notify({ choice, feed, pictures }: Attachment): void {
    const { start } = pictures
    const { sound } = feed
    this.#viewer.notify({
      type: 'tile',
      tile: this.#number,
      cameraId: feed.cameraId,
      stream: choice.stream,
      mode: choice.mode satisfies LiveMode,
      ...(start?.mimeType === undefined ? {} : { mimeType: start.mimeType }),
      ...(start === undefined ? {} : { widthPx: start.widthPx, heightPx: start.heightPx }),
      sound: this.#soundNotice(sound),
      ...(choice.note === undefined ? {} : { note: choice.note }),
    })
  }

  #soundNotice(sound: LiveFeed['sound']): Extract<LiveNotice, { type: 'tile' }>['sound'] {
    if (sound.kind !== 'aac') return sound
    return this.#viewer.canPlay.has('aac') ? { kind: 'aac', mimeType: sound.mimeType } : { kind: 'none' }
  }

  #sendInit({ pictures }: Attachment): void {
    const init = pictures.start?.init
    if (init === undefined) return
    const utcUs = pictures.frames[0]?.utcUs ?? this.#viewer.utcMs() * 1000
    this.#viewer.send(this.#number, liveFrameKinds.init, false, this.#sequence, utcUs, init)
  }

  #followSound({ feed }: Attachment): void {
    this.#undoSound?.()
    this.#undoSound = undefined
    const { sound } = feed
    if (!this.#request!.hasSound || this.#soundNotice(sound).kind === 'none') return
    if (sound.kind === 'aac') {
      this.#viewer.send(
        this.#number,
        liveFrameKinds.soundInit,
        false,
        this.#sequence,
        this.#viewer.utcMs() * 1000,
        sound.init,
      )
    }
    this.#undoSound = feed.listenToSound((frame) => {
      if (this.#viewer.isStuck) return
      this.#viewer.send(this.#number, frame.kind, true, this.#sequence, frame.utcUs, frame.payload)
    })
  }

  #tellNone(reason?: string): void {
    this.#isToldOfNone = true
    const awaited = this.#pending ?? this.#showing
    const info =
      awaited && this.#viewer.streams(awaited.feed.cameraId)?.find(({ stream }) => stream === awaited.choice.stream)
    const isKnownOff = info !== undefined && !info.isLive && info.reason !== ''
    this.#viewer.notify({
      type: 'no-picture',
      tile: this.#number,
      reason: isKnownOff ? info.reason : (reason ?? 'waiting for the first picture'),
      sinceMs: Math.round(isKnownOff ? info.sinceMs : this.#viewer.utcMs()),
    })
  }

  #refuse(reason: string): void {
    this.#leave()
    this.#request = undefined
    this.#viewer.notify({ type: 'refused', tile: this.#number, reason })
  }
}

function isSame(a: LiveChoice, b: LiveChoice): boolean {
  return a.stream === b.stream && a.form === b.form && a.mode === b.mode
}

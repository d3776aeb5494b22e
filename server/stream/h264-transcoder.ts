// Pictures a browser cannot play, made anew as H.264: one ffmpeg each, few at once, ended with its last reader.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { Failure } from '../../shared/failure.ts'
import { readFourcc, readU32 } from '../media/mp4/box-scanner.ts'

/** Pictures are made no higher than this. */
export const transcodedHeightPx = 720

const maxBoxBytes = 32 * 1024 * 1024

export interface TranscodeEvents {
  /** `ftyp` and `moov`, once, first. */
  init(bytes: Uint8Array): void
  /** A `moof` and its `mdat`: one frame, its decode time that of the source's presentation. */
  fragment(bytes: Uint8Array): void
  /** No more comes. `reason` is given where it was not the end of the input. */
  ended(reason: string | undefined): void
}

export interface TranscodeOptions {
  /** AAC sound of the input is passed through. */
  hasSound: boolean
  /** Every picture is a keyframe: for input that is keyframes only. */
  isKeysOnly: boolean
}

/** Starts transcoding children, and knows how many run. */
export class H264Transcoder {
  readonly #ffmpegPath: string
  readonly #maxChildren: number
  readonly #children = new Set<Transcode>()

  constructor(options: { ffmpegPath?: string; maxChildren?: number } = {}) {
    this.#ffmpegPath = options.ffmpegPath ?? 'ffmpeg'
    this.#maxChildren = options.maxChildren ?? 3
  }

  get hasRoom(): boolean {
    return this.#children.size < this.#maxChildren
  }

  /** Starts a child, which reads an init segment and fragments. Fails `limit` where as many run as may. */
  start(options: TranscodeOptions, events: TranscodeEvents): Transcode {
    if (!this.hasRoom) {
      throw new Failure(
        'limit',
        `${this.#maxChildren} streams are being converted to H.264 already; close one of them first`,
      )
    }
    const transcode = new Transcode(this.#ffmpegPath, options, {
      ...events,
      ended: (reason) => {
        this.#children.delete(transcode)
        events.ended(reason)
      },
    })
    this.#children.add(transcode)
    return transcode
  }

  close(): void {
    for (const child of [...this.#children]) child.close()
  }
}

/** One running child. */
export class Transcode {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #events: TranscodeEvents
  #pending: Buffer = Buffer.alloc(0)
  #head: Buffer[] = []
  #moof: Buffer | undefined
  #complaint = ''
  #isEnded = false
  #isClosed = false

  constructor(ffmpegPath: string, options: TranscodeOptions, events: TranscodeEvents) {
    this.#events = events
    this.#process = spawn(ffmpegPath, [
      // So little probing that the first frame is not waited for behind others.
      ...['-hide_banner', '-loglevel', 'error', '-probesize', '2048', '-analyzeduration', '0', '-threads', '2'],
      ...['-flags', 'low_delay', '-copyts', '-f', 'mp4', '-i', 'pipe:0', '-map', '0:v:0'],
      ...(options.hasSound ? ['-map', '0:a?', '-c:a', 'copy'] : []),
      ...['-fps_mode', 'passthrough', '-vf', `scale=-2:'min(${transcodedHeightPx},ih)':flags=bilinear,format=yuv420p`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '26'],
      ...['-g', options.isKeysOnly ? '1' : '50', '-video_track_timescale', '90000'],
      ...['-f', 'mp4', '-movflags', 'empty_moov+default_base_moof+frag_every_frame+frag_discont'],
      ...['-avoid_negative_ts', 'disabled', '-muxdelay', '0', '-flush_packets', '1', 'pipe:1'],
    ])
    this.#process.stdout.on('data', (bytes: Buffer) => this.#take(bytes))
    this.#process.stderr.on('data', (bytes: Buffer) => {
      this.#complaint = bytes.toString('utf8').trim().slice(-300)
    })
    this.#process.stdin.on('error', () => undefined)
    this.#process.on('error', (error) => this.#end(`ffmpeg cannot be started: ${error.message}`))
    this.#process.on('close', (code) =>
      this.#end(code === 0 ? undefined : `ffmpeg ended with ${code}: ${this.#complaint}`),
    )
  }

  /** Gives it more of the movie. False where it is behind: wait for `drained` before the next. */
  write(bytes: Uint8Array): boolean {
    return this.#isEnded || this.#process.stdin.write(bytes)
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Bytes that were given and not taken. */
  get backlogBytes(): number {
    return this.#process.stdin.writableLength
  }

  drained(): Promise<void> {
    if (this.#isEnded) return Promise.resolve()
    return new Promise((resolve) => {
      const go = () => {
        this.#process.stdin.off('drain', go)
        this.#process.off('close', go)
        resolve()
      }
      this.#process.stdin.on('drain', go)
      this.#process.on('close', go)
    })
  }

  /** No more input: what is left comes out, then `ended`. */
  finish(): void {
    this.#process.stdin.end()
  }

  /** Holds the output back (true), and so in time the child, or lets it go on. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#process.stdout.pause()
    else this.#process.stdout.resume()
  }

  /** Ends it at once; `ended` is called before this returns. */
  close(): void {
    this.#isClosed = true
    this.#process.kill('SIGKILL')
    // Output that was held back would keep `close` from coming.
    this.#process.stdout.resume()
    this.#end('closed')
  }

  #take(bytes: Buffer): void {
    if (this.#isClosed) return
    let pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    while (pending.length >= 8) {
      const size = readU32(pending, 0)
      if (size < 8 || size > maxBoxBytes) {
        this.close()
        return
      }
      if (pending.length < size) break
      this.#box(readFourcc(pending, 4), pending.subarray(0, size))
      pending = pending.subarray(size)
    }
    // A copy, lest a few bytes keep a large chunk alive.
    this.#pending = Buffer.from(pending)
  }

  #box(type: string, box: Buffer): void {
    if (type === 'ftyp') this.#head = [box]
    if (type === 'moov') this.#events.init(Buffer.concat([...this.#head, box]))
    if (type === 'moof') this.#moof = box
    if (type !== 'mdat' || this.#moof === undefined) return
    this.#events.fragment(Buffer.concat([this.#moof, box]))
    this.#moof = undefined
  }

  #end(reason: string | undefined): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#events.ended(reason)
  }
}

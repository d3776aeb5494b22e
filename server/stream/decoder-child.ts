// One long-lived ffmpeg that turns keyframes into JPEG pictures: started once, fed one keyframe after another.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { Failure } from '../../shared/failure.ts'
import type { VideoCodec } from '../media/track.ts'

const demuxers: Record<VideoCodec, string> = { h264: 'h264', h265: 'hevc', mjpeg: 'mjpeg' }

const endOfImage = Buffer.from([0xff, 0xd9])

/** A picture that is larger is no answer: the child has gone wrong. */
const maxPictureBytes = 32 * 1024 * 1024

interface Waiting {
  /** Which of all pictures that come is waited for, from 0. */
  index: number
  resolve: (picture: Uint8Array) => void
  reject: (error: Error) => void
}

/**
 * A child for one codec and one width of picture.
 *
 * ffmpeg gives pictures in the order they were sent, but holds back as many as the stream may reorder. So each keyframe is
 * sent once more than the deepest reordering met so far, as many pictures come out as were sent, and the first that is not
 * of an earlier keyframe is taken: where one is lost the answer fails to come, and never is another camera's.
 */
export class DecoderChild {
  readonly codec: VideoCodec
  readonly widthPx: number
  readonly #process: ChildProcessWithoutNullStreams
  /** The deepest reordering met so far: as many pictures ffmpeg may hold back. */
  #depth = 0
  #sent = 0
  #received = 0
  #output: Buffer[] = []
  #outputBytes = 0
  #waiting: Waiting | undefined
  #isDead = false
  #complaint = ''

  constructor(ffmpegPath: string, codec: VideoCodec, widthPx: number) {
    this.codec = codec
    this.widthPx = widthPx
    this.#process = spawn(ffmpegPath, [
      ...['-hide_banner', '-loglevel', 'error', '-threads', '1', '-flags', 'low_delay'],
      ...['-framerate', '1', '-probesize', '5000', '-analyzeduration', '0', '-blocksize', '2048'],
      ...['-f', demuxers[codec], '-i', 'pipe:0', '-fps_mode', 'passthrough'],
      // Never larger than it came; the height even, as 4:2:0 asks.
      ...['-vf', `scale=w='min(${widthPx},iw)':h=-2:flags=bilinear,format=yuvj420p`],
      ...['-c:v', 'mjpeg', '-q:v', '4', '-threads', '1', '-f', 'image2pipe', '-flush_packets', '1', 'pipe:1'],
    ])
    this.#process.stdout.on('data', (bytes: Buffer) => this.#take(bytes))
    this.#process.stderr.on('data', (bytes: Buffer) => {
      this.#complaint = bytes.toString('utf8').trim().slice(-300)
    })
    this.#process.stdin.on('error', () => undefined)
    this.#process.on('error', (error) => this.#end(`ffmpeg cannot be started: ${error.message}`))
    this.#process.on('exit', () => this.#end(`ffmpeg ended: ${this.#complaint}`))
  }

  get isIdle(): boolean {
    return !this.#isDead && this.#waiting === undefined
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /**
   * The picture of `unit`, a keyframe in the form the demuxer reads, with what marks its end. `reorderDepth` is how many
   * pictures its decoder may hold back. One call at a time.
   *
   * Fails `corrupt` where nothing comes within `timeoutMs`: the child must then be killed, for what it holds is unknown.
   */
  picture(unit: Uint8Array, reorderDepth: number, timeoutMs: number): Promise<Uint8Array> {
    this.#depth = Math.max(this.#depth, reorderDepth)
    return new Promise<Uint8Array>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = undefined
        reject(new Failure('corrupt', `decode keyframe: no picture within ${timeoutMs} ms ${this.#complaint}`.trim()))
      }, timeoutMs)
      const done = () => {
        clearTimeout(timer)
        this.#waiting = undefined
      }
      this.#waiting = {
        index: this.#sent,
        resolve: (picture) => {
          done()
          resolve(picture)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      }
      for (let i = 0; i <= this.#depth; i++) this.#process.stdin.write(unit)
      this.#sent += this.#depth + 1
    })
  }

  kill(): void {
    this.#isDead = true
    this.#process.kill('SIGKILL')
  }

  #take(bytes: Buffer): void {
    let from = 0
    for (;;) {
      const end = this.#endOfImage(bytes, from)
      if (end < 0) break
      this.#output.push(bytes.subarray(from, end))
      const picture = Buffer.concat(this.#output)
      this.#output = []
      this.#outputBytes = 0
      this.#picture(picture)
      from = end
    }
    if (from === bytes.length) return
    this.#output.push(bytes.subarray(from))
    this.#outputBytes += bytes.length - from
    if (this.#outputBytes > maxPictureBytes) this.#process.kill('SIGKILL')
  }

  /** Where the image ends that `bytes` continue, −1 where they do not end it. The mark may lie across two chunks. */
  #endOfImage(bytes: Buffer, from: number): number {
    if (from === 0 && this.#output.at(-1)?.at(-1) === 0xff && bytes[0] === 0xd9) return 1
    const at = bytes.indexOf(endOfImage, from)
    return at < 0 ? -1 : at + 2
  }

  #picture(picture: Uint8Array): void {
    const index = this.#received++
    if (this.#received > this.#sent) this.#process.kill('SIGKILL')
    else if (index === this.#waiting?.index) this.#waiting.resolve(picture)
  }

  #end(reason: string): void {
    this.#isDead = true
    this.#waiting?.reject(new Failure('corrupt', `decode keyframe: ${reason}`))
  }
}

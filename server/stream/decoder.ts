// Pictures out of keyframes: a few long-lived ffmpeg children, started when somebody asks, ended when nobody does.
import { spawn } from 'node:child_process'
import { Failure } from '../../shared/failure.ts'
import { joinAnnexB, splitLengthPrefixed } from '../media/annex-b.ts'
import { h264NalType, isH264Vcl, parseH264Sps } from '../media/h264.ts'
import { h265NalType, isH265Vcl, parseH265Sps } from '../media/h265.ts'
import { parseJpegSize } from '../media/jpeg.ts'
import type { VideoCodec, VideoTrack } from '../media/track.ts'
import { DecoderChild } from './decoder-child.ts'

export interface DecoderOptions {
  /** The program; `ffmpeg` where not given. */
  ffmpegPath?: string
  /** Children at once, 2 where not given. */
  maxChildren?: number
  /** After so long without work a child ends. */
  idleMs?: number
  /** How long a keyframe may take. The child is then killed and the keyframe tried once more. */
  timeoutMs?: number
}

/** Widths pictures are made in; what is asked for is rounded up to one, so that few children serve all. */
export const pictureWidths = [160, 320, 640, 960, 1280, 1920, 3840] as const

/** Requests that may wait; more are refused. */
const maxWaiting = 64

/** How many pictures a decoder is taken to hold back where its parameter sets do not say, on the second try. */
const unknownDepth = 4

interface Job {
  codec: VideoCodec
  widthPx: number
  unit: Uint8Array
  reorderDepth: number
  tries: number
  resolve: (picture: Uint8Array) => void
  reject: (error: unknown) => void
}

export class Decoder {
  readonly #ffmpegPath: string
  readonly #maxChildren: number
  readonly #idleMs: number
  readonly #timeoutMs: number
  readonly #children = new Map<DecoderChild, NodeJS.Timeout | undefined>()
  readonly #waiting: Job[] = []
  readonly #oneShots = new Set<ReturnType<typeof spawn>>()
  #isClosed = false

  constructor(options: DecoderOptions = {}) {
    this.#ffmpegPath = options.ffmpegPath ?? 'ffmpeg'
    this.#maxChildren = options.maxChildren ?? 2
    this.#idleMs = options.idleMs ?? 60_000
    this.#timeoutMs = options.timeoutMs ?? 4000
  }

  /** How many children run now. */
  get childCount(): number {
    return [...this.#children.keys()].filter((child) => !child.isDead).length
  }

  /**
   * The picture of a keyframe as JPEG, `widthPx` wide or a little wider, never wider than it was coded. `sample` is as the
   * track says, a JPEG file where that is MJPEG.
   *
   * Fails `corrupt` where it cannot be decoded, `limit` where too many wait already.
   */
  async picture(track: VideoTrack, sample: Uint8Array, widthPx: number): Promise<Uint8Array> {
    const width = pictureWidths.find((candidate) => candidate >= widthPx) ?? pictureWidths.at(-1)!
    if (track.codec === 'mjpeg') {
      if (parseJpegSize(sample).widthPx <= width) return sample
      // The demuxer knows that a picture is whole when the next one begins.
      return this.#ask({ codec: 'mjpeg', widthPx: width, unit: sample, reorderDepth: 1 })
    }
    const nals = [...splitLengthPrefixed(sample)].filter((nal) => isVcl(track.codec, nal))
    const pictures = nals.filter((nal) => beginsPicture(track.codec, nal)).length
    if (pictures === 0) throw new Failure('corrupt', 'decode keyframe: it holds no picture')
    const sets = track.codec === 'h264' ? [track.sps, ...track.pps] : [track.vps, track.sps, ...track.pps]
    const unit = joinAnnexB([...sets, ...nals, endMarks[track.codec]])
    // Two fields make one picture or two, as the decoder sees it: such a stream gets a child that nobody shares.
    if (pictures > 1) return this.#oneShot(['-f', track.codec === 'h264' ? 'h264' : 'hevc'], unit, width)
    return this.#ask({ codec: track.codec, widthPx: width, unit, reorderDepth: reorderDepth(track) })
  }

  /**
   * The picture shown at `ptsTicks` of a movie that holds it and all it refers to, as JPEG: `movie` is an init segment and
   * fragments whose picture has that time on its own time scale. Costs a child of its own.
   *
   * Fails `corrupt` where there is no picture of that time.
   */
  pictureAt(movie: Uint8Array, ptsTicks: number, widthPx: number): Promise<Uint8Array> {
    const width = pictureWidths.find((candidate) => candidate >= widthPx) ?? pictureWidths.at(-1)!
    const input = ['-copyts', '-f', 'mp4']
    return this.#oneShot(input, movie, width, `select='eq(pts,${ptsTicks})',`)
  }

  /** Ends every child. What waits fails. */
  close(): void {
    this.#isClosed = true
    for (const [child, timer] of this.#children) {
      clearTimeout(timer)
      child.kill()
    }
    this.#children.clear()
    for (const child of this.#oneShots) child.kill('SIGKILL')
    for (const job of this.#waiting.splice(0)) job.reject(new Failure('unreachable', 'the decoder is closed'))
  }

  #ask(job: Pick<Job, 'codec' | 'widthPx' | 'unit' | 'reorderDepth'>): Promise<Uint8Array> {
    if (this.#isClosed) return Promise.reject(new Failure('unreachable', 'the decoder is closed'))
    if (this.#waiting.length >= maxWaiting)
      return Promise.reject(new Failure('limit', 'too many pictures are asked for'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...job, tries: 0, resolve, reject })
      this.#work()
    })
  }

  /** Gives waiting jobs to children that are free, and to new ones. */
  #work(): void {
    for (let i = 0; i < this.#waiting.length; ) {
      const child = this.#childFor(this.#waiting[i]!)
      if (child === undefined) i++
      else void this.#run(child, this.#waiting.splice(i, 1)[0]!)
    }
  }

  #childFor({ codec, widthPx }: Job): DecoderChild | undefined {
    for (const child of this.#children.keys()) if (child.isDead) this.#drop(child)
    const idle = [...this.#children.keys()].filter((child) => child.isIdle)
    const fit = idle.find((child) => child.codec === codec && child.widthPx === widthPx)
    if (fit !== undefined) return fit
    if (this.#children.size >= this.#maxChildren) {
      // The one that has been idle longest makes room: children come to the end of the map with each use.
      if (idle[0] === undefined) return undefined
      this.#drop(idle[0])
    }
    const child = new DecoderChild(this.#ffmpegPath, codec, widthPx)
    this.#children.set(child, undefined)
    return child
  }

  async #run(child: DecoderChild, job: Job): Promise<void> {
    clearTimeout(this.#children.get(child))
    this.#children.delete(child)
    this.#children.set(child, undefined)
    try {
      const picture = await child.picture(job.unit, job.reorderDepth, this.#timeoutMs)
      const timer = setTimeout(() => this.#drop(child), this.#idleMs)
      timer.unref()
      this.#children.set(child, timer)
      job.resolve(picture)
    } catch (error) {
      this.#drop(child)
      if (job.tries === 0 && !this.#isClosed) {
        this.#waiting.unshift({ ...job, tries: 1, reorderDepth: Math.max(job.reorderDepth, unknownDepth) })
      } else {
        job.reject(error)
      }
    }
    this.#work()
  }

  #drop(child: DecoderChild): void {
    clearTimeout(this.#children.get(child))
    this.#children.delete(child)
    child.kill()
  }

  /** One picture by a child of its own, queued behind others of its kind. */
  async #oneShot(input: string[], bytes: Uint8Array, widthPx: number, filter = ''): Promise<Uint8Array> {
    while (this.#oneShots.size >= this.#maxChildren) {
      await Promise.race([...this.#oneShots].map((child) => new Promise((resolve) => child.once('close', resolve))))
    }
    if (this.#isClosed) throw new Failure('unreachable', 'the decoder is closed')
    const child = spawn(this.#ffmpegPath, [
      ...['-hide_banner', '-loglevel', 'error', '-threads', '2', ...input, '-i', 'pipe:0', '-map', '0:v:0'],
      ...[
        '-vf',
        `${filter}scale=w='min(${widthPx},iw)':h=-2:flags=bilinear,format=yuvj420p`,
        '-fps_mode',
        'passthrough',
      ],
      ...['-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '3', '-f', 'image2pipe', 'pipe:1'],
    ])
    this.#oneShots.add(child)
    const timer = setTimeout(() => child.kill('SIGKILL'), 3 * this.#timeoutMs)
    const parts: Buffer[] = []
    let complaint = ''
    child.stdout.on('data', (part: Buffer) => parts.push(part))
    child.stderr.on('data', (part: Buffer) => {
      complaint = part.toString('utf8').trim().slice(-300)
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(bytes)
    await new Promise<void>((resolve) => {
      child.once('error', () => resolve())
      child.once('close', () => resolve())
    })
    clearTimeout(timer)
    this.#oneShots.delete(child)
    const picture = Buffer.concat(parts)
    if (picture.length === 0) throw new Failure('corrupt', `decode picture: none came out. ${complaint}`.trim())
    return picture
  }
}

/** Access unit delimiters: they tell the demuxer that the picture before them is whole. */
const endMarks = { h264: Uint8Array.of(0x09, 0x10), h265: Uint8Array.of(0x46, 0x01, 0x50) }

function isVcl(codec: 'h264' | 'h265', nal: Uint8Array): boolean {
  return codec === 'h264' ? isH264Vcl(h264NalType(nal[0]!)) : isH265Vcl(h265NalType(nal[0]!))
}

/** first_mb_in_slice 0 (ITU-T H.264 §7.3.3), first_slice_segment_in_pic_flag (H.265 §7.3.6.1). */
function beginsPicture(codec: 'h264' | 'h265', nal: Uint8Array): boolean {
  return ((nal[codec === 'h264' ? 1 : 2] ?? 0) & 0x80) !== 0
}

/** How many pictures the decoder holds back, as the parameter sets say. */
function reorderDepth(track: VideoTrack): number {
  try {
    if (track.codec === 'h264') return parseH264Sps(track.sps).maxReorderFrames ?? 0
    return track.codec === 'h265' ? parseH265Sps(track.sps).maxReorderFrames : 1
  } catch {
    // A decoder may read what we cannot.
    return unknownDepth
  }
}

// One ffmpeg that fetches one stream: from its start to its end.
import { Writable } from 'node:stream'
import ffmpeg from 'fluent-ffmpeg'
import { Failure } from '../../shared/failure.ts'
import type { Clock } from '../base/clock.ts'
import { FragmentedMovieParser } from '../media/mp4/fragmented-movie-parser.ts'
import type { MovieTrack } from '../media/mp4/movie.ts'
import { faultOfLine, ffmpegInput, ffmpegOutput, ffmpegVideoCodecs, plainLine, streamOfLine } from './ffmpeg-input.ts'
import type { SampleSink, SourceAddress, SourceEnd, SourceTrack } from './source.ts'
import { displayText, displayUrl } from './source-address.ts'

/** Times of a source fetched by ffmpeg, in milliseconds. */
export interface FfmpegTimes {
  /** From the start to the first sample: ffmpeg looks at the stream for two seconds first. */
  firstSampleMs: number
  /** Between samples. */
  stallMs: number
  /** From SIGTERM to SIGKILL. */
  killMs: number
  tickMs: number
}

export const defaultFfmpegTimes: FfmpegTimes = { firstSampleMs: 12_000, stallMs: 9000, killMs: 2000, tickMs: 500 }

export interface FfmpegSessionOptions {
  address: SourceAddress
  /** False to make AAC of the sound: it is something else. */
  isAudioCopied: boolean
  clock: Clock
  times: FfmpegTimes
  open(tracks: SourceTrack[]): SampleSink
}

/** How a session ended. */
export interface FfmpegResult {
  end: SourceEnd
  /** True where it only has to be begun again with the sound made into AAC. */
  needsAac: boolean
  hasSample: boolean
  /** The error of the owner's own code that ended it. */
  cause: unknown
}

/** How many of ffmpeg's last lines are kept. */
const keptLines = 12
/** The largest frame taken: a keyframe of an 8K camera fits. */
const maxFrameBytes = 32 * 1024 * 1024

/** A session: `run` lasts as long as ffmpeg does. The child is gone when it resolves. */
export class FfmpegSession {
  readonly #options: FfmpegSessionOptions
  readonly #label: string
  readonly #lines: string[] = []
  #command: ffmpeg.FfmpegCommand | undefined
  #sink: SampleSink | undefined
  /** By track of the movie: its place among those offered. */
  readonly #places = new Map<number, number>()
  #isStarted = false
  #isGone = false
  #verdict: FfmpegResult | undefined
  #hasSample = false
  #isInputRead = false
  #isHeld = false
  /** A read that waits for the hold to end. */
  #held: (() => void) | undefined
  #quietMs = 0
  #killLeftMs = Number.POSITIVE_INFINITY
  #lastTickUs = 0

  constructor(options: FfmpegSessionOptions) {
    this.#options = options
    this.#label = displayUrl(options.address.url)
  }

  /** Runs ffmpeg to its end; never rejects. */
  async run(): Promise<FfmpegResult> {
    const { address, clock, isAudioCopied, times } = this.#options
    const { input, options } = ffmpegInput(address)
    this.#lastTickUs = clock.monotonicUs()
    const timer = setInterval(() => this.#tick(), times.tickMs)
    const error = await new Promise<Error | undefined>((resolve) => {
      const command = ffmpeg(input)
        .inputOptions(...(options as [string, string]))
        .outputOptions(...(ffmpegOutput(address.hasAudio, isAudioCopied) as [string, string]))
      this.#command = command
      command.on('start', () => {
        this.#isStarted = true
        // Ended while ffmpeg's abilities were being asked for.
        if (this.#verdict !== undefined) this.#kill()
      })
      command.on('stderr', (line: string) => this.#onLine(line))
      command.on('end', () => resolve(undefined))
      command.on('error', (failure: Error) => resolve(failure))
      command.output(this.#output(), { end: true })
      command.run()
    })
    clearInterval(timer)
    this.#isGone = true
    this.#sink = undefined
    const { end, ...rest } = this.#verdict ?? this.#result(this.#verdictOfLines(error))
    return { ...rest, end: { fault: end.fault, detail: displayText(end.detail, address.password) } }
  }

  /** Ends it with a verdict; the first one stands. */
  end(end: SourceEnd): void {
    this.#finish(this.#result(end))
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (isHeld) return
    this.#quietMs = 0
    const go = this.#held
    this.#held = undefined
    go?.()
  }

  #result(end: SourceEnd, more: { needsAac?: boolean; cause?: unknown } = {}): FfmpegResult {
    return { end, needsAac: more.needsAac ?? false, hasSample: this.#hasSample, cause: more.cause }
  }

  #finish(result: FfmpegResult): void {
    if (this.#verdict !== undefined) return
    this.#verdict = result
    this.#sink = undefined
    // What ffmpeg still writes is read and dropped, or it would never get to its end.
    this.hold(false)
    if (this.#isStarted) this.#kill()
  }

  #kill(): void {
    if (this.#isGone) return
    this.#command?.kill('SIGTERM')
    this.#killLeftMs = this.#options.times.killMs
  }

  /** Where ffmpeg's output goes: one chunk at a time, so that a pipe's worth is all that waits in memory. */
  #output(): Writable {
    const parser = new FragmentedMovieParser(
      { onInit: (tracks) => this.#onInit(tracks), onSample: (sample) => this.#onSample(sample) },
      maxFrameBytes,
    )
    return new Writable({
      write: (chunk: Uint8Array, _encoding, done) => {
        if (this.#verdict === undefined) {
          try {
            parser.push(chunk)
          } catch (error) {
            const isCorrupt = error instanceof Failure && error.kind === 'corrupt'
            const end: SourceEnd = {
              fault: isCorrupt ? 'protocol' : 'source-failed',
              detail: `${this.#label}: ${(error as Error).message}`,
            }
            this.#finish(this.#result(end, { cause: isCorrupt ? undefined : error }))
          }
        }
        if (this.#isHeld && this.#verdict === undefined) this.#held = done
        else done()
      },
    })
  }

  #onInit(tracks: MovieTrack[]): void {
    if (this.#sink !== undefined || this.#verdict !== undefined) return
    const offered: SourceTrack[] = []
    for (const { id, config, timescale } of tracks) {
      if (config === undefined) continue
      this.#places.set(id, offered.push({ config, clockHz: timescale }) - 1)
    }
    this.#sink = this.#options.open(offered)
  }

  #onSample(sample: { trackId: number; dtsTicks: number; ctsTicks: number; isKey: boolean; data: Uint8Array }): void {
    this.#hasSample = true
    this.#quietMs = 0
    const place = this.#places.get(sample.trackId)
    if (place === undefined) return
    this.#sink?.sample(place, sample.dtsTicks, sample.ctsTicks, sample.isKey, sample.data)
  }

  #onLine(line: string): void {
    if (line.trim() === '') return
    this.#lines.push(line.slice(0, 500))
    if (this.#lines.length > keptLines) this.#lines.shift()
    if (/^(Output #0|Stream mapping:)/.test(line)) this.#isInputRead = true
    const stream = this.#isInputRead ? undefined : streamOfLine(line)
    if (stream?.kind === 'Video' && !ffmpegVideoCodecs.has(stream.codec)) {
      this.end({ fault: 'codec', detail: `${this.#label}: sends ${stream.codec}, which is not supported` })
    }
    const { address, isAudioCopied } = this.#options
    if (stream?.kind === 'Audio' && stream.codec !== 'aac' && isAudioCopied && address.hasAudio) {
      const end: SourceEnd = { fault: 'source-failed', detail: `${this.#label}: sound is ${stream.codec}` }
      this.#finish(this.#result(end, { needsAac: true }))
    }
  }

  /** What the last lines say of an end that was not ours. */
  #verdictOfLines(error: Error | undefined): SourceEnd {
    const telling = this.#lines.map(plainLine).filter((line) => faultOfLine(line) !== undefined)
    const line = telling.at(-1)
    if (line !== undefined && !(this.#hasSample && error === undefined)) {
      const fault = faultOfLine(line)!
      return { fault: this.#hasSample ? 'closed-by-camera' : fault, detail: `${this.#label}: ${line}` }
    }
    if (this.#hasSample) return { fault: 'closed-by-camera', detail: `${this.#label}: the stream ended` }
    const last = this.#lines.at(-1)
    const words = last === undefined ? (error?.message ?? 'ffmpeg ended') : plainLine(last)
    // ffmpeg's word for a peer that hung up in the midst of connecting.
    const fault = /input\/output error|end of file/i.test(words) ? 'connection' : 'source-failed'
    return { fault, detail: `${this.#label}: ${words}` }
  }

  #tick(): void {
    const { clock, times } = this.#options
    const nowUs = clock.monotonicUs()
    // As in an RTSP session: time in which this process stood still does not count.
    const elapsedMs = Math.min((nowUs - this.#lastTickUs) / 1000, times.tickMs * 2)
    this.#lastTickUs = nowUs
    if (this.#verdict !== undefined) {
      this.#killLeftMs -= elapsedMs
      if (this.#killLeftMs <= 0 && !this.#isGone) {
        this.#killLeftMs = times.killMs
        this.#command?.kill('SIGKILL')
      }
      return
    }
    if (this.#isHeld) return
    this.#quietMs += elapsedMs
    const mostMs = this.#hasSample ? times.stallMs : times.firstSampleMs
    if (this.#quietMs < mostMs) return
    const words = this.#hasSample ? 'no frame for' : 'nothing came for'
    this.end({ fault: 'silent', detail: `${this.#label}: ${words} ${Math.round(this.#quietMs / 1000)} s` })
  }
}

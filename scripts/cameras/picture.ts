// A camera's pictures as JPEG: one of now, and an endless row of them.
import { spawn } from 'node:child_process'
import type { ServerResponse } from 'node:http'
import type { RawVideo } from './clip-cache.ts'
import type { Faults } from './fault.ts'
import type { Timed, TimeWheel } from './time-wheel.ts'

const BOUNDARY = 'nightjar-camera'
/** What a slow reader may have waiting before pictures are left out for it. */
const MAX_WAITING_BYTES = 256 * 1024

/** The picture at or before frame `index`, from its keyframe, as JPEG. Fails where ffmpeg does. */
export function jpegOf(raw: RawVideo, index: number): Promise<Buffer> {
  const { codec, gopFrames } = raw.recipe
  const keyframe = raw.frames[index - (index % gopFrames)]!
  if (codec === 'mjpeg') return Promise.resolve(keyframe)
  return new Promise((resolve, reject) => {
    const input = ['-f', codec === 'h265' ? 'hevc' : 'h264', '-i', 'pipe:0']
    const output = ['-frames:v', '1', '-f', 'mjpeg', '-q:v', '4', 'pipe:1']
    const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...input, ...output], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stdin.on('error', () => undefined) // it may have had enough
    child.on('error', (cause) => reject(new Error(`take a picture: ${cause.message}`, { cause })))
    child.on('close', () => {
      const jpeg = Buffer.concat(chunks)
      if (jpeg.length > 0) resolve(jpeg)
      else reject(new Error('take a picture: ffmpeg gave none'))
    })
    child.stdin.end(keyframe)
  })
}

/** Sends pictures to one HTTP client as `multipart/x-mixed-replace`, at the clip's pace, until it leaves. */
export class MjpegFeed implements Timed {
  dueMs = 0
  nextTimed: Timed | null = null
  isScheduled = false
  #raw: RawVideo
  #response: ServerResponse
  #wheel: TimeWheel
  #faults: Faults
  #index: number

  constructor(raw: RawVideo, response: ServerResponse, wheel: TimeWheel, faults: Faults) {
    this.#raw = raw
    this.#response = response
    this.#wheel = wheel
    this.#faults = faults
    this.#index = Math.floor((performance.now() / 1000) * raw.recipe.fps) % raw.frames.length
    response.writeHead(200, {
      'Content-Type': `multipart/x-mixed-replace; boundary=${BOUNDARY}`,
      'Cache-Control': 'no-store',
    })
    wheel.schedule(this, performance.now())
  }

  onDue(): void {
    if (this.#response.destroyed || this.#response.writableEnded) return
    const jpeg = this.#raw.frames[this.#index]!
    this.#index = (this.#index + 1) % this.#raw.frames.length
    const isKeptBack = this.#faults.stall || this.#faults.silentPlay || this.#faults.dropVideo
    if (!isKeptBack && this.#response.writableLength < MAX_WAITING_BYTES) {
      this.#response.write(`--${BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`)
      this.#response.write(jpeg)
      this.#response.write('\r\n')
    }
    this.#wheel.schedule(this, this.dueMs + 1000 / this.#raw.recipe.fps)
  }
}

// Which of the frames that a camera made are in what was recorded of it, by the numbers that the frames carry.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { FRAME_SEI_UUID, readFrameMark } from '../../cameras/frame-sei.ts'

/** A mark's bytes, from its first to its last. */
const markBytes = 16 + 5 + 8

export interface Presence {
  /** Frames found, each counted once. */
  frames: number
  /** Frames missing between the first and the last found. */
  lost: number
  /** Stretches that they are missing in. */
  gaps: number
}

/** Finds frame numbers in bytes that come in pieces. */
export class MarkScanner {
  readonly #sequences = new Set<number>()
  #tail: Buffer = Buffer.alloc(0)

  push(piece: Buffer): void {
    // A mark may be cut in two: the end of the last piece stands before this one.
    this.#scan(Buffer.concat([this.#tail, piece.subarray(0, markBytes - 1)]))
    this.#scan(piece)
    const kept = piece.length >= markBytes ? piece : Buffer.concat([this.#tail, piece])
    this.#tail = Buffer.from(kept.subarray(Math.max(0, kept.length - markBytes + 1)))
  }

  #scan(bytes: Buffer): void {
    for (let at = bytes.indexOf(FRAME_SEI_UUID); at >= 0; at = bytes.indexOf(FRAME_SEI_UUID, at + 1)) {
      const mark = readFrameMark(bytes.subarray(at, at + markBytes))
      if (mark !== undefined) this.#sequences.add(mark.sequence)
    }
  }

  presence(): Presence {
    const found = [...this.#sequences].sort((a, b) => a - b)
    let gaps = 0
    for (let i = 1; i < found.length; i++) if (found[i] !== found[i - 1]! + 1) gaps++
    const frames = found.length
    const lost = frames === 0 ? 0 : found.at(-1)! - found[0]! + 1 - frames
    return { frames, lost, gaps }
  }
}

/**
 * Reads a camera's files back: movies through ffmpeg's demuxer, which finds only what any player would find.
 *
 * Fails where ffmpeg does.
 */
export async function findFrames(files: readonly string[], isMovie: boolean): Promise<Presence> {
  const scanner = new MarkScanner()
  for (const file of files) {
    if (!isMovie) {
      await scanInto(scanner, createReadStream(file, { highWaterMark: 1 << 20 }))
      continue
    }
    const options = ['-nostdin', '-v', 'fatal', '-i', file, '-map', '0:v:0', '-c', 'copy', '-f', 'h264', '-']
    const demuxer = spawn('ffmpeg', options, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(demuxer, 'exit')
    await scanInto(scanner, demuxer.stdout!)
    const [code] = await ended
    if (code !== 0) throw new Error(`ffmpeg could not read ${file}: it ended with ${code}`)
  }
  return scanner.presence()
}

async function scanInto(scanner: MarkScanner, stream: Readable): Promise<void> {
  for await (const piece of stream) scanner.push(piece as Buffer)
}

// Makes clips with the system's ffmpeg at first use and keeps them in a folder.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { type AudioRecipe, audioArguments, type VideoRecipe, videoArguments } from './clip-recipe.ts'

/** A clip as ffmpeg wrote it. */
export interface RawVideo {
  recipe: VideoRecipe
  /** Frames in decode order: Annex B access units, or whole JPEG pictures. */
  frames: Buffer[]
  /** Place of each of them in display order, from 0. */
  displayIndexes: number[]
}

/** One folder of clips. Two processes may use it at once: a clip is made beside and moved into place whole. */
export class ClipCache {
  #folder: string
  #video = new Map<string, Promise<RawVideo>>()
  #audio = new Map<string, Promise<Buffer>>()
  #lastJob: Promise<unknown> = Promise.resolve()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The clip of this recipe, made if need be. Fails where ffmpeg is missing or refuses. */
  video(recipe: VideoRecipe): Promise<RawVideo> {
    return this.#once(this.#video, JSON.stringify(recipe), async () => {
      const key = keyOf(videoArguments(recipe, '', ''))
      const stem = `${recipe.codec}-${recipe.widthPx}x${recipe.heightPx}-${key}`
      const files = [`${stem}.raw`, `${stem}.list`]
      await this.#make(files, ([raw, list]) => videoArguments(recipe, raw!, list!))
      const [raw, list] = await Promise.all(files.map((file) => readFile(path.join(this.#folder, file))))
      return splitFrames(recipe, raw!, list!.toString())
    })
  }

  /** The sound of this recipe as it is on disk: ADTS frames, or bare G.711 bytes. */
  audio(recipe: AudioRecipe): Promise<Buffer> {
    return this.#once(this.#audio, JSON.stringify(recipe), async () => {
      const file = `${recipe.codec}-${keyOf(audioArguments(recipe, ''))}.raw`
      await this.#make([file], ([raw]) => audioArguments(recipe, raw!))
      return await readFile(path.join(this.#folder, file))
    })
  }

  #once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
    let clip = known.get(key)
    if (!clip) {
      clip = make()
      known.set(key, clip)
      // A failure is not kept, so that a later call tries again.
      clip.catch(() => known.delete(key))
    }
    return clip
  }

  /** One encoder at a time: each already uses every core. */
  async #make(files: string[], argumentsFor: (temporary: string[]) => string[]): Promise<void> {
    const isMade = () => files.every((file) => existsSync(path.join(this.#folder, file)))
    const job = this.#lastJob.then(async () => {
      if (isMade()) return
      await mkdir(this.#folder, { recursive: true })
      const temporary = files.map((file) => `${file}.${process.pid}.part`)
      try {
        await runFfmpeg(argumentsFor(temporary), this.#folder, temporary)
        for (const [i, file] of files.entries()) {
          await rename(path.join(this.#folder, temporary[i]!), path.join(this.#folder, file))
        }
      } finally {
        for (const file of temporary) await rm(path.join(this.#folder, file), { force: true })
      }
    })
    this.#lastJob = job.catch(() => undefined)
    await job
  }
}

function keyOf(ffmpegArguments: string[]): string {
  return createHash('sha256').update(ffmpegArguments.join('\n')).digest('hex').slice(0, 12)
}

function runFfmpeg(ffmpegArguments: string[], folder: string, made: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', ...ffmpegArguments], {
      cwd: folder, // file names need no escaping then
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    // Whoever starts cameras may be stopped while they are made ready: nothing is to go on or stay behind.
    const abandon = () => {
      child.kill('SIGKILL')
      for (const file of made) rmSync(path.join(folder, file), { force: true })
    }
    process.once('exit', abandon)
    let complaint = ''
    child.stderr.on('data', (text) => {
      complaint = (complaint + text).slice(-2000)
    })
    child.on('error', (cause) => reject(new Error(`make a clip: cannot run ffmpeg: ${cause.message}`, { cause })))
    child.on('close', (code) => {
      process.off('exit', abandon)
      if (code === 0) resolve()
      else reject(new Error(`make a clip: ffmpeg ended with ${code}: ${complaint.trim()}`))
    })
  })
}

/** Cuts the raw stream at the sizes ffmpeg listed: `stream, dts, pts, duration, size, crc` a line. */
function splitFrames(recipe: VideoRecipe, raw: Buffer, list: string): RawVideo {
  const frames: Buffer[] = []
  const displayIndexes: number[] = []
  let offset = 0
  for (const line of list.split('\n')) {
    if (!/^\d/.test(line)) continue
    const fields = line.split(',')
    const sizeBytes = Number(fields[4])
    frames.push(raw.subarray(offset, offset + sizeBytes))
    displayIndexes.push(Number(fields[2]))
    offset += sizeBytes
  }
  if (offset !== raw.length) throw new Error(`read clip: frames make ${offset} bytes, the file holds ${raw.length}`)
  const ptsInOrder = displayIndexes.toSorted((a, b) => a - b)
  const placeOf = new Map(ptsInOrder.map((pts, place) => [pts, place]))
  return { recipe, frames, displayIndexes: displayIndexes.map((pts) => placeOf.get(pts)!) }
}

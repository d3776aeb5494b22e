// Simulated cameras for their own tests: small, short clips in a folder shared by one test run.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { ClipChanges } from '../../../scripts/cameras/clip-library.ts'
import type { VideoRecipe } from '../../../scripts/cameras/clip-recipe.ts'
import { type CameraFarm, type FarmOptions, startCameras } from '../../../scripts/cameras/farm.ts'

const SMALL: Partial<VideoRecipe> = {
  widthPx: 320,
  heightPx: 192,
  fps: 25,
  gopFrames: 25,
  bitrateKbps: 300,
  seconds: 2,
}

/** Frames in each small clip. */
export const CLIP_FRAMES = 50

let folder: string | undefined

/** The options a test gives, with clips that take a moment to make. */
export function startSmallCameras(options: FarmOptions = {}): Promise<CameraFarm> {
  if (folder === undefined) {
    const made = mkdtempSync(path.join(tmpdir(), 'nightjar-clips-'))
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
    folder = made
  }
  const clips: ClipChanges = {
    main: SMALL,
    sub: { ...SMALL, widthPx: 160, heightPx: 96 },
    bframes: SMALL,
    h265: SMALL,
    mjpeg: { ...SMALL, gopFrames: 1 },
  }
  for (const [name, changes] of Object.entries(options.clips ?? {})) clips[name] = { ...clips[name], ...changes }
  return startCameras({ cacheDir: folder, audioSec: 1.28, ...options, clips })
}

/** Cameras for one test: closed however it ends. */
export async function withSmallCameras(options: FarmOptions, act: (farm: CameraFarm) => Promise<void>): Promise<void> {
  const farm = await startSmallCameras(options)
  try {
    await act(farm)
  } finally {
    await farm.close()
  }
}

/** Runs a program to its end; a failure carries what it said. */
export function run(program: string, parameters: string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'] })
    const output: Buffer[] = []
    let complaint = ''
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk) => {
      complaint += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(output))
      else reject(new Error(`${program} ended with ${code}: ${complaint}`))
    })
  })
}

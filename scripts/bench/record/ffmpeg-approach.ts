// What people do today: one ffmpeg a camera, which copies its stream into a movie a minute.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { ownChild } from '../own-processes.ts'
import type { Approach } from './approach.ts'

export class FfmpegApproach implements Approach {
  readonly name = 'ffmpeg'
  readonly hasMovies = true
  #children: ChildProcess[] = []
  #folder = ''

  async start(urls: readonly string[], folder: string): Promise<void> {
    this.#folder = folder
    this.#children = urls.map((url, i) => {
      mkdirSync(this.#folderOf(i), { recursive: true })
      const pattern = path.join(this.#folderOf(i), '%04d.mp4')
      const segments = ['-f', 'segment', '-segment_time', '60', '-segment_format', 'mp4', '-reset_timestamps', '1']
      const options = ['-nostdin', '-v', 'error', '-rtsp_transport', 'tcp', '-i', url, '-c', 'copy', ...segments]
      return ownChild(spawn('ffmpeg', [...options, pattern], { stdio: 'ignore' }))
    })
  }

  #folderOf(camera: number): string {
    return path.join(this.#folder, String(camera))
  }

  pids(): number[] {
    return this.#children.map((child) => child.pid!)
  }

  beginWindow(): void {
    const ended = this.#children.findIndex((child) => child.exitCode !== null)
    if (ended >= 0) throw new Error(`ffmpeg of camera ${ended} ended with ${this.#children[ended]!.exitCode}`)
  }

  async stop(): Promise<{ knownGaps: undefined }> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const ended = once(child, 'exit')
        child.kill('SIGINT')
        await ended
      }),
    )
    return { knownGaps: undefined }
  }

  files(camera: number): string[] {
    const folder = this.#folderOf(camera)
    return readdirSync(folder)
      .sort()
      .map((name) => path.join(folder, name))
  }
}

// Our recorder as it is deployed, with a space on each volume; the cameras are dealt out among them.
import { mkdirSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { createLogger } from '../../../server/base/logger.ts'
import { RecorderClient } from '../../../server/recording/recorder-client.ts'
import type { RecorderEvent, RecorderSettings } from '../../../server/recording/recorder-protocol.ts'
import { killAtExit } from '../own-processes.ts'
import { benchSpace, benchStream } from '../record/nightjar-approach.ts'
import type { Volumes } from './volumes.ts'

export class StalledRecorder {
  readonly #volumes: Volumes
  readonly #folder: string
  readonly #client: RecorderClient
  #forget: () => void = () => undefined
  #pid: number | undefined
  #events: RecorderEvent[] = []
  /** The most footage of each camera that has waited for its disk, in seconds. */
  readonly spillSec: number[] = []
  readonly #files: string[][] = []

  constructor(volumes: Volumes, folder: string) {
    this.#volumes = volumes
    this.#folder = folder
    this.#client = new RecorderClient({
      dataDir: folder,
      recorderMain: path.join(import.meta.dirname, '../../../server/recorder-main.ts'),
      serverVersion: 'bench',
      logLevel: 'warn',
      logger: createLogger('bench', 'warn'),
    })
  }

  /** The volume that a camera is recorded to. */
  volumeOf(camera: number): number {
    return camera % this.#volumes.folders.length
  }

  async start(urls: readonly string[]): Promise<void> {
    mkdirSync(this.#folder)
    const client = this.#client
    client.onConnected(({ pid }) => {
      this.#pid = pid
      this.#volumes.heldBy(pid)
      this.#forget = killAtExit(pid)
    })
    client.onEvent(async (event) => {
      this.#events.push(event)
    })
    client.onStatus(({ streams }) => {
      for (const { cameraId, spillSec = 0 } of streams) {
        const camera = Number(cameraId.slice(-12))
        this.spillSec[camera] = Math.max(this.spillSec[camera] ?? 0, spillSec)
      }
    })
    await client.start()
    client.configure(this.#settings(urls))
  }

  #settings(urls: readonly string[]): RecorderSettings {
    const spaces = this.#volumes.folders.map((folder, i) => ({ ...benchSpace(i, folder), mountPoint: folder }))
    return {
      revision: 1,
      serverId: '00000000-0000-4000-a000-000000000000',
      flushSec: 5,
      segmentSec: 300,
      spaces,
      streams: urls.map((url, camera) => benchStream(camera, url, spaces[this.volumeOf(camera)]!.id)),
    }
  }

  /** Forgets what was reported so far: the first frames are in. */
  beginWindow(): void {
    this.#events = []
    this.spillSec.length = 0
  }

  /** What the recorder knew to be missing since `beginWindow`: a line a gap. */
  gaps(): string[] {
    return this.#events.flatMap((event) =>
      event.type === 'gap-began'
        ? [`camera ${Number(event.cameraId.slice(-12))}: ${event.cause}, ${event.detail}`]
        : [],
    )
  }

  /** Ends recording, files closed. */
  async stop(): Promise<void> {
    await this.#client.shutdownRecorder()
    this.#forget()
    process.stderr.write(readFileSync(path.join(this.#folder, 'recorder.log'), 'utf8'))
    for (const volume of this.#volumes.folders) {
      for (const entry of (await readdir(volume, { recursive: true })).sort()) {
        const camera = /-8000-(\d{12})\/.*\.mp4$/.exec(entry)?.[1]
        if (camera === undefined) continue
        this.#files[Number(camera)] ??= []
        this.#files[Number(camera)]!.push(path.join(volume, entry))
      }
    }
  }

  /** Ends the recorder where `stop` did not, or was not come to: its files keep the volumes busy. */
  kill(): void {
    if (this.#pid === undefined) return
    try {
      process.kill(this.#pid, 'SIGKILL')
    } catch {
      // It has ended, as it should have.
    }
  }

  /** What a camera was recorded into, in order of time. */
  files(camera: number): string[] {
    return this.#files[camera] ?? []
  }
}

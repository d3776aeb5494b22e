// Our recorder as it is deployed: its own process, started by the server's `RecorderClient`, which takes in its events.
import { mkdirSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { createLogger } from '../../../server/base/logger.ts'
import { RecorderClient } from '../../../server/recording/recorder-client.ts'
import type { RecorderEvent, RecorderSettings } from '../../../server/recording/recorder-protocol.ts'
import type { LiveReader } from '../../../server/stream/live-reader.ts'
import { killAtExit } from '../own-processes.ts'
import type { Approach } from './approach.ts'

export interface NightjarOptions {
  /** How many cameras are watched live while all are recorded. */
  viewers?: number
  segmentSec?: number
}

const cameraIdOf = (camera: number) => `00000000-0000-4000-8000-${String(camera).padStart(12, '0')}`
const spaceIdOf = (volume: number) => `00000000-0000-4000-9000-${String(volume).padStart(12, '0')}`

/** A space that spans a folder, as the server would set it up; the threshold is the default's. */
export function benchSpace(volume: number, folder: string) {
  return {
    id: spaceIdOf(volume),
    name: `Bench ${volume}`,
    volumePath: folder,
    mountPoint: '/',
    folder: 'QVRProSpace_bench',
    isFresh: true,
    allocatedBytes: 200e9,
    overwriteThresholdPct: 95,
  }
}

/** The main stream of a camera, recorded with its sound. */
export function benchStream(camera: number, url: string, spaceId: string) {
  return {
    cameraId: cameraIdOf(camera),
    cameraName: `Camera ${camera}`,
    ...{ stream: 1, url, username: '', password: '', hasAudio: true, isRecorded: true, spaceId },
  }
}

export class NightjarApproach implements Approach {
  readonly name: string
  readonly hasMovies = true
  readonly events: RecorderEvent[] = []
  readonly #options: NightjarOptions
  #client: RecorderClient | undefined
  #pid = 0
  #forget: () => void = () => undefined
  #folder = ''
  #windowFrom = 0
  #files = new Map<number, string[]>()
  /** Frames that live viewers got. */
  watchedFrames = 0

  constructor(options: NightjarOptions = {}) {
    this.#options = options
    this.name = options.viewers ? `nightjar-${options.viewers}-viewers` : 'nightjar'
  }

  get #volume(): string {
    return path.join(this.#folder, 'volume')
  }

  async start(urls: readonly string[], folder: string): Promise<void> {
    this.#folder = folder
    mkdirSync(this.#volume)
    const client = new RecorderClient({
      dataDir: folder,
      recorderMain: path.join(import.meta.dirname, '../../../server/recorder-main.ts'),
      serverVersion: 'bench',
      logLevel: 'warn',
      logger: createLogger('bench', 'warn'),
    })
    this.#client = client
    client.onConnected((hello) => {
      this.#pid = hello.pid
      this.#forget = killAtExit(hello.pid)
    })
    client.onEvent(async (event) => {
      this.events.push(event)
    })
    await client.start()
    client.configure(this.#settings(urls))
    for (let camera = 0; camera < (this.#options.viewers ?? 0); camera++) {
      client.watch(cameraIdOf(camera), 1, this.#viewer())
    }
  }

  #settings(urls: readonly string[]): RecorderSettings {
    const space = benchSpace(0, this.#volume)
    return {
      revision: 1,
      serverId: '00000000-0000-4000-a000-000000000000',
      flushSec: 5,
      segmentSec: this.#options.segmentSec ?? 300,
      spaces: [space],
      streams: urls.map((url, camera) => benchStream(camera, url, space.id)),
    }
  }

  #viewer(): LiveReader {
    return {
      config: () => undefined,
      sample: (track) => {
        if (track === 0) this.watchedFrames++
      },
      ended: () => undefined,
    }
  }

  pids(): number[] {
    return [this.#pid]
  }

  beginWindow(): void {
    this.#windowFrom = this.events.length
  }

  async stop(): Promise<{ knownGaps: number }> {
    const knownGaps = this.events.slice(this.#windowFrom).filter((event) => event.type === 'gap-began').length
    await this.#client!.shutdownRecorder()
    this.#forget()
    const log = readFileSync(path.join(this.#folder, 'recorder.log'), 'utf8')
    if (log !== '') process.stderr.write(log)
    for (const entry of await readdir(this.#volume, { recursive: true })) {
      const camera = /-8000-(\d{12})\/.*\.mp4$/.exec(entry)?.[1]
      if (camera === undefined) continue
      const files = this.#files.get(Number(camera)) ?? []
      files.push(path.join(this.#volume, entry))
      this.#files.set(Number(camera), files.sort())
    }
    return { knownGaps }
  }

  files(camera: number): string[] {
    return this.#files.get(camera) ?? []
  }
}

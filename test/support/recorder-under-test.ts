// The recorder process as it is deployed, started and heard by the server's own client.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger } from '../../server/base/logger.ts'
import { RecorderClient } from '../../server/recording/recorder-client.ts'
import type { RecorderStatus } from '../../server/recording/recorder-link.ts'
import type { RecorderEvent, RecorderSettings, StreamSettings } from '../../server/recording/recorder-protocol.ts'
import type { GapCause } from '../../shared/recording.ts'
import type { StreamHealth } from '../../shared/stream.ts'
import { segmentFiles } from './recording-rig.ts'
import { until } from './source-recorder.ts'
import { makeTestFolder } from './test-folder.ts'

const spaceId = '22222222-2222-4222-8222-222222222222'

/** The camera's id by its number. */
export const cameraIdOf = (number: number) => `33333333-3333-4333-8333-${String(number).padStart(12, '0')}`

export type EventOf<T extends RecorderEvent['type']> = Extract<RecorderEvent, { type: T }>

export interface RecorderTestOptions {
  segmentSec?: number
  flushSec?: number
  dataDir?: string
}

const recorders: RecorderUnderTest[] = []

after(async () => {
  for (const recorder of recorders.splice(0)) await recorder.stop()
})

export class RecorderUnderTest {
  readonly dataDir: string
  readonly volumePath: string
  /** The client in use: another after `reconnect`. */
  client: RecorderClient
  readonly events: RecorderEvent[] = []
  /** Every recorder that was met, by process id. */
  readonly pids: number[] = []
  status: RecorderStatus | undefined
  eventsLost = 0
  disconnects = 0
  #options: RecorderTestOptions
  #revision = 0
  #isFresh = true
  #streams: StreamSettings[] = []

  private constructor(options: RecorderTestOptions) {
    this.#options = options
    this.dataDir = options.dataDir ?? makeTestFolder()
    this.volumePath = join(this.dataDir, 'volume')
    mkdirSync(this.volumePath, { recursive: true })
    this.client = this.#makeClient()
  }

  static async start(options: RecorderTestOptions = {}): Promise<RecorderUnderTest> {
    const recorder = new RecorderUnderTest(options)
    recorders.push(recorder)
    await recorder.client.start()
    return recorder
  }

  #makeClient(): RecorderClient {
    const client = new RecorderClient({
      dataDir: this.dataDir,
      recorderMain: join(import.meta.dirname, '../../server/recorder-main.ts'),
      serverVersion: 'test',
      logLevel: 'info',
      logger: createLogger('test', 'silent'),
    })
    client.onConnected((hello) => {
      if (this.pids.at(-1) !== hello.pid) this.pids.push(hello.pid)
    })
    client.onDisconnected(() => {
      this.disconnects++
      // What a recorder said that is gone tells nothing of the next.
      this.status = undefined
    })
    client.onEventsLost(() => this.eventsLost++)
    client.onEvent(async (event) => {
      this.events.push(event)
      if (event.type === 'space-made') this.#isFresh = false
    })
    client.onStatus((status) => {
      this.status = status
    })
    return client
  }

  get pid(): number {
    return this.pids.at(-1)!
  }

  settings(streams: StreamSettings[]): RecorderSettings {
    return {
      revision: ++this.#revision,
      serverId: '11111111-1111-4111-8111-111111111111',
      flushSec: this.#options.flushSec ?? 5,
      segmentSec: this.#options.segmentSec ?? 60,
      spaces: [
        {
          id: spaceId,
          name: 'Test',
          volumePath: this.volumePath,
          mountPoint: mountPointOf(this.volumePath),
          folder: 'QVRProSpace_test',
          isFresh: this.#isFresh,
          allocatedBytes: 100e9,
          overwriteThresholdPct: 95,
        },
      ],
      streams,
    }
  }

  configure(streams: StreamSettings[]): void {
    this.#streams = streams
    this.client.configure(this.settings(streams))
  }

  /** Records these addresses, the first as camera 0. */
  record(urls: readonly string[], changes: Partial<StreamSettings> = {}): void {
    this.configure(urls.map((url, number) => streamOf(number, url, changes)))
  }

  /** The server goes, as by `kill -9`: the recorder is left alone. */
  async leave(): Promise<void> {
    await this.client.close()
  }

  /** Another server comes. */
  async reconnect(): Promise<void> {
    this.client = this.#makeClient()
    await this.client.start()
  }

  eventsOf<T extends RecorderEvent['type']>(type: T, camera?: number): EventOf<T>[] {
    const id = camera === undefined ? undefined : cameraIdOf(camera)
    return this.events.filter((event): event is EventOf<T> => {
      if (event.type !== type) return false
      if (id === undefined) return true
      const named = 'row' in event ? event.row.cameraId : 'cameraId' in event ? event.cameraId : undefined
      return named === id
    })
  }

  /** Causes of the gaps that began, but for the one before recording began. */
  gaps(camera: number): GapCause[] {
    return this.eventsOf('gap-began', camera).flatMap(({ cause }) => (cause === 'stopped' ? [] : [cause]))
  }

  health(camera: number): StreamHealth | undefined {
    return this.status?.streams.find(({ cameraId }) => cameraId === cameraIdOf(camera))
  }

  async untilRecording(...cameras: number[]): Promise<void> {
    const isRecording = () => cameras.every((camera) => this.health(camera)?.isRecording)
    await until(isRecording, `recording of cameras ${cameras.join(', ')}`, 15_000)
  }

  /** Segment files of a camera, absolute, by sequence number. */
  files(camera: number): string[] {
    const folder = join(this.volumePath, 'QVRProSpace_test')
    return segmentFiles(folder).flatMap((path) => (path.startsWith(cameraIdOf(camera)) ? [join(folder, path)] : []))
  }

  log(): string {
    return readFileSync(join(this.dataDir, 'recorder.log'), 'utf8')
  }

  /** Sends a signal to the recorder. */
  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal)
  }

  isRunning(pid = this.pid): boolean {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }

  /** Ends the recorder: every segment is closed. */
  async stop(): Promise<void> {
    await this.client.shutdownRecorder()
    const endMs = performance.now() + 4000
    while (this.pids.some((pid) => this.isRunning(pid)) && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    for (const pid of this.pids) if (this.isRunning(pid)) process.kill(pid, 'SIGKILL')
  }

  get streams(): StreamSettings[] {
    return this.#streams
  }
}

export function streamOf(number: number, url: string, changes: Partial<StreamSettings> = {}): StreamSettings {
  return {
    cameraId: cameraIdOf(number),
    cameraName: `Camera ${number}`,
    stream: 1,
    url,
    username: '',
    password: '',
    hasAudio: true,
    isRecorded: true,
    spaceId,
    ...changes,
  }
}

/** The mount point a path stands on, by the longest that leads to it. */
function mountPointOf(path: string): string {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
  const leading = points.filter((point) => `${path}/`.startsWith(point === '/' ? '/' : `${point}/`))
  return leading.toSorted((a, b) => b.length - a.length)[0] ?? '/'
}

// Real SIGKILLs: the recorder as a process, simulated cameras over real sockets, files on the machine's own disk.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { FootageFiles } from '../../server/recording/footage-file.ts'
import type { RecorderSettings, SegmentRow, StreamSettings } from '../../server/recording/recorder-protocol.ts'
import { readSegmentSummary } from '../../server/recording/segment-index.ts'
import { readFrameMark } from '../cameras/frame-sei.ts'
import { checkSpace, differingFields, type Problem, rowFrom } from './oracle/check-space.ts'
import { machineTree } from './oracle/file-tree.ts'
import { readSpace, type SpaceFiles } from './oracle/space-files.ts'
import { probeSegment } from './player-check.ts'
import { Random } from './random.ts'
import { RecorderProcess } from './recorder-process.ts'

const fakeCamera = new URL('../fake-camera.ts', import.meta.url).pathname
/** The pictures each camera sends, and their frames a second. */
const clips = { sub: 15, bframes: 25 } as const
type Clip = keyof typeof clips
const cameraCount = 4
/** SIGTERM closes every segment within this (design goal: 3 s), with room for a busy machine. */
const stopPatienceMs = 10_000
const killsABatch = 4

export interface KillResult {
  kills: number
  problems: Problem[]
  /** The longest (last frame the camera sent − last frame found again) of any stream after any kill, milliseconds. */
  maxLossMs: number
  /** Frames found again in all. */
  frames: number
}

/** What a camera sent down one connection: numbers of the first and the last frame. */
interface Sent {
  clip: Clip
  cameraId: string
  first: number
  last: number
}

/** Kills a recorder `count` times while it records from four cameras, two streams each. */
export async function runKills(
  count: number,
  seed: number,
  progress: (done: number) => void = () => undefined,
): Promise<KillResult> {
  const random = new Random(seed)
  const result: KillResult = { kills: 0, problems: [], maxLossMs: 0, frames: 0 }
  const cameras = await Cameras.start()
  try {
    while (result.kills < count && result.problems.length === 0) {
      const kills = Math.min(killsABatch, count - result.kills)
      await runBatch(kills, random, cameras, result)
      result.kills += kills
      progress(result.kills)
    }
  } finally {
    await cameras.stop()
  }
  return result
}

async function runBatch(kills: number, random: Random, cameras: Cameras, result: KillResult): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nightjar-kills-'))
  const dataDir = join(folder, 'data')
  const volumePath = join(folder, 'volume')
  mkdirSync(dataDir)
  mkdirSync(volumePath)
  const settings = settingsFor(random, volumePath, cameras)
  const rows = new Map<string, SegmentRow>()
  const broken = (invariant: number, what: string) => result.problems.push({ kind: 'invariant', invariant, what })
  const start = (first: boolean) =>
    RecorderProcess.start(dataDir, first ? settings : undefined, (event) => {
      if (event.type === 'segment-opened' || event.type === 'segment-closed') rows.set(event.row.path, event.row)
      // A file that was killed before its first fragment may go; nothing that the index was told of.
      if (
        event.type === 'segments-removed' &&
        [...rows.values()].some((row) => event.sequences.includes(row.sequence))
      ) {
        broken(6, `footage was deleted from a space that is nearly empty: ${event.reason}`)
      }
      if (event.type === 'occurrence' && event.name === 'space-error') broken(11, event.message)
    })
  let recorder: RecorderProcess | undefined
  try {
    const lives: Sent[][] = []
    for (let life = 0; life < kills; life++) {
      recorder = await start(life === 0)
      await new Promise((resolve) => setTimeout(resolve, random.int(300, 3500)))
      await recorder.kill()
      lives.push(await cameras.sentSince())
    }
    recorder = await start(false)
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const tookMs = await recorder.stop(stopPatienceMs)
    if (tookMs >= stopPatienceMs) broken(11, `SIGTERM did not end the recorder: ${recorder.lastWords}`)
    await cameras.sentSince()
    const space = check(settings, rows, lives, result)
    await checkWithReaders(settings, space, random, result)
  } finally {
    await recorder?.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

function settingsFor(random: Random, volumePath: string, cameras: Cameras): RecorderSettings {
  const spaceId = random.uuid()
  const streams: StreamSettings[] = cameras.streams.map(({ cameraId, clip, url }) => ({
    cameraId,
    cameraName: `Camera ${cameraId.slice(0, 4)}`,
    stream: clip === 'sub' ? 2 : 1,
    url,
    username: '',
    password: '',
    hasAudio: true,
    isRecorded: true,
    spaceId,
  }))
  return {
    revision: 1,
    serverId: random.uuid(),
    flushSec: 5,
    segmentSec: random.pick([2, 10, 300]),
    spaces: [
      {
        id: spaceId,
        name: 'rig',
        volumePath,
        mountPoint: mountPointOf(volumePath),
        folder: 'QVRProSpace_volume',
        isFresh: true,
        allocatedBytes: 4 * 1024 ** 3,
        overwriteThresholdPct: 95,
      },
    ],
    streams,
  }
}

function check(
  settings: RecorderSettings,
  rows: Map<string, SegmentRow>,
  lives: Sent[][],
  result: KillResult,
): SpaceFiles {
  const place = settings.spaces[0]!
  const space = readSpace(machineTree, join(place.volumePath, place.folder))
  result.problems.push(
    ...checkSpace(space, {
      serverId: settings.serverId,
      spaceId: place.id,
      known: undefined,
      isClosed: true,
      rows: [...rows.values()],
      // What happened in the last moment before a kill was not told.
      hasLostEvents: true,
      strangers: new Map(),
      readStranger: () => undefined,
    }),
  )
  const found = framesIn(space, result)
  result.frames += [...found.values()].reduce((sum, frames) => sum + frames.size, 0)
  for (const { cameraId, clip, first, last } of lives.flat()) {
    const frames = found.get(`${cameraId}/${clip}`) ?? new Set()
    let newest = last
    while (newest >= first && !frames.has(newest)) newest--
    // From the newest frame found back to the first of this connection none may be missing once recording began.
    let oldest = newest
    while (oldest > first && frames.has(oldest - 1)) oldest--
    const missing = [...frames].filter((frame) => frame >= first && frame < oldest)
    if (missing.length > 0) {
      const what = `${cameraId}/${clip}: frame ${oldest - 1} is missing between frames found again`
      result.problems.push({ kind: 'lost-committed', invariant: 1, what })
    }
    result.maxLossMs = Math.max(result.maxLossMs, Math.round(((last - newest) * 1000) / clips[clip]))
  }
  return space
}

/** What the server reads of each file for its index must be what the oracle reads, and ffprobe must find every sample. */
async function checkWithReaders(
  settings: RecorderSettings,
  space: SpaceFiles,
  random: Random,
  result: KillResult,
): Promise<void> {
  const place = settings.spaces[0]!
  const folder = join(place.volumePath, place.folder)
  const files = new FootageFiles()
  for (const [path, found] of space.segments) {
    if (found.head === undefined || found.footer === undefined) continue
    const row = await readSegmentSummary(files, folder, path)
    const differing = row === undefined ? ['everything'] : differingFields(row, rowFrom(path, found))
    if (differing.length === 0) continue
    const what = `${path}: the rebuilt row differs in ${differing.join(', ')}`
    result.problems.push({ kind: 'invariant', invariant: 10, what })
  }
  const paths = [...space.segments.keys()]
  for (const path of [random.pick(paths), random.pick(paths)]) {
    const finding = await probeSegment(readFileSync(join(folder, path)))
    if (finding !== undefined) result.problems.push({ kind: 'unreadable', invariant: 8, what: `${path}: ${finding}` })
  }
}

/** Numbers of all frames in the files, by camera and clip. A frame found twice is a fault. */
function framesIn(space: SpaceFiles, result: KillResult): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>()
  for (const [path, segment] of space.segments) {
    const key = `${segment.head?.channelId}/${segment.head?.stream === 2 ? 'sub' : 'bframes'}`
    const frames = found.get(key) ?? new Set()
    found.set(key, frames)
    for (const fragment of segment.fragments) {
      let at = 0
      for (const size of fragment.tracks.find(({ trackId }) => trackId === 1)?.sizes ?? []) {
        const data = fragment.data.subarray(at, at + size)
        at += size
        const mark = readFrameMark(Buffer.from(data.buffer, data.byteOffset, data.length))
        const fault =
          mark === undefined ? 'has no mark of the camera' : frames.has(mark.sequence) ? 'is there twice' : ''
        if (fault !== '') {
          const what = `${path}: a frame of fragment ${fragment.number} ${fault}`
          result.problems.push({ kind: 'unreadable', invariant: 1, what })
        }
        if (mark !== undefined) frames.add(mark.sequence)
      }
    }
  }
  return found
}

/** The mount point a path stands on, as the kernel lists it (proc(5), mountinfo). */
function mountPointOf(path: string): string {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      line.split(' ')[4]!.replace(/\\(\d{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))),
    )
  const holding = points.filter((point) => path === point || path.startsWith(point === '/' ? '/' : `${point}/`))
  return holding.sort((a, b) => b.length - a.length)[0] ?? '/'
}

interface ConnectionStats {
  stream: string
  tracks: { kind: string; firstSequence: number; lastSequence: number }[]
}

/** The simulated cameras, a process of their own. */
class Cameras {
  readonly #child: ChildProcess
  readonly #httpPort: number
  readonly #names: string[]
  readonly #ids: string[]
  readonly streams: { cameraId: string; clip: Clip; url: string }[]
  /** The last frame's number known by an earlier look, by camera and clip. */
  readonly #seen = new Map<string, number>()

  private constructor(
    child: ChildProcess,
    addresses: { httpPort: number; cameras: { name: string; streams: Record<string, string> }[] },
  ) {
    this.#child = child
    this.#httpPort = addresses.httpPort
    this.#names = addresses.cameras.map(({ name }) => name)
    const random = new Random(1)
    this.#ids = this.#names.map(() => random.uuid())
    this.streams = addresses.cameras.flatMap(({ streams }, i) =>
      (Object.keys(clips) as Clip[]).map((clip) => ({ cameraId: this.#ids[i]!, clip, url: streams[clip]! })),
    )
  }

  static async start(): Promise<Cameras> {
    const options = ['--clips', Object.keys(clips).join(','), '--cameras', String(cameraCount)]
    const child = spawn(process.execPath, [fakeCamera, ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout! })
    const [line] = (await Promise.race([
      once(lines, 'line'),
      once(child, 'exit').then(() => {
        throw new Error('the simulated cameras did not start')
      }),
    ])) as [string]
    return new Cameras(child, JSON.parse(line))
  }

  /** What was sent since the last call, by connections that have ended since. */
  async sentSince(): Promise<Sent[]> {
    const answer = await fetch(`http://127.0.0.1:${this.#httpPort}/control/stats`)
    const stats = (await answer.json()) as { name: string; connections: ConnectionStats[]; closed: ConnectionStats[] }[]
    const sent: Sent[] = []
    for (const camera of stats) {
      const cameraId = this.#ids[this.#names.indexOf(camera.name)]!
      for (const { stream, tracks } of [...camera.closed, ...camera.connections]) {
        const video = tracks.find(({ kind }) => kind === 'video')
        if (video === undefined || video.lastSequence < 0) continue
        const key = `${cameraId}/${stream}`
        if (video.firstSequence <= (this.#seen.get(key) ?? -1)) continue
        this.#seen.set(key, video.lastSequence)
        sent.push({ cameraId, clip: stream as Clip, first: video.firstSequence, last: video.lastSequence })
      }
    }
    return sent
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exited
  }
}

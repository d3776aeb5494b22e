// The server beside its recorder: how late its own thread is while many cameras are recorded, and how soon all of them
// are again after a start with the index of a year.
import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Space } from '../../../shared/space.ts'
import { CameraProcess } from '../camera-process.ts'
import { quantile } from '../quantile.ts'
import { type Report, rounded } from '../report.ts'
import { serverEnvironment } from '../server-process.ts'
import { withWorkFolder } from '../work-folder.ts'
import { type FirstFragment, firstFragments } from './first-fragments.ts'
import { RecordingServer } from './recording-server.ts'
import { bytesARow, fillYear, forgetCached, segmentsADay } from './year-of-segments.ts'

export interface ServerBenchOptions {
  cameras: number
  /** Length of the window in which the loop's delay is measured. */
  seconds: number
  /** Of the index that the cold start finds. */
  days: number
  /** `loop-delay`, `cold-start`; undefined measures both. */
  only: string[] | undefined
}

/** Goals, in milliseconds. */
const budget = { loopDelayMs: 20, coldStartMs: 3000 }

/** From all being recorded to the window: code that runs often is compiled by then. */
const warmUpSec = 20
/** By default segments are of five minutes, and none would end in the window: here each camera's does, once and more. */
const segmentSec = 15
const spaceBytes = 16 * 1024 ** 3
/** What a camera of the preset sends, with room for more, and how long it is recorded beside what is measured. */
const bytesPerCameraSec = 600_000
const aroundSec = 60
const coldStartPatienceMs = 60_000
const lookEveryMs = 50

interface Stage {
  env: Record<string, string>
  cameras: CameraProcess
  options: ServerBenchOptions
  report: Report
}

export async function benchServer(options: ServerBenchOptions, report: Report): Promise<void> {
  await withWorkFolder(async (folder) => {
    const short = missingBytes(folder, options)
    if (short > 0) {
      report.tell(
        `not measured: ${folder} needs ${rounded(short / 1e9, 1)} GB more of free space; fewer --days need less`,
      )
      process.exitCode = 1
      return
    }
    for (const name of ['data', 'volume']) mkdirSync(path.join(folder, name))
    const env = serverEnvironment(folder, {
      NIGHTJAR_SPACE_BYTES: String(spaceBytes),
      NIGHTJAR_SEGMENT_SEC: String(segmentSec),
    })
    const cameras = await CameraProcess.start(['--preset', 'bench', '--cameras', String(options.cameras)])
    try {
      await measure({ env, cameras, options, report })
    } finally {
      await cameras.stop()
    }
  })
}

async function measure(stage: Stage): Promise<void> {
  const { env, cameras, options } = stage
  const first = await RecordingServer.start(env)
  let cameraIds: string[]
  let space: Space
  try {
    cameraIds = await first.addCameras(cameras.urls('main'))
    space = (await first.server.client.must<Space[]>('GET', 'api/spaces'))[0]!
    await first.waitForRecording(cameraIds.length)
    if (isWanted(options, 'loop-delay')) await measureLoopDelay(stage, first, 0)
    // Segments that have an index row each and a file each: what a server leaves that has run.
    else await sleep(segmentSec * 1000)
  } finally {
    await first.stop()
  }
  if (isWanted(options, 'cold-start')) await measureColdStart(stage, first, cameraIds, space)
}

/** `segments`: how many the index holds beside those of this run. */
async function measureLoopDelay(stage: Stage, recording: RecordingServer, segments: number): Promise<void> {
  const { options, report } = stage
  report.tell(`loop delay: ${warmUpSec} s to warm up, ${options.seconds} s of measuring`)
  await sleep(warmUpSec * 1000)
  const { medianMs, p99Ms, maxMs, turns } = await recording.server.loopDelay(options.seconds)
  report.row({
    metric: 'server-loop-delay',
    cameras: options.cameras,
    medianMs: rounded(medianMs, 2),
    p99Ms: rounded(p99Ms, 2),
    maxMs: rounded(maxMs, 2),
    budgetMs: budget.loopDelayMs,
    turns,
    segments,
  })
}

/** From the spawn of the server, no recorder being there, to footage of every camera in a file. */
async function measureColdStart(
  stage: Stage,
  former: RecordingServer,
  cameraIds: readonly string[],
  space: Space,
): Promise<void> {
  const { env, cameras, options, report } = stage
  const file = path.join(env['NIGHTJAR_DATA_DIR']!, 'index.sqlite')
  report.tell(`cold start: writing an index of ${options.days} days`)
  // A bench that is stopped leaves its folder behind, but not gigabytes.
  process.once('exit', () => rmSync(file, { force: true }))
  const fillBeganMs = performance.now()
  const { segments, runs } = fillYear({ file, spaceId: space.id, cameraIds, days: options.days })
  forgetCached(file)
  report.tell(
    `${segments} segments in ${runs} runs, written in ${rounded((performance.now() - fillBeganMs) / 1000, 0)} s`,
  )

  const spawnedMs = Date.now()
  const found = firstFragments(space.folder, cameraIds, spawnedMs, coldStartPatienceMs)
  const playing = allPlaying(cameras).then(() => Date.now() - spawnedMs)
  const recording = await RecordingServer.start(env, former)
  try {
    const { client } = recording.server
    await client.must('GET', `api/timeline?fromMs=${spawnedMs - 3_600_000}&toMs=${spawnedMs}`)
    const answersMs = Date.now() - spawnedMs
    await recording.waitForRecording(cameraIds.length)
    const saidMs = Date.now() - spawnedMs
    const fragments = await found
    const playingMs = await playing
    report.row({
      metric: 'cold-start',
      cameras: options.cameras,
      segments,
      ...timesOf(fragments, spawnedMs),
      recorderSpawnedMs: recording.recorderSpawnedMs(),
      playingMs,
      answersMs,
      serverSaysMs: saidMs,
      budgetMs: budget.coldStartMs,
    })
    if (isWanted(options, 'loop-delay')) await measureLoopDelay(stage, recording, segments)
  } finally {
    await recording.stop()
  }
}

/** Resolves when every camera sends: from then on its footage waits for a keyframe alone. */
async function allPlaying(cameras: CameraProcess): Promise<void> {
  const endMs = performance.now() + coldStartPatienceMs
  while (performance.now() < endMs) {
    const stats = await cameras.stats()
    if (stats.every(({ connections }) => connections.some((one) => one.isPlaying))) return
    await sleep(lookEveryMs)
  }
}

function timesOf(fragments: readonly FirstFragment[], spawnedMs: number) {
  const written = fragments.map((one) => one.writtenMs - spawnedMs)
  const frames = fragments.map((one) => Math.round(one.frameMs - spawnedMs))
  return {
    recordingAgainMs: quantile(written, 1),
    recordingMedianMs: quantile(written, 0.5),
    firstFrameMs: quantile(frames, 1),
    firstFrameMedianMs: quantile(frames, 0.5),
  }
}

function isWanted({ only }: ServerBenchOptions, what: 'loop-delay' | 'cold-start'): boolean {
  return only === undefined || only.includes(what)
}

function missingBytes(folder: string, options: ServerBenchOptions): number {
  const { bavail, bsize } = statfsSync(folder)
  const rows = isWanted(options, 'cold-start') ? options.cameras * options.days * segmentsADay : 0
  const recordedSec = 2 * (warmUpSec + options.seconds) + aroundSec
  return rows * bytesARow + options.cameras * recordedSec * bytesPerCameraSec - bavail * bsize
}

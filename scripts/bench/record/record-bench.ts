// Recording, beside what people use today and beside the least that can be done, on the same paced cameras in one run.
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CameraStats } from '../../cameras/camera.ts'
import { CameraProcess } from '../camera-process.ts'
import { ProcessMeter } from '../process-meter.ts'
import { type Report, rounded } from '../report.ts'
import { WarmMemory } from '../warm-memory.ts'
import { withWorkFolder } from '../work-folder.ts'
import type { Approach } from './approach.ts'
import { CopyApproach } from './copy-approach.ts'
import { FfmpegApproach } from './ffmpeg-approach.ts'
import { findFrames, type Presence } from './lost-frames.ts'
import { NightjarApproach } from './nightjar-approach.ts'

export interface RecordOptions {
  cameras: number
  /** Length of each window of measuring. */
  seconds: number
  rounds: number
  /** The approaches to run, in this order; all of them where undefined. */
  only: string[] | undefined
}

/** From the start of an approach to its window: connections are made, buffers grown, code compiled. */
const warmUpSec = 20
/** Before the window, the page cache is given warm memory. */
const feedAheadSec = 3
/** What a camera of the preset sends (0.5), and what else the machine does. */
const mbPerCamSec = 0.8
const viewers = 8

/** What one approach cost in one round. */
interface Round {
  approach: string
  cpuMsPerCamSec: number
  rssMb: number
  gaps: number
  framesLost: number
}

const makers: Record<string, () => Approach> = {
  nightjar: () => new NightjarApproach(),
  [`nightjar-${viewers}-viewers`]: () => new NightjarApproach({ viewers }),
  ffmpeg: () => new FfmpegApproach(),
  copy: () => new CopyApproach(),
}

/**
 * Every approach in turn, then all again in the other order, so that what else the machine does falls on all alike.
 *
 * CPU time is that of the cheapest round, since whatever else the machine does only adds to it; memory is the largest
 * seen; gaps and lost frames are summed.
 */
export async function benchRecord(options: RecordOptions, report: Report): Promise<void> {
  const names = options.only ?? Object.keys(makers)
  const cameras = await CameraProcess.start(['--preset', 'bench', '--cameras', String(options.cameras)])
  const rounds: Round[] = []
  try {
    for (let round = 0; round < options.rounds; round++) {
      for (const name of round % 2 === 0 ? names : [...names].reverse()) {
        const make = makers[name]
        if (make === undefined) throw new Error(`--only ${name}: there are ${Object.keys(makers).join(', ')}`)
        rounds.push(await withWorkFolder((folder) => measure(make(), cameras, folder, options, report)))
      }
    }
  } finally {
    await cameras.stop()
  }
  printRows(names, rounds, options.cameras, report)
}

async function measure(
  approach: Approach,
  cameras: CameraProcess,
  folder: string,
  options: RecordOptions,
  { tell }: Report,
): Promise<Round> {
  const place = path.join(folder, approach.name)
  mkdirSync(place)
  await approach.start(cameras.urls('main'), place)
  const memory = await feedLater(options)
  const givenUpBefore = dropped(await cameras.stats())
  approach.beginWindow()
  const meter = new ProcessMeter(approach.pids())
  const farm = new ProcessMeter([cameras.pid])
  await sleep(options.seconds * 1000)
  const { cpuMs, seconds, rssBytes } = meter.end()
  const farmPct = rounded(farm.end().cpuMs / seconds / 10, 1)
  await memory.stop()
  const givenUp = dropped(await cameras.stats())
  const { knownGaps } = await approach.stop()
  const found = await readBack(approach, options, tell)
  rmSync(place, { recursive: true, force: true })
  const cpuMsPerCamSec = cpuMs / seconds / options.cameras
  const rssMb = rssBytes / 1048576
  const gaps = knownGaps ?? found.gaps
  const corePct = rounded(cpuMs / seconds / 10, 1)
  tell(
    `${approach.name}: ${rounded(cpuMsPerCamSec, 3)} ms a camera-second (${corePct} % of a core), ${Math.round(rssMb)} MB, ` +
      `${found.frames} frames, ${found.lost} lost, ${gaps} gaps; cameras: ${givenUpBefore} frames given up while connections were new, ${givenUp - givenUpBefore} since, ` +
      `${farmPct} % of a core`,
  )
  return { approach: approach.name, cpuMsPerCamSec, rssMb, gaps, framesLost: found.lost }
}

/** What is in the files of all cameras. */
async function readBack(approach: Approach, options: RecordOptions, tell: (words: string) => void): Promise<Presence> {
  const sum: Presence = { frames: 0, lost: 0, gaps: 0 }
  const least = 25 * (options.seconds + warmUpSec / 2)
  for (let camera = 0; camera < options.cameras; camera++) {
    const found = await findFrames(approach.files(camera), approach.hasMovies)
    if (found.frames < least)
      tell(`${approach.name}: ${found.frames} frames of camera ${camera}, at least ${least} were due`)
    sum.frames += found.frames
    sum.lost += found.lost
    sum.gaps += found.gaps
  }
  return sum
}

/** Waits for the window to begin, its memory at hand. */
async function feedLater(options: RecordOptions): Promise<WarmMemory> {
  const [memory] = await Promise.all([
    WarmMemory.take(options.seconds + 2 * feedAheadSec, Math.ceil(options.cameras * mbPerCamSec)),
    sleep((warmUpSec - feedAheadSec) * 1000),
  ])
  memory.release()
  await sleep(feedAheadSec * 1000)
  return memory
}

/** Frames that open connections did not take in time, so that the cameras gave them up. */
function dropped(stats: readonly CameraStats[]): number {
  const tracks = stats.flatMap((camera) => camera.connections).flatMap((connection) => connection.tracks)
  return tracks.reduce((sum, track) => sum + (track.kind === 'video' ? track.dropped : 0), 0)
}

function printRows(names: readonly string[], rounds: readonly Round[], cameras: number, report: Report): void {
  const cost = new Map<string, number>()
  for (const approach of names) {
    const own = rounds.filter((round) => round.approach === approach)
    const sum = (field: 'gaps' | 'framesLost') => own.reduce((total, round) => total + round[field], 0)
    const cpuMsPerCamSec = Math.min(...own.map((round) => round.cpuMsPerCamSec))
    cost.set(approach, cpuMsPerCamSec)
    const rssMb = Math.round(Math.max(...own.map((round) => round.rssMb)))
    const row = { cpuMsPerCamSec: rounded(cpuMsPerCamSec, 3), rssMb, gaps: sum('gaps'), framesLost: sum('framesLost') }
    report.row({ approach, cameras, ...row })
  }
  const own = cost.get('nightjar')
  const ratio = (above: number | undefined, below: number | undefined) =>
    above === undefined || below === undefined ? null : rounded(above / below, 2)
  report.row({ ratioToFfmpeg: ratio(cost.get('ffmpeg'), own), ratioToCopy: ratio(own, cost.get('copy')) })
}

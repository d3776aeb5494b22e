// A disk that takes nothing for a while: what is lost of the cameras recorded to it, and of those on another disk.
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CameraProcess } from '../camera-process.ts'
import { findFrames } from '../record/lost-frames.ts'
import { type Report, rounded } from '../report.ts'
import { withWorkFolder } from '../work-folder.ts'
import { framesDue, framesGivenUp, framesMissing } from './missing-frames.ts'
import { StalledRecorder } from './stalled-recorder.ts'
import { Volumes } from './volumes.ts'

export interface StallOptions {
  /** Half of them are recorded to the disk that stalls. */
  cameras: number
  /** For how long recording goes on after the stall. */
  seconds: number
}

const warmUpSec = 15
const stalledSec = 5
/** Between the count of what was sent and the end: what is under way comes in. */
const settleMs = 1000
/** The volume that stalls. */
const stalled = 0
/** More than a camera of the preset sends (0.5). */
const bytesPerCamSec = 1e6
const leastVolumeBytes = 1.5e9

/**
 * Freezes one of two file systems while cameras are recorded to both, then looks for every frame that the cameras made.
 *
 * A freeze is what a disk that hangs looks like to a process: no write returns, none fails, all return in the end.
 */
export async function benchStall(options: StallOptions, report: Report): Promise<void> {
  if (process.getuid?.() !== 0) {
    report.tell('bench stall: needs root, to mount file systems of its own and freeze one')
    process.exitCode = 2
    return
  }
  const cameras = await CameraProcess.start(['--preset', 'bench', '--cameras', String(options.cameras)])
  try {
    await withWorkFolder((folder) => withVolumes(folder, cameras, options, report))
  } finally {
    await cameras.stop()
  }
}

async function withVolumes(
  folder: string,
  cameras: CameraProcess,
  options: StallOptions,
  report: Report,
): Promise<void> {
  const bytes = options.cameras * (warmUpSec + stalledSec + options.seconds) * bytesPerCamSec
  const volumes = await Volumes.mount(folder, 2, Math.max(leastVolumeBytes, bytes))
  const recorder = new StalledRecorder(volumes, path.join(folder, 'recorder'))
  try {
    await measure(volumes, recorder, cameras, options, report)
  } finally {
    recorder.kill()
    await volumes.unmount()
  }
}

async function measure(
  volumes: Volumes,
  recorder: StalledRecorder,
  cameras: CameraProcess,
  options: StallOptions,
  report: Report,
): Promise<void> {
  await recorder.start(cameras.urls('main'))
  await sleep(warmUpSec * 1000)
  const before = (await cameras.stats()).map(framesGivenUp)
  recorder.beginWindow()
  const tookSec = await volumes.stall(volumes.folders[stalled]!, stalledSec)
  report.tell(`${volumes.folders[stalled]} took nothing for ${rounded(tookSec, 2)} s`)
  const during = (await cameras.stats()).map(framesGivenUp)
  await sleep(options.seconds * 1000)
  const stats = await cameras.stats()
  const gaps = recorder.gaps()
  const spillSec = [...recorder.spillSec]
  await sleep(settleMs)
  await recorder.stop()
  const all: CameraLosses[] = []
  for (const [i, camera] of stats.entries()) {
    const missing = framesMissing(framesDue(camera), await findFrames(recorder.files(i), true))
    const [early, late] = [before[i]!, during[i]!]
    all.push({
      isStalled: recorder.volumeOf(i) === stalled,
      // What was given up while connections were new is no doing of the stall.
      lost: Math.max(0, missing - early),
      givenUp: { warmUp: early, stall: late - early, after: framesGivenUp(camera) - late },
      spillSec: spillSec[i] ?? 0,
    })
  }
  print(all, gaps, report)
}

interface CameraLosses {
  isStalled: boolean
  lost: number
  /** Frames that the camera did not send, by when. */
  givenUp: { warmUp: number; stall: number; after: number }
  /** The most that waited for the disk. */
  spillSec: number
}

function print(all: readonly CameraLosses[], gaps: readonly string[], { row, tell }: Report): void {
  for (const gap of gaps) tell(`gap: ${gap}`)
  const parts = [true, false].map((isStalled) => all.filter((camera) => camera.isStalled === isStalled))
  for (const part of parts) {
    const givenUp = (when: keyof CameraLosses['givenUp']) => sum(part.map((camera) => camera.givenUp[when]))
    tell(
      `the volume that ${part === parts[0] ? 'stalled' : 'did not stall'}: ` +
        `at most ${Math.max(...part.map((camera) => camera.spillSec))} s of a camera waited; frames given up by cameras: ` +
        `${givenUp('warmUp')} in the warm-up, ${givenUp('stall')} in the stall, ${givenUp('after')} after it`,
    )
  }
  const [framesLostStalled, framesLostOther] = parts.map((part) => sum(part.map((camera) => camera.lost)))
  row({
    metric: 'disk-stall',
    stalledSec,
    cameras: all.length,
    framesLostStalled: framesLostStalled!,
    framesLostOther: framesLostOther!,
    framesGivenUp: sum(all.map(({ givenUp }) => givenUp.stall + givenUp.after)),
    gaps: gaps.length,
  })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

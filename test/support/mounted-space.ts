// A recording space on mounts of its own: run as root in a mount namespace that ends with the process (see
// `space-volume.test.ts`). Prints one line of JSON a finding.
//
// Usage: mounted-space.ts SCENARIO FOLDER
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { mountOf, parseMountInfo } from '../../server/host/mount.ts'
import { testClip } from './footage.ts'
import { decodedFrames, RecordingRig, type RigOptions, second, segmentFiles, sequenceOf } from './recording-rig.ts'

const [, , scenario, folder] = process.argv as [string, string, string, string]
const mountPoint = join(folder, 'volume')
mkdirSync(mountPoint)

const mount = (...args: string[]) => execFileSync('mount', args)
const tmpfs = (size: string) => mount('-t', 'tmpfs', '-o', `size=${size},mode=0755`, 'none', mountPoint)
const tell = (finding: object) => console.log(JSON.stringify(finding))

const options: RigOptions = {
  volumePath: mountPoint,
  settings: { mountPoint },
  mountPointOf: async (path) => mountOf(path, parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))).mountPoint,
  segmentSec: 4,
}

/** Some seconds of footage on a fresh space. */
async function begin(more: Partial<RigOptions> = {}): Promise<RecordingRig> {
  const rig = await RecordingRig.open({ ...options, ...more })
  await rig.feeder().feed(6)
  return rig
}

const scenarios: Record<string, () => Promise<void>> = {
  /** The mount goes: what is below it is the root file system. */
  async unmounted() {
    tmpfs('64m')
    const rig = await begin()
    const before = rig.files().length
    mount('--move', mountPoint, mkdtemp())
    await rig.feeders[0]!.feed(8)
    tell({
      before,
      fault: rig.volume.fault,
      strays: list(mountPoint),
      gaps: rig.eventsOf('gap-began').map((gap) => gap.cause),
    })
    mount('--move', join(folder, 'elsewhere'), mountPoint)
    await rig.feeders[0]!.feed(14)
    tell({ after: rig.files().length, fault: rig.volume.fault, restored: restored(rig), removed: rig.removed() })
    await rig.close()
  },

  /** An empty disk is mounted over it. */
  async empty() {
    tmpfs('64m')
    const rig = await begin()
    tmpfs('64m')
    await rig.feeders[0]!.feed(8)
    tell({ fault: rig.volume.fault, strays: list(mountPoint) })
    execFileSync('umount', ['-l', mountPoint])
    await rig.feeders[0]!.feed(14)
    tell({ fault: rig.volume.fault, restored: restored(rig), removed: rig.removed() })
    await rig.close()
  },

  async readOnly() {
    tmpfs('64m')
    const rig = await begin()
    const before = rig.files().length
    // A mount that files are open on for writing cannot be made read-only: one laid over it can.
    mount('--bind', mountPoint, mountPoint)
    mount('-o', 'remount,bind,ro', mountPoint)
    await rig.feeders[0]!.feed(12)
    tell({ before, fault: rig.volume.fault, files: rig.files().length })
    mount('-o', 'remount,bind,rw', mountPoint)
    await rig.feeders[0]!.feed(14)
    tell({ fault: rig.volume.fault, restored: restored(rig), isMore: rig.files().length > before })
    await rig.close()
  },

  /** A disk so small that the oldest must go again and again. */
  async full() {
    tmpfs('3m')
    const clip = testClip({ seconds: 4, sizePx: '320x180' })
    const rig = await RecordingRig.open({ ...options, segmentSec: 2 })
    const feeder = rig.feeder({ clip })
    await feeder.feed(100)
    await rig.close()
    const written = rig.rows('segment-closed')
    const left = segmentFiles(rig.folder).map(sequenceOf)
    const { bavail, blocks } = statfsSync(mountPoint)
    tell({
      fault: rig.volume.fault,
      gaps: rig.eventsOf('gap-began').length,
      frames: written.reduce((sum, row) => sum + row.videoSamples, 0),
      sent: feeder.sent.length,
      removedInOrder: isAscending(rig.removed()),
      oldestLeft: left[0],
      newestRemoved: Math.max(...rig.removed()),
      count: written.length,
      freeShare: bavail / blocks,
      complaints: segmentFiles(rig.folder)
        .map((path) => decodedFrames(join(rig.folder, path)).complaints)
        .join(''),
    })
  },

  /** All that is left is locked: nothing may go, recording waits, and goes on when there is room. */
  async fullAndPinned() {
    tmpfs('3m')
    const rig = await RecordingRig.open({ ...options, segmentSec: 2 })
    const feeder = rig.feeder({ clip: testClip({ seconds: 4, sizePx: '320x180' }) })
    rig.volume.setPins(new Set(Array.from({ length: 10_000 }, (_, i) => i)))
    await feeder.feed(60)
    const files = rig.files().length
    tell({ removed: rig.removed().length, isRecording: feeder.writer.isRecording, spill: feeder.writer.spillSec > 1 })
    rig.volume.setPins(new Set())
    await feeder.feed(20)
    tell({
      removed: rig.removed().length > 0,
      isRecording: feeder.writer.isRecording,
      isSame: files === rig.files().length,
    })
    await rig.close()
  },
}

function restored(rig: RecordingRig): number {
  return rig.eventsOf('occurrence').filter((one) => one.name === 'space-restored').length
}

const isAscending = (numbers: number[]) => numbers.every((number, i) => i === 0 || number > numbers[i - 1]!)

function list(path: string): string[] {
  return execFileSync('find', [path, '-mindepth', '1']).toString().split('\n').filter(Boolean)
}

function mkdtemp(): string {
  const path = join(folder, 'elsewhere')
  mkdirSync(path)
  return path
}

// A shared mount cannot be moved.
mount('--make-rprivate', '/')
await scenarios[scenario]!()
tell({ second })

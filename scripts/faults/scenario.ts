// One run of the rig: a recorder's volume and writers on a disk that fails, stopped anywhere, started again, checked.
import { SegmentWriter } from '../../server/recording/segment-writer.ts'
import { SpaceVolume } from '../../server/recording/space-volume.ts'
import { SpillBudget } from '../../server/recording/spill-budget.ts'
import { CrashDisk } from './crash-disk.ts'
import { emptyVolume, plant, type Volume } from './crash-volume.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeStream, LentArena } from './fake-stream.ts'
import { type FaultPlan, faultPlan } from './fault-plan.ts'
import { checkSpace, type Problem } from './oracle/check-space.ts'
import { journalLine, markerFile, readSpace } from './oracle/space-files.ts'
import { Random } from './random.ts'
import { type Lock, Witness } from './witness.ts'

export interface ScenarioResult {
  seed: number
  problems: Problem[]
  powerCuts: number
  kills: number
  segments: number
  fragments: number
  deleted: number
  /** What was done to the disk beside crashing, by name. */
  faults: string[]
  /** The space as it was at the end, for a closer look. */
  disk: CrashDisk
  folder: string
}

const mountPoint = '/volume'
const folderName = 'QVRProSpace_volume'
const folder = `${mountPoint}/${folderName}`
const flushSec = 2

/** One a stream, used by one run after the other: the allocation would cost more than the run. */
const arenas: LentArena[] = []

interface World {
  random: Random
  clock: FakeClock
  disk: CrashDisk
  streams: FakeStream[]
  witness: Witness
  spaceId: string
  serverId: string
  allocatedBytes: number
  segmentSec: number
  isFresh: boolean
  /** Events of the last moments of a life never reach the index. */
  losesEvents: boolean
  hasLostEvents: boolean
  strangers: Map<string, Uint8Array>
}

/** A recorder's life: from its start until it is stopped, killed or loses power. */
interface Life {
  volume: SpaceVolume
  writers: SegmentWriter[]
  faults: FaultPlan | undefined
  isOver: boolean
}

/** Plays the run that a number stands for. `trace` is told every call on the disk and every event. */
export async function runScenario(
  seed: number,
  trace: (line: string) => void = () => undefined,
): Promise<ScenarioResult> {
  const random = new Random(seed)
  const world = makeWorld(random)
  world.disk.trace = trace
  const { witness } = world
  const result = { powerCuts: 0, kills: 0, faults: [] as string[] }
  const crashes = random.pick([1, 1, 1, 2, 2, 3])
  for (let crash = 0; crash < crashes; crash++) {
    // Every run is a crash image: at least one power cut is in it.
    const isPowerCut = random.chance(0.75) || (crash === crashes - 1 && result.powerCuts === 0)
    const plan = random.chance(0.35) ? faultPlan(random) : undefined
    if (plan !== undefined) result.faults.push(plan.name)
    const calls = random.int(1, random.pick([40, 400, 1200]))
    const life = startLife(world, plan)
    await live(world, life, world.disk.calls + calls)
    if (random.chance(0.1)) await stopLife(world, life, plan === undefined)
    endLife(world, life, isPowerCut)
    result[isPowerCut ? 'powerCuts' : 'kills']++
  }
  const madeBefore = witness.segments.size
  const last = startLife(world, undefined)
  await live(world, last, world.disk.calls + random.int(150, 500), 8_000_000)
  await stopLife(world, last, true)
  if (witness.segments.size === madeBefore) {
    witness.broken('invariant', 11, 'nothing was recorded in the last life, on a sound disk')
  }
  check(world, 'after an orderly stop')
  if (random.chance(0.3)) {
    // All was closed and synced: not even a power cut may change a thing now.
    endLife(world, last, true)
    result.powerCuts++
    check(world, 'after a power cut that followed an orderly stop')
  }
  let fragments = 0
  for (const { mustHave, committed } of witness.segments.values()) fragments += mustHave.length + committed.size
  return {
    seed,
    problems: witness.problems,
    ...result,
    segments: witness.segments.size,
    fragments,
    deleted: witness.deleted,
    disk: world.disk,
    folder,
  }
}

function makeWorld(random: Random): World {
  const clock = new FakeClock(1_795_000_000_000_000 + random.int(0, 7200) * 1_000_000)
  const streams: FakeStream[] = []
  for (let i = random.int(1, 5); i > 0; i--) {
    const channel = { id: random.uuid(), name: random.pick(['Gate', 'Hof 2', '']), stream: random.int(1, 4) }
    streams.push(new FakeStream(channel, random.fork(), clock))
  }
  const spaceId = random.uuid()
  const serverId = random.uuid()
  const allocatedBytes = random.pick([100_000, 300_000, 2_000_000, 1_000_000_000])
  const locks: Lock[] = random.chance(0.2)
    ? [{ channel: streams[0]!.channel.id, fromUs: clock.utcUs(), toUs: clock.utcUs() + random.int(1, 30) * 1e6 }]
    : []
  const home = emptyVolume(7)
  const isFresh = locks.length === 0 && random.chance(0.6)
  const strangers = plantStrangers(home, random, streams, isFresh)
  if (!isFresh) plantSpace(home, spaceId, serverId, locks)
  const keepBytes = allocatedBytes * 0.4
  const options = { spaceId, serverId, folder, clock, streams, locks, keepBytes }
  const witness = new Witness(options)
  witness.home = home
  const disk = new CrashDisk(mountPoint, home, random.fork())
  return {
    random,
    clock,
    disk,
    streams,
    witness,
    spaceId,
    serverId,
    allocatedBytes,
    segmentSec: random.pick([1, 3, 10]),
    isFresh,
    losesEvents: random.chance(0.2),
    hasLostEvents: false,
    strangers,
  }
}

/** Files of other software, on the volume and in the space's folder: none of the recorder's business. */
function plantStrangers(
  volume: Volume,
  random: Random,
  streams: readonly FakeStream[],
  isFresh: boolean,
): Map<string, Uint8Array> {
  const strangers = new Map<string, Uint8Array>()
  const id = streams[0]!.channel.id
  for (const path of [
    'Public/holiday.mp4',
    `${folderName}/notes.txt`,
    `${folderName}/${id}/1-normal/20200101/00/20200101T000000000Z-0123456789abcdef-5.mp4.part`,
    `${folderName}/${id}/1-normal/odd/20200101T000000000Z-0123456789abcdef-6.mp4`,
  ]) {
    // The folder of a space that is yet to be made is made with it.
    if (isFresh && path.startsWith(folderName)) continue
    const content = random.bytes(random.int(0, 5000))
    plant(volume, path, content)
    strangers.set(`${mountPoint}/${path}`, content)
  }
  return strangers
}

/** A space that was made before, with locks in its journal. */
function plantSpace(volume: Volume, spaceId: string, serverId: string, locks: Lock[]): void {
  plant(
    volume,
    `${folderName}/.nightjar-space`,
    markerFile({ space: spaceId, server: serverId, boot: serverId, heartbeatMs: 1, state: 'proved' }),
  )
  const lines = locks.map((lock, i) => journalLine({ lock: `lock-${i}`, ...lock }))
  plant(volume, `${folderName}/journal/1.log`, Buffer.from(lines.join('')))
}

function startLife(world: World, faults: FaultPlan | undefined): Life {
  const { clock, disk, random, witness } = world
  // Machines lose their clock while they are off.
  if (random.chance(0.1)) clock.step(randomStepUs(random))
  witness.attach(disk)
  witness.spaceErrors = []
  const life: Life = { volume: undefined as never, writers: [], faults, isOver: false }
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
  life.volume = new SpaceVolume({
    settings: {
      id: world.spaceId,
      name: 'rig',
      volumePath: mountPoint,
      mountPoint,
      folder: folderName,
      isFresh: world.isFresh,
      allocatedBytes: world.allocatedBytes,
      overwriteThresholdPct: 90,
    },
    serverId: world.serverId,
    bootId: random.uuid(),
    disk,
    clock,
    logger,
    report: (event) => {
      if (life.isOver) return
      if (event.type === 'space-made') world.isFresh = false
      disk.trace(`  event ${JSON.stringify(event)}`)
      witness.report(event)
    },
    mountPointOf: async () => (disk.volume === witness.home ? mountPoint : random.pick(['/', mountPoint, undefined])),
  })
  const spill = new SpillBudget(8 * 1024 * 1024)
  for (const [i, stream] of world.streams.entries()) {
    arenas[i] ??= new LentArena(4 * 1024 * 1024)
    const arena = arenas[i]
    arena.takeBack()
    const trust = random.int(0, 3)
    const writer = new SegmentWriter({
      cameraId: stream.channel.id,
      cameraName: stream.channel.name,
      stream: stream.channel.stream,
      volume: life.volume,
      arena,
      clock,
      clockTrust: () => trust,
      segmentSec: world.segmentSec,
      flushSec,
      spill,
      report: (event) => {
        if (life.isOver) return
        disk.trace(`  event ${JSON.stringify(event)}`)
        witness.report(event)
      },
      hold: (isHeld) => {
        stream.isHeld = isHeld
      },
      wantKeyframe: () => undefined,
    })
    stream.attach(writer, arena)
    life.writers.push(writer)
  }
  disk.fault = (call) => faults?.fault(call)
  return life
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Lets the recorder work until the disk has performed so many calls, and at least so long in its own time. */
async function live(world: World, life: Life, untilCalls: number, atLeastUs = 0): Promise<void> {
  const { clock, disk, random, streams, witness } = world
  const beganUs = clock.monotonicUs()
  let sinceFedUs = 0
  for (let turn = 0; turn < 4000; turn++) {
    if (disk.calls >= untilCalls && clock.monotonicUs() - beganUs >= atLeastUs) return
    const us = random.pick([50_000, 100_000, 100_000, 250_000])
    clock.advance(us)
    sinceFedUs += us
    if (random.chance(0.004)) stepClock(world)
    if (sinceFedUs >= 400_000) {
      for (const stream of streams) if (random.chance(0.95)) stream.feed(sinceFedUs)
      sinceFedUs = 0
    }
    life.volume.tick()
    for (const writer of life.writers) writer.tick()
    await settled()
    const steps = random.chance(0.15) ? random.int(0, 4) : 10_000
    if (!(await drain(world, life, steps, untilCalls, atLeastUs === 0))) return
    if (disk.waiting === 0) atRest(world, life)
    if (random.chance(0.1)) acknowledge(world, life)
    // A pin is a wish: one that comes while a deletion is under way may be too late.
    if (random.chance(0.05) && disk.waiting === 0 && life.faults === undefined) pin(world, life)
    if (witness.problems.length > 0) return
  }
}

/** Performs waiting calls, up to `steps`. False where the moment of the crash has come. */
async function drain(world: World, life: Life, steps: number, untilCalls: number, mayStop: boolean): Promise<boolean> {
  for (let step = 0; step < steps; step++) {
    if (mayStop && world.disk.calls >= untilCalls) return false
    if (!world.disk.step()) break
    await settled()
  }
  life.faults?.afterSteps(world.disk, world.clock)
  return true
}

/** No call is under way: the moment in which disks are swapped, and what is overdue can be told. */
function atRest(world: World, life: Life): void {
  const { disk, witness } = world
  life.faults?.atRest(disk, world.clock, witness)
  if (life.faults !== undefined || disk.hung > 0) return
  if (life.volume.isReady) witness.checkTimely((flushSec + 2) * 1_000_000)
  for (const message of witness.spaceErrors.splice(0)) {
    witness.broken('invariant', 11, `the space went into error on a sound disk: ${message}`)
  }
}

function randomStepUs(random: Random): number {
  return random.pick([-1, 1]) * random.pick([3, 90, 4000, 100_000, 40_000_000]) * 1_000_000
}

/** The clock is set: every run ends, as the recorder does by itself for a step of more than 2 s. */
function stepClock(world: World): void {
  const { clock, random, streams } = world
  clock.step(randomStepUs(random))
  for (const stream of streams) if (stream.isRunning) stream.endRun()
}

function acknowledge(world: World, life: Life): void {
  const { witness } = world
  life.volume.acknowledgeRemoved(witness.removed.splice(0))
}

function pin(world: World, life: Life): void {
  const { random, witness } = world
  const all = [...witness.segments.values()].filter((segment) => !segment.isDeleted)
  const chosen = all.filter(() => random.chance(0.2)).map((segment) => segment.sequence)
  witness.pin(chosen)
  life.volume.setPins(new Set(chosen))
}

/** SIGTERM: every segment is closed, then the volume. */
async function stopLife(world: World, life: Life, mustEnd: boolean): Promise<void> {
  const { clock, disk, witness } = world
  let isStopped = false
  const stopping = Promise.all(life.writers.map((writer) => writer.close()))
    .then(() => life.volume.close())
    .then(
      () => {
        isStopped = true
      },
      (error: unknown) => {
        isStopped = true
        if (mustEnd) witness.broken('invariant', 11, `stopping failed: ${String(error)}`)
      },
    )
  for (let turn = 0; turn < 400 && !isStopped; turn++) {
    clock.advance(100_000)
    life.volume.tick()
    for (const writer of life.writers) writer.tick()
    await settled()
    while (disk.step()) await settled()
    life.faults?.afterSteps(disk, clock)
  }
  if (!isStopped && mustEnd) witness.broken('invariant', 11, 'the recorder did not stop within 40 s')
  if (isStopped) await stopping
}

function endLife(world: World, life: Life, isPowerCut: boolean): void {
  const { disk, random, witness } = world
  life.faults?.end(disk)
  disk.fault = () => undefined
  witness.isEnding = true
  // Calls under way may still be done: what they did is seen, and nobody relies on it.
  disk.finishCalls()
  witness.endLife(isPowerCut)
  witness.isEnding = false
  life.isOver = true
  if (world.losesEvents) {
    world.hasLostEvents = true
    const rows = [...witness.rows.keys()]
    for (const path of rows.slice(rows.length - random.int(0, 4))) witness.rows.delete(path)
  }
  disk.trace(isPowerCut ? '  the power goes' : '  the process is killed')
  world.disk = isPowerCut ? disk.powerCut() : disk.kill()
  witness.home = world.disk.volume
}

function check(world: World, when: string): void {
  const { disk, witness } = world
  if (witness.problems.length > 0) return
  const space = readSpace(disk.tree(), folder)
  const known = [...witness.segments.values()].map((segment) => ({
    ...segment,
    mustHave: [...segment.mustHave, ...[...segment.committed.values()].map(({ fragment }) => fragment)],
  }))
  const problems = checkSpace(space, {
    serverId: world.serverId,
    spaceId: world.spaceId,
    known,
    isClosed: true,
    rows: [...witness.rows.values()],
    hasLostEvents: world.hasLostEvents,
    strangers: world.strangers,
    readStranger: (path) => disk.tree().read(path),
  })
  for (const problem of problems) witness.broken(problem.kind, problem.invariant, `${when}: ${problem.what}`)
}

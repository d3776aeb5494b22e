// Measures whether this machine can do the work: on the real volume, with the real programs, in a few seconds.
import { access, constants, stat } from 'node:fs/promises'
import { arch, availableParallelism, totalmem } from 'node:os'
import type { RequirementFinding } from '../../shared/setup.ts'
import { type ClockTrust, readClockTrust } from '../host/clock-trust.ts'
import { readVolumeFacts, type VolumeFacts } from '../host/volume.ts'
import { judgeFileSystem } from './file-system.ts'
import { ffmpegVersionOf, outputOf } from './program.ts'
import { findingOf, inGigabytes, type Threshold, thresholds, verdictOf, wordFinding } from './requirement-table.ts'
import { measureSyncLatency, type SyncLatency } from './sync-latency.ts'

/** Where footage goes. */
export interface RecordingPlace {
  volumePath: string
  /** The mount its file system was found at when the space was made. Nothing is written below another one. */
  mountPoint: string
  /** What the recorder holds against it; then, too, nothing is written. */
  fault: string | undefined
  /** The space's own folder in it, which the recorder makes. */
  folder: string
  /** What the space holds already: it counts as free, for it is overwritten. */
  usedBytes: number
}

export interface MeasureOptions {
  /** Undefined where there is no recording space. */
  place: RecordingPlace | undefined
  /** Why the clock cannot be right, where that is plain. */
  clockDoubt: string | undefined
  onDone?: (doneCount: number) => void
  /** How long one measurement may take, in milliseconds. */
  limitMs?: number
}

/** How many measurements there are. */
export const measurementCount = 6

/** What came of a measurement: its value, or why there is none. */
type Outcome<T> = { value: T } | { why: string }

export interface Measurement {
  findings: Promise<RequirementFinding[]>
  /** Resolves when nothing of it runs any more: later than the findings, where a disk hangs. */
  settled: Promise<void>
}

/** Begins to measure. The findings are there within `limitMs` (5 s); they never fail, for trouble is a finding. */
export function measureRequirements(options: MeasureOptions): Measurement {
  const { place, limitMs = 5000, onDone } = options
  const running: Promise<unknown>[] = []
  let doneCount = 0
  const measure = async <T>(task: () => Promise<T>): Promise<Outcome<T>> => {
    const run = task()
    running.push(run)
    const outcome = await within(run, limitMs)
    onDone?.(++doneCount)
    return outcome
  }
  const findings = async (): Promise<RequirementFinding[]> => {
    const [machine, volume, latency, folder, clock, ffmpeg] = await Promise.all([
      measure(async () => machineFindings()),
      measure(async () => place && (await readVolumeFacts(place.volumePath))),
      measure(async () => place && (await latencyOf(place))),
      measure(async () => place && (await lookAtFolder(place))),
      measure(() => readClockTrust(outputOf)),
      measure(() => outputOf('ffmpeg', ['-hide_banner', '-version'])),
    ])
    return [
      ...('value' in machine ? machine.value : []),
      ...volumeFindings(place, volume),
      latencyFinding(place, latency),
      folderFinding(place, folder),
      clockFinding(clock, options.clockDoubt),
      versionFinding('node', process.versions.node, thresholds.nodeMajor),
      ffmpegFinding('value' in ffmpeg ? ffmpeg.value : undefined),
    ]
  }
  const found = findings()
  return { findings: found, settled: found.then(() => Promise.allSettled(running)).then(() => undefined) }
}

async function within<T>(run: Promise<T>, limitMs: number): Promise<Outcome<T>> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Outcome<T>>((resolve) => {
    timer = setTimeout(() => resolve({ why: `no answer within ${limitMs / 1000} s` }), limitMs)
  })
  const outcome = run.then(
    (value) => ({ value }),
    (error: Error) => ({ why: error.message }),
  )
  try {
    return await Promise.race([outcome, late])
  } finally {
    clearTimeout(timer)
  }
}

function machineFindings(): RequirementFinding[] {
  const cores = availableParallelism()
  // A container may have less than the machine; where nothing holds it, the kernel gives an absurd number.
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  const isKnownArchitecture = arch() === 'x64' || arch() === 'arm64'
  return [
    findingOf('processor-cores', cores, thresholds.cores, (value) => (value === 1 ? '1 core' : `${value} cores`)),
    wordFinding(
      'processor-architecture',
      arch(),
      'x64 or arm64',
      isKnownArchitecture ? 'fine' : 'failed',
      isKnownArchitecture ? '' : 'parts of the server are there for x64 and arm64 only',
    ),
    findingOf('memory', memoryBytes, thresholds.memoryBytes, inGigabytes),
  ]
}

const noSpace = 'there is no recording space: nothing can be recorded'

function volumeFindings(
  place: RecordingPlace | undefined,
  outcome: Outcome<VolumeFacts | undefined>,
): RequirementFinding[] {
  const names = ['space-free', 'space-total', 'file-system'] as const
  const facts = 'value' in outcome ? outcome.value : undefined
  if (place === undefined || facts === undefined) {
    const why = 'why' in outcome ? outcome.why : 'nothing is there'
    const reason = place === undefined ? noSpace : `the volume ${place.volumePath} cannot be looked at: ${why}`
    return names.map((name) => wordFinding(name, 'unknown', wantedOf[name], 'failed', reason))
  }
  const { verdict, reason } = judgeFileSystem(facts.fileSystem)
  const type = facts.fileSystem || 'unknown'
  return [
    findingOf('space-free', facts.freeBytes + place.usedBytes, thresholds.spaceFreeBytes, inGigabytes),
    findingOf('space-total', facts.totalBytes, thresholds.spaceTotalBytes, inGigabytes),
    wordFinding(
      'file-system',
      type,
      wantedOf['file-system'],
      verdict,
      `the file system at ${facts.mountPoint} is ${type}: ${reason}`,
    ),
  ]
}

const wantedOf = {
  'space-free': `at least ${inGigabytes(thresholds.spaceFreeBytes.wanted)}`,
  'space-total': `at least ${inGigabytes(thresholds.spaceTotalBytes.wanted)}`,
  'file-system': 'a journalled one of this machine, such as ext4, xfs, btrfs or zfs',
  'sync-latency': `median at most ${thresholds.syncMedianMs.wanted} ms, worst at most ${thresholds.syncWorstMs.wanted} ms`,
}

export function latencyFinding(
  place: RecordingPlace | undefined,
  outcome: Outcome<SyncLatency | undefined>,
): RequirementFinding {
  const wanted = wantedOf['sync-latency']
  const latency = 'value' in outcome ? outcome.value : undefined
  if (place === undefined || latency === undefined) {
    const why = 'why' in outcome ? outcome.why : ''
    const reason = place === undefined ? noSpace : `a test file in ${place.volumePath} could not be written: ${why}`
    return wordFinding('sync-latency', 'unknown', wanted, 'failed', reason)
  }
  const { medianMs, worstMs, count } = latency
  const measured = `median ${inMs(medianMs)}, worst ${inMs(worstMs)} of ${count}`
  const median = verdictOf(medianMs, thresholds.syncMedianMs)
  const worst = verdictOf(worstMs, thresholds.syncWorstMs)
  const verdict = median === 'failed' || worst === 'failed' ? 'failed' : median === 'fine' ? worst : median
  const reason = verdict === 'fine' ? '' : thresholds[median === verdict ? 'syncMedianMs' : 'syncWorstMs'].reason
  return wordFinding('sync-latency', measured, wanted, verdict, reason)
}

/** Fails where the disk is not proved to be the space's: a missing one would have the file written to what lies below. */
async function latencyOf(place: RecordingPlace): Promise<SyncLatency> {
  if (place.fault !== undefined) throw new Error(place.fault)
  const facts = await readVolumeFacts(place.volumePath)
  if (facts !== undefined && facts.mountPoint !== place.mountPoint) {
    throw new Error(`it is on ${facts.mountPoint}, not on ${place.mountPoint} any more`)
  }
  return measureSyncLatency(place.volumePath)
}

function inMs(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`
}

/** The folder that is looked at, and what is wrong with it. The recorder makes its own: until then it is the volume. */
async function lookAtFolder(place: RecordingPlace): Promise<{ path: string; fault: string }> {
  if (place.fault !== undefined) return { path: place.folder, fault: place.fault }
  for (const path of [place.folder, place.volumePath]) {
    try {
      const status = await stat(path)
      if (!status.isDirectory()) return { path, fault: 'it is no folder' }
      await access(path, constants.W_OK | constants.X_OK)
      return { path, fault: '' }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT') return { path, fault: code === 'EROFS' ? 'it is mounted read-only' : message }
    }
  }
  return { path: place.volumePath, fault: 'nothing is there' }
}

function folderFinding(
  place: RecordingPlace | undefined,
  outcome: Outcome<{ path: string; fault: string } | undefined>,
): RequirementFinding {
  const looked = 'value' in outcome ? outcome.value : undefined
  const path = looked?.path ?? place?.folder ?? 'none'
  const fault = looked?.fault ?? ('why' in outcome ? outcome.why : '')
  if (place !== undefined && fault === '') {
    return wordFinding('recording-folder', path, 'a folder that can be written to', 'fine')
  }
  const reason = place === undefined ? noSpace : `the server cannot write to ${path}: ${fault}`
  return wordFinding('recording-folder', path, 'a folder that can be written to', 'failed', reason)
}

export function clockFinding(outcome: Outcome<ClockTrust>, doubt: string | undefined): RequirementFinding {
  const wanted = 'kept right by NTP'
  const trust: ClockTrust = 'value' in outcome ? outcome.value : { sync: 'unknown', detail: outcome.why }
  const measured = `${trust.sync} (${trust.detail})`
  if (doubt !== undefined) return wordFinding('clock', measured, wanted, 'failed', doubt)
  if (trust.sync === 'synchronised') return wordFinding('clock', measured, wanted, 'fine')
  const reason =
    trust.sync === 'unknown'
      ? 'nobody tells whether the clock is kept right: a wrong one puts footage at the wrong time'
      : 'nothing keeps the clock right: it drifts, and footage stands at the wrong time'
  return wordFinding('clock', measured, wanted, 'warning', reason)
}

export function ffmpegFinding(output: string | undefined): RequirementFinding {
  const wanted = `version ${thresholds.ffmpegMajor.wanted} or newer`
  if (output === undefined) {
    return wordFinding(
      'ffmpeg',
      'not found',
      wanted,
      'warning',
      'recording works without it, but not snapshots, converted pictures, nor cameras other than RTSP ones',
    )
  }
  return versionFinding('ffmpeg', ffmpegVersionOf(output) ?? 'unknown', thresholds.ffmpegMajor)
}

function versionFinding(name: 'node' | 'ffmpeg', version: string, threshold: Threshold): RequirementFinding {
  const major = Number.parseInt(version, 10)
  // Builds of ffmpeg's daily state have no number: they are new.
  const verdict = Number.isNaN(major) ? 'fine' : verdictOf(major, threshold)
  const wanted = `version ${threshold.wanted} or newer`
  return wordFinding(name, version, wanted, verdict, verdict === 'fine' ? '' : threshold.reason)
}

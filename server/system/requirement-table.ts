// What the machine must be like: each threshold with its reason, and how a measured value is judged by it.
import type { RequirementFinding, RequirementName, Verdict } from '../../shared/setup.ts'

/** A number that is to be large (`isLeast`) or small. Past `wanted` it is a warning, past `limit` it has failed. */
export interface Threshold {
  isLeast: boolean
  wanted: number
  limit: number
  /** Why it is wanted: what happens past it. */
  reason: string
}

const gigabyte = 1e9

/**
 * All thresholds. Figures of the recorder are those of BENCHMARKS.md; a camera of 4 Mbit/s writes 43 GB a day.
 */
export const thresholds = {
  cores: {
    isLeast: true,
    wanted: 2,
    limit: 1,
    reason: 'on a single core, pictures made for viewers take their time from recording',
  },
  memoryBytes: {
    isLeast: true,
    // What the kernel and the firmware keep for themselves is not told: a machine of 2 GB says less.
    wanted: 1.7 * gigabyte,
    limit: 0.5 * gigabyte,
    reason: 'footage waits in memory while a disk is slow, and every converted picture needs a decoder',
  },
  spaceFreeBytes: {
    isLeast: true,
    wanted: 50 * gigabyte,
    limit: 1 * gigabyte,
    reason: 'one camera of 4 Mbit/s writes 43 GB a day, and overwriting begins when the space is full',
  },
  spaceTotalBytes: {
    isLeast: true,
    wanted: 100 * gigabyte,
    limit: 2 * gigabyte,
    reason: 'two days of one camera at 4 Mbit/s need nearly 100 GB',
  },
  syncMedianMs: {
    isLeast: false,
    // Every five seconds each growing segment is synced: 64 cameras at 50 ms take 3.2 s of them, 16 at 300 ms 4.8 s.
    wanted: 50,
    limit: 300,
    reason: 'every growing file is synced each five seconds, one after the other',
  },
  syncWorstMs: {
    isLeast: false,
    wanted: 1000,
    limit: 4000,
    reason: 'while one write hangs, the frames of all cameras of the volume wait in memory',
  },
  nodeMajor: { isLeast: true, wanted: 24, limit: 22, reason: 'the server is written for Node 24 and tested with it' },
  ffmpegMajor: {
    isLeast: true,
    wanted: 4,
    limit: 0,
    reason: 'older ones lack options that snapshots and converted pictures are made with',
  },
} as const satisfies Record<string, Threshold>

/** The sentence of what is as it is wanted. */
const allRight = 'This is as it is wanted.'

export function verdictOf(value: number, { isLeast, wanted, limit }: Threshold): Verdict {
  const isPast = (bound: number) => (isLeast ? value < bound : value > bound)
  return isPast(limit) ? 'failed' : isPast(wanted) ? 'warning' : 'fine'
}

/** A finding on a number. `show` gives it its unit. */
export function findingOf(
  name: RequirementName,
  value: number,
  threshold: Threshold,
  show: (value: number) => string,
): RequirementFinding {
  const verdict = verdictOf(value, threshold)
  const wanted = `${threshold.isLeast ? 'at least' : 'at most'} ${show(threshold.wanted)}`
  const sentence = verdict === 'fine' ? allRight : sentenceOf(threshold.reason)
  return { name, measured: show(value), wanted, verdict, sentence }
}

/** A finding on what could not be measured, or is no number. */
export function wordFinding(
  name: RequirementName,
  measured: string,
  wanted: string,
  verdict: Verdict,
  reason = '',
): RequirementFinding {
  return { name, measured, wanted, verdict, sentence: reason === '' ? allRight : sentenceOf(reason) }
}

function sentenceOf(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`
}

/** `12.3 GB`, powers of 1000. */
export function inGigabytes(bytes: number): string {
  return `${(bytes / gigabyte).toFixed(bytes < 100 * gigabyte ? 1 : 0)} GB`
}

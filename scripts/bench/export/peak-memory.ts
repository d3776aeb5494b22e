// The most memory that a process has held since it was last asked, as the kernel counts it.
import { readFileSync, writeFileSync } from 'node:fs'

function statusBytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)![1]) * 1024
}

/** Forgets the peak of before. Gives what the process holds now, in bytes. */
export function beginPeak(pid: number): number {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return statusBytes(pid, 'VmRSS')
}

/** The most bytes held since `beginPeak`. */
export function peakBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM')
}

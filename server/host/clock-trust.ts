// Whether something keeps the machine's clock right, as far as its programs tell.
import type { ClockSync } from '../../shared/setup.ts'

export interface ClockTrust {
  sync: ClockSync
  /** Which program told, and what. */
  detail: string
}

/** Kernel flag `STA_UNSYNC` (adjtimex(2)): nothing steers the clock. */
const staUnsync = 0x40

/** Runs a program: what it printed, or undefined where it is missing or failed. */
export type RunProgram = (program: string, args: string[]) => Promise<string | undefined>

/**
 * Asks chrony, then systemd, then the kernel's own flag by `adjtimex`.
 *
 * chrony comes first, since without `rtcsync` it leaves the kernel's flag as if nothing steered the clock.
 */
export async function readClockTrust(run: RunProgram): Promise<ClockTrust> {
  const told =
    chronyTrust(await run('chronyc', ['-n', '-c', 'tracking'])) ??
    systemdTrust(await run('timedatectl', ['show', '--property=NTPSynchronized', '--value'])) ??
    // busybox's own prints when it is given nothing, and refuses `--print`.
    kernelTrust(await run('adjtimex', ['--print'])) ??
    kernelTrust(await run('adjtimex', [])) ??
    kernelTrust(await run('busybox', ['adjtimex']))
  return told ?? { sync: 'unknown', detail: 'none of chronyc, timedatectl and adjtimex tells' }
}

/** Of `chronyc -c tracking`: field 5 is how far the clock is off, in seconds, the last one the leap status. */
export function chronyTrust(output: string | undefined): ClockTrust | undefined {
  const fields = output?.trim().split('\n')[0]?.split(',') ?? []
  if (fields.length < 14) return undefined
  if (fields.at(-1) === 'Not synchronised') return { sync: 'unsynchronised', detail: 'chrony: not synchronised' }
  const offMs = Math.abs(Number(fields[4])) * 1000
  return { sync: 'synchronised', detail: `chrony: ${offMs.toFixed(offMs < 1 ? 3 : 0)} ms off` }
}

/** Of `timedatectl show --property=NTPSynchronized --value`. */
export function systemdTrust(output: string | undefined): ClockTrust | undefined {
  const word = output?.trim()
  if (word === 'yes') return { sync: 'synchronised', detail: 'systemd: synchronised by NTP' }
  if (word === 'no') return { sync: 'unsynchronised', detail: 'systemd: not synchronised by NTP' }
  return undefined
}

/** Of `adjtimex`, util or busybox: a line `status: 64 (UNSYNC)`. */
export function kernelTrust(output: string | undefined): ClockTrust | undefined {
  const status = /^\W*status:\s*(\d+)/m.exec(output ?? '')?.[1]
  if (status === undefined) return undefined
  return (Number(status) & staUnsync) === 0
    ? { sync: 'synchronised', detail: 'kernel: steered' }
    : { sync: 'unsynchronised', detail: 'kernel: nothing steers the clock' }
}

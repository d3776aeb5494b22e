// Whether the clock is kept right, by whichever of the usual programs can tell.
import { type Finding, found, lack } from './finding.ts'
import type { MachineFiles } from './machine-files.ts'
import type { ToolRunner } from './tool-runner.ts'

/** Asks systemd, then the kernel's own flag by `adjtimex`, then chrony. */
export async function readClockSync(tools: ToolRunner, files: MachineFiles): Promise<Finding<boolean>> {
  const systemd = await tools.text('timedatectl', ['show', '--property=NTPSynchronized', '--value'])
  if (systemd.isFound && /^(yes|no)$/.test(systemd.value)) return found(systemd.value === 'yes')
  if (await files.has('/run/systemd/timesync/synchronized').catch(() => false)) return found(true)
  // Of util "adjtimex" as of busybox: a line "status: 8256 (PLL | UNSYNC)". STA_UNSYNC is 0x40 (adjtimex(2)).
  const kernel = await tools.run('adjtimex', (await isBusybox(tools)) ? [] : ['--print'])
  const status = kernel.isFound ? /status:\s*(\d+)/.exec(kernel.value.output)?.[1] : undefined
  if (status !== undefined) return found((Number(status) & 0x40) === 0)
  const chrony = await tools.text('chronyc', ['-c', 'tracking'])
  const leap = chrony.isFound ? chrony.value.split(',').at(-1) : undefined
  if (leap !== undefined && leap !== '') return found(leap !== 'Not synchronised')
  return lack('not-available', 'read clock synchronisation: none of timedatectl, adjtimex, chronyc tells')
}

/** Busybox's adjtimex prints when it is given nothing, and refuses `--print`. */
async function isBusybox(tools: ToolRunner): Promise<boolean> {
  const help = await tools.run('adjtimex', ['--help'])
  return help.isFound && /busybox/i.test(help.value.output + help.value.complaint)
}

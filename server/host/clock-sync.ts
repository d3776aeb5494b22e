// Whether the clock is kept right, as a host answers it.
import { readClockTrust } from './clock-trust.ts'
import { type Finding, found, knownValue, lack } from './finding.ts'
import type { MachineFiles } from './machine-files.ts'
import type { ToolRunner } from './tool-runner.ts'

/** Asks the machine's programs; where none tells, systemd may have left its file. */
export async function readClockSync(tools: ToolRunner, files: MachineFiles): Promise<Finding<boolean>> {
  // Whatever it ended with: adjtimex gives the clock's state as its status.
  const run = async (program: string, args: string[]) => knownValue(await tools.run(program, args))?.output
  const { sync, detail } = await readClockTrust(run)
  if (sync !== 'unknown') return found(sync === 'synchronised')
  if (await files.has('/run/systemd/timesync/synchronized').catch(() => false)) return found(true)
  return lack('not-available', `read clock synchronisation: ${detail}`)
}

// Which of the two answers this machine gets.
import { systemClock } from '../base/clock.ts'
import type { Host } from './host.ts'
import { createLinuxHost } from './linux/linux-host.ts'
import { MachineFiles } from './machine-files.ts'
import { createQtsHost } from './qts/qts-host.ts'
import { ToolRunner } from './tool-runner.ts'

/** QTS where its list of packages and its getcfg are both there: either alone may be somebody's left-over. */
export async function chooseHost(root = '/'): Promise<Host> {
  const [hasPackages, getcfg] = [
    await new MachineFiles(root).has('/etc/config/qpkg.conf'),
    await new ToolRunner({ root }).find('/sbin/getcfg'),
  ]
  if (!hasPackages || getcfg === undefined) return createLinuxHost({ root })
  return createQtsHost({ root, nowMs: () => systemClock.utcUs() / 1000 })
}

// The state of Linux's software RAID, /proc/mdstat (md(4)).
import type { VolumeState } from '../volume.ts'

export interface RaidState {
  /** Such as `raid5`. */
  level: string
  state: VolumeState
  detail: string
}

/** By the kernel's name of the array, such as `md0`. */
export function parseMdstat(text: string): Map<string, RaidState> {
  const arrays = new Map<string, RaidState>()
  for (const block of text.split(/\n(?=md)/)) {
    const head = /^(md\S+)\s*:\s*(active|inactive)\s*(?:\([^)]*\)\s*)?(\S*)/.exec(block)
    if (head === null) continue
    const [, name, activity, level] = head
    if (activity === 'inactive') {
      arrays.set(name!, { level: '', state: 'failed', detail: 'inactive' })
      continue
    }
    // "[4/3] [UUU_]": wanted and present, then one letter a disk.
    const disks = /\[(\d+)\/(\d+)\]\s*\[([U_]+)\]/.exec(block)
    const progress = /(recovery|resync|reshape|check)\s*=\s*([\d.]+%)/.exec(block)
    const isMissing = disks !== null && Number(disks[2]) < Number(disks[1])
    // A check reads only: nothing is missing meanwhile.
    const isRebuilding = progress !== null && progress[1] !== 'check'
    arrays.set(name!, {
      level: level!,
      state: isRebuilding ? 'rebuilding' : isMissing ? 'degraded' : 'good',
      detail: progress !== null ? `${progress[1]} ${progress[2]}` : isMissing ? `${disks[2]} of ${disks[1]} disks` : '',
    })
  }
  return arrays
}

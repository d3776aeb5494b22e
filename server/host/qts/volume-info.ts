// What getsysinfo tells of QTS's volumes.
import type { ToolRunner } from '../tool-runner.ts'
import type { VolumeState } from '../volume.ts'

export interface VolumeInfo {
  label: string
  raid: string | undefined
  /** What its size is printed as, such as `1.23 TB`, in bytes: right to that many digits. */
  totalBytes: number
  /** How far `totalBytes` may be off, in bytes. */
  toleranceBytes: number
  state: VolumeState
  stateDetail: string
}

const getsysinfo = '/sbin/getsysinfo'
/** How many numbers are tried beyond the count of volumes: numbers of volumes that were removed stay free. */
const maxHoles = 32

/** All that it describes. What it does not know, or calls a file system `Unknown`, is left out. */
export async function readVolumeInfo(tools: ToolRunner): Promise<VolumeInfo[]> {
  const counted = await tools.text(getsysinfo, ['sysvolnum'])
  const count = counted.isFound ? Math.min(Number(counted.value) || 0, 256) : 0
  const infos: VolumeInfo[] = []
  let seen = 0
  for (let index = 0; seen < count && index < count + maxHoles; index++) {
    const description = await tell(tools, 'vol_desc', index)
    if (description === '') continue
    seen++
    const [fileSystem, size, status] = await Promise.all([
      tell(tools, 'vol_fs', index),
      tell(tools, 'vol_totalsize', index),
      tell(tools, 'vol_status', index),
    ])
    const bytes = parseSize(size)
    if (fileSystem === 'Unknown' || bytes === undefined) continue
    infos.push({ ...parseDescription(description), ...bytes, state: parseState(status), stateDetail: status })
  }
  return infos
}

async function tell(tools: ToolRunner, what: string, index: number): Promise<string> {
  const answer = await tools.text(getsysinfo, [what, String(index)])
  return answer.isFound && answer.value !== '--' ? answer.value : ''
}

/** `[Volume DataVol1, Pool 1]`, `[Single Disk Volume: Drive 1]`, `[RAID5 Disk Volume: Drive 1 2 3]`. */
export function parseDescription(description: string): Pick<VolumeInfo, 'label' | 'raid'> {
  const inside = description.replace(/^\[|\]$/g, '').trim()
  const label = /^Volume ([^,]*)/.exec(inside)?.[1]?.trim()
  const level = /RAID\s*(\d+)/i.exec(inside)?.[1]
  const raid = level === undefined ? (/^Single Disk/i.test(inside) ? 'single' : undefined) : `raid${level}`
  return { label: label ?? inside, raid }
}

/** Sizes are printed in binary units under decimal names. */
export function parseSize(text: string): Pick<VolumeInfo, 'totalBytes' | 'toleranceBytes'> | undefined {
  const match = /^(\d+)(?:\.(\d+))?\s*([KMGTP]?)B$/i.exec(text.trim())
  if (match === null) return undefined
  const unit = 1024 ** ' KMGTP'.indexOf(match[3]!.toUpperCase() || ' ')
  const digits = match[2] ?? ''
  // Whether the last digit is rounded or cut is not known: it may be off by one.
  return { totalBytes: Number(`${match[1]}.${digits || 0}`) * unit, toleranceBytes: unit / 10 ** digits.length }
}

export function parseState(status: string): VolumeState {
  if (/degraded/i.test(status)) return 'degraded'
  if (/rebuild|recover|sync|migrat|expand/i.test(status)) return 'rebuilding'
  if (/fail|error|inactive|unmounted|not active|removed/i.test(status)) return 'failed'
  return /ready|good|normal|active|mounted/i.test(status) ? 'good' : 'unknown'
}

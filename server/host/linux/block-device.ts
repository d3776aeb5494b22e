// The tree of block devices, as `lsblk` tells it.
import { basename } from 'node:path'
import { type Finding, found, lack } from '../finding.ts'
import type { ToolRunner } from '../tool-runner.ts'

export interface BlockDevice {
  /** Such as `/dev/sda1`, `/dev/mapper/data`. */
  path: string
  /** The kernel's own name, such as `sda1`, `dm-0`. */
  kernelName: string
  /** `disk part crypt lvm raid5` … */
  type: string
  fileSystem: string
  label: string
  mountPoint: string
  /** Can be plugged out, by itself or with the disk it is part of. */
  isExternal: boolean
  /** Devices it stands on, nearest first; a device that stands on several is listed under each. */
  below: BlockDevice[]
}

const columns = 'KNAME,PATH,TYPE,FSTYPE,LABEL,RM,TRAN,MOUNTPOINT'

/** Every device, in the order of the tree. Failed where lsblk prints what is no such tree. */
export async function readBlockDevices(tools: ToolRunner): Promise<Finding<BlockDevice[]>> {
  const text = await tools.text('lsblk', ['--json', '--output', columns])
  if (!text.isFound) return text
  try {
    return found(parseBlockDevices(text.value))
  } catch (error) {
    return lack('failed', `list block devices: ${(error as Error).message}`)
  }
}

/** Throws a `TypeError` or `SyntaxError` where the text is no such tree. */
export function parseBlockDevices(text: string): BlockDevice[] {
  const devices: BlockDevice[] = []
  const walk = (node: Record<string, unknown>, below: BlockDevice[]) => {
    const word = (key: string) => (typeof node[key] === 'string' ? node[key] : '')
    // Older versions print flags as "0" and "1".
    const flag = (key: string) => node[key] === true || node[key] === '1'
    const device: BlockDevice = {
      path: word('path'),
      kernelName: word('kname') || basename(word('path')),
      type: word('type'),
      fileSystem: word('fstype'),
      label: word('label'),
      mountPoint: word('mountpoint'),
      isExternal: flag('rm') || word('tran') === 'usb' || below.some(({ isExternal }) => isExternal),
      below,
    }
    devices.push(device)
    for (const child of listOf(node['children'])) walk(child, [device, ...below])
  }
  for (const node of listOf((JSON.parse(text) as { blockdevices?: unknown }).blockdevices, true)) walk(node, [])
  return devices
}

function listOf(value: unknown, isRequired = false): Record<string, unknown>[] {
  if (value === undefined && !isRequired) return []
  if (!Array.isArray(value)) throw new TypeError('lsblk printed no list of devices')
  return value.filter((node) => typeof node === 'object' && node !== null)
}

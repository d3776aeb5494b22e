// Which file systems footage may lie on, and what is wrong with the others.
import type { Verdict } from '../../shared/setup.ts'

/** What is thought of some types. The first row that has a type counts. */
const table: [types: string[], verdict: Verdict, reason: string][] = [
  [
    ['ext4', 'ext3', 'xfs', 'btrfs', 'zfs', 'f2fs', 'jfs', 'bcachefs'],
    'fine',
    'a power cut costs the last seconds and no more',
  ],
  [['tmpfs', 'ramfs'], 'failed', 'it lies in memory, and everything is gone when the machine is switched off'],
  [['vfat', 'msdos', 'exfat'], 'failed', 'without a journal, a power cut can destroy footage written long before'],
  [['squashfs', 'iso9660', 'udf'], 'failed', 'it is made to be read, not to be written to'],
  [['ext2'], 'warning', 'without a journal, it must be checked after a power cut before anything is recorded'],
  [['overlay', 'aufs'], 'warning', 'it belongs to a container and goes with it; mount a volume of the machine instead'],
  [['ntfs', 'ntfs3'], 'warning', 'Linux writes it slowly, and may mount it read-only after a power cut'],
  [['nfs', 'nfs4', 'cifs', 'smb3'], 'warning', 'nothing is recorded while the network to the other machine is away'],
  [['9p', 'virtiofs'], 'warning', 'it is the host’s of this virtual machine, which may not sync when it is asked to'],
]

/** What to think of a file system's type, as `/proc/self/mountinfo` names it. */
export function judgeFileSystem(type: string): { verdict: Verdict; reason: string } {
  for (const [types, verdict, reason] of table) if (types.includes(type)) return { verdict, reason }
  if (type.startsWith('fuse')) {
    return { verdict: 'warning', reason: 'a program stands before the disk, and may not sync when it is asked to' }
  }
  return { verdict: 'warning', reason: 'nothing is known of how it takes a power cut' }
}

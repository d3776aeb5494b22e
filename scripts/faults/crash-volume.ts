// File systems in memory that can be mounted, swapped and filled.
import { blockBytes, type DiskNode, FileNode, FolderNode } from './crash-node.ts'

/** A file system that can be mounted: its tree, and what it is like. */
export interface Volume {
  device: number
  root: FolderNode
  isReadOnly: boolean
  capacityBytes: number
  /** Most bytes a file below this path and all its neighbours may have together: a project quota, EDQUOT. */
  quota?: { path: string; bytes: number }
  /** Files already open answer EIO: the disk was pulled, not only unmounted. */
  isPulled: boolean
}

export function emptyVolume(device: number): Volume {
  return { device, root: new FolderNode(), isReadOnly: false, capacityBytes: 1 << 30, isPulled: false }
}

/** Puts a file on a volume, safe, with the folders it needs. */
export function plant(volume: Volume, path: string, content: Uint8Array): void {
  const names = path.split('/')
  let at = volume.root
  for (const name of names.slice(0, -1)) {
    let next = at.entries.get(name)
    if (!next?.isFolder) {
      next = new FolderNode()
      at.set(name, next, -1)
      at.sync(at.pendingChanges)
    }
    at = next as FolderNode
  }
  const file = new FileNode()
  if (content.length > 0) file.write(0, content)
  file.sync(file.pendingChanges)
  at.set(names.at(-1)!, file, -1)
  at.sync(at.pendingChanges)
}

/** Bytes a file, or all below a folder, takes in whole blocks. */
export function usedBytes(node: DiskNode): number {
  if (!node.isFolder) return Math.ceil(node.size / blockBytes) * blockBytes
  let sum = 0
  for (const child of node.entries.values()) sum += usedBytes(child)
  return sum
}

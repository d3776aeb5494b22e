// Removes the folders of recording spaces, footage and all: those alone that are proved to be this server's own.
import { lstat, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RemovedSpace } from '../../shared/removal.ts'
import { readMarker } from './space-folder.ts'
import { folderOf } from './space-service.ts'
import type { StoredSpace } from './space-store.ts'

/** Never fails: a folder that cannot be removed, or is not ours, is told with its reason. */
export async function removeSpaceFolders(spaces: StoredSpace[], serverId: string): Promise<RemovedSpace[]> {
  const removed: RemovedSpace[] = []
  for (const space of spaces) {
    const folder = folderOf(space)
    const finding = await removeFolder(folder, space.id, serverId).catch((error: Error) => error.message)
    removed.push({ name: space.name, folder, isRemoved: finding === undefined, ...(finding && { finding }) })
  }
  return removed
}

/** Why it was left alone; undefined where it is gone now. */
async function removeFolder(folder: string, spaceId: string, serverId: string): Promise<string | undefined> {
  const status = await lstat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (status === undefined) return 'is not there: its volume may be away'
  if (!status.isDirectory()) return 'is no folder'
  const marker = await readMarker(join(folder, '.nightjar-space'))
  if (marker === undefined) return 'has no marker, so it may be somebody else’s'
  if (marker.server !== serverId || marker.space !== spaceId) return 'holds the footage of another server or space'
  await rm(folder, { recursive: true })
  return undefined
}

// Which folder of a volume is a space's.
import { open, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Failure } from '../../shared/failure.ts'

/** The file a space's folder is known by, and where its text ends (recording/FORMAT.md, section 6). */
const markerName = '.nightjar-space'
const markerTextBytes = 504

/**
 * The name of the folder a new space on a volume uses: `QVRProSpace_<name>`, or `NightjarSpace_<name>` where `names` says so or
 * a folder of that name is there and not ours, for QVR Pro's own footage is never touched.
 *
 * `spaceId` is the space whose footage is there already, made by this server before. Fails `conflict` where another
 * server's marker is there, or one that cannot be read.
 */
export async function findFolder(
  volumePath: string,
  serverId: string,
  names: 'qvrpro' | 'nightjar' = 'qvrpro',
): Promise<{ folder: string; spaceId: string | undefined }> {
  const name = basename(volumePath) || 'root'
  for (const prefix of ['QVRProSpace_', 'NightjarSpace_']) {
    const folderName = prefix + name
    const folder = join(volumePath, folderName)
    const isAvoided = names === 'nightjar' && prefix === 'QVRProSpace_'
    if (!(await isThere(folder))) {
      if (isAvoided) continue
      return { folder: folderName, spaceId: undefined }
    }
    const marker = await readMarker(join(folder, markerName))
    if (marker === undefined) continue
    if (marker.server !== serverId) {
      throw new Failure('conflict', `volumePath: ${folder} holds the footage of another server`, {
        field: 'volumePath',
      })
    }
    return { folder: folderName, spaceId: marker.space }
  }
  // Both names are taken and neither folder has a marker; ours may have lost it, so nothing there is adopted.
  throw new Failure('conflict', `volumePath: ${volumePath} has folders of other software under both names used here`, {
    field: 'volumePath',
  })
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** The marker's owner, or undefined where there is none. */
export async function readMarker(path: string): Promise<{ space: string; server: string } | undefined> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return undefined
  try {
    const bytes = Buffer.alloc(markerTextBytes)
    await file.read(bytes, 0, markerTextBytes, 0)
    const { space, server } = JSON.parse(bytes.toString('utf8').trimEnd())
    if (typeof space === 'string' && typeof server === 'string') return { space, server }
  } catch {
    // Said below: whatever is wrong with it, it cannot be read.
  } finally {
    await file.close()
  }
  throw new Failure('conflict', `volumePath: the marker ${path} cannot be read`, { field: 'volumePath' })
}

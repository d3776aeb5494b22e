// Removes all that a server which has ended leaves behind: footage of its own spaces, databases, keys and caches.
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RemovedSpace } from '../shared/removal.ts'
import { openDatabases } from './app.ts'
import type { Logger } from './base/logger.ts'
import type { Config } from './config.ts'
import { removeDatabase } from './db/database.ts'
import { SettingStore } from './db/setting-store.ts'
import { removeSpaceFolders } from './space/space-removal.ts'
import { SpaceStore } from './space/space-store.ts'

/** What server and recorder make in the data folder. Whatever else is there is not ours, and stays, and the folder with it. */
const ownFiles = [
  ...['seal.key', 'recorder-settings.sealed', 'recorder.sock', 'recorder.pid', 'recorder.bell', 'recorder.log'],
  ...['sound-cache', 'compile-cache'],
]

/** Gives what became of each space's folder. The recorder must have ended. */
export async function removeAllDataOf(config: Config, logger: Logger): Promise<RemovedSpace[]> {
  const { settings, index } = await openDatabases(config, logger)
  let removed: RemovedSpace[] = []
  try {
    const serverId = await new SettingStore(settings).get<string>('server-id')
    const spaces = await new SpaceStore(settings).list()
    if (serverId !== undefined) removed = await removeSpaceFolders(spaces, serverId)
  } finally {
    await index.close()
    await settings.close()
  }
  await removeDatabase(config.indexDatabase)
  await removeDatabase(config.settingsDatabase)
  for (const name of ownFiles) await rm(join(config.dataDir, name), { recursive: true, force: true })
  await rmdir(config.dataDir).catch(() => {})
  return removed
}

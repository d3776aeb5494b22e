// How long a volume takes to make a small write safe.
import { randomUUID } from 'node:crypto'
import { open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'

export interface SyncLatency {
  medianMs: number
  worstMs: number
  /** How many writes were measured. */
  count: number
}

const namePrefix = '.nightjar-sync-'
/** What a growing segment adds between two syncs is larger, but the time is the disk's flush, not the bytes. */
const writeBytes = 4096
const maxWrites = 32
const maxMs = 2000

/**
 * Writes 4 KiB and syncs, 32 times or for two seconds, in a file of its own in `folder`, and removes the file.
 *
 * The file keeps its name until the end: btrfs does not log a file without one, and would be measured too fast. What a
 * killed server left is therefore removed first. Fails with the system's error.
 */
export async function measureSyncLatency(folder: string): Promise<SyncLatency> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(namePrefix)) await unlink(join(folder, name)).catch(ignoreMissing)
  }
  const path = join(folder, namePrefix + randomUUID())
  const file = await open(path, 'wx', 0o600)
  try {
    const bytes = Buffer.alloc(writeBytes, 0x6e)
    const times: number[] = []
    const startMs = performance.now()
    while (times.length < maxWrites && performance.now() - startMs < maxMs) {
      const beforeMs = performance.now()
      await file.write(bytes, 0, writeBytes, times.length * writeBytes)
      await file.datasync()
      times.push(performance.now() - beforeMs)
    }
    times.sort((a, b) => a - b)
    return { medianMs: times[Math.floor(times.length / 2)]!, worstMs: times.at(-1)!, count: times.length }
  } finally {
    await unlink(path).catch(ignoreMissing)
    await file.close()
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

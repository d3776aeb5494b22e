// Where a bench keeps what it makes: below the project's `.cache`, on the disk the project is on.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'

export const cacheFolder = path.join(import.meta.dirname, '../../.cache')

/** A folder of the bench's own, gone when `use` is over. */
export async function withWorkFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(cacheFolder, { recursive: true })
  const folder = mkdtempSync(path.join(cacheFolder, 'bench-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

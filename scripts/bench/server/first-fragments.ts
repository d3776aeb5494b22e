// When each camera's footage is in a file again, by looking at the files: the server hears of it only once a second.
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseSegmentPath } from '../../../server/recording/segment-path.ts'

export interface FirstFragment {
  /** UTC of the picture that the camera's new run begins with. */
  frameMs: number
  /** When its first fragment was seen in the file, UTC, at most `lookEveryMs` late. */
  writtenMs: number
}

const lookEveryMs = 50
/** `moov` and the box that tells what the segment is lie before the first fragment. */
const headBytes = 16 * 1024

/** Waits for a fragment of every camera in a segment that begins at `sinceMs` (UTC) or later, in a space's folder. */
export async function firstFragments(
  folder: string,
  cameraIds: readonly string[],
  sinceMs: number,
  patienceMs: number,
): Promise<FirstFragment[]> {
  const missing = new Set(cameraIds)
  const found: FirstFragment[] = []
  while (missing.size > 0) {
    for (const cameraId of missing) {
      const frameMs = newFootage(folder, cameraId, sinceMs)
      if (frameMs === undefined) continue
      found.push({ frameMs, writtenMs: Date.now() })
      missing.delete(cameraId)
    }
    if (Date.now() - sinceMs > patienceMs) {
      throw new Error(`${missing.size} of ${cameraIds.length} cameras have no footage after ${patienceMs} ms`)
    }
    await sleep(lookEveryMs)
  }
  return found
}

/** Start of the camera's segment where there is a new one with a fragment in it. */
function newFootage(folder: string, cameraId: string, sinceMs: number): number | undefined {
  for (const hour of hoursSince(sinceMs)) {
    const below = `${cameraId}/1-normal/${hour}`
    for (const name of namesIn(path.join(folder, below))) {
      const startMs = (parseSegmentPath(`${below}/${name}`)?.startUs ?? 0) / 1000
      if (startMs >= sinceMs && hasFragment(path.join(folder, below, name))) return startMs
    }
  }
  return undefined
}

/** Folders of the hours from an instant until now, `20260101/00` and so on. */
function hoursSince(sinceMs: number): string[] {
  const folderOf = (ms: number) => new Date(ms).toISOString().slice(0, 13).replaceAll('-', '').replace('T', '/')
  return [...new Set([folderOf(sinceMs), folderOf(Date.now())])]
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Not made yet.
    return []
  }
}

function hasFragment(file: string): boolean {
  const bytes = Buffer.alloc(headBytes)
  const descriptor = openSync(file, 'r')
  try {
    return bytes.subarray(0, readSync(descriptor, bytes, 0, headBytes, 0)).includes('moof')
  } finally {
    closeSync(descriptor)
  }
}

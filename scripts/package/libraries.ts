// Which libraries programs need, and where they are in an unpacked Debian.
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../shared/failure.ts'
import type { Architecture } from './architecture.ts'
import { readElf } from './elf-file.ts'

/** Below the root, in the order a loader would look. Some packages have folders of their own, named by ld.so.conf.d. */
function foldersOf({ triplet }: Architecture): string[] {
  return ['lib', 'usr/lib'].flatMap((folder) => [
    `${folder}/${triplet}`,
    `${folder}/${triplet}/blas`,
    `${folder}/${triplet}/lapack`,
    `${folder}/${triplet}/pulseaudio`,
  ])
}

/**
 * All libraries that `programs` need, and those that these need: real paths by the name they are asked for by.
 *
 * Fails `not-found` for one that is nowhere.
 */
export function librariesOf(programs: string[], root: string, architecture: Architecture): Map<string, string> {
  const folders = foldersOf(architecture)
  const found = new Map<string, string>()
  const open = programs.map((path) => ({ path, asker: path }))
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    for (const name of readElf(one.path).needed) {
      if (found.has(name)) continue
      const path = folders.map((folder) => join(root, folder, name)).find((candidate) => existsSync(candidate))
      if (path === undefined) throw new Failure('not-found', `${name}, which ${one.path} needs, is in no package`)
      found.set(name, realpathSync(path))
      open.push({ path, asker: one.path })
    }
  }
  return found
}

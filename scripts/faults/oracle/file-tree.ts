// What the oracle reads: files and folders of a space, wherever they are kept.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A read-only tree. Paths are absolute, parted by `/`. */
export interface FileTree {
  /** Undefined where there is no such folder. */
  list(path: string): { name: string; isFolder: boolean }[] | undefined
  /** The file's whole content; undefined where there is no such file. */
  read(path: string): Uint8Array | undefined
}

/** The machine's own file system. */
export const machineTree: FileTree = {
  list: (path) =>
    missingAsUndefined(() =>
      readdirSync(path, { withFileTypes: true }).map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() })),
    ),
  read: (path) => missingAsUndefined(() => readFileSync(path)),
}

function missingAsUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Every file below `folder`, with paths relative to it, in order of name. */
export function filesBelow(tree: FileTree, folder: string): string[] {
  const paths: string[] = []
  const walk = (below: string) => {
    for (const entry of tree.list(join(folder, below)) ?? []) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isFolder) walk(path)
      else paths.push(path)
    }
  }
  walk('')
  return paths.sort()
}

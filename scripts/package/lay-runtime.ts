// Node, ffmpeg, all libraries they need, and the loader that starts them: they run where there is no C library, or an old one.
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Architecture } from './architecture.ts'
import type { DebianRoot } from './debian-root.ts'
import { librariesOf } from './libraries.ts'

const run = promisify(execFile)

/** Needed by name at run time, which no list in a file says: host names and accounts (NSS) of the C library. */
const loadedByName = ['libnss_dns.so.2', 'libnss_files.so.2']

/**
 * Lays `runtime/` into `tree`: `bin` has what is called, `libexec` the programs themselves, `lib` loader and libraries.
 * `node` is a Node for the machine, `addons` are modules that it loads, whose libraries come along. Gives the paths, within
 * `debian`, of all that came from there.
 */
export async function layRuntime(
  tree: string,
  architecture: Architecture,
  debian: DebianRoot,
  node: string,
  addons: string[],
): Promise<string[]> {
  const { loader, triplet } = architecture
  for (const folder of ['bin', 'lib', 'libexec']) mkdirSync(join(tree, 'runtime', folder), { recursive: true })
  const ffmpeg = join(debian.folder, 'usr/bin/ffmpeg')
  const named = loadedByName.map((name) => join(debian.folder, 'lib', triplet, name)).filter((path) => existsSync(path))
  const libraries = librariesOf([node, ffmpeg, ...addons, ...named], debian.folder, architecture)
  for (const path of named) libraries.set(path.slice(path.lastIndexOf('/') + 1), realpathSync(path))
  // The loader is a library to those that need it, and the same file.
  libraries.set(loader, realpathSync(join(debian.folder, 'lib', triplet, loader)))
  for (const [name, path] of libraries) cpSync(path, join(tree, 'runtime/lib', name), { dereference: true })
  cpSync(ffmpeg, join(tree, 'runtime/libexec/ffmpeg'))
  cpSync(node, join(tree, 'runtime/libexec/node'))
  await stripSymbols(join(tree, 'runtime/libexec/node'), architecture)
  for (const name of ['node', 'ffmpeg']) writeStarter(join(tree, 'runtime/bin', name), name, { LOADER: loader })
  return [ffmpeg, ...libraries.values()].map((path) => path.slice(realpathSync(debian.folder).length + 1))
}

/** Writes one of `starters/`, words in capitals replaced. */
export function writeStarter(path: string, name: string, words: Record<string, string>): void {
  const template = readFileSync(join(import.meta.dirname, 'starters', name), 'utf8')
  const text = Object.entries(words).reduce((done, [word, value]) => done.replaceAll(word, value.trimEnd()), template)
  writeFileSync(path, text, { mode: 0o755 })
}

/** Node's symbols are for debuggers: a sixth of its size. Where no `strip` knows the machine they stay. */
async function stripSymbols(path: string, { triplet, machine }: Architecture): Promise<void> {
  const own = process.arch === 'x64' ? 'x86_64' : 'aarch64'
  await run(machine === own ? 'strip' : `${triplet}-strip`, ['--strip-unneeded', path]).catch(() => undefined)
}

// The packages of package-lock.json that the server needs on a machine, and their files.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, extname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { Failure } from '../../shared/failure.ts'
import type { Architecture } from './architecture.ts'

const run = promisify(execFile)

interface LockEntry {
  version: string
  license?: string
  dev?: boolean
  devOptional?: boolean
  integrity?: string
  os?: string | string[]
  cpu?: string | string[]
  libc?: string | string[]
}

export interface NodePackage {
  /** Below the project: `node_modules/express`. */
  path: string
  name: string
  version: string
  license: string
  /** Of its archive: `sha512-…`, as Subresource Integrity writes it. */
  integrity: string
}

/** Folders of packages that only whoever develops them needs. */
const leftOutFolders = new Set([
  'test',
  'tests',
  '__tests__',
  'docs',
  'doc',
  'example',
  'examples',
  '.github',
  'benchmark',
])
/** Files that no running server reads. */
const leftOutEndings = new Set([
  '.map',
  '.md',
  '.markdown',
  '.ts',
  '.mts',
  '.cts',
  '.tsbuildinfo',
  '.flow',
  '.c',
  '.cc',
  '.cpp',
  '.h',
])
/** Parts of packages, by path below node_modules, that are for other uses than ours. */
const leftOutPaths = [
  /^better-sqlite3\/(deps|src)$/,
  /^swagger-ui-dist\/(swagger-ui|swagger-ui-es-bundle|swagger-ui-es-bundle-core)\.js$/,
]

/** What package-lock.json has for a server on that machine: nothing for development, nothing of another machine's. */
export function packagesFor(project: string, architecture: Architecture): NodePackage[] {
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockEntry>
  }
  return Object.entries(lock.packages).flatMap(([path, entry]) => {
    const suits = (wanted: string | string[] | undefined, ours: string) =>
      wanted === undefined || [wanted].flat().includes(ours)
    const isOurs = suits(entry.os, 'linux') && suits(entry.cpu, architecture.npm) && suits(entry.libc, 'glibc')
    if (path === '' || entry.dev || entry.devOptional || !isOurs) return []
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const { version, license = 'see its files', integrity = '' } = entry
    return [{ path, name, version, license, integrity }]
  })
}

/**
 * The folder of a package: of the project's own node_modules, else fetched into `cache`.
 *
 * Fails `corrupt` where what was fetched is not what package-lock.json says.
 */
export async function packageFolder(
  project: string,
  cache: string,
  { path, name, version, integrity }: NodePackage,
): Promise<string> {
  const own = join(project, path)
  if (existsSync(own)) return own
  const folder = join(cache, 'npm', `${name.replace('/', '-')}-${version}`)
  if (!existsSync(join(folder, 'package.json'))) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const { stdout } = await run('npm', ['pack', `${name}@${version}`, '--pack-destination', folder, '--silent'])
    const archive = join(folder, stdout.trim().split('\n').at(-1)!)
    const sum = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`
    if (sum !== integrity) throw new Failure('corrupt', `${name}@${version}: is not what package-lock.json says`)
    await run('tar', ['-xzf', archive, '-C', folder, '--strip-components=1'])
    rmSync(archive)
  }
  return folder
}

/** Copies a package without what no running server reads. */
export function copyPackage(from: string, to: string, { path }: NodePackage, architecture: Architecture): void {
  const ownPath = path.replace(/^node_modules\//, '')
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (source) => {
      const below = relative(from, source)
      if (below === '') return true
      // Packages within it are entries of the lock file themselves.
      if (basename(source) === 'node_modules') return false
      const isLicense = /licen[cs]e|copying|notice/i.test(basename(source))
      const isLeftOut =
        leftOutPaths.some((one) => one.test(`${ownPath}/${below}`)) || isForeignAddon(source, architecture)
      return isLicense || !(isLeftOut || isDeveloperOnly(source, below))
    },
  })
}

function isDeveloperOnly(source: string, below: string): boolean {
  // A folder of that name deep within is code as often as not.
  if (dirname(below) === '.' && leftOutFolders.has(basename(source))) return true
  return leftOutEndings.has(extname(source))
}

/** Machine code for other machines, where a package brings it for all. */
function isForeignAddon(source: string, { npm }: Architecture): boolean {
  return basename(dirname(source)) === 'prebuilds' && !basename(source).startsWith(`linux-${npm}`)
}

/** Modules of machine code below a folder. */
export function addonsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.node'))
    .sort()
    .map((name) => join(folder, name))
}

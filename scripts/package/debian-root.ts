// Debian's packages of any machine, unpacked side by side into a folder: nothing is installed, and no script of theirs runs.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Architecture } from './architecture.ts'

const run = promisify(execFile)

/** What the programs of the package need; the C library comes with them. */
const wanted = ['ffmpeg', 'libstdc++6', 'libgcc-s1', 'libc6']

export interface DebianPackage {
  name: string
  version: string
  /** The source package and its version: where the exact source is had from. */
  source: string
  /** Its programs and libraries, by their paths below the root. */
  files: string[]
}

export interface DebianRoot {
  folder: string
  packages: DebianPackage[]
}

/**
 * Unpacks what `wanted` needs into `cache`, as the machine's own sources of packages have it now. What is there already is
 * taken as it is: delete the folder for newer packages. apt keeps its lists and its state in a folder of ours, so that the
 * machine's own are not touched.
 */
export async function unpackDebian(architecture: Architecture, cache: string): Promise<DebianRoot> {
  const folder = join(cache, `debian-${architecture.debian}`)
  const stamp = join(folder, 'packages.json')
  if (!existsSync(stamp)) {
    const fresh = `${folder}.new`
    rmSync(fresh, { recursive: true, force: true })
    const archives = await download(architecture, join(cache, `apt-${architecture.debian}`))
    const packages: DebianPackage[] = []
    mkdirSync(join(fresh, 'root'), { recursive: true })
    for (const archive of archives) {
      await run('dpkg-deb', ['-x', archive, join(fresh, 'root')])
      packages.push(await describe(archive))
    }
    writeFileSync(join(fresh, 'packages.json'), JSON.stringify(packages, undefined, 1))
    rmSync(folder, { recursive: true, force: true })
    renameSync(fresh, folder)
  }
  const { default: packages } = (await import(stamp, { with: { type: 'json' } })) as { default: DebianPackage[] }
  return { folder: join(folder, 'root'), packages }
}

/** Paths of the downloaded archives. */
async function download({ debian }: Architecture, folder: string): Promise<string[]> {
  for (const name of ['state/lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(folder, name), { recursive: true })
  }
  // Nothing counts as installed: all that is needed is fetched.
  writeFileSync(join(folder, 'status'), '')
  const options = [
    ['Dir::State', join(folder, 'state')],
    ['Dir::State::status', join(folder, 'status')],
    ['Dir::Cache', join(folder, 'cache')],
    ['APT::Architecture', debian],
    ['APT::Architectures::', debian],
    ['APT::Install-Recommends', 'false'],
    // The user that apt would download as may not read a folder of ours.
    ['APT::Sandbox::User', 'root'],
  ].flatMap(([key, value]) => ['-o', `${key}=${value}`])
  await run('apt-get', [...options, '-q', 'update'], { maxBuffer: 16 * 1024 ** 2 })
  await run('apt-get', [...options, '-q', '-y', '--download-only', 'install', ...wanted], { maxBuffer: 16 * 1024 ** 2 })
  const archives = join(folder, 'cache/archives')
  return readdirSync(archives)
    .filter((name) => name.endsWith('.deb'))
    .sort()
    .map((name) => join(archives, name))
}

async function describe(archive: string): Promise<DebianPackage> {
  const fields = ['Package', 'Version', 'source:Package', 'source:Version'].map((field) => `\${${field}}`)
  const { stdout } = await run('dpkg-deb', ['-W', `--showformat=${fields.join(' ')}`, archive])
  const [name, version, source, sourceVersion] = stdout.trim().split(' ')
  const { stdout: list } = await run('dpkg-deb', ['-c', archive], { maxBuffer: 64 * 1024 ** 2 })
  const files = list
    .split('\n')
    // Mode, owner, size, date, time, name: files only, no links.
    .flatMap((line) => /^-\S+ +\S+ +\d+ \S+ \S+ \.\/(.+)$/.exec(line)?.[1] ?? [])
    .filter((path) => /\.so(\.|$)|^usr\/bin\//.test(path))
  return { name: name!, version: version!, source: `${source} ${sourceVersion}`, files }
}

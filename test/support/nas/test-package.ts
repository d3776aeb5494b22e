// Nightjar's package with a stand-in for what it starts, in releases of any number.
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type PackedFile, pack } from '../../../scripts/qpkg/pack.ts'
import { makeTestFolder } from '../test-folder.ts'
import type { JobResult, QtsRoot } from './qts-root.ts'

export const qpkgFolder = resolve(import.meta.dirname, '../../../qpkg')

/** A copy of qpkg/ with one field of qpkg.cfg changed, or left out where `value` is undefined. */
export function changedSource(field: string, value: string | undefined): string {
  const folder = join(makeTestFolder(), 'qpkg')
  cpSync(qpkgFolder, folder, { recursive: true })
  const config = readFileSync(join(folder, 'qpkg.cfg'), 'utf8')
  const line = new RegExp(`^${field}=.*\n`, 'm')
  const changed = value === undefined ? '' : `${field}="${value}"\n`
  writeFileSync(join(folder, 'qpkg.cfg'), line.test(config) ? config.replace(line, changed) : config + changed)
  return folder
}

/** Packs `release` of it. `server` is the program it starts. */
export async function packRelease(
  release: string,
  server = join(import.meta.dirname, 'stand-in-server.sh'),
): Promise<PackedFile> {
  const folder = makeTestFolder()
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/release'), `${release}\n`)
  return await pack({
    sourceFolder: changedSource('QPKG_VER', release),
    outFolder: folder,
    additions: [
      { source: join(folder, 'bin'), destination: 'bin' },
      { source: server, destination: 'bin/nightjar-server' },
    ],
    architecture: undefined,
    builtOn: '20260102',
  })
}

/** Puts a package on the NAS and runs it as App Center does. */
export async function install(nas: QtsRoot, packed: PackedFile, environment = ''): Promise<JobResult> {
  copyFileSync(packed.path, nas.path('share/Nightjar.qpkg'))
  return await nas.run(`${environment} /bin/sh /share/Nightjar.qpkg`)
}

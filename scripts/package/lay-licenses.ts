// The licences of everything that comes along, and the exact versions of its sources.
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DebianPackage, DebianRoot } from './debian-root.ts'
import type { NodePackage } from './node-modules.ts'

/** Texts are found by these names. */
const licenseFile = /^(licen[cs]e|copying|notice)/i

export interface LicenseSources {
  project: string
  debian: DebianRoot
  /** Paths within `debian` of the files that were taken. */
  debianFiles: string[]
  packages: (NodePackage & { folder: string })[]
  /** Folder of the package that Node came in, and its version. */
  node: { folder: string; version: string }
}

/** Lays `licenses/` into `tree`: SOURCES.txt lists all, and a folder each has the texts. */
export function layLicenses(tree: string, { project, debian, debianFiles, packages, node }: LicenseSources): void {
  const folder = join(tree, 'licenses')
  mkdirSync(join(folder, 'debian'), { recursive: true })
  mkdirSync(join(folder, 'npm'))
  cpSync(join(project, 'LICENSE'), join(folder, 'LICENSE-Nightjar'))
  copyTexts(node.folder, join(folder, 'node'))
  const bundled = bundledPackages(debian, debianFiles)
  for (const { name } of bundled) {
    const text = join(debian.folder, 'usr/share/doc', name, 'copyright')
    if (existsSync(text)) cpSync(text, join(folder, 'debian', name), { dereference: true })
  }
  for (const one of packages) copyTexts(one.folder, join(folder, 'npm', `${one.name.replace('/', '-')}-${one.version}`))
  writeFileSync(join(folder, 'SOURCES.txt'), sourcesText(node.version, bundled, packages))
}

/** The Debian packages that files came from. */
function bundledPackages({ packages }: DebianRoot, files: string[]): DebianPackage[] {
  const taken = new Set(files)
  return packages.filter((one) => one.files.some((file) => taken.has(file)))
}

function copyTexts(from: string, to: string): void {
  const names = readdirSync(from).filter((name) => licenseFile.test(name))
  if (names.length > 0) mkdirSync(to)
  for (const name of names) cpSync(join(from, name), join(to, name), { recursive: true })
}

function sourcesText(nodeVersion: string, bundled: DebianPackage[], packages: NodePackage[]): string {
  return [
    'What comes with Nightjar, in which version, and where its source is had from. The texts of the licences are beside',
    'this file. Nothing of it was changed but for debugging symbols, which were left out of Node.',
    '',
    `Node.js ${nodeVersion}: https://nodejs.org/dist/v${nodeVersion}/node-v${nodeVersion}.tar.gz (MIT and others)`,
    '',
    'From Debian 12. The source packages are at https://snapshot.debian.org/ by name and version:',
    ...bundled.map(({ name, version, source }) => `  ${name} ${version}: source package ${source}`),
    '',
    'From npm, by name and version at https://www.npmjs.com/:',
    ...packages.map(({ name, version, license }) => `  ${name} ${version} (${license})`),
    '',
  ].join('\n')
}

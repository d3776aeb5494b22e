// The installation as it lies on a machine, the same on a NAS and on any Linux: programs, runtime, licences.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Architecture } from './architecture.ts'
import { unpackDebian } from './debian-root.ts'
import { layApp } from './lay-app.ts'
import { layLicenses } from './lay-licenses.ts'
import { layRuntime, writeStarter } from './lay-runtime.ts'
import { addonsIn, packageFolder, packagesFor } from './node-modules.ts'

const project = resolve(import.meta.dirname, '../..')
const starters = ['nightjar-server', 'nightjar-recorder', 'nightjar-root-door']

export interface LaidTree {
  folder: string
  /** Of package.json. */
  version: string
}

/**
 * Lays the tree for a machine into `tree`, made anew:
 *
 *     bin/        nightjar-server, nightjar-recorder, nightjar-root-door
 *     app/        server, shared, dist/web-desktop, node_modules
 *     runtime/    Node, ffmpeg, their libraries and loader
 *     licenses/   of all that comes along
 *     VERSION
 *
 * `cache` keeps what is fetched. The desktop must have been built.
 */
export async function layTree(tree: string, architecture: Architecture, cache: string): Promise<LaidTree> {
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(join(tree, 'bin'), { recursive: true })
  const debian = await unpackDebian(architecture, cache)
  const all = packagesFor(project, architecture)
  const isNode = ({ name }: { name: string }) => name.startsWith('node-linux-')
  const node = all.find(isNode)!
  const nodeFolder = await packageFolder(project, cache, node)
  const packages = all.filter((one) => !isNode(one))

  await layApp(tree, project, cache, packages, architecture)
  const addons = addonsIn(join(tree, 'app/node_modules'))
  const debianFiles = await layRuntime(tree, architecture, debian, join(nodeFolder, 'bin/node'), addons)
  const folders = await Promise.all(packages.map((one) => packageFolder(project, cache, one)))
  layLicenses(tree, {
    ...{ project, debian, debianFiles },
    packages: packages.map((one, i) => ({ ...one, folder: folders[i]! })),
    node: { folder: nodeFolder, version: node.version },
  })
  const findRoot = readFileSync(join(import.meta.dirname, 'starters/find-root'), 'utf8')
  for (const name of starters) writeStarter(join(tree, 'bin', name), name, { FIND_ROOT: findRoot })
  const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string }
  writeFileSync(join(tree, 'VERSION'), `${version}\n`)
  return { folder: tree, version }
}

// The server, the built desktop and the packages they use, without what only their development needs.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Architecture } from './architecture.ts'
import { copyPackage, type NodePackage, packageFolder } from './node-modules.ts'

/** Lays `app/` into `tree`, from the project's folder. The desktop has been built. */
export async function layApp(
  tree: string,
  project: string,
  cache: string,
  packages: NodePackage[],
  architecture: Architecture,
): Promise<void> {
  const app = join(tree, 'app')
  for (const folder of ['server', 'shared', 'dist/web-desktop']) {
    mkdirSync(dirname(join(app, folder)), { recursive: true })
    cpSync(join(project, folder), join(app, folder), { recursive: true, filter: (path) => !path.endsWith('.md') })
  }
  for (const one of packages) {
    copyPackage(await packageFolder(project, cache, one), join(app, one.path), one, architecture)
  }
  writeFileSync(join(app, 'package.json'), ownPackage(project))
}

/** package.json without scripts and what they need: nothing is installed from it. */
function ownPackage(project: string): string {
  const { name, version, description, license, type } = JSON.parse(
    readFileSync(join(project, 'package.json'), 'utf8'),
  ) as Record<string, string>
  return `${JSON.stringify({ name, version, description, license, private: true, type }, undefined, 2)}\n`
}

// An application tree as the package has it, made of these sources: small, with the libraries and Node of this machine.
import { cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeTestFolder } from '../test-folder.ts'

const root = resolve(import.meta.dirname, '../../..')

/** What a small tree is linked to, so has to be seen where it runs. */
export const linkedFolders = [realpathSync(join(root, 'node_modules'))]

const programs = {
  'nightjar-server': 'server/main.ts',
  'nightjar-recorder': 'server/recorder-main.ts',
  'nightjar-root-door': 'server/root-door-main.ts',
}

/** Lays the tree of `version`. */
export function laySmallTree(version: string): string {
  const tree = makeTestFolder()
  for (const folder of ['bin', 'app/dist/web-desktop', 'runtime/bin', 'licenses']) {
    mkdirSync(join(tree, folder), { recursive: true })
  }
  for (const folder of ['server', 'shared']) cpSync(join(root, folder), join(tree, 'app', folder), { recursive: true })
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>
  writeFileSync(join(tree, 'app/package.json'), JSON.stringify({ ...manifest, version }))
  writeFileSync(join(tree, 'app/dist/web-desktop/index.html'), '<!doctype html><title>Nightjar</title>')
  symlinkSync(linkedFolders[0]!, join(tree, 'app/node_modules'))
  symlinkSync(realpathSync(process.execPath), join(tree, 'runtime/bin/node'))
  for (const [name, program] of Object.entries(programs)) {
    const starter = `#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$root/runtime/bin/node" --max-semi-space-size=2 "$root/app/${program}" "$@"
`
    writeFileSync(join(tree, 'bin', name), starter, { mode: 0o755 })
  }
  writeFileSync(join(tree, 'VERSION'), `${version}\n`)
  return tree
}

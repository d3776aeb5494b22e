// Makes the packages that are installed: `./build.sh package [--arch x86_64|arm64] [--out FOLDER]`.
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { packArchive } from '../linux/pack-archive.ts'
import { check } from '../qpkg/check.ts'
import { pack } from '../qpkg/pack.ts'
import { architectureOf } from './architecture.ts'
import { layTree } from './lay-tree.ts'

const project = resolve(import.meta.dirname, '../..')

/** The day of the newest commit: part of the package's bytes, and so not of a clock. */
function builtOn(): string {
  const given = process.env['SOURCE_DATE_EPOCH']
  const seconds = given ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: project, encoding: 'utf8' })
  return new Date(Number(seconds) * 1000).toISOString().slice(0, 10).replaceAll('-', '')
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { arch: { type: 'string', default: 'x86_64' }, out: { type: 'string', default: join(project, 'dist') } },
  })
  const architecture = architectureOf(values.arch)
  const cache = join(project, '.cache/package')
  const tree = await layTree(join(cache, `tree-${values.arch}`), architecture, cache)
  const { path, sizeBytes, md5 } = await pack({
    sourceFolder: join(project, 'qpkg'),
    outFolder: values.out,
    architecture: architecture.qpkg,
    additions: ['bin', 'app', 'runtime', 'licenses', 'VERSION'].map((name) => ({
      source: join(tree.folder, name),
      destination: name,
    })),
    builtOn: builtOn(),
  })
  const { findings } = await check(path)
  for (const finding of findings) process.stderr.write(`${path}: ${finding}\n`)
  if (findings.length > 0) process.exitCode = 1
  process.stdout.write(`${path}: ${(sizeBytes / 1e6).toFixed(1)} MB, MD5 ${md5}\n`)
  const archive = await packArchive(tree.folder, values.out, tree.version, architecture.machine)
  process.stdout.write(`${archive}: ${(statSync(archive).size / 1e6).toFixed(1)} MB\n`)
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`package: ${error.message}\n`)
  process.exitCode = 1
})

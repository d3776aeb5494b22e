// Holds the layout: which folder may import which, names, and what the project must not speak of.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

const serverLadder = [
  'base',
  'db',
  'host',
  'media',
  'http',
  'log',
  'task',
  'network',
  'account',
  'privilege',
  'license',
  'schedule',
  'camera',
  'space',
  'stream',
  'recording',
  'event',
  'metadata',
  'view',
  'system',
  'desktop',
  'helpdesk',
  'backup',
  'compat',
]

/** Folders of equal standing share a rung: they may not import each other. */
const desktopLadder = [['base'], ['api', 'ui', 'player'], ['shell'], ['apps']]

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))

const sources = files.filter((file) => /\.(ts|js)$/.test(file) && !file.startsWith('test/'))

/** Paths, from the root, that a file imports from within the project. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import '([^']+)'/g,
    ),
  ]
  return found
    .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
    .filter((path) => path.startsWith('.'))
    .map((path) => relative(root, resolve(root, dirname(file), path)))
}

/** Packages that a file imports. */
function packagesOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/from '([^.'][^']*)'/g)]
    .map((match) => match[1]!)
    .filter((name) => !name.startsWith('node:'))
}

function offences(inFolder: string, mayImport: (file: string, imported: string) => boolean): string[] {
  return sources
    .filter((file) => file.startsWith(`${inFolder}/`))
    .flatMap((file) =>
      importsOf(file)
        .filter((imported) => !mayImport(file, imported))
        .map((imported) => `${file} → ${imported}`),
    )
}

describe('the house', () => {
  it('has shared import zod alone', () => {
    const wrong = offences('shared', (_, imported) => imported.startsWith('shared/'))
    const packages = sources
      .filter((file) => file.startsWith('shared/'))
      .flatMap((file) =>
        packagesOf(file)
          .filter((name) => name !== 'zod')
          .map((name) => `${file} → ${name}`),
      )

    assert.deepEqual([...wrong, ...packages], [])
  })

  it('has server folders import only what stands to their left', () => {
    const rung = (path: string) => serverLadder.indexOf(path.split('/')[1] ?? '')

    const wrong = offences('server', (file, imported) => {
      if (imported.startsWith('shared/')) return true
      if (!imported.startsWith('server/')) return false
      // app, main, config and version stand above and below all: main and app may import anything.
      const isTop = file.split('/').length === 2
      if (isTop) return true
      if (imported === 'server/version.ts' || imported === 'server/config.ts') return true
      return rung(imported) >= 0 && rung(imported) <= rung(file)
    })

    assert.deepEqual(wrong, [])
  })

  it('names every server folder in the ladder', () => {
    const folders = new Set(sources.filter((file) => /^server\/[^/]+\//.test(file)).map((file) => file.split('/')[1]!))

    assert.deepEqual(
      [...folders].filter((folder) => !serverLadder.includes(folder)),
      [],
    )
  })

  it('has media import only shared and itself, and touch neither socket, clock, disk nor database', () => {
    const wrong = offences('server/media', (_, imported) => /^(shared|server\/media)\//.test(imported))
    const impure = sources
      .filter((file) => file.startsWith('server/media/'))
      .filter((file) =>
        /from 'node:(fs|net|tls|http|dgram|dns|child_process|worker_threads|timers)/.test(
          readFileSync(join(root, file), 'utf8'),
        ),
      )

    assert.deepEqual([...wrong, ...impure], [])
  })

  it('has the desktop import only what stands to its left, and no app another', () => {
    const rung = (path: string) => desktopLadder.findIndex((folders) => folders.includes(path.split('/')[1] ?? ''))

    const wrong = offences('web-desktop', (file, imported) => {
      if (imported.startsWith('shared/') || imported.startsWith('package.json')) return true
      if (!imported.startsWith('web-desktop/')) return false
      if (file.split('/').length === 2) return true
      const [, folder, app] = file.split('/')
      const [, otherFolder, otherApp] = imported.split('/')
      if (folder === 'apps' && otherFolder === 'apps') return file === 'web-desktop/apps/index.ts' || app === otherApp
      return folder === otherFolder || (rung(imported) >= 0 && rung(imported) < rung(file))
    })

    assert.deepEqual(wrong, [])
  })

  it('has simulated cameras share no code with the server', () => {
    const wrong = offences('scripts/cameras', (_, imported) => imported.startsWith('scripts/cameras/'))

    assert.deepEqual(wrong, [])
  })

  it('has the fault rig’s oracle share no code with the recorder', () => {
    const wrong = offences('scripts/faults/oracle', (_, imported) => imported.startsWith('scripts/faults/oracle'))

    assert.deepEqual(wrong, [])
  })

  it('keeps the process’s own arguments, signals and end to the entry points', () => {
    const wrong = sources
      .filter((file) => file.startsWith('server/') && !/^server\/(recorder-|root-door-)?main\.ts$/.test(file))
      .filter((file) => /\bprocess\.(argv|exit\(|on\('(SIG|un))/.test(readFileSync(join(root, file), 'utf8')))

    assert.deepEqual(wrong, [])
  })

  it('has no file past 500 lines', () => {
    const long = files
      .filter((file) => /\.(ts|js|sh|c)$/.test(file))
      .filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 501)

    assert.deepEqual(long, [])
  })

  it('has documents link to files that are there', () => {
    const broken = files
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) => {
        const text = readFileSync(join(root, file), 'utf8')
        const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!)
        return links.filter((link) => !existsSync(join(root, dirname(file), link))).map((link) => `${file} → ${link}`)
      })

    assert.deepEqual(broken, [])
  })

  it('calls nothing utils, helpers or manager', () => {
    assert.deepEqual(
      files.filter((file) => /(^|\/)[^/]*(utils|helpers?|manager)[^/]*\.(ts|js)$/.test(file)),
      [],
    )
  })
})

// The shell scripts of the package run under whatever shell a firmware has.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { qpkgFolder } from '../../support/nas/test-package.ts'

const packager = resolve(import.meta.dirname, '../../../scripts/qpkg')
const scripts = [
  join(packager, 'header.sh'),
  join(packager, 'qinstall.sh'),
  join(qpkgFolder, 'package_routines'),
  ...readdirSync(join(qpkgFolder, 'shared')).map((file) => join(qpkgFolder, 'shared', file)),
]

describe('the shell scripts of the package', () => {
  it('are POSIX, as shellcheck sees it', () => {
    const { status, stdout } = spawnSync('shellcheck', ['-s', 'sh', ...scripts], { encoding: 'utf8' })

    assert.equal(status, 0, stdout)
  })

  for (const shell of [['bash'], ['bash', '--posix'], ['dash'], ['busybox', 'sh']]) {
    it(`are understood by ${shell.join(' ')}`, () => {
      for (const script of scripts) execFileSync(shell[0]!, [...shell.slice(1), '-n', script])
    })
  }

  it('use nothing that only some shells have, and load no libraries into the NAS’s tools', () => {
    const wrong = scripts.flatMap((script) =>
      readFileSync(script, 'utf8')
        .split('\n')
        .filter((line) => !line.trimStart().startsWith('#'))
        .filter((line) => /\[\[|[^=!<>]==[^=]|^\s*(source|local|declare|function) |LD_LIBRARY_PATH/.test(line))
        // The program of awk is no shell.
        .filter((line) => !/awk|index\(/.test(line))
        .map((line) => `${script}: ${line}`),
    )

    assert.deepEqual(wrong, [])
  })
})

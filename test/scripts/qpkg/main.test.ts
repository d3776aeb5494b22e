import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeTestFolder } from '../../support/test-folder.ts'

const root = resolve(import.meta.dirname, '../../..')

function qpkg(args: string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [join(root, 'scripts/qpkg/main.ts'), ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
}

describe('scripts/qpkg', () => {
  it('packs, and finds its own package good', () => {
    const out = makeTestFolder()

    const packed = qpkg(['pack', '--out', out, '--arch', 'arm_64'], { SOURCE_DATE_EPOCH: '1767312000' })
    const checked = qpkg(['check', join(out, 'Nightjar_0.1.0_arm_64.qpkg')])

    assert.equal(packed.status, 0, packed.stderr)
    assert.match(packed.stdout, /Nightjar_0\.1\.0_arm_64\.qpkg: \d+ bytes, MD5 [0-9a-f]{32}\n/)
    assert.equal(checked.status, 0, checked.stdout)
    assert.match(checked.stdout, /nothing is wrong with it\n$/)
  })

  it('ends with status 1 where one of several packages is damaged', () => {
    const out = makeTestFolder()
    qpkg(['pack', '--out', out, '--built', '20260102'])
    const good = join(out, 'Nightjar_0.1.0.qpkg')
    const damaged = join(out, 'damaged.qpkg')
    writeFileSync(damaged, readFileSync(good).subarray(0, -1))

    const checked = qpkg(['check', damaged, good])

    assert.equal(checked.status, 1)
    assert.match(checked.stdout, /WRONG trailer: .*cut short by 1 bytes/)
  })

  const refused: [string[], RegExp][] = [
    [['check', '/nowhere.qpkg'], /qpkg: open \/nowhere\.qpkg: ENOENT/],
    [['check'], /which package\?/],
    [['pack'], /--built: the day is needed/],
    [['unpack'], /no command is called unpack/],
    [[], /no command is called \(nothing\)/],
  ]
  for (const [args, message] of refused) {
    it(`refuses ${JSON.stringify(args.join(' '))}`, () => {
      const { status, stderr } = qpkg(args, { SOURCE_DATE_EPOCH: '' })

      assert.equal(status, 1)
      assert.match(stderr, message)
    })
  }
})

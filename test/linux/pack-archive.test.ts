import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { packArchive } from '../../scripts/linux/pack-archive.ts'
import { Gunzip } from '../../scripts/qpkg/fixed-gzip.ts'
import { listTar, type ReadMember } from '../../scripts/qpkg/tar-reader.ts'
import { Failure } from '../../shared/failure.ts'
import { laySmallTree } from '../support/linux/small-tree.ts'
import { makeTestFolder } from '../support/test-folder.ts'

describe('the archive for Linux', () => {
  let tree: string
  let path: string
  let members: ReadMember[]

  before(async () => {
    tree = laySmallTree('1.2.3')
    path = await packArchive(tree, makeTestFolder(), '1.2.3', 'x86_64')
    members = await listTar(new Gunzip([readFileSync(path)]))
  })

  it('is the same bytes wherever and whenever it is packed', async () => {
    const copy = makeTestFolder()
    cpSync(tree, copy, { recursive: true, verbatimSymlinks: true })
    utimesSync(join(copy, 'VERSION'), 1, 1)

    const again = await packArchive(copy, makeTestFolder(), '1.2.3', 'x86_64')

    assert.ok(readFileSync(again).equals(readFileSync(path)))
    const sum = createHash('sha256').update(readFileSync(path)).digest('hex')
    assert.equal(readFileSync(`${path}.sha256`, 'utf8'), `${sum}  nightjar-1.2.3-linux-x86_64.tar.gz\n`)
    assert.equal(basename(again), 'nightjar-1.2.3-linux-x86_64.tar.gz')
  })

  it('has the tree and its installer in one folder, of root and of no time, what can be run as programs', () => {
    const modes = new Map(members.map(({ name, mode }) => [name.slice('./nightjar-1.2.3-linux-x86_64/'.length), mode]))

    assert.deepEqual(
      members.filter(
        ({ name, uid, gid, mtimeSec }) =>
          !name.startsWith('./nightjar-1.2.3-linux-x86_64/') || uid + gid + mtimeSec !== 0,
      ),
      [],
    )
    for (const program of ['install.sh', 'bin/nightjar', 'bin/nightjar-recorder', 'linux/uninstall.sh']) {
      assert.equal(modes.get(program), 0o755, program)
    }
    for (const file of ['VERSION', 'app/server/main.ts', 'linux/nightjar.service']) {
      assert.equal(modes.get(file), 0o644, file)
    }
    const machine = members.find(({ name }) => name.endsWith('linux/architecture'))
    assert.equal(machine?.data?.toString(), 'x86_64\n')
    const names = members.map(({ name }) => Buffer.from(name))
    assert.deepEqual(names, names.toSorted(Buffer.compare))
  })

  const refused: [what: string, version: string, arch: string, says: RegExp][] = [
    ['a version that is none', 'latest', 'x86_64', /version: must be three numbers/],
    ['another version than the tree’s', '1.2.4', 'x86_64', /is 1\.2\.3, not 1\.2\.4/],
    ['a machine that is none', '1.2.3', 'riscv64', /arch: must be one of x86_64, aarch64, arm64, not "riscv64"/],
  ]
  for (const [what, version, arch, says] of refused) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(packArchive(tree, makeTestFolder(), version, arch), says)
    })
  }

  it('refuses a tree without one of its programs', async () => {
    const copy = makeTestFolder()
    cpSync(tree, copy, { recursive: true, verbatimSymlinks: true })
    rmSync(join(copy, 'bin/nightjar-recorder'))
    writeFileSync(join(copy, 'bin/other'), '')

    await assert.rejects(
      packArchive(copy, makeTestFolder(), '1.2.3', 'x86_64'),
      (error: unknown) => error instanceof Failure && /bin\/nightjar-recorder is missing/.test(error.message),
    )
  })
})

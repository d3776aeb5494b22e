import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { collect } from '../../../scripts/qpkg/fixed-gzip.ts'
import { listTar } from '../../../scripts/qpkg/tar-reader.ts'
import { fileMember, folderMember, type TarMember, writeTar } from '../../../scripts/qpkg/tar-writer.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const longName = `./${'a-folder-of-many-letters/'.repeat(6)}file.txt`
const members: TarMember[] = [
  folderMember('./'),
  folderMember('./bin/'),
  fileMember('./bin/start', Buffer.from('#!/bin/sh\n'), 0o755),
  { name: './bin/again', kind: 'link', mode: 0o777, sizeBytes: 0, target: 'start' },
  { name: './far', kind: 'link', mode: 0o777, sizeBytes: 0, target: `${'../'.repeat(40)}far` },
  fileMember(longName, Buffer.alloc(1025, 'x')),
]

async function readAll(bytes: Uint8Array, chunkBytes = 1000) {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, at) =>
    bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes),
  )
  return await listTar(chunks)
}

describe('the tar writer', () => {
  it('writes a header as GNU tar lays it out', async () => {
    const archive = await collect(writeTar([fileMember('control.tar.gz', Buffer.from('seven b'), 0o644)]))

    const fields: [string, number, string][] = [
      ['name', 100, 'control.tar.gz'],
      ['mode', 8, '0000644'],
      ['uid', 8, '0000000'],
      ['gid', 8, '0000000'],
      ['size', 12, '00000000007'],
      ['mtime', 12, '00000000000'],
      ['sum', 8, ''],
      ['typeflag', 1, '0'],
      ['link name', 100, ''],
      ['magic and version', 8, 'ustar  '],
      ['owner to the end', 247, ''],
    ]
    let at = 0
    let sum = 8 * 0x20
    for (const [field, length, value] of fields) {
      const expected = Buffer.alloc(length)
      expected.write(value, 'latin1')
      if (field !== 'sum') assert.deepEqual(archive.subarray(at, at + length), expected, field)
      sum += expected.reduce((total, byte) => total + byte, 0)
      at += length
    }
    assert.equal(at, 512)
    assert.equal(archive.toString('latin1', 148, 156), `${sum.toString(8).padStart(6, '0')}\0 `)
    assert.equal(archive.toString('latin1', 512, 519), 'seven b')
    assert.equal(archive.length, 10_240)
    assert.ok(archive.subarray(519).every((byte) => byte === 0))
  })

  it('is read back the same, long names and links included', async () => {
    const read = await readAll(await collect(writeTar(members)))

    assert.deepEqual(
      read.map(({ name, kind, mode, target, sizeBytes }) => ({ name, kind, mode, target, sizeBytes })),
      members.map(({ name, kind, mode, target, sizeBytes }) => ({ name, kind, mode, target: target ?? '', sizeBytes })),
    )
    assert.equal(read[2]!.data?.toString(), '#!/bin/sh\n')
    assert.equal(read[5]!.data?.length, 1025)
  })

  for (const tool of [['tar'], ['busybox', 'tar']]) {
    it(`is unpacked by ${tool.join(' ')}`, async () => {
      const folder = makeTestFolder()
      writeFileSync(join(folder, 'made.tar'), await collect(writeTar(members)))

      execFileSync(tool[0]!, [...tool.slice(1), '-xf', 'made.tar'], { cwd: folder })

      const found = execFileSync('find', ['.', '!', '-type', 'd', '-printf', '%p %l %m %s\n'], {
        cwd: folder,
        encoding: 'utf8',
      })
      assert.deepEqual(
        found
          .split('\n')
          .filter((line) => !line.includes('made.tar') && line !== '')
          .sort(),
        [
          `${longName}  644 1025`,
          './bin/again start 777 5',
          './bin/start  755 10',
          `./far ${'../'.repeat(40)}far 777 123`,
        ].sort(),
      )
    })
  }

  it('fails where a file is shorter than was said', async () => {
    const member: TarMember = { ...fileMember('./short', Buffer.from('abc')), sizeBytes: 4 }

    await assert.rejects(collect(writeTar([member])), /write \.\/short into an archive: 3 bytes of 4/)
  })

  it('fails on a file of 8 GiB', async () => {
    const member: TarMember = { ...fileMember('./big', Buffer.alloc(0)), sizeBytes: 8 * 1024 ** 3 }

    await assert.rejects(collect(writeTar([member])), /8589934592 bytes, the most is 8 GiB/)
  })
})

describe('the tar reader', () => {
  it('reads what the system’s tar writes in its other formats', async () => {
    for (const format of ['v7', 'ustar', 'pax', 'gnu']) {
      const folder = makeTestFolder()
      const name = format === 'v7' ? 'short.txt' : `${'d'.repeat(90)}/${'e'.repeat(90)}.txt`
      const script = 'mkdir -p "$(dirname "$1")" && echo text >"$1" && tar --format="$0" -cf all.tar "$1"'
      execFileSync('sh', ['-c', script, format, name], { cwd: folder })

      const read = await readAll(readFileSync(join(folder, 'all.tar')))

      assert.deepEqual(
        read.map(({ name: found, data }) => [found, data?.toString()]),
        [[name, 'text\n']],
        format,
      )
    }
  })

  const archiveOf = (name: string) => collect(writeTar([fileMember(name, Buffer.from('abc'))]))
  const withByte = async (at: number) => {
    const archive = await archiveOf('./a')
    archive.writeUInt8(archive[at]! ^ 1, at)
    return archive
  }
  const cutTo = async (sizeBytes: number) => (await archiveOf('./a')).subarray(0, sizeBytes)
  const wrongs: [string, () => Promise<Buffer>, RegExp][] = [
    ['a changed header', () => withByte(0), /byte 0 of the archive: the sum of a member’s header is wrong/],
    ['padding that is not zeros', () => withByte(600), /byte 515 .*what pads \.\/a is not zeros/],
    ['something behind the end', () => withByte(9000), /something stands behind the end/],
    ['content cut short', () => cutTo(514), /byte 514 .*ends 1 bytes short, within \.\/a/],
    ['one empty block at the end', () => cutTo(1536), /the second of the two empty blocks/],
    ['no end', () => cutTo(1024), /the header of a member/],
    ['a name that leaves the folder', () => archiveOf('../a'), /called "\.\.\/a"/],
    ['an absolute name', () => archiveOf('/etc/passwd'), /called "\/etc\/passwd"/],
  ]
  for (const [what, make, message] of wrongs) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(readAll(await make()), message)
    })
  }
})

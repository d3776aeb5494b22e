import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check } from '../../../scripts/qpkg/check.ts'
import { collect, gzip } from '../../../scripts/qpkg/fixed-gzip.ts'
import { sealHeader, writeHeader } from '../../../scripts/qpkg/header.ts'
import { fileMember, folderMember, type TarMember, writeTar } from '../../../scripts/qpkg/tar-writer.ts'
import { encryptNumber, writeTrailer } from '../../../scripts/qpkg/trailer.ts'
import { packRelease } from '../../support/nas/test-package.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const folder = makeTestFolder()
let good: Buffer
let controlAt: number
let dataAt: number
let contentEnd: number
let files = 0

async function findings(bytes: Uint8Array): Promise<string[]> {
  const path = join(folder, `${files++}.qpkg`)
  writeFileSync(path, bytes)
  return (await check(path)).findings.map(({ part, text }) => `${part}: ${text}`)
}

/** The package with other text at a byte. */
function written(at: number, text: string): Buffer {
  const copy = Buffer.from(good)
  copy.write(text, at, 'latin1')
  return copy
}

/** The package with bits of one byte turned over. */
function flipped(at: number, bits: number): Buffer {
  const copy = Buffer.from(good)
  copy.writeUInt8(copy[at]! ^ bits, at)
  return copy
}

/** The package with other lines in its header, which is sealed again. */
function withHeader(change: (text: string) => string): Buffer {
  const header = change(good.toString('latin1', 0, controlAt))
  return Buffer.concat([sealHeader(Buffer.from(header, 'latin1')), good.subarray(controlAt)])
}

const controlMembers: TarMember[] = [
  folderMember('./'),
  fileMember('./conf.tar.gz', Buffer.alloc(0)),
  fileMember('./qpkg.cfg', Buffer.from('QPKG_NAME="Demo"\nQPKG_VER="1"\nQPKG_AUTHOR="Us"\n')),
  fileMember('./md5sum', Buffer.alloc(0)),
  fileMember('./built_info', Buffer.alloc(0)),
  fileMember('./package_routines', Buffer.alloc(0)),
  fileMember('./qinstall.sh', Buffer.from('#!/bin/sh\n'), 0o755),
]

/** A package of any parts, with sums that fit. */
async function assembled(control: TarMember[], options: { extra?: Buffer; area?: Buffer; data?: Buffer } = {}) {
  const { extra = Buffer.alloc(0), area = Buffer.alloc(0) } = options
  const controlPart = await collect(writeTar([fileMember('control.tar.gz', await collect(gzip(writeTar(control))))]))
  const data = options.data ?? (await collect(gzip(writeTar([folderMember('./')]))))
  const padded = Buffer.concat([data, Buffer.alloc((1024 - (data.length % 1024)) % 1024)])
  const sum = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex')
  const plain = writeHeader({
    ...{ name: 'Demo', version: '1', machine: '', controlMd5: sum(controlPart), dataMd5: sum(padded) },
    ...{ controlBytes: controlPart.length, dataBytes: padded.length },
  })
  const step = extra.length === 0 ? '' : `  offset=$(/usr/bin/expr "$offset" + ${extra.length})\n`
  const header = plain.toString('latin1').replace(`\n}\n\nmain()`, `\n${step}}\n\nmain()`)
  // The step takes the place of blank lines.
  const fitted = header.replace('\n'.repeat(step.length + 1), '\n')
  const parts = [sealHeader(Buffer.from(fitted, 'latin1')), controlPart, padded, extra, area]
  const sizeBytes = parts.reduce((total, part) => total + part.length, 100)
  return Buffer.concat([...parts, writeTrailer('Demo', '1', sizeBytes)])
}

describe('the check of a package', () => {
  before(async () => {
    good = readFileSync((await packRelease('0.1.0')).path)
    const number = (pattern: RegExp) => Number(pattern.exec(good.toString('latin1'))![1])
    controlAt = number(/^script_len=(\d+)$/m)
    dataAt = controlAt + number(/\$script_len \+ (\d+)/)
    contentEnd = good.length - 100
  })

  it('finds nothing wrong with what was packed', async () => {
    assert.deepEqual(await findings(good), [])
    assert.deepEqual(await findings(await assembled(controlMembers)), [])
  })

  it('shows each part with its place and size', async () => {
    const path = join(folder, 'good.qpkg')
    writeFileSync(path, good)

    const report = await check(path)

    const parts = report.rows.filter(({ part, atByte }) => !part.startsWith(' ') && atByte !== undefined)
    assert.deepEqual(
      parts.map(({ part, atByte, sizeBytes }) => [part, atByte, sizeBytes]),
      [
        ['header', 0, controlAt],
        ['control', controlAt, dataAt - controlAt],
        ['data', dataAt, contentEnd - dataAt],
        ['trailer', contentEnd, 100],
      ],
    )
    assert.match(report.toText(), /data {2,}\d+ {2}0755 file {3}\.\/bin\/nightjar-server/)
  })

  it('finds every truncation', async () => {
    const lengths = new Set([0, 1, 50, 99, 100, 101])
    for (const edge of [controlAt, controlAt + 512, dataAt, contentEnd, good.length]) {
      for (let by = -3; by <= 3; by++) lengths.add(edge + by)
    }
    for (let length = 11; length < good.length; length += 211) lengths.add(length)
    for (let length = good.length - 110; length < good.length; length++) lengths.add(length)

    for (const length of lengths) {
      if (length >= good.length) continue
      assert.notDeepEqual(await findings(good.subarray(0, length)), [], `cut to ${length} bytes`)
    }
  })

  it('finds every changed byte', async () => {
    const places = new Set<number>()
    for (let at = 0; at < good.length; at += 67) places.add(at)
    // Heads and edges: what carries no sum of its own, if anything does.
    for (const start of [0, controlAt - 20, controlAt, controlAt + 500, dataAt - 20, dataAt, contentEnd - 20]) {
      for (let at = start; at < start + 40; at++) places.add(at)
    }
    for (let at = contentEnd; at < good.length; at++) places.add(at)

    for (const at of places) {
      const bit = 1 << (at % 7)
      assert.notDeepEqual(await findings(flipped(at, bit)), [], `byte ${at} changed`)
    }
  })

  it('finds a byte lost or put in anywhere, though the trailer is whole', async () => {
    for (let at = 5; at < contentEnd; at += 311) {
      for (const middle of [Buffer.alloc(0), Buffer.from([good[at]!, good[at]!])]) {
        const bytes = Buffer.concat([good.subarray(0, at), middle, good.subarray(at + 1)])
        bytes.write(encryptNumber(bytes.length), bytes.length - 60)
        assert.notDeepEqual(await findings(bytes), [], `at byte ${at}`)
      }
    }
  })

  const wrongs: [string, () => Buffer | Promise<Buffer>, RegExp][] = [
    ['a file without its last byte', () => good.subarray(0, -1), /trailer: .*cut short by 1 bytes at its end/],
    [
      'a byte too many at the end',
      () => Buffer.concat([good, Buffer.from(' ')]),
      /trailer: .*1 bytes too many follow it/,
    ],
    [
      'a wrong encrypt number',
      () => written(good.length - 60, '1000000000'),
      /trailer: encrypt is "1000000000", a file of \d+ bytes has "1\d{9}"/,
    ],
    ['another flag', () => written(good.length - 10, 'X'), /trailer: the flag is "XNAPQPKG {2}", not/],
    ['a model', () => written(good.length - 100, 'TS'), /trailer: model is "TS {8}", not blank/],
    [
      'another name in the trailer',
      () => written(good.length - 40, 'X'),
      /trailer: it says "Xightjar" where QPKG_NAME is "Nightjar"/,
    ],
    [
      'a file that ends in its data part',
      () => good.subarray(0, dataAt + 9),
      /data: the file ends within it, at byte \d+/,
    ],
    ['a file that ends in its control part', () => good.subarray(0, controlAt + 9), /control: the file ends within it/],
    ['a file that ends in its header', () => good.subarray(0, controlAt - 9), /header: the file ends within it/],
    ['a changed script', () => written(200, '#'), /header: the sum of the script is wrong/],
    [
      'a dd that copies too little',
      () =>
        withHeader((text) =>
          text.replace(/count=\d+ of="\$temp\/data/, (found) =>
            found.replace(/\d+/, (count) => String(Number(count) - 1)),
          ),
        ),
      /header: its dd copies \d+ blocks of 1024 bytes, the data part has \d+ bytes/,
    ],
    [
      'a data part that is not padded',
      () =>
        withHeader((text) => text.replace(/("\$offset" \+ )(\d+)/, (_, head, count) => `${head}${Number(count) - 1}`)),
      /data: it is not padded: \d+ bytes are no multiple of 1024/,
    ],
    ['a data part that is no gzip', () => written(dataAt, 'XX'), /data: it cannot be unpacked: incorrect header check/],
    ['a data part with a flipped bit', () => flipped(dataAt + 3000, 4), /data: (it cannot be unpacked|its MD5 is)/],
    [
      'something in the data part’s padding',
      () => flipped(contentEnd - 1, 1),
      /data: (byte \d+ is not 0|it cannot be unpacked)/,
    ],
    ['a control part with a flipped bit', () => flipped(controlAt + 700, 4), /control: /],
    ['no installer', () => assembled(controlMembers.slice(0, -1)), /control: \.\/qinstall\.sh is missing from it/],
    [
      'members in another order',
      () => assembled([...controlMembers].reverse()),
      /control: its members stand as \.\/qinstall\.sh .*, not as \.\/ /,
    ],
    [
      'an installer that cannot be run',
      () => assembled(controlMembers.with(6, fileMember('./qinstall.sh', Buffer.alloc(0), 0o644))),
      /control: \.\/qinstall\.sh has mode 644/,
    ],
    [
      'a config without its fields',
      () =>
        assembled(controlMembers.with(2, fileMember('./qpkg.cfg', Buffer.from('QPKG_NAME="Demo"\nQPKG_VER="1"\n')))),
      /control: qpkg\.cfg has no QPKG_AUTHOR/,
    ],
    [
      'a name over 20 characters',
      () =>
        assembled(
          controlMembers.with(
            2,
            fileMember(
              './qpkg.cfg',
              Buffer.from('QPKG_NAME="ANameOfTwentyOneChars"\nQPKG_VER="1"\nQPKG_AUTHOR="Us"\n'),
            ),
          ),
        ),
      /control: QPKG_NAME has 21 characters, the most is 20/,
    ],
    [
      'a config file whose sum is another',
      async () => {
        const conf = await collect(gzip(writeTar([fileMember('./etc/config/a.conf', Buffer.from('text'))])))
        const sums = Buffer.from(`/etc/config/a.conf = ${'0'.repeat(32)}\n`)
        return await assembled(
          controlMembers.with(1, fileMember('./conf.tar.gz', conf)).with(3, fileMember('./md5sum', sums)),
        )
      },
      /control: conf\.tar\.gz: \/etc\/config\/a\.conf must have MD5 0{32}, and is [0-9a-f]{32}/,
    ],
    [
      'a service program that is missing',
      () =>
        assembled(
          controlMembers.with(
            2,
            fileMember(
              './qpkg.cfg',
              Buffer.from('QPKG_NAME="Demo"\nQPKG_VER="1"\nQPKG_AUTHOR="Us"\nQPKG_SERVICE_PROGRAM="a.sh"\n'),
            ),
          ),
        ),
      /data: a\.sh is missing, the program of QPKG_SERVICE_PROGRAM/,
    ],
    [
      'bytes between content and trailer',
      () => assembled(controlMembers, { area: Buffer.from('junk') }),
      /signature: 4 bytes stand between/,
    ],
    [
      'an extra part that is no tar',
      () => assembled(controlMembers, { extra: Buffer.alloc(1024, 'x') }),
      /extra: byte 0 of the archive/,
    ],
    ['a file that is no package', () => Buffer.alloc(5000, 'x'), /header: the file does not begin with #!\/bin\/sh/],
  ]
  for (const [what, make, message] of wrongs) {
    it(`names ${what}`, async () => {
      const found = await findings(await make())

      assert.ok(
        found.some((text) => message.test(text)),
        found.join('\n') || 'nothing was found',
      )
    })
  }

  it('finds nothing wrong with an extra part', async () => {
    const extra = await collect(writeTar([fileMember('./more', Buffer.from('more'))]))

    assert.deepEqual(await findings(await assembled(controlMembers, { extra })), [])
  })

  it('tells a signature of this content from another', async () => {
    const unsigned = await assembled(controlMembers)
    const signed = async (digestOf: Buffer) => {
      const payload = signDigest(createHash('sha1').update(digestOf).digest())
      const head = Buffer.from([0x51, 0x44, 0x4b, 0xfe, 0, 0, 0, 0]) // "QDK", a code signature, its length
      head.writeUInt32BE(payload.length, 4)
      return await assembled(controlMembers, { area: Buffer.concat([head, payload, Buffer.from([0xff])]) })
    }

    assert.deepEqual(await findings(await signed(unsigned.subarray(0, -100))), [])
    const [finding] = await findings(await signed(Buffer.from('another content')))
    assert.match(finding!, /signature: the code signature is not one of this content/)
  })

  it('reads the numbers of a header as QDK writes it', async () => {
    const control = await collect(
      writeTar([fileMember('control.tar.gz', await collect(gzip(writeTar(controlMembers))))]),
    )
    const data = await collect(gzip(writeTar([folderMember('./')])))
    const padded = Buffer.concat([data, Buffer.alloc(1024 - data.length)])
    const script = (lengthBytes: number) =>
      `#!/bin/sh\nscript_len=${lengthBytes}\noffset=$(/usr/bin/expr $script_len + ${control.length})\n` +
      '/bin/dd if="$0" bs=$offset skip=1 | /bin/cat | /bin/dd bs=1024 count=1 of=$_EXTRACT_DIR/data.tar.gz\n' +
      `offset=$(/usr/bin/expr $offset + ${padded.length})\nexit 1\n`
    const header = Buffer.from(script(script(100).length))
    const sizeBytes = header.length + control.length + padded.length + 100

    const found = await findings(Buffer.concat([header, control, padded, writeTrailer('Demo', '1', sizeBytes)]))

    assert.deepEqual(found, [])
  })
})

/** S/MIME text that holds the digest, as code signatures do. */
function signDigest(digest: Buffer): Buffer {
  const keys = makeTestFolder()
  const openssl = (args: string[], input?: Buffer) =>
    execFileSync('openssl', args, { cwd: keys, input, stdio: ['pipe', 'pipe', 'ignore'] })
  openssl([
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'key',
    '-out',
    'certificate',
    '-subj',
    '/CN=test',
  ])
  return openssl(['cms', '-sign', '-binary', '-nodetach', '-signer', 'certificate', '-inkey', 'key'], digest)
}

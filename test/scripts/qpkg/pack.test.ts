import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type PackOptions, pack } from '../../../scripts/qpkg/pack.ts'
import { parseAddition } from '../../../scripts/qpkg/source-tree.ts'
import { listTar } from '../../../scripts/qpkg/tar-reader.ts'
import { encryptNumber } from '../../../scripts/qpkg/trailer.ts'
import { version } from '../../../server/version.ts'
import { changedSource, qpkgFolder } from '../../support/nas/test-package.ts'
import { makeTestFolder } from '../../support/test-folder.ts'

const plain = (options: Partial<PackOptions> = {}): PackOptions => ({
  sourceFolder: qpkgFolder,
  outFolder: makeTestFolder(),
  additions: [],
  architecture: 'x86_64',
  builtOn: '20260102',
  ...options,
})

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

describe('a package', () => {
  it('is header, control part, data part and trailer, end to end', async () => {
    const { path } = await pack(plain())

    const bytes = readFileSync(path)
    const text = bytes.toString('latin1')
    const scriptBytes = Number(/^script_len=(\d+)$/m.exec(text)![1])
    const controlBytes = Number(/^ {2}offset=\$\(\/usr\/bin\/expr \$script_len \+ (\d+)\)$/m.exec(text)![1])
    const dataBytes = Number(/^ {2}offset=\$\(\/usr\/bin\/expr "\$offset" \+ (\d+)\)$/m.exec(text)![1])
    const dataBlocks = Number(/bs=1024 .*count=(\d+) of="\$temp\/data\.tar\.gz"/.exec(text)![1])
    const dataAt = scriptBytes + controlBytes
    // Header.
    assert.equal(text.slice(0, 10), '#!/bin/sh\n')
    assert.equal(text.slice(scriptBytes - 7, scriptBytes), 'exit 1\n')
    assert.equal(scriptBytes % 1024, 0)
    // control.tar: one member, whole records of 10240.
    assert.equal(controlBytes % 10_240, 0)
    assert.equal(text.slice(scriptBytes, scriptBytes + 15), 'control.tar.gz\0')
    assert.equal(text.slice(scriptBytes + 257, scriptBytes + 265), 'ustar  \0')
    assert.equal(bytes.toString('hex', scriptBytes + 512, scriptBytes + 522), '1f8b0800000000000003')
    // data.tar.gz: zeros up to a multiple of 1024.
    assert.equal(bytes.toString('hex', dataAt, dataAt + 10), '1f8b0800000000000003')
    assert.equal(dataBytes % 1024, 0)
    assert.equal(dataBlocks, dataBytes / 1024)
    // Trailer: nothing stands before it.
    const trailer = text.slice(dataAt + dataBytes)
    assert.equal(trailer.length, 100)
    assert.equal(trailer.slice(0, 40), ' '.repeat(40)) // model, reserved, tmp, auth_encrypt
    assert.equal(trailer.slice(40, 50), encryptNumber(bytes.length)) // encrypt
    assert.equal(trailer.slice(50, 60), ' '.repeat(10)) // fw_version
    assert.equal(trailer.slice(60, 80), 'Nightjar'.padEnd(20)) // name
    assert.equal(trailer.slice(80, 90), version.padEnd(10)) // version
    assert.equal(trailer.slice(90), 'QNAPQPKG  ') // flag
  })

  it('has in its control part what an installer reads, in QDK’s order', async () => {
    const { path } = await pack(plain())

    const bytes = readFileSync(path)
    const scriptBytes = Number(/^script_len=(\d+)$/m.exec(bytes.toString('latin1'))![1])
    const [archive] = await listTar([bytes.subarray(scriptBytes, scriptBytes + 10_240)])
    const control = await listTar([gunzipSync(archive!.data!)])
    assert.deepEqual(
      control.map(({ name, mode, uid, gid, mtimeSec }) => [name, mode.toString(8), uid, gid, mtimeSec]),
      [
        ['./', '755', 0, 0, 0],
        ['./conf.tar.gz', '644', 0, 0, 0],
        ['./qpkg.cfg', '644', 0, 0, 0],
        ['./md5sum', '644', 0, 0, 0],
        ['./built_info', '644', 0, 0, 0],
        ['./package_routines', '644', 0, 0, 0],
        ['./qinstall.sh', '755', 0, 0, 0],
      ],
    )
    assert.equal(control[4]!.data!.toString(), 'time = 20260102\n')
    assert.deepEqual(control[2]!.data, readFileSync(join(qpkgFolder, 'qpkg.cfg')))
  })

  it('is the same whoever packs it, wherever and whenever', async () => {
    const copy = join(makeTestFolder(), 'elsewhere')
    cpSync(qpkgFolder, copy, { recursive: true })
    chmodSync(join(copy, 'shared/nightjar.sh'), 0o600)
    utimesSync(join(copy, 'shared/nightjar.sh'), 1e9, 1e9)

    const first = await pack(plain())
    const umask = process.umask(0o077)
    const second = await pack(plain({ sourceFolder: copy })).finally(() => process.umask(umask))

    assert.equal(first.md5, second.md5)
    assert.deepEqual(readFileSync(first.path), readFileSync(second.path))
  })

  it('has its MD5 beside it, as md5sum checks it', async () => {
    const { path, md5: sum, sizeBytes } = await pack(plain())

    assert.equal(sum, md5(readFileSync(path)))
    assert.equal(sizeBytes, readFileSync(path).length)
    execFileSync('md5sum', ['-c', `${path}.md5`], { cwd: join(path, '..') })
  })

  it('takes further files and folders, and makes what can be run runnable', async () => {
    const folder = makeTestFolder()
    mkdirSync(join(folder, 'app/lib'), { recursive: true })
    writeFileSync(join(folder, 'app/main.ts'), 'export {}\n')
    writeFileSync(join(folder, 'app/lib/x.so'), '\x7fELFxyz', 'latin1')
    writeFileSync(join(folder, 'run'), '#!/bin/sh\n', { mode: 0o600 })
    symlinkSync('x.so', join(folder, 'app/lib/y.so'))
    const additions = [`${join(folder, 'app')}=app`, `${join(folder, 'run')}=bin/nightjar-server`].map(parseAddition)

    const { path } = await pack(plain({ additions }))

    const bytes = readFileSync(path)
    const scriptBytes = Number(/^script_len=(\d+)$/m.exec(bytes.toString('latin1'))![1])
    const data = await listTar([gunzipSync(bytes.subarray(scriptBytes + 10_240, -100))])
    const listed = data.map(({ name, mode, target }) => `${mode.toString(8)} ${name} ${target}`.trim())
    assert.deepEqual(listed, [
      '755 ./',
      '644 ./.qpkg_icon.gif',
      '644 ./.qpkg_icon_80.gif',
      '644 ./.qpkg_icon_gray.gif',
      '755 ./app/',
      '755 ./app/lib/',
      '755 ./app/lib/x.so',
      '777 ./app/lib/y.so x.so',
      '644 ./app/main.ts',
      '755 ./bin/',
      '755 ./bin/nightjar-server',
      '755 ./nightjar-mounted.sh',
      '755 ./nightjar-unmounting.sh',
      '755 ./nightjar.sh',
    ])
  })

  it('leaves nothing half-made where packing fails', async () => {
    const options = plain({ additions: [{ source: '/nowhere/app', destination: 'app' }] })

    await assert.rejects(pack(options), /pack \/nowhere\/app: it is not there/)

    assert.equal(execFileSync('find', [options.outFolder, '-type', 'f'], { encoding: 'utf8' }), '')
  })
})

describe('packing', () => {
  const refused: [string, string | undefined, RegExp][] = [
    ['QPKG_NAME', undefined, /QPKG_NAME: is missing from qpkg\.cfg/],
    ['QPKG_NAME', 'NightjarNightjarNight', /QPKG_NAME: "NightjarNightjarNight" is not .* 20 characters at most/],
    ['QPKG_NAME', 'Night jar', /QPKG_NAME: "Night jar" is not a letter/],
    ['QPKG_VER', '', /QPKG_VER: is missing/],
    ['QPKG_VER', '0.1.0-alpha', /QPKG_VER: "0\.1\.0-alpha" is not .* 10 characters at most/],
    ['QPKG_AUTHOR', undefined, /QPKG_AUTHOR: is missing/],
    ['QPKG_SUMMARY', '$(reboot)', /qpkg\.cfg: line \d+ is no plain KEY="value"/],
    ['QPKG_WEB_PORT', '65536', /QPKG_WEB_PORT: 65536 is not a port/],
    ['QPKG_VOLUME_SELECT', '5', /QPKG_VOLUME_SELECT: "5" is not one of 0, 1, 2, 3, 4/],
    ['QPKG_DESKTOP_APP_WIN_WIDTH', '1179', /"1179" is not 1 to 1178 pixels/],
    ['QPKG_DESKTOP_APP_WIN_HEIGHT', '601', /"601" is not 1 to 600 pixels/],
    ['QTS_MINI_VERSION', '5', /QTS_MINI_VERSION: "5" is not MAJOR\.MINOR\.BUILD/],
    ['QPKG_WEBUI', 'qvrpro', /QPKG_WEBUI: "qvrpro" is not a path that begins with \//],
    ['QPKG_REQUIRE', 'container-station', /QPKG_REQUIRE: is no field that our installer carries out/],
    ['QPKG_SERVICE_PROGRAM', 'gone.sh', /QPKG_SERVICE_PROGRAM: gone\.sh is not in the package/],
  ]
  for (const [field, value, message] of refused) {
    it(`refuses ${field} ${value === undefined ? 'missing' : JSON.stringify(value)}`, async () => {
      await assert.rejects(pack(plain({ sourceFolder: changedSource(field, value) })), message)
    })
  }

  for (const value of ['1', '999', '1000', '1099', '1100', '1178']) {
    it(`takes a window ${value} pixels wide`, async () => {
      await pack(plain({ sourceFolder: changedSource('QPKG_DESKTOP_APP_WIN_WIDTH', value) }))
    })
  }

  for (const missing of ['qpkg.cfg', 'package_routines', 'shared', 'icons/Nightjar_80.png']) {
    it(`names ${missing} where it is missing`, async () => {
      const sourceFolder = changedSource('QPKG_VER', '1')
      rmSync(join(sourceFolder, missing), { recursive: true })

      await assert.rejects(pack(plain({ sourceFolder })), new RegExp(`${missing} is missing`))
    })
  }

  it('refuses two things of one name', async () => {
    const additions = [{ source: join(qpkgFolder, 'qpkg.cfg'), destination: 'nightjar.sh' }]

    await assert.rejects(
      pack(plain({ additions })),
      /as \.\/nightjar\.sh: .*shared\/nightjar\.sh has that name already/,
    )
  })

  for (const text of ['app', 'app=', 'app=/etc', 'app=../x', '=x']) {
    it(`refuses --add ${text}`, () => {
      assert.throws(() => parseAddition(text), /is not SOURCE=DESTINATION/)
    })
  }

  it('refuses a day that is none', async () => {
    await assert.rejects(pack(plain({ builtOn: '20261301' })), /--built: "20261301" is not a day as YYYYMMDD/)
  })

  it('refuses an architecture that it does not know', async () => {
    await assert.rejects(pack(plain({ architecture: 'mips' })), /--arch: "mips" is not x86_64 or arm_64/)
  })
})
